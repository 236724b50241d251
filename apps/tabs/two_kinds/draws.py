"""The lab "a generative model can draw": samples of p(x, y) as digits, and what climbing p(y | x) ends in."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import gradio as gr
import numpy as np
import torch
from torch import Tensor

from apps import limits, links, models, player, quantities, wiring
from apps.tabs.two_kinds import missing, plane, shown
from apps.wiring import QUIET
from tutorial import weights
from tutorial.data.digits import DataError, digits
from tutorial.data.pixels import to_signed
from tutorial.data.principal import zeros_and_ones, zeros_and_ones_components
from tutorial.two_kinds import drawing, kinds
from tutorial.two_kinds.novelty import CLASSIFIERS

CLIMBS = {f"{name}, climbing": name for name in CLASSIFIERS}
"""Who has no p(x) to draw from, and climbs p(y | x) instead."""
NAMES = (*kinds.GENERATIVE, *CLIMBS)
ACROSS, FEW_ACROSS = 6, 4
"""Digits in a row of the wall, and rows; fewer of those that climb."""
JUDGED = 200
"""Samples that the judge reads."""
MOST = 1000
STEPS, EVERY = 80, 2
"""Steps of a climb, and how many to a frame."""
RIM = (("paper", "", 3.4), ("generated", "samples", 2.4))
"""Colour, name and size of a sample and of what lifts it off the others."""
DEFAULTS: dict[str, Any] = {"model": kinds.MIXTURE, "space": "50", "digit": "0", "seed": 0}


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked."""

    model: str
    space: int
    digit: int
    seed: int


def check(model: Any, space: Any, digit: Any, seed: Any) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    spaces, ours = [str(d) for d in kinds.SPACES], ("0", "1")
    return Wish(
        limits.choice("The model", model, NAMES),
        int(limits.choice("The components", str(space), spaces)),
        int(limits.choice("The digit", str(digit), ours)),
        limits.whole("The seed", seed, 0, 2**31 - 1),
    )


@cache
def real_share(space: int, digit: int) -> float:
    """Share of `JUDGED` real test digits that the judge still reads after they went through so many components."""
    known = zeros_and_ones("test", space)
    rows = (known.labels == digit).nonzero().flatten()[:JUDGED]
    components = zeros_and_ones_components(space)
    return drawing.read_as(models.digit_judge(), components, known.points[rows], known.labels[rows])


@cache
def untouched_share(digit: int) -> float:
    """Share of those digits that it reads as they are."""
    pictures, labels = digits("test")
    rows = (labels == digit).nonzero().flatten()[:JUDGED]
    return models.digit_judge().accuracy(to_signed(pictures[rows]), labels[rows])


def work(wish: Wish) -> Generator[str | None, None, None]:
    """The clip that a visitor wishes, with places to pause."""
    yield from climbing(wish) if wish.model in CLIMBS else sampling(wish)


def sampling(wish: Wish) -> Generator[str | None, None, None]:
    """New points of a class among the real ones, both as pictures, and what the judge reads."""
    x, share, real = yield from drawn(wish, JUDGED)
    known = zeros_and_ones("test", wish.space)
    same = known.points[known.labels == wish.digit]
    few = ACROSS**2
    title = "the plane" if wish.space == 2 else "the first two of the components"
    dots = shown.cloud(known.points, known.labels)
    new = [player.points(x[None, :, :2].numpy(), name, label, size=size) for name, label, size in RIM]
    note = (
        f"{wish.model}, {wish.space} components: the judge, who knows ten digits, reads {share:.0%} of {JUDGED} "
        f"samples as {wish.digit}. Of real test digits it reads {real:.0%} after they went through these components, "
        f"and {untouched_share(wish.digit):.0%} as they are."
    )
    yield player.clip(
        [
            player.panel([*dots, *new], title=title, x=plane.X, y=plane.Y, width=1.2),
            wall(x[:few], wish.space, ACROSS, f"drawn: {wish.model}"),
            wall(same[:few], wish.space, ACROSS, f"real ones, through {wish.space} components"),
        ],
        note=note,
    )


def drawn(wish: Wish, n: int) -> Generator[None, None, tuple[Tensor, float, float]]:
    """n points (n, d) of the digit, the share that is read as it, and that of real ones."""
    model = kinds.generative(wish.model, wish.space)
    yield None
    try:
        x = drawing.draw(model, wish.digit, n, torch.Generator().manual_seed(wish.seed))
    except ValueError as error:
        raise limits.refuse(str(error)) from error
    yield None
    y = torch.full((n,), wish.digit)
    share = drawing.read_as(models.digit_judge(), zeros_and_ones_components(wish.space), x, y)
    yield None
    return x, share, real_share(wish.space, wish.digit)


def wall(x: Tensor, space: int, across: int, title: str) -> player.Panel:
    """Points (T · across², d) as one wall of digits for each of T frames."""
    pictures = plane.rgb(zeros_and_ones_components(space).picture(x))
    _, height, width, _ = pictures.shape
    rows = pictures.reshape(-1, across, across, height, width, 3).swapaxes(2, 3)
    return player.panel([player.image(rows.reshape(-1, across * height, across * width, 3))], title=title)


def climbing(wish: Wish) -> Generator[str | None, None, None]:
    """Noise that climbs p(y | x): pictures, how sure the model is of them, and how likely they are."""
    model = kinds.discriminative(CLIMBS[wish.model], wish.space)
    yield None
    density = kinds.generative(kinds.MIXTURE, wish.space)
    yield None
    start = torch.randn(FEW_ACROSS**2, wish.space, generator=torch.Generator().manual_seed(wish.seed))
    states = []
    for state in drawing.climb(model.decision, start, wish.digit, STEPS):
        states.append(state)
        yield None
    way = torch.stack(states[::EVERY])  # (T, N, d)
    log_odds = (2 * wish.digit - 1) * model.decision(way.flatten(0, 1)).reshape(len(way), -1)
    likely = density.log_density(way.flatten(0, 1)).reshape(len(way), -1)
    yield None
    known = zeros_and_ones("test", wish.space)
    strangest = density.log_density(known.points).min().item()
    y = torch.full((len(start),), wish.digit)
    share = drawing.read_as(models.digit_judge(), zeros_and_ones_components(wish.space), way[-1], y)
    yield player.clip(
        [
            _path(way, known.points, known.labels),
            wall(way.flatten(0, 1), wish.space, FEW_ACROSS, f"climbing towards {wish.digit}"),
            _over(torch.sigmoid(log_odds).median(1).values, f"p({wish.digit} | x), median", (0, 1)),
            _over(likely.median(1).values, "log p(x), median", None, strangest),
        ],
        frames=len(way),
        labels=[f"step {EVERY * k} of {STEPS}" for k in range(len(way))],
        rate=8,
        note=_climbed(wish, log_odds[-1], likely[-1], strangest, share),
    )


def _climbed(wish: Wish, log_odds: Tensor, likely: Tensor, strangest: float, share: float) -> str:
    below = (likely < strangest).double().mean().item()
    return (
        f"At the end {CLIMBS[wish.model]} gives each of them p({wish.digit} | x) = "
        f"{quantities.chance(log_odds.min().item())} or more. log p(x), by a {kinds.MIXTURE}, is "
        f"{likely.median().item():,.0f} nats; the strangest of all test digits has {strangest:,.0f}, and {below:.0%} "
        f"of what climbed is stranger still. The judge, who is a discriminative model too, reads {share:.0%} as "
        f"{wish.digit}."
    ).replace("-", "−")


def _path(way: Tensor, known: Tensor, labels: Tensor) -> player.Panel:
    """The first two components of what climbs, (T, N, d), among real digits (M, d)."""
    reach = 1.05 * max(3.2, way[..., :2].abs().max().item())
    x, y = ((-reach, reach, axis[2]) for axis in (plane.X, plane.Y))
    layers = [
        *shown.cloud(known, labels),
        player.lines(way[..., :2].numpy(), "generated", "their way", alpha=0.5),
        player.points(way[..., :2].numpy(), "generated", "what climbs", size=3, alpha=1),
    ]
    return player.panel(layers, title="where they go, in the first two components", x=x, y=y)


def _over(values: Tensor, name: str, ends: tuple[float, float] | None, level: float | None = None) -> player.Panel:
    """A quantity (T,) against steps, with a marker where one is; dashed, a level to compare with."""
    steps, measured = EVERY * np.arange(len(values)), values.numpy()
    layers = [player.curve(steps, measured, "field", name, marker=range(len(values)))]
    low, high = ends or (measured.min(), measured.max())
    if level is not None:
        layers.append(player.curve(steps[[0, -1]], np.full(2, level), "exact", "the strangest test digit", dashed=True))
        high = max(high, level)
    room = 0.05 * (high - low)
    return player.panel(layers, title=name, x=(0, STEPS, "steps"), y=(low - room, high + room, ""))


def generate_toy(
    request: gr.Request,
    model: str = DEFAULTS["model"],
    space: int = 50,
    digit: int = 0,
    n: int = 100,
    seed: int = DEFAULTS["seed"],
):
    """New zeros or ones, from a generative model of 3,000 MNIST digits among their principal components.

    model one of naive Bayes, LDA, QDA, Gaussian mixture per class, kernel density; space 2, 10 or 50 components; digit
    0 or 1; n 1–1000. Yields points (n of so many numbers, in standard deviations), read_as: the share of their pictures
    that a classifier of ten digits reads as this one, and real: the same of real test digits through these components.
    """
    n = limits.whole("n", n, 1, MOST)
    name = limits.choice("The model", model, (*kinds.GENERATIVE, *kinds.DISCRIMINATIVE))
    if name in kinds.DISCRIMINATIVE:
        raise limits.refuse(f"There is no p(x) in {name}, and so nothing to draw from. Choose a generative model.")
    wish = check(name, space, digit, seed)

    def answer() -> Generator[dict[str, Any] | None, None, None]:
        x, share, real = yield from drawn(wish, n)
        yield {"points": [[round(v, 4) for v in row] for row in x.tolist()], "read_as": share, "real": real}

    yield from limits.run(request, missing.told(answer()))


generate_toy.__annotations__["return"] = dict[str, Any]


def lab(page: gr.Blocks) -> None:
    """The lab's pictures and controls; without its files, a sentence that says how to get them back."""
    gr.api(generate_toy, api_name="generate_toy")
    try:
        missing.checked()
        models.digit_judge()
    except (weights.WeightsError, DataError) as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    film = player.player(lambda: work(check(**DEFAULTS)), elem_id="draws")
    settings, buttons = controls()

    def show(request: gr.Request, *chosen: Any) -> Iterator[str]:
        yield from limits.run(request, missing.told(work(check(*chosen))), "draws")

    wiring.connect(page, "draws", show, settings, [film], buttons, check)
    chosen = [wiring.moved(settings[name]) for name in ("model", "space", "digit")]
    latest: dict[str, Any] = QUIET | {"trigger_mode": "always_last"}
    gr.on(chosen, show, list(settings.values()), film, js=links.write("draws", settings), **latest)


def controls() -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings in the order in which `check` takes them, and the buttons."""
    with gr.Row():
        model = gr.Dropdown(
            list(NAMES), value=DEFAULTS["model"], label="Who draws", elem_id="draws-model", min_width=200
        )
        space = gr.Radio(
            [str(d) for d in kinds.SPACES],
            value=DEFAULTS["space"],
            label="From how many components",
            elem_id="draws-space",
            min_width=200,
        )
        digit = gr.Radio(["0", "1"], value=DEFAULTS["digit"], label="Which digit", elem_id="draws-digit", min_width=110)
    buttons = wiring.button_row("draws", "Draw", "go")
    with gr.Accordion("More", open=False), gr.Row():
        seed = gr.Number(DEFAULTS["seed"], label="Seed", precision=0, elem_id="draws-seed")
    return {"model": model, "space": space, "digit": digit, "seed": seed}, buttons
