"""The lab "flow": data becomes noise layer by layer, what each layer adds to the sum, and what a bad layer breaks."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np
import torch

from apps import limits, links, models, player, quantities, wiring, worlds
from apps.tabs.families import flow_panels
from apps.wiring import QUIET
from tutorial import weights
from tutorial.data import toy2d
from tutorial.diffusion.elbo import negative_log_density
from tutorial.families import shipped
from tutorial.families.flow import BOX, KINDS, Chain, log_normal
from tutorial.families.truth import DENSITIES
from tutorial.families.warping import Fold, Squash, Way, densities, origins, round_trip, strips, way, with_layer

INTACT, FOLD, SQUASH = LAYERS = ("none", "one that folds", "one that squashes")
NOUNS = {FOLD: "the fold", SQUASH: "the squash"}
FRAMES = 32
"""Frames of a film, as many for each layer."""
MEASURED = 2000
"""Points of the data that are measured."""
DEFAULTS: dict[str, Any] = {
    "world": shipped.WORLDS[0],
    "kind": KINDS[1],
    "layer": INTACT,
    "fold": -0.5,
    "zeros": 3,
}
START = (2.05, 0.05)
"""The point that is followed when the lab opens; it is among the data of both worlds."""


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked."""

    world: str
    kind: str
    layer: str
    fold: float
    zeros: int

    @property
    def flow(self) -> Chain:
        """The flow that ships, perhaps with one more layer in its middle."""
        flow = models.flow(self.world, self.kind)
        if self.layer == INTACT:
            return flow
        return with_layer(flow, Fold(0, self.fold) if self.layer == FOLD else Squash(0, 10.0**-self.zeros))

    @property
    def between(self) -> int:
        """Frames of each layer."""
        return FRAMES // len(models.flow(self.world, self.kind).layers)

    @property
    def frames(self) -> int:
        return 1 + self.between * len(self.flow.layers)


def check(world: Any, kind: Any, layer: Any, fold: Any, zeros: Any) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    return Wish(
        limits.choice("The data", world, shipped.WORLDS),
        limits.choice("The kind of move", kind, KINDS),
        limits.choice("The layer", layer, LAYERS),
        limits.number("The fold", fold, -2, 2),
        limits.whole("The squash", zeros, 0, 6),
    )


Point = tuple[float, float]


def work(wish: Wish, point: Point, play: bool = True) -> Generator[tuple[str, str] | None, None, None]:
    """Yields None while it computes, and in the end the film and the table of the point that is followed."""
    flow, generator = wish.flow, torch.Generator().manual_seed(0)
    data = toy2d.WORLDS[wish.world](MEASURED, generator)
    points = way(flow, data, wish.between)
    yield None
    chosen = way(flow, torch.tensor([point]), wish.between)
    grids = way(flow, torch.cat(flow_panels.grid()), wish.between).places.numpy()
    maps = []
    for one in densities(flow, flow_panels.CELLS, wish.between):
        maps.append(one)
        yield None
    mass = yield from integral(wish)
    panels = [
        flow_panels.warped(points, chosen, grids),
        flow_panels.on_its_way(np.stack(maps), chosen),
        flow_panels.budget(points, wish.between, true_log_p(wish, points)),
    ]
    labels = [f"{k / wish.between:.1f} of {len(flow.layers)} layers" for k in range(wish.frames)]
    note = measured(wish, round_trip(flow, data).max().item(), mass, points)
    yield player.clip(panels, frames=wish.frames, labels=labels, rate=10, play=play, note=note), said(wish, point)


def integral(wish: Wish) -> Generator[None, None, str]:
    """Part of a sentence: how much of p lies in the square from −5 to 5; of a flow that ships it is recorded.

    Nothing is said with a squash: then p is a density still, but the more is squashed the less of it is in the square.
    """
    if wish.layer == SQUASH:
        return ""
    inside = "∫ p(x) dx over the square from −5 to 5 is"
    if wish.layer == INTACT:
        return f"{inside} {card(wish)['measured']['integral']:.4f} (recorded); "
    mass = 0.0
    for part in strips(wish.flow.log_prob, width=0.05):
        mass += part
        yield None
    return f"{inside} {quantities.plain(mass)}; "


def card(wish: Wish) -> dict[str, Any]:
    """That of the flow that ships."""
    return weights.read_card(shipped.flow_name(wish.world, wish.kind), needs=("command", "measured"))  # type: ignore[arg-type]


def measured(wish: Wish, worst: float, mass: str, points: Way) -> str:
    """What the flow is like as a whole."""
    log_p = (log_normal(points.places[-1]) + points.logdets[-1]).mean().item()
    nats, best = quantities.plain(-log_p), quantities.plain(-true_log_p(wish, points))
    more = "" if wish.layer == INTACT else f" With {NOUNS[wish.layer]} in its middle:"
    return (
        f"The {wish.kind} flow that ships, made by {card(wish)['command']}.{more} {MEASURED:,} points come back from "
        f"their noise to within {quantities.size(worst)}; {mass}−log p is {nats} nats on average, and that of "
        f"the true density {best}."
    )


def true_log_p(wish: Wish, points: Way) -> float:
    """The mean over the same points, in nats."""
    return -negative_log_density(DENSITIES[wish.world], points.places[0]).mean().item()


def came_from(wish: Wish, place: Point, frame: int) -> Point:
    """A point near the data that is at this place in this frame. Raises gr.Error if there is none."""
    for x, y in origins(wish.flow, torch.tensor([place]), frame, wish.between).tolist():
        if max(abs(x), abs(y)) <= BOX:
            return x, y
    raise limits.refuse("The flow takes nothing near the data to this place. Please click another.")


def follow(wish: Wish, point: Point) -> tuple[list[list[float]], list[float], dict[str, float]]:
    """Places of a point (layers + 1, 2), log-determinants, and what the sum is made of."""
    flow, x = wish.flow, torch.tensor([point])
    places, logdets = flow.stages(x)
    noise = log_normal(places[-1]).item()
    sums = {
        "log_normal": noise,
        "log_p": noise + logdets.sum().item(),
        "exact_log_p": -negative_log_density(DENSITIES[wish.world], x).item(),
        "round_trip": round_trip(flow, x).item(),
    }
    return places[:, 0].tolist(), logdets[:, 0].tolist(), sums


def said(wish: Wish, point: Point) -> str:
    """The change of variables with its numbers, as Markdown."""
    places, logdets, sums = follow(wish, point)
    rows = ["| | place | log \\|det\\| | sum so far |", "|---|---|---|---|", f"| x | {_pair(places[0])} | | 0.00 |"]
    total, trained = 0.0, 0
    for place, logdet, layer in zip(places[1:], logdets, wish.flow.layers, strict=True):
        total += logdet
        extra = isinstance(layer, Fold | Squash)
        trained += not extra
        name = NOUNS[wish.layer] if extra else f"layer {trained}"
        moved = "x₂" if layer.kept == 0 else "x₁"
        rows.append(
            f"| {name} moves {moved} | {_pair(place)} | {quantities.plain(logdet)} | {quantities.plain(total)} |"
        )
    rows += [
        "",
        f"log p(x) = log N(z; 0, I) + Σ log |det| = {quantities.plain(sums['log_normal'])} {quantities.added(total)} "
        f"= **{quantities.plain(sums['log_p'])}** nats; the true density has {quantities.plain(sums['exact_log_p'])}. "
        f"From its noise the point comes back to within {quantities.size(sums['round_trip'])} of where it was.",
    ]
    return "\n".join(rows)


def _pair(values: list[float]) -> str:
    return f"({quantities.plain(values[0])}, {quantities.plain(values[1])})"


def flow_layers(
    request: gr.Request,
    world: str = DEFAULTS["world"],
    kind: str = DEFAULTS["kind"],
    x: float = START[0],
    y: float = START[1],
):
    """A point (x, y), each from −3.5 to 3.5, on its way through a flow that ships. Yields (places, logdets, sums).

    world is eight Gaussians or two moons, kind affine or spline. places: where the point is before, between and after
    the layers; logdets: log |det| of each layer, in nats; sums: log_normal, that of the last place, log_p, which is
    log_normal and all logdets together, exact_log_p, that of the true density, and round_trip, how far from itself the
    point comes back.
    """
    point = limits.number("x", x, -BOX, BOX), limits.number("y", y, -BOX, BOX)
    wish = check(world, kind, INTACT, DEFAULTS["fold"], DEFAULTS["zeros"])
    yield from limits.run(request, limits.once(lambda: follow(wish, point)))


flow_layers.__annotations__["return"] = tuple[list[list[float]], list[float], dict[str, float]]


def lab(page: gr.Blocks) -> None:
    """The lab's controls and pictures; without the shipped flows, a sentence that says how to get them back."""
    gr.api(flow_layers, api_name="flow_layers")
    try:
        first = check(**DEFAULTS)
        models.flow(first.world, first.kind)
        card(first)
    except weights.WeightsError as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    film = player.player(lambda: work(first, START), elem_id="flow")
    settings, buttons = controls()
    table = gr.Markdown(elem_id="flow-table")
    player.tells(film, table)
    point = gr.State(START)

    def show(request: gr.Request, *chosen: Any) -> Iterator[tuple[str, str]]:
        *values, (x, y) = chosen
        yield from limits.run(request, work(check(*values), (x, y)), "flow")

    def follow_it(request: gr.Request, *chosen: Any) -> Iterator[tuple[str, str]]:
        *values, (x, y) = chosen
        yield from limits.run(request, work(check(*values), (x, y), play=False), "flow")

    def pick(request: gr.Request, event: gr.EventData, *chosen: Any) -> Iterator[Point]:
        wish = check(*chosen)
        x, y, frame = worlds.place(event, wish.frames, BOX)
        yield from limits.run(request, limits.once(lambda: came_from(wish, (x, y), frame)), "flow")

    latest: dict[str, Any] = QUIET | {"trigger_mode": "always_last"}
    values, write = list(settings.values()), links.write("flow", settings)
    changed = [wiring.moved(control) for control in values]
    gr.on([*changed, buttons["run"].click], show, [*values, point], [film, table], js=write, **latest)
    film.click(pick, values, point, **latest).success(follow_it, [*values, point], [film, table], **latest)
    wiring.link(page, "flow", settings, buttons, check)


def controls() -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings in the order in which `check` takes them, and the buttons."""
    with gr.Row():
        world = gr.Dropdown(
            list(shipped.WORLDS), value=DEFAULTS["world"], label="Data", elem_id="flow-world", min_width=160
        )
        kind = gr.Radio(
            list(KINDS), value=DEFAULTS["kind"], label="Couplings of the flow", elem_id="flow-kind", min_width=180
        )
        layer = gr.Radio(
            list(LAYERS),
            value=DEFAULTS["layer"],
            label="A bad layer in the middle",
            elem_id="flow-layer",
            min_width=320,
        )
    with gr.Row():
        run = gr.Button("Play from the start", elem_id="flow-run", size="sm", min_width=110)
        copy = gr.Button("Copy link", elem_id="copy-flow", size="sm", min_width=110)
    with gr.Accordion("More", open=False), gr.Row():
        fold = gr.Slider(-2, 2, DEFAULTS["fold"], step=0.1, label="The fold", info="Where, in x₂", elem_id="flow-fold")
        zeros = gr.Slider(
            0, 6, DEFAULTS["zeros"], step=1, label="The squash", info="n, for c = 10⁻ⁿ", elem_id="flow-zeros"
        )
    settings = {"world": world, "kind": kind, "layer": layer, "fold": fold, "zeros": zeros}
    return settings, {"run": run, "copy": copy}
