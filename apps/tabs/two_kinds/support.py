"""The lab "only the support vectors matter": the others are deleted, and an SVM and a Gaussian model fitted again."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np
from torch import Tensor

from apps import limits, links, player, wiring
from apps.tabs.two_kinds import missing, plane
from apps.tabs.two_kinds.plane import Sample
from apps.wiring import QUIET
from tutorial.data.digits import DataError
from tutorial.data.principal import zeros_and_ones
from tutorial.figures.contours import largest_move
from tutorial.two_kinds import kinds
from tutorial.two_kinds.discriminative import LinearSVM
from tutorial.two_kinds.generative import Generative

GAUSSIANS = (kinds.QDA, kinds.LDA)
DEFAULTS: dict[str, Any] = {"gaussian": kinds.QDA, "strength": 0.0, "digits": 200}
NOT_SETTLED = "The SVM's solver was stopped before its end."


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked."""

    gaussian: str
    strength: float
    digits: int


def check(gaussian: Any, strength: Any, digits: Any) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    return Wish(
        limits.choice("The Gaussian model", gaussian, GAUSSIANS),
        limits.number("log₁₀ C", strength, -2, 2),
        limits.whole("The number of digits", digits, plane.FEWEST, plane.MOST),
    )


@dataclass(frozen=True)
class Fits:
    """Both models, fitted to the same points; or why the Gaussian one could not be."""

    svm: LinearSVM
    gaussian: Generative | None
    why_not: str = ""

    @property
    def odds(self) -> Callable[[Tensor], Tensor] | None:
        """The Gaussian model's log-odds, if there is one."""
        return None if self.gaussian is None else self.gaussian.log_odds


def fits(wish: Wish, sample: Sample) -> Fits:
    """Raises gr.Error if the SVM cannot be fitted."""
    try:
        svm = LinearSVM(10**wish.strength).fit(sample.x, sample.y)
    except ValueError as error:
        raise limits.refuse(str(error)) from error
    try:
        return Fits(svm, plane.generative(wish.gaussian, 1, 1.0).fit(sample.x, sample.y))
    except ValueError as error:
        return Fits(svm, None, str(error))


def rest(sample: Sample, svm: LinearSVM) -> Sample:
    """The support vectors alone."""
    rows = svm.support
    return Sample(sample.x[rows], sample.y[rows], tuple(sample.keys[row] for row in rows.tolist()))


def lines_of(decide: Callable[[Tensor], Tensor] | None) -> list[np.ndarray]:
    """A model's boundary in the plane; none without a model."""
    return [] if decide is None else plane.boundary(plane.mapped(decide))


def measured(before: Fits, after: Fits) -> dict[str, float]:
    """What the deletion changed, in the units of the plane; what cannot be said is left out."""
    moves = {
        "svm_move": largest_move(lines_of(before.svm.decision), lines_of(after.svm.decision)),
        "gaussian_move": largest_move(*(lines_of(one.odds) for one in (before, after))),
    }
    numbers = {
        "margin_before": before.svm.margin,
        "margin_after": after.svm.margin,
        "support_vectors": len(before.svm.support),
        "svm_accuracy_before": plane.accuracy_on_test(before.svm.decision),
        "svm_accuracy_after": plane.accuracy_on_test(after.svm.decision),
    }
    known = zeros_and_ones("test").points
    numbers["svm_changed"] = changed(before.svm.decision(known), after.svm.decision(known))
    if before.odds is not None and after.odds is not None:
        numbers["gaussian_changed"] = changed(before.odds(known), after.odds(known))
    for name, one in (("before", before), ("after", after)):
        if one.odds is not None:
            numbers[f"gaussian_accuracy_{name}"] = plane.accuracy_on_test(one.odds)
    return numbers | {name: move for name, move in moves.items() if move is not None}


def changed(before: Tensor, after: Tensor) -> int:
    """How many points are on another side of zero than before, (N,)."""
    return int(((before > 0) != (after > 0)).sum())


Part = tuple[str, str]
"""The clip, and what is said below it."""


def whole(wish: Wish) -> Generator[Part | None, None, None]:
    """Both models on all points. Yields None while it computes."""
    sample = plane.digits(wish.digits, 0)
    before = fits(wish, sample)
    yield None
    yield picture(wish, sample, [before]), counted(sample, before)


def deleted(wish: Wish) -> Generator[Part | None, None, None]:
    """All points; only the support vectors; and both models fitted to these again."""
    sample = plane.digits(wish.digits, 0)
    before = fits(wish, sample)
    yield None
    after = fits(wish, rest(sample, before.svm))
    yield None
    numbers = measured(before, after)
    yield None
    yield picture(wish, sample, [before, before, after]), told(wish, sample, before, after, numbers)


def picture(wish: Wish, sample: Sample, frames: list[Fits]) -> str:
    """One frame for each of the fits; from the second on, only the support vectors of the first are there."""
    svm = frames[0].svm
    x = np.tile(sample.x.numpy(), (len(frames), 1, 1))
    gone = np.setdiff1d(np.arange(x.shape[1]), svm.support.numpy())
    x[1:, gone] = plane.NOWHERE
    notes = [f"a {label}" for label in sample.y.tolist()]
    ghosts = [player.points(sample.x.numpy()[None, gone], "noise", "deleted", alpha=0.6)] if len(frames) > 1 else []
    points = [*plane.rings(sample.x[svm.support].numpy()[None]), *ghosts, *plane.dots(x, sample.y, notes)]
    axes: dict[str, Any] = {"x": plane.X, "y": plane.Y}
    return player.clip(
        [
            player.panel([*street(frames), *points], title=f"linear SVM, C = {10**wish.strength:.3g}", **axes),
            player.panel([*hills(frames), *points], title=f"{wish.gaussian}: a Gaussian for each class", **axes),
        ],
        frames=len(frames),
        labels=[
            f"all {len(sample.y):,} points",
            f"only the {len(svm.support):,} support vectors",
            "both fitted again",
        ][: len(frames)],
        rate=0.8,
        play=len(frames) > 1,
        note="Distances are in units of the plane, which are standard deviations of the digits along each axis.",
    )


def street(frames: list[Fits]) -> list[player.Layer]:
    """The SVM's decision, its boundary and the edges of its margin, in each frame."""
    maps = [plane.mapped(one.svm.decision) for one in frames]
    edges = [[line for level in (-1.0, 1.0) for line in plane.boundary(values, level)] for values in maps]
    heat = player.heat(np.stack(maps), "decision", low=-plane.FAR, high=plane.FAR, map="diverging", smooth=True)
    return [
        heat,
        *plane.lines([plane.boundary(values) for values in maps], "boundary", "boundary"),
        *plane.lines(edges, "boundary", "edges of the margin", dashed=True),
    ]


def hills(frames: list[Fits]) -> list[player.Layer]:
    """The Gaussian model's density and its boundary by Bayes' rule, in each frame; nothing where there is no model."""
    nothing = np.full((plane.MIDDLES, plane.MIDDLES), np.nan)
    maps = [nothing if one.gaussian is None else plane.mapped(one.gaussian.log_density) for one in frames]
    high = float(np.nanmax(np.stack([*maps, np.zeros_like(nothing)])))
    now = [lines_of(one.odds) for one in frames]
    layers = [player.heat(np.stack(maps), "log p(x)", low=high - plane.DEPTH, high=high, smooth=True, unit="nats")]
    if len(frames) > 1:
        layers += plane.lines([now[0]], "boundary", "boundary before", dashed=True)
    return [*layers, *plane.lines(now, "boundary", "boundary by Bayes’ rule")]


def counted(sample: Sample, fit: Fits) -> str:
    """The support vectors by where they lie, and the margin."""
    alone = rest(sample, fit.svm)
    edge, inside, wrong = fit.svm.roles(alone.x, alone.y)
    lie = (
        f": {edge} on an edge of the margin, {inside} inside it, {wrong} beyond the boundary."
        if fit.svm.held
        else ", and all at their bound C: they settle w, but the boundary may slide along it."
    )
    text = f"**{len(alone.y):,} of {len(sample.y):,}** points are support vectors{lie}"
    return " ".join([text, f"The margin is 2/‖w‖ = **{fit.svm.margin:.3f}** wide.", *warnings(fit)])


def warnings(fit: Fits) -> list[str]:
    """What to know of this fit."""
    said = [] if fit.svm.settled else [NOT_SETTLED]
    if fit.gaussian is None:
        said.append(f"The Gaussian model has nothing to say: {fit.why_not[0].lower()}{fit.why_not[1:]}")
    return said


def told(wish: Wish, sample: Sample, before: Fits, after: Fits, numbers: dict[str, float]) -> str:
    """Where the support vectors lie, and a table of what the deletion changed."""

    def move(name: str, fitted: bool) -> str:
        if name in numbers:
            return f"**{numbers[name]:.2g}**"
        return "it leaves the picture" if fitted else "–"

    def count(name: str) -> str:
        return f"{numbers[f'{name}_changed']:,}" if f"{name}_changed" in numbers else "–"

    def right(name: str) -> str:
        both = (numbers.get(f"{name}_accuracy_{when}") for when in ("before", "after"))
        return " → ".join("–" if value is None else f"{value:.1%}" for value in both)

    both = before.gaussian is not None and after.gaussian is not None
    rows = [
        counted(sample, before),
        "",
        f"| all points → support vectors alone | linear SVM | {wish.gaussian} |",
        "|---|---|---|",
        f"| largest move of the boundary in the plane | {move('svm_move', True)} | {move('gaussian_move', both)} |",
        f"| test digits that change sides | {count('svm')} | {count('gaussian')} |",
        f"| margin 2/‖w‖ | {before.svm.margin:.3f} → {after.svm.margin:.3f} | – |",
        f"| right on test digits | {right('svm')} | {right('gaussian')} |",
    ]
    return "\n".join([*rows, "", *(warnings(after) if before.gaussian is not None else [])])


def support_vectors(
    request: gr.Request,
    gaussian: str = DEFAULTS["gaussian"],
    strength: float = DEFAULTS["strength"],
    digits: int = DEFAULTS["digits"],
):
    """Fits a linear SVM and QDA or LDA to zeros and ones of MNIST in the plane, and again to the support vectors alone.

    gaussian QDA or LDA, strength log₁₀ C from −2 to 2, digits 20–2000. Yields svm_move and gaussian_move, the largest
    distance that a point of each boundary has to the boundary after it, margin_before, margin_after (2/‖w‖),
    support_vectors (how many), and of 2,115 test digits accuracies and how many changed sides. Of a model that could
    not be fitted, it says nothing.
    """

    def numbers(wish: Wish) -> Generator[dict[str, float] | None, None, None]:
        sample = plane.digits(wish.digits, 0)
        before = fits(wish, sample)
        yield None
        yield measured(before, fits(wish, rest(sample, before.svm)))

    yield from limits.run(request, missing.told(numbers(check(gaussian, strength, digits))))


support_vectors.__annotations__["return"] = dict[str, float]


def lab(page: gr.Blocks) -> None:
    """The lab's picture and controls; without MNIST, a sentence that says how to get it back."""
    gr.api(support_vectors, api_name="support_vectors")
    try:
        missing.checked()
    except DataError as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    film = player.player(lambda: whole(check(**DEFAULTS)), elem_id="support")
    settings, buttons = controls()
    said = gr.Markdown(elem_id="support-said")
    player.tells(film, said)
    values = list(settings.values())

    def delete(request: gr.Request, *chosen: Any) -> Iterator[Part]:
        yield from limits.run(request, missing.told(deleted(check(*chosen))), "support")

    def show(request: gr.Request, *chosen: Any) -> Iterator[Part]:
        yield from limits.run(request, missing.told(whole(check(*chosen))), "support")

    write = links.write("support", settings)
    buttons["run"].click(delete, values, [film, said], js=write, trigger_mode="once", **QUIET)
    again = [*(wiring.moved(control) for control in values), buttons["back"].click]
    gr.on(again, show, values, [film, said], js=write, trigger_mode="always_last", **QUIET)
    wiring.link(page, "support", settings, buttons, check)


def controls() -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings in the order in which `check` takes them, and the buttons."""
    with gr.Row():
        buttons = {
            "run": gr.Button(
                "Delete all but the support vectors", variant="primary", elem_id="support-delete", scale=2
            ),
            "back": gr.Button("Bring them back", elem_id="support-back", min_width=120),
            "copy": gr.Button("Copy link", elem_id="copy-support", min_width=110),
        }
    with gr.Row():
        strength = gr.Slider(
            *(-2, 2, DEFAULTS["strength"]),
            step=0.25,
            label="log₁₀ C",
            info="How much a point inside the margin costs",
            elem_id="support-strength",
            min_width=220,
        )
        digits = gr.Slider(
            *(plane.FEWEST, plane.MOST, DEFAULTS["digits"]),
            step=10,
            label="Digits",
            info="Zeros and ones of MNIST",
            elem_id="support-digits",
            min_width=220,
        )
        gaussian = gr.Radio(
            GAUSSIANS,
            value=DEFAULTS["gaussian"],
            label="Beside it",
            info="Each class a shape of its own, or both one",
            elem_id="support-gaussian",
            min_width=220,
        )
    return {"gaussian": gaussian, "strength": strength, "digits": digits}, buttons
