"""The lab "the score field": which way the denoiser points everywhere in the plane, learned beside exact."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np
import torch
from torch import Tensor

from apps import limits, links, models, player, wiring, worlds
from apps.wiring import QUIET
from tutorial import weights
from tutorial.data import toy2d
from tutorial.data.toy2d import GaussianMixture
from tutorial.diffusion.exact import responsibilities
from tutorial.diffusion.objective import score
from tutorial.diffusion.points import SCHEDULE, PointModel, exact
from tutorial.diffusion.process import q_sample

SIDE = 13
"""Arrows in a row, and rows."""
FRAMES = 32
TIMES = [round(20 + 980 * (1 - k / (FRAMES - 1)) ** 1.5) for k in range(FRAMES)]
"""Closer together where the points are nearly clean, for that is where the field changes."""
PULL, GUESS = "the score", "the guess x̂₀"
SHOWS = (PULL, GUESS)
ERROR = 0.5
"""Upper end of the error map."""


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked."""

    world: str
    points: worlds.Points
    shows: str


def check(world: Any, shows: Any, points: Any = ()) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    name = limits.choice("The data", world, worlds.NAMES)
    return Wish(name, worlds.drawn(name, points), limits.choice("What is shown", shows, SHOWS))


def sources(wish: Wish) -> tuple[PointModel | None, PointModel | None, GaussianMixture | None]:
    """The learned and the exact denoiser of a world and the mixture that it is, as far as there are such."""
    mixture = worlds.mixture(wish.world, wish.points)
    learned = None if wish.world == worlds.DRAWN else models.point_model(wish.world)
    return learned, None if mixture is None else exact(mixture, SCHEDULE), mixture


def grid(side: int) -> Tensor:
    """Points evenly spread over the square, row by row from the top: (side², 2)."""
    edge = toy2d.REACH * (1 - 1 / side)  # the middles of side × side fields
    x = torch.linspace(-edge, edge, side)
    return torch.stack(torch.meshgrid(x.flip(0), x, indexing="ij")[::-1], dim=-1).reshape(-1, 2)


def arrows(model: PointModel, at: Tensor, shows: str) -> np.ndarray:
    """What a denoiser points to from these points (N, 2), at each of `TIMES`: (FRAMES, N, 4).

    To x̂₀ itself; or along the score, stretched by √(1 − ᾱ_t) · 0.3, since it grows without bound as noise goes, and
    cut at the distance to the next arrow.
    """
    rows = []
    for t in TIMES:
        eps, x0 = model.read(at, t)
        along = -0.3 * eps
        along *= (2 * toy2d.REACH / SIDE / along.norm(dim=1, keepdim=True)).clamp(max=1)
        by = x0 - at if shows == GUESS else along
        rows.append(torch.cat([at, by], dim=1))
    return torch.stack(rows).numpy()


def errors(learned: PointModel, truth: PointModel, at: Tensor) -> np.ndarray:
    """‖ε̂ − ε̂*‖ at points (side², 2), at each of `TIMES`: (FRAMES, side, side)."""
    side = round(len(at) ** 0.5)
    maps = [(learned.read(at, t)[0] - truth.read(at, t)[0]).norm(dim=1).reshape(side, side) for t in TIMES]
    return torch.stack(maps).numpy()


def cloud(wish: Wish, n: int = 200) -> np.ndarray:
    """Data on its way into noise, at each of `TIMES`: (FRAMES, n, 2)."""
    generator = torch.Generator().manual_seed(0)
    x0 = worlds.sample(wish.world, wish.points, n, generator)
    eps = torch.randn(n, 2, generator=generator)
    return torch.stack([q_sample(SCHEDULE, x0, t, eps) for t in TIMES]).numpy()


def picture(wish: Wish) -> Generator[str | None, None, None]:
    """Yields None while it computes, and in the end the fields at each of `TIMES`, from noise to data."""
    learned, truth, _ = sources(wish)
    at, noisy = grid(SIDE), player.points(cloud(wish), "real", "data at this time", alpha=0.4)
    panels = []
    for model, title, colour in ((learned, "learned", "generated"), (truth, "exact", "exact")):
        if model is not None:
            layers = [noisy, player.arrows(arrows(model, at, wish.shows), colour, f"{wish.shows}, {title}")]
            panels.append(player.panel(layers, title=title, x=worlds.AXIS, y=worlds.AXIS, takes="click"))
            yield None
    if learned is None:
        own = player.points(np.array([wish.points]), "real", "what you drew", size=3)
        panels.insert(0, player.panel([own], title="draw here", x=worlds.AXIS, y=worlds.AXIS, takes="points"))
        note = "Nothing has learned what you drew; each of your points is the centre of a Gaussian."
    else:
        note = "No closed form of this world is known, so there is nothing to compare with."
    if learned is not None and truth is not None:
        error = player.heat(errors(learned, truth, grid(36)), "‖ε̂ − exact ε̂‖", low=0, high=ERROR, smooth=True)
        differ = player.panel([error, noisy], title="where they differ", x=worlds.AXIS, y=worlds.AXIS, takes="click")
        panels.append(differ)
        note = "Where no data ever comes, nothing was learned."
    labels = [f"t = {t}: {SCHEDULE.abar[t]:.0%} signal" for t in TIMES]
    yield player.clip(panels, frames=FRAMES, labels=labels, rate=8, note=f"{note} Click a point to ask about it.")


def ask(wish: Wish, x: float, y: float, t: int) -> dict[str, Any]:
    """What is known at a point and a time: x̂₀ and the score, learned and exact, and the posterior over modes."""
    learned, truth, mixture = sources(wish)
    at, said = torch.tensor([[x, y]]), {}
    for name, model in (("learned", learned), ("exact", truth)):
        if model is not None:
            eps, x0 = model.read(at, t)
            said[f"{name}_x0"] = x0[0].tolist()
            said[f"{name}_score"] = score(SCHEDULE, eps, t)[0].tolist()
    if mixture is not None:
        said["posterior"] = responsibilities(mixture, SCHEDULE, at, t)[0].tolist()
    return said


def said(wish: Wish, x: float, y: float, t: int) -> str:
    """The answer of `ask` as a Markdown table."""
    answer, mixture = ask(wish, x, y, t), worlds.mixture(wish.world, wish.points)
    rows = [f"At {_pair([x, y])}, t = {t}:", "", "| | guess x̂₀ | score |", "|---|---|---|"]
    for name in models.DENOISERS:
        if f"{name}_x0" in answer:
            rows.append(f"| {name} | {_pair(answer[f'{name}_x0'])} | {_pair(answer[f'{name}_score'])} |")
    if mixture is not None:
        likely = sorted(zip(answer["posterior"], mixture.means.tolist(), strict=True), reverse=True)
        named = ", ".join(f"{p:.1%} the mode at {_pair(mode)}" for p, mode in likely if p > 0.001)
        rows += ["", f"Where this point came from, by Bayes’ rule: {named}"]
    return "\n".join(rows)


def _pair(values: list[float]) -> str:
    return "({:.2f}, {:.2f})".format(*values).replace("-0.00", "0.00").replace("-", "−")


DEFAULTS: dict[str, Any] = {"world": "eight Gaussians", "shows": PULL}
ASKED = (0.4, 0.7, TIMES[FRAMES // 2])
"""The point and time that the lab opens with an answer for."""


def score_field(
    request: gr.Request,
    world: str = DEFAULTS["world"],
    x: float = 0.0,
    y: float = 0.0,
    t: int = 300,
    points: list[list[float]] | None = None,
):
    """What a denoiser says at a point (x, y), each from −3 to 3, and a time t of 1–1000.

    world as in /train_denoiser. Yields learned_x0 and learned_score (not for drawn points), exact_x0, exact_score and
    posterior, the probability of each mode (for the eight Gaussians and drawn points).
    """
    reach = toy2d.REACH
    x, y = limits.number("x", x, -reach, reach), limits.number("y", y, -reach, reach)
    t = limits.whole("t", t, 1, SCHEDULE.T)
    wish = check(world, PULL, worlds.sent(world, points))
    yield from limits.run(request, limits.once(lambda: ask(wish, x, y, t)))


score_field.__annotations__["return"] = dict[str, list[float]]


def opening(wish: Wish) -> Generator[tuple[str, str] | None, None, None]:
    """Yields None while it computes, and in the end the fields, and the answer for the place that was asked about."""
    for clip in picture(wish):
        yield (clip, said(wish, *ASKED)) if clip else None


def lab(page: gr.Blocks) -> None:
    """The lab's controls and pictures; without the shipped denoisers, a sentence that says how to get them back."""
    gr.api(score_field, api_name="score_field")
    try:
        wish = check(**DEFAULTS)
        sources(wish)
    except weights.WeightsError as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    film = player.player(lambda: opening(wish), elem_id="field")
    with gr.Row():
        world = gr.Dropdown(
            list(worlds.NAMES), value=DEFAULTS["world"], label="Data", elem_id="field-world", min_width=180
        )
        shows = gr.Radio(SHOWS, value=DEFAULTS["shows"], label="Arrows show", elem_id="field-shows", min_width=220)
        again = gr.Button("Show", elem_id="field-show", size="sm", min_width=90)
        clear = gr.Button("Clear my points", elem_id="clear-field", size="sm", min_width=120)
        copy = gr.Button("Copy link", elem_id="copy-field", size="sm", min_width=110)
    asked = gr.Markdown(elem_id="asked")
    player.tells(film, asked)
    settings, drawn = {"world": world, "shows": shows}, gr.State([])

    def show(request: gr.Request, *chosen: Any) -> Iterator[tuple[str, str]]:
        if empty := worlds.unfinished(chosen[0], chosen[-1]):
            yield empty, ""
            return
        wish = check(*chosen)
        for clip in limits.run(request, picture(wish), "field"):
            yield clip, said(wish, *ASKED)

    def answered(request: gr.Request, name: Any, points: list, event: gr.EventData) -> Iterator[str]:
        wish, (x, y, frame) = check(name, PULL, points), worlds.place(event, FRAMES)
        yield from limits.run(request, limits.once(lambda: said(wish, x, y, TIMES[frame])), "field")

    latest: dict[str, Any] = QUIET | {"trigger_mode": "always_last"}
    changed, write = [wiring.moved(world), wiring.moved(shows), again.click], links.write("field", settings)
    values = [*settings.values(), drawn]
    gr.on(changed, show, values, [film, asked], js=write, **latest)
    film.click(answered, [world, drawn], asked, **latest)
    film.input(worlds.stroke, drawn, [drawn, world], **QUIET).success(show, values, [film, asked], **latest)
    clear.click(lambda: [], None, drawn, **QUIET).success(show, values, [film, asked], **latest)
    wiring.link(page, "field", settings, {"run": again, "copy": copy}, check)
