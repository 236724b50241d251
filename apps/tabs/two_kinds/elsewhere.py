"""The lab "what does it know about elsewhere?": a place anywhere in the plane, how sure one model is and how likely the
other finds it."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
import math
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import gradio as gr
import numpy as np
import torch
from torch import Tensor

from apps import limits, links, player, quantities, wiring
from apps.tabs.two_kinds import missing, plane, shown
from apps.wiring import QUIET
from tutorial.data.digits import DataError
from tutorial.data.principal import FITTED, zeros_and_ones, zeros_and_ones_components
from tutorial.two_kinds import kinds

REACH = 8.0
"""The plane that one can ask about goes from minus this to this, in standard deviations of the digits."""
X: player.Axis = (-REACH, REACH, plane.X[2])
Y: player.Axis = (-REACH, REACH, plane.Y[2])
SIDE, STRIP = 72, 8
"""Fields of a map in a row, and rows; the map is made in strips of so many rows."""
LOWEST = -30.0
"""log₁₀ p(x) at which the map's colours end."""
DEFAULTS: dict[str, Any] = {"separates": kinds.LOGISTIC, "explains": kinds.MIXTURE, "x": 5.0, "y": -5.0}


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked."""

    separates: str
    explains: str
    x: float
    y: float


def check(separates: Any, explains: Any, x: Any, y: Any) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    return Wish(
        limits.choice("The discriminative model", separates, tuple(kinds.DISCRIMINATIVE)),
        limits.choice("The generative model", explains, tuple(kinds.GENERATIVE)),
        limits.number("The first component", x, -REACH, REACH),
        limits.number("The second component", y, -REACH, REACH),
    )


@dataclass(frozen=True)
class Answer:
    """What both models say of one place."""

    decision: float
    """Of the discriminative model: above zero for a one."""
    p_one: float
    """p(y = 1 | x) of the discriminative model; of an SVM only its decision, squeezed into 0–1."""
    posterior_one: float
    """The same of the generative one, by Bayes' rule."""
    log_odds: float
    """Of the generative one, by Bayes' rule; near the ends they say more than the posterior can."""
    log_density: float
    """log p(x) of the generative one, in nats."""
    above: float
    """Share of real test digits whose p(x) is lower."""


def ask(wish: Wish) -> Answer:
    """Asks both models about the place."""
    at = torch.tensor([[wish.x, wish.y]])
    explains = kinds.generative(wish.explains, 2)
    separates, here = kinds.discriminative(wish.separates, 2), explains.log_density(at).item()
    return Answer(
        separates.decision(at).item(),
        separates.probability(at).item(),
        explains.posterior(at).item(),
        explains.log_odds(at).item(),
        here,
        (real_densities(wish.explains) < here).double().mean().item(),
    )


@cache
def real_densities(explains: str) -> Tensor:
    """log p(x) of all test zeros and ones by one of the generative models: (N,)."""
    return kinds.generative(explains, 2).log_density(zeros_and_ones("test").points)


def told(wish: Wish, answer: Answer) -> str:
    """The answer as a Markdown table."""
    toward = 1 if answer.decision > 0 else -1
    digit = max(toward, 0)
    says = (
        f"p({digit} given x) | {quantities.chance(toward * answer.decision)}"
        if kinds.discriminative(wish.separates, 2).probabilistic
        else f"decision, no probability | {quantities.signed(answer.decision)}"
    )
    rows = [
        f"At ({wish.x:.2f}, {wish.y:.2f}):".replace("-", "−"),
        "",
        "| | says |",
        "|---|---|",
        f"| {wish.separates}: {says} |",
        f"| {wish.explains}: p({digit} given x), by Bayes’ rule | {quantities.chance(toward * answer.log_odds)} |",
        f"| {wish.explains}: p(x) per unit² | {quantities.scientific(answer.log_density)} |",
        f"| real test digits that are less likely than this place | {answer.above:.1%} |",
    ]
    return "\n".join(rows)


def _strip(k: int) -> Tensor:
    """The middles of `STRIP` rows of a map's fields from the k-th strip on top: (STRIP · SIDE, 2)."""
    middles = REACH * (2 * torch.arange(SIDE) + 1 - SIDE) / SIDE
    rows = middles.flip(0)[k * STRIP : (k + 1) * STRIP]
    return torch.stack(torch.meshgrid(rows, middles, indexing="ij")[::-1], dim=-1).reshape(-1, 2)


@cache
def sure(separates: str, k: int) -> Tensor:
    """p(y = 1 | x) in a strip of the plane."""
    return kinds.discriminative(separates, 2).probability(_strip(k))


@cache
def likely(explains: str, k: int) -> Tensor:
    """log₁₀ p(x) in a strip of the plane."""
    return kinds.generative(explains, 2).log_density(_strip(k)) / math.log(10)


def whole(strip: Callable[[str, int], Tensor], name: str) -> np.ndarray:
    """All strips, (1, SIDE, SIDE), the first row on top."""
    return torch.cat([strip(name, k) for k in range(SIDE // STRIP)]).reshape(1, SIDE, SIDE).float().numpy()


def picture(wish: Wish) -> str:
    """Both maps with the place on them, and the digit that the place stands for."""
    known = zeros_and_ones("test")
    over = [*shown.cloud(known.points, known.labels), *shown.mark(wish.x, wish.y)]
    p_one = player.heat(whole(sure, wish.separates), "p(1 | x)", low=0, high=1, map="diverging", smooth=True)
    density = player.heat(whole(likely, wish.explains), "log₁₀ p(x)", low=LOWEST, high=0, smooth=True)
    at = torch.tensor([[wish.x, wish.y]])
    axes: dict[str, Any] = {"x": X, "y": Y, "takes": "click"}
    return player.clip(
        [
            player.panel([p_one, *over], title=wish.separates, **axes),
            player.panel([density, *over], title=wish.explains, **axes),
            shown.digit(zeros_and_ones_components().picture(at), "the picture at this place", width=0.6),
        ],
        note=f"Click anywhere on a map. Real digits fill a small part; each model has learned {FITTED:,} of them.",
    )


def learned(wish: Wish) -> Generator[None, None, None]:
    """Has what `ask` needs learned, with a place to pause after each model."""
    kinds.discriminative(wish.separates, 2)
    yield None
    kinds.generative(wish.explains, 2)
    yield None
    real_densities(wish.explains)
    yield None


def work(wish: Wish) -> Generator[tuple[str, str] | None, None, None]:
    """Picture and table, with places to pause."""
    yield from learned(wish)
    for k in range(SIDE // STRIP):
        sure(wish.separates, k)
        likely(wish.explains, k)
        yield None
    yield picture(wish), told(wish, ask(wish))


def answered(wish: Wish) -> Generator[dict[str, float] | None, None, None]:
    """What `/seen_elsewhere` answers."""
    yield from learned(wish)
    answer = ask(wish)
    yield {name: getattr(answer, name) for name in ("decision", "p_one", "posterior_one", "log_density", "above")}


def seen_elsewhere(
    request: gr.Request,
    x: float = DEFAULTS["x"],
    y: float = DEFAULTS["y"],
    separates: str = DEFAULTS["separates"],
    explains: str = DEFAULTS["explains"],
):
    """What a discriminative and a generative model of MNIST's 0 and 1 say of a place among two principal components.

    x and y from −8 to 8, in standard deviations of the digits; separates one of logistic regression, linear SVM, RBF
    SVM, small MLP; explains one of naive Bayes, LDA, QDA, Gaussian mixture per class, kernel density. Yields decision,
    p_one, posterior_one, log_density (nats) and above: the share of real test digits that are less likely.
    """
    wish = check(separates, explains, x, y)
    yield from limits.run(request, missing.told(answered(wish)))


seen_elsewhere.__annotations__["return"] = dict[str, float]


def lab(page: gr.Blocks) -> None:
    """The lab's pictures and controls; without its files, a sentence that says how to get them back."""
    gr.api(seen_elsewhere, api_name="seen_elsewhere")
    try:
        missing.checked()
    except DataError as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    film = player.player(lambda: work(check(**DEFAULTS)), elem_id="elsewhere")
    settings, again, copy = controls()
    table = gr.Markdown(elem_id="elsewhere-said")
    player.tells(film, table)

    def show(request: gr.Request, *chosen: Any) -> Iterator[tuple[str, str]]:
        yield from limits.run(request, missing.told(work(check(*chosen))), "elsewhere")

    def place(event: gr.EventData) -> tuple[float, float]:
        x, y = plane.place(event, X, Y)
        return round(x, 2), round(y, 2)

    values: list[Any] = [*settings.values()]
    latest: dict[str, Any] = QUIET | {"trigger_mode": "always_last"}
    write = links.write("elsewhere", settings)
    changed = [wiring.moved(settings["separates"]), wiring.moved(settings["explains"]), again.click]
    gr.on(changed, show, values, [film, table], js=write, **latest)
    film.click(place, None, [settings["x"], settings["y"]], **latest).success(
        show, values, [film, table], js=write, **latest
    )
    wiring.link(page, "elsewhere", settings, {"run": again, "copy": copy}, check)


def controls() -> tuple[dict[str, Any], gr.Button, gr.Button]:
    """The settings in the order in which `check` takes them, and the buttons that ask and that copy a link."""
    with gr.Row():
        separates = gr.Dropdown(
            list(kinds.DISCRIMINATIVE),
            value=DEFAULTS["separates"],
            label="Discriminative",
            elem_id="elsewhere-separates",
            min_width=180,
        )
        explains = gr.Dropdown(
            list(kinds.GENERATIVE),
            value=DEFAULTS["explains"],
            label="Generative",
            elem_id="elsewhere-explains",
            min_width=180,
        )
    with gr.Row():
        again = gr.Button("Ask", elem_id="elsewhere-ask", size="sm", min_width=80)
        copy = gr.Button("Copy link", elem_id="copy-elsewhere", size="sm", min_width=110)
    with gr.Accordion("More: the place in numbers", open=False), gr.Row():
        x = gr.Number(DEFAULTS["x"], label="First component", elem_id="elsewhere-x", min_width=110)
        y = gr.Number(DEFAULTS["y"], label="Second component", elem_id="elsewhere-y", min_width=110)
    return {"separates": separates, "explains": explains, "x": x, "y": y}, again, copy
