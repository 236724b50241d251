"""The lab "two ways to look at 0 and 1": a discriminative and a generative model of the same points, side by side."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np
import torch
from torch import Tensor

from apps import limits, links, player, quantities, wiring
from apps.player import promises
from apps.tabs.two_kinds import by_hand, missing, plane, shown
from apps.tabs.two_kinds.by_hand import ByHand, Hand
from apps.tabs.two_kinds.classify import DEFAULTS, Wish, ask, check, classify_toy, fitted_to
from apps.tabs.two_kinds.plane import Sample
from apps.wiring import QUIET
from tutorial.data.digits import DataError
from tutorial.data.digits import digits as mnist
from tutorial.data.principal import zeros_and_ones, zeros_and_ones_components
from tutorial.two_kinds import kinds
from tutorial.two_kinds.discriminative import RBFSVM, Discriminative, LinearSVM
from tutorial.two_kinds.generative import Generative
from tutorial.two_kinds.labelled import accuracy, checked


@dataclass(frozen=True)
class Models:
    """Both, with the points that they were fitted to and the maps of what they say."""

    sample: Sample
    separates: Discriminative
    explains: Generative
    decision: np.ndarray
    log_odds: np.ndarray
    log_density: np.ndarray
    right: tuple[float, float]
    """Share of all zeros and ones of the test set that each has right."""


def work(wish: Wish, hand: ByHand) -> Generator[None, None, Models]:
    """Fits both models, with places to pause."""
    sample = by_hand.applied(plane.digits(wish.digits, wish.noise), hand)
    separates, explains = yield from fitted_to(wish, sample.x, sample.y)
    yield None
    decision = yield from plane.surveyed(separates.decision)
    joint = yield from plane.asked(explains.log_joint, plane.middles()[2])
    log_odds, log_density = plane.field(joint[:, 1] - joint[:, 0]), plane.field(joint.logsumexp(1))
    known = zeros_and_ones("test")
    decided = yield from plane.asked(separates.decision, known.points)
    by_bayes = yield from plane.asked(explains.log_odds, known.points)
    right = accuracy(decided, known.labels), accuracy(by_bayes, known.labels)
    return Models(sample, separates, explains, decision, log_odds, log_density, right)


def show(wish: Wish, hand: ByHand) -> Generator[tuple[str, str, str] | None, None, None]:
    """Yields None while it computes, and in the end both pictures and the answer for the place that was asked about."""
    models = yield from work(wish, hand)
    row, apart = by_hand.nearest(models.sample, *hand.asked)
    on_point = apart < by_hand.NEAR
    at = models.sample.x[row] if on_point else torch.tensor(hand.asked)
    film = picture(wish, models, hand, at)
    yield None
    yield film, pictures(models.sample.keys[row] if on_point else None, at), said(wish, models, at)


def click(wish: Wish, hand: ByHand, mode: str, x: float, y: float) -> ByHand:
    """The changes after a click. Raises gr.Error if no model could learn from what they leave."""
    digits = plane.digits(wish.digits, wish.noise)
    after = by_hand.clicked(hand, mode, by_hand.applied(digits, hand), x, y)
    left = by_hand.applied(digits, after)
    try:
        checked(left.x, left.y)
    except ValueError as error:
        raise limits.refuse(str(error)) from error
    return after


def attempt(wish: Wish, hand: Hand) -> Generator[tuple[str, str, str] | None, None, None]:
    """What `show` yields after a visitor's changes; those that the models cannot learn from are taken back."""
    changes = hand.now
    try:
        yield from show(wish, changes)
    except gr.Error as refusal:
        hand.take_back(changes, refusal)
        raise
    hand.keep(changes)


def picture(wish: Wish, models: Models, hand: ByHand, at: Tensor) -> str:
    """Both maps with the points, and the picture under the pointer."""
    dots = plane.dots(models.sample.x.numpy()[None], models.sample.y, notes(models.sample))
    mark = shown.mark(*at.tolist())
    note = told(wish, models)
    if hand.picked in models.sample.keys:
        note = f"A point is picked: click where it is to go. {note}"
        picked = models.sample.x[models.sample.keys.index(hand.picked)]
        mark.append(player.points(picked[None, None].numpy(), "field", "picked", size=8, alpha=1))
    separates = [plane.opinion(models.separates, models.decision), *margins(models), *mark, *dots]
    by_bayes = plane.lines([plane.boundary(models.log_odds)], "boundary", "boundary by Bayes’ rule")
    explains = [plane.density(models.log_density), *by_bayes, *mark, *dots]
    axes: dict[str, Any] = {"x": plane.X, "y": plane.Y, "takes": "click", "width": 3}
    return player.clip(
        [
            player.panel(separates, title=f"{wish.discriminative}: which of the two?", **axes),
            player.panel(explains, title=f"{wish.generative}: how likely at all?", **axes),
            player.panel([plane.lens()], title="under the pointer, first plane"),
        ],
        note=note,
    )


def margins(models: Models) -> list[player.Layer]:
    """The boundary, and of an SVM the edges of its margin and its support vectors."""
    layers = plane.lines([plane.boundary(models.decision)], "boundary", "boundary")
    if isinstance(models.separates, LinearSVM | RBFSVM):
        edges = [line for level in (-1.0, 1.0) for line in plane.boundary(models.decision, level)]
        layers += plane.lines([edges], "boundary", "edges of the margin", dashed=True)
        layers += plane.rings(models.sample.x[models.separates.support].numpy()[None])
    return layers


def notes(sample: Sample) -> list[str]:
    """What is said where the pointer is on a point."""
    labels, known = sample.y.tolist(), zeros_and_ones("training").labels[: plane.MOST].tolist()
    return [
        f"labelled {label}, added by you" if key < 0 else f"a {known[key]}, labelled {label}"
        for key, label in zip(sample.keys, labels, strict=True)
    ]


def told(wish: Wish, models: Models) -> str:
    """How well both do, and what the SVM leans on."""
    known, svm = zeros_and_ones("training").labels, models.separates
    turned = sum(
        int(known[key]) != label
        for key, label in zip(models.sample.keys, models.sample.y.tolist(), strict=True)
        if key >= 0
    )
    said = [
        f"Right on {len(zeros_and_ones('test').labels):,} test digits: {wish.discriminative} {models.right[0]:.1%}, "
        f"{wish.generative} {models.right[1]:.1%}.",
        f"Fitted to {len(models.sample.y):,} points"
        + (f", {turned:,} of them with the wrong label." if turned else "."),
    ]
    if isinstance(svm, LinearSVM | RBFSVM):
        wide = f"; its margin is {svm.margin:.3g} wide" if isinstance(svm, LinearSVM) else ""
        said.append(f"The SVM has {len(svm.support):,} support vectors{wide}.")
        if not svm.settled:
            said.append("Its solver was stopped before its end: C is large for labels that contradict each other.")
    return " ".join(said)


def pictures(key: int | None, at: Tensor) -> str:
    """The digit of a point, if it is one, and what its place in the plane stands for."""
    panels = []
    if key is not None and key >= 0:
        known = zeros_and_ones("training")
        digit = mnist("training")[0][known.rows[key]][None] / 255
        panels.append(player.panel([player.image(plane.rgb(digit))], title=f"a {int(known.labels[key])} of MNIST"))
    decoded = plane.rgb(zeros_and_ones_components().picture(at[None]))
    panels.append(
        player.panel([player.image(decoded)], title="its place, decoded" if panels else "this place, decoded")
    )
    return player.clip(panels)


def said(wish: Wish, models: Models, at: Tensor) -> str:
    """The answer of `ask` for one place (2,), as a Markdown table."""
    answer = {name: values[0] for name, values in ask(models.separates, models.explains, at[None]).items()}
    sure = quantities.chance(answer["decision"]) if models.separates.probabilistic else "none"
    log_odds = answer["log_joint_1"] - answer["log_joint_0"]
    rows = [
        f"At ({at[0]:.2f}, {at[1]:.2f}):".replace("-", "−"),
        "",
        f"| | {wish.discriminative} | {wish.generative} |",
        "|---|---|---|",
        f"| score, 0 on the boundary | {quantities.signed(answer['decision'])} | {quantities.signed(log_odds)} nats |",
        f"| p(1 given x) | {sure} | {quantities.chance(log_odds)} |",
        f"| p(x, 0) per unit² | – | {quantities.scientific(answer['log_joint_0'])} |",
        f"| p(x, 1) per unit² | – | {quantities.scientific(answer['log_joint_1'])} |",
        f"| p(x) per unit² | – | {quantities.scientific(answer['log_density'])} |",
    ]
    return "\n".join(rows)


def lab(page: gr.Blocks) -> None:
    """The lab's pictures and controls; without MNIST, a sentence that says how to get it back."""
    gr.api(classify_toy, api_name="classify_toy")
    try:
        missing.checked()
    except DataError as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    opening = promises.Opening(lambda: show(check(**DEFAULTS), ByHand()))
    film = player.player(opening.part(0, 2), elem_id="look")
    separates, explains, mode = main_controls()
    with gr.Row():
        with gr.Column(scale=2, min_width=220):
            digit = player.player(opening.part(1), elem_id="look-digit")
        with gr.Column(scale=3, min_width=300):
            answer = gr.Markdown(elem_id="look-answer")
    player.tells(film, answer)
    more, buttons = more_controls()
    settings = {"discriminative": separates, "generative": explains} | more
    hand, values, outputs = gr.State(Hand()), list(settings.values()), [film, digit, answer]

    def fitted(request: gr.Request, *chosen: Any) -> Iterator[tuple[str, str, str]]:
        *settings, hand = chosen
        yield from limits.run(request, missing.told(attempt(check(*settings), hand)), "look")

    def changed(event: gr.EventData, what: Any, hand: Hand, *chosen: Any) -> None:
        wish, mode = check(*chosen), limits.choice("What a click does", what, by_hand.MODES)
        x, y = plane.place(event)
        hand.change(lambda now: click(wish, now, mode, x, y))

    def undone(hand: Hand) -> None:
        hand.change(lambda now: ByHand())

    latest: dict[str, Any] = QUIET | {"trigger_mode": "always_last"}
    events = [*(wiring.moved(control) for control in values), buttons["run"].click]
    gr.on(events, fitted, [*values, hand], outputs, js=links.write("look", settings), **latest)
    # Quick clicks are all taken down, and then what they came to is shown.
    clicked = film.click(changed, [mode, hand, *values], trigger_mode="multiple", **QUIET)
    for done in (clicked, buttons["undo"].click(undone, hand, **QUIET)):
        done.success(fitted, [*values, hand], outputs, **latest)
    buttons["stop"].click(limits.stopper("look"), queue=False, api_visibility="private")
    wiring.link(page, "look", settings, buttons, check)


def main_controls() -> tuple[gr.Dropdown, gr.Dropdown, gr.Radio]:
    """Both models, and what a click does."""
    with gr.Row():
        separates, explains = (
            gr.Dropdown(
                list(names), value=DEFAULTS[kind], label=kind.capitalize(), elem_id=f"look-{kind}", min_width=200
            )
            for kind, names in (("discriminative", kinds.DISCRIMINATIVE), ("generative", kinds.GENERATIVE))
        )
    mode = gr.Radio(by_hand.MODES, value=by_hand.LOOK, label="A click on a plane", elem_id="look-mode")
    return separates, explains, mode


def more_controls() -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The other settings in the order in which `check` takes them, and the buttons."""
    with gr.Row():
        digits = gr.Slider(
            *(plane.FEWEST, plane.MOST, DEFAULTS["digits"]),
            step=10,
            label="Digits to learn from",
            elem_id="look-digits",
            min_width=220,
        )
        noise = gr.Slider(
            0, 40, DEFAULTS["noise"], step=5, label="Wrong labels, in % (about)", elem_id="look-noise", min_width=220
        )
    with gr.Row():
        buttons = {
            "run": gr.Button("Fit again", elem_id="look-fit", size="sm", min_width=110),
            "stop": gr.Button("Stop", elem_id="look-stop", size="sm", min_width=80),
            "undo": gr.Button("Undo my clicks", elem_id="look-undo", size="sm", min_width=110),
            "copy": gr.Button("Copy link", elem_id="copy-look", size="sm", min_width=110),
        }
    with gr.Accordion("More", open=False), gr.Row():
        strength = gr.Slider(
            *(-2, 2, DEFAULTS["strength"]),
            step=0.25,
            label="log₁₀ C",
            info="How much a point on the wrong side costs: logistic regression and SVMs",
            elem_id="look-strength",
        )
        gaussians = gr.Slider(
            *(1, 6, DEFAULTS["gaussians"]),
            step=1,
            label="Gaussians of each class",
            info="Of the mixture",
            elem_id="look-gaussians",
        )
        bandwidth = gr.Slider(
            *(0.05, 1, DEFAULTS["bandwidth"]),
            step=0.05,
            label="Bandwidth",
            info="Of the kernel density, in units of the plane",
            elem_id="look-bandwidth",
        )
    settings = {
        "digits": digits,
        "noise": noise,
        "strength": strength,
        "gaussians": gaussians,
        "bandwidth": bandwidth,
    }
    return settings, buttons
