"""The lab "slices": a density as that of one coordinate times that of the other given the first, and how it draws."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np
import torch
from torch import Tensor

from apps import limits, links, models, player, quantities, wiring, worlds
from apps.wiring import QUIET
from tutorial import weights
from tutorial.data import toy2d
from tutorial.data.toy2d import REACH
from tutorial.diffusion.elbo import negative_log_density
from tutorial.families import shipped
from tutorial.families.autoregressive import Autoregressive
from tutorial.families.truth import DENSITIES, conditional, marginal

SLICES, DRAWING = SHOWS = ("its slices", "how it draws")
ORDERS = ("x₁ first", "x₂ first")
NAMES = ("x₁", "x₂")
CUTS = torch.linspace(-REACH, REACH, 61)
"""Where the plane is cut: one slice to a frame."""
OPENING = 44
"""The slice that the lab opens with: at 1.4, through two of the eight Gaussians."""
FINE = torch.linspace(-REACH, REACH, 181)
"""Where a slice is looked at; every third of these is one of the `CUTS`."""
SIDE = 60
"""Cells of the density in a row, and rows."""
FALL, MOVE, REST = 14, 22, 4
"""Frames in which the first coordinates fall on their axis, and in which each goes along its slice."""
DRAWN, MEASURED = 300, 4000
"""Points that are drawn, and fresh ones that are measured."""
LOWEST, HIGHEST = -8.0, 1.0
"""Ends of the map of log p, in nats."""
HIGH, HIGHER = 1.2, 4.6
"""Upper ends of the axes of p(first) and of p(second | first), each a density per unit of length."""
START = (2.05, 0.05)
"""The point that the lab opens with an answer for."""
DEFAULTS: dict[str, Any] = {"world": shipped.WORLDS[0], "order": ORDERS[0], "shows": SLICES, "seed": 0}


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked."""

    world: str
    order: str
    shows: str
    seed: int

    @property
    def model(self) -> Autoregressive:
        """The model of this world and order that ships."""
        return models.autoregressive(self.world, self.first)

    @property
    def first(self) -> int:
        """The coordinate that comes first, 0 or 1."""
        return ORDERS.index(self.order)

    @property
    def names(self) -> tuple[str, str]:
        """The names of the coordinate that comes first and of the other."""
        return NAMES[self.first], NAMES[1 - self.first]


def check(world: Any, order: Any, shows: Any, seed: Any) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    return Wish(
        limits.choice("The data", world, shipped.WORLDS),
        limits.choice("The order", order, ORDERS),
        limits.choice("What is shown", shows, SHOWS),
        limits.whole("The seed", seed, 0, 2**31 - 1),
    )


def work(wish: Wish) -> Generator[tuple[str, str] | None, None, None]:
    """Yields None while it computes, and in the end the film and the table of both orders."""
    heat = density(wish)
    yield None
    film = cut(wish, heat) if wish.shows == SLICES else draw(wish, heat)
    yield None
    rows = []
    for order in ORDERS:
        rows += measured(Wish(wish.world, order, wish.shows, wish.seed))
        yield None
    yield film, "\n".join([*HEAD, *rows])


HEAD = (
    f"Nats, mean over {MEASURED:,} fresh points; after ± the standard error of the difference to the truth:",
    "",
    "| | −log p(first) | −log p(second given first) | −log p, their sum | above the truth |",
    "|---|---|---|---|---|",
)


@torch.no_grad()
def density(wish: Wish) -> player.Layer:
    """log p in the plane."""
    edge = REACH * (1 - 1 / SIDE)
    line = torch.linspace(-edge, edge, SIDE)
    x2, x1 = torch.meshgrid(line.flip(0), line, indexing="ij")
    log_p = wish.model.log_prob(torch.stack([x1, x2], dim=2).flatten(0, 1)).reshape(SIDE, SIDE)
    return player.heat(log_p[None].numpy(), "log p", low=LOWEST, high=HIGHEST, smooth=True, unit="nats")


def plane(title: str, layers: list[player.Layer]) -> player.Panel:
    """The plane; a click asks about a point."""
    x, y = ((-REACH, REACH, name) for name in NAMES)
    return player.panel(layers, title=title, label=f"{title}. Click a point to ask about it", x=x, y=y, takes="click")


def cut(wish: Wish, heat: player.Layer) -> str:
    """The film that cuts the plane at each of `CUTS`."""
    first, second = wish.names
    with torch.no_grad():
        learned = wish.model.slices(CUTS, FINE).exp().numpy()
    known = conditional(DENSITIES[wish.world], wish.first, CUTS, FINE).exp().numpy()
    ends = np.broadcast_to([-REACH, REACH], (len(CUTS), 2))
    here = np.broadcast_to(CUTS[:, None].numpy(), (len(CUTS), 2))
    line = player.curve(*((here, ends) if wish.first == 0 else (ends, here)), "generated", "the slice")
    fine = FINE.numpy()
    panels = [
        plane(f"p(x₁, x₂) = p({first}) p({second} | {first})", [heat, line]),
        of_first(wish, marker=True),
        player.panel(
            [
                player.curve(fine, learned, "generated", "learned"),
                player.curve(fine, known, "exact", "exact", dashed=True),
            ],
            title=f"p({second} | {first}) along the slice",
            x=(-REACH, REACH, second),
            y=(0.0, HIGHER, "per unit of length"),
        ),
    ]
    labels = [f"{first} = {quantities.plain(value)}" for value in CUTS.tolist()]
    note = f"Scrub to move the slice. {told(wish)}"
    return player.clip(panels, frames=len(CUTS), labels=labels, rate=8, start=OPENING, note=note)


def of_first(wish: Wish, *more: player.Layer, marker: bool = False) -> player.Panel:
    """p(first), learned and exact; with a marker where the slice is."""
    with torch.no_grad():
        learned = wish.model.first().log_prob(FINE).exp().numpy()
    known = marginal(DENSITIES[wish.world], wish.first, FINE).exp().numpy()
    frames = range(0, len(FINE), 3) if marker else None
    layers = [
        *more,
        player.curve(FINE.numpy(), learned, "generated", "learned", marker=frames),
        player.curve(FINE.numpy(), known, "exact", "exact", dashed=True),
    ]
    name = wish.names[0]
    return player.panel(layers, title=f"p({name})", x=(-REACH, REACH, name), y=(0.0, HIGH, "per unit of length"))


def draw(wish: Wish, heat: player.Layer) -> str:
    """The film in which points are drawn, one coordinate after the other."""
    first, second = wish.names
    generator = torch.Generator().manual_seed(wish.seed)
    x = wish.model.sample(DRAWN, generator)
    under = torch.rand(DRAWN, generator=generator)
    with torch.no_grad():
        height = under * wish.model.first().log_prob(x[:, wish.first]).exp()
    falling = torch.cat([eased(FALL), torch.ones(MOVE + REST)])[:, None]
    moving = torch.cat([torch.zeros(FALL), eased(MOVE), torch.ones(REST)])[:, None]
    fallen = torch.stack(torch.broadcast_tensors(x[:, wish.first], height * (1 - falling)), dim=2)
    along = [x[:, wish.first].expand(len(moving), -1), torch.lerp(torch.tensor(-REACH), x[:, 1 - wish.first], moving)]
    there = torch.stack(along if wish.first == 0 else along[::-1], dim=2)
    data = toy2d.WORLDS[wish.world](DRAWN, torch.Generator().manual_seed(1))
    panels = [
        of_first(wish, player.points(fallen.numpy(), "generated", "first coordinates")),
        plane("beside the data", [player.points(data[None].numpy(), "real", "data", alpha=0.3), drawn_points(there)]),
        plane("on the density", [heat, drawn_points(there)]),
    ]
    labels = [f"{first} is drawn"] * FALL + [f"then {second}, given {first}"] * (MOVE + REST)
    note = f"{DRAWN} points. {told(wish)}"
    return player.clip(panels, frames=len(labels), labels=labels, rate=12, play=True, note=note)


def drawn_points(xy: Tensor) -> player.Layer:
    """Points on their way to where they are drawn."""
    return player.points(xy.numpy(), "generated", "drawn")


def eased(frames: int) -> Tensor:
    """Shares of a way, slow at both ends: (frames,), from 0 to 1."""
    share = torch.linspace(0, 1, frames)
    return share.square() * (3 - 2 * share)


def told(wish: Wish) -> str:
    """What one sees, and what made it."""
    name = shipped.autoregressive_name(wish.world, wish.first)
    return f"The model ships, and was made by {weights.read_card(name, needs=('command',))['command']}."


@torch.no_grad()
def measured(wish: Wish) -> list[str]:
    """Two rows of the table: this order's model, and the truth in the same order."""
    x = toy2d.WORLDS[wish.world](MEASURED, torch.Generator().manual_seed(3))
    mine = [-part for part in wish.model.factors(x)]
    true = [-part for part in true_factors(wish, x)]
    above = mine[0] + mine[1] - true[0] - true[1]
    error = above.std().item() / MEASURED**0.5
    cells, exact = (
        [quantities.plain(part.mean().item(), 3) for part in (*both, both[0] + both[1])] for both in (mine, true)
    )
    return [
        f"| {wish.order}, learned | {' | '.join(cells)} | {quantities.plain(above.mean().item(), 3)} ± {error:.3f} |",
        f"| {wish.order}, exact | {' | '.join(exact)} | |",
    ]


def true_factors(wish: Wish, x: Tensor) -> tuple[Tensor, Tensor]:
    """log p of the first coordinate and of the second given the first, by the true density: (B,), (B,)."""
    known = DENSITIES[wish.world]
    first = marginal(known, wish.first, x[:, wish.first])
    return first, -negative_log_density(known, x) - first


@torch.no_grad()
def said(wish: Wish, x: float, y: float) -> str:
    """The chain rule at a point, with its numbers."""
    at, (first, second) = torch.tensor([[x, y]]), wish.names
    mine, true = ([part.item() for part in both] for both in (wish.model.factors(at), true_factors(wish, at)))
    return (
        f"At ({quantities.plain(x)}, {quantities.plain(y)}): log p(x) = log p({first}) + log p({second} | {first}) = "
        f"{quantities.plain(mine[0])} {quantities.added(mine[1])} = **{quantities.plain(sum(mine))}** nats; exact: "
        f"{quantities.plain(true[0])} {quantities.added(true[1])} = {quantities.plain(sum(true))}."
    )


def lab(page: gr.Blocks) -> None:
    """The lab's controls and pictures; without the shipped models, a sentence that says how to get them back."""
    try:
        wish = check(**DEFAULTS)
        *_, (first, rows) = filter(None, work(wish))
    except weights.WeightsError as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    film = player.player(first, elem_id="slices")
    asked = gr.Markdown(said(wish, *START), elem_id="slices-asked")
    settings, buttons = controls()
    table = gr.Markdown(rows, elem_id="slices-table")
    point = gr.State(START)

    def show(request: gr.Request, *chosen: Any) -> Iterator[tuple[str, str, str]]:
        *values, at = chosen
        now = check(*values)
        for clip, orders in limits.run(request, work(now), "slices"):
            yield clip, orders, said(now, *at)

    def answer(request: gr.Request, event: gr.EventData, *chosen: Any) -> Iterator[tuple[str, tuple[float, float]]]:
        now, (x, y, _) = check(*chosen), worlds.place(event, len(CUTS))
        yield from limits.run(request, limits.once(lambda: (said(now, x, y), (x, y))), "slices")

    latest: dict[str, Any] = QUIET | {"trigger_mode": "always_last"}
    values, write = list(settings.values()), links.write("slices", settings)
    changed = [wiring.moved(settings[name]) for name in ("world", "order", "shows")]
    gr.on([*changed, buttons["run"].click], show, [*values, point], [film, table, asked], js=write, **latest)
    film.click(answer, values, [asked, point], **latest)
    wiring.link(page, "slices", settings, buttons, check)


def controls() -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings in the order in which `check` takes them, and the buttons."""
    with gr.Row():
        world = gr.Dropdown(
            list(shipped.WORLDS), value=DEFAULTS["world"], label="Data", elem_id="slices-world", min_width=160
        )
        order = gr.Radio(list(ORDERS), value=DEFAULTS["order"], label="Order", elem_id="slices-order", min_width=180)
        shows = gr.Radio(list(SHOWS), value=DEFAULTS["shows"], label="Show", elem_id="slices-shows", min_width=220)
    with gr.Row():
        run = gr.Button("Show", elem_id="slices-run", size="sm", min_width=110)
        copy = gr.Button("Copy link", elem_id="copy-slices", size="sm", min_width=110)
    with gr.Accordion("More", open=False):
        label = "Seed: the points that are drawn"
        seed = gr.Number(DEFAULTS["seed"], label=label, precision=0, elem_id="slices-seed")
    return {"world": world, "order": order, "shows": shows, "seed": seed}, {"run": run, "copy": copy}
