"""The lab "one network, four views": its answer at a grid of points, read as ε, x₀, v and score, at any time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import gradio as gr
import numpy as np
import torch
from torch import Tensor

from apps import limits, links, models, player, wiring, worlds
from apps.tabs.objectives.shown import COLOURS, NAMES
from apps.wiring import QUIET
from tutorial import weights
from tutorial.data.toy2d import REACH, WORLDS, mixture_of
from tutorial.diffusion.elbo import noised
from tutorial.diffusion.exact import exact_denoiser
from tutorial.diffusion.objective import KINDS, Kind
from tutorial.diffusion.points import IN_THREE_WAYS, SCHEDULE
from tutorial.diffusion.samplers import Denoiser
from tutorial.diffusion.views import VIEWS, View, magnification, views

DEFAULTS: dict[str, Any] = {"world": "eight Gaussians", "predicts": "eps"}
TIMES = torch.tensor(SCHEDULE.timesteps(20)[:-1])
SIDE = 10
"""Points of the grid along each axis."""
LONGEST = 0.9
"""Length of a frame's longest arrow, in units of the axes."""
PROBES = 500
"""Points of the data, at each time, on which the distance from the exact answer is measured."""
DOTS = 80
"""As many of them are shown."""
TITLES: dict[View, str] = {
    "eps": "ε̂, the noise in xₜ",
    "x0": "x̂₀: each arrow ends at it",
    "v": "v̂, the velocity",
    "score": "score, ∇ log p(xₜ)",
}
PLACE = (1.0, 0.5)
"""Whose values the lab shows before anything was clicked, at the time `MIDDLE`."""
MIDDLE = 500


def check(world: Any, predicts: Any) -> tuple[str, Kind]:
    """Raises gr.Error unless there is a shipped denoiser that was trained on this data to predict this."""
    name = limits.choice("The data", world, tuple(WORLDS))
    kind = cast(Kind, limits.choice("What is predicted", predicts, KINDS))
    if kind != "eps" and name != IN_THREE_WAYS:
        raise limits.refuse(f"For {name}, only a network that predicts ε is shipped.")
    return name, kind


def denoisers(world: str, predicts: Kind) -> dict[str, Denoiser]:
    """The shipped network and, where there is one, the exact denoiser, which predicts the same."""
    found, mixture = {"network": models.point_model(world, predicts).denoise}, mixture_of(world)
    return found if mixture is None else found | {"exact": exact_denoiser(mixture, SCHEDULE, predicts)}


@torch.no_grad()
def fields(denoise: Denoiser, predicts: Kind, x: Tensor) -> dict[View, Tensor]:
    """The four views at each of `TIMES`, at points that may differ from time to time: (T, N, 2) → (T, N, 2) each."""
    x_t, t = x.flatten(0, 1), TIMES.repeat_interleave(x.shape[1])
    seen = views(predicts, SCHEDULE, denoise(x_t, t, None), x_t, t)
    return {view: values.unflatten(0, x.shape[:2]) for view, values in seen.items()}


def grid() -> Tensor:
    """Points on the whole plane, the same at all times: (T, SIDE², 2)."""
    line = torch.linspace(-REACH, REACH, SIDE + 2)[1:-1]
    return torch.cartesian_prod(line, line).expand(len(TIMES), -1, -1)


def round_trip(x: Tensor, seen: dict[View, Tensor]) -> float:
    """The largest |x_t − √ᾱ x̂_0 − √(1 − ᾱ) ε̂|, over all times and points."""
    abar = SCHEDULE.abar[TIMES, None, None].float()
    return (x - abar.sqrt() * seen["x0"] - (1 - abar).sqrt() * seen["eps"]).abs().max().item()


def picture(world: str, predicts: Kind) -> str:
    """Four fields of arrows with the exact ones behind them, and how errors grow from view to view."""
    x, asked = grid(), denoisers(world, predicts)
    generator = torch.Generator().manual_seed(0)
    x_t, _, _ = noised(SCHEDULE, WORLDS[world](PROBES, generator), TIMES, generator)
    typical = x_t.unflatten(0, (len(TIMES), PROBES))
    on_grid = {who: fields(denoise, predicts, x) for who, denoise in asked.items()}
    panels = [_field(view, x, typical[:, :DOTS].numpy(), on_grid) for view in VIEWS]
    grown: dict[View, Tensor] = {view: magnification(view, SCHEDULE)[TIMES] for view in VIEWS}
    panels.append(_errors("an error of 1 in ε̂, in each view", grown))
    if "exact" in asked:
        at_data = {who: fields(denoise, predicts, typical) for who, denoise in asked.items()}
        apart = {view: at_data["network"][view] - at_data["exact"][view] for view in VIEWS}
        off: dict[View, Tensor] = {view: apart[view].square().mean((1, 2)).sqrt() for view in VIEWS}
        panels.append(_errors("off the exact answer, at typical xₜ", off))
    labels = [f"t = {t} · {SCHEDULE.abar[t]:.0%} signal" for t in TIMES.tolist()]
    note = f"At all these points and times, √ᾱ x̂₀ + √(1 − ᾱ) ε̂ is xₜ to within {round_trip(x, on_grid['network']):.7f}."
    return player.clip(panels, frames=len(TIMES), labels=labels, rate=5, note=note)


def _field(view: View, x: Tensor, typical: np.ndarray, seen: dict[str, dict[View, Tensor]]) -> player.Panel:
    """One view. x̂₀ is where arrows end; the others are directions, drawn at a scale of each frame's own."""
    moves = {who: fields[view] - x if view == "x0" else fields[view] for who, fields in seen.items()}
    scale = torch.ones(len(TIMES), 1, 1)
    if view != "x0":
        scale = LONGEST / torch.stack(list(moves.values())).norm(dim=-1).amax((0, 2))[:, None, None]
    layers = [player.points(typical, "noise", "typical xₜ", size=1.5, alpha=0.5)]
    for who, colour in (("exact", "exact"), ("network", COLOURS[view])):
        if who in moves:
            arrows = torch.cat([x, scale * moves[who]], dim=2)
            layers.append(player.arrows(arrows.numpy(), colour, who))
    label = f"{TITLES[view]}, as arrows at a grid of points"
    return player.panel(layers, title=TITLES[view], label=label, x=worlds.AXIS, y=worlds.AXIS, takes="click")


def _errors(title: str, by_view: dict[View, Tensor]) -> player.Panel:
    """Errors (T,) in each view on a logarithmic axis, with the present time marked."""
    t, layers = TIMES.numpy(), []
    for view, error in by_view.items():
        layers.append(player.curve(t, error.numpy(), COLOURS[view], NAMES[view], marker=range(len(t))))
    y = (*player.decades(*(error.numpy() for error in by_view.values())), "", "log")
    return player.panel(layers, title=title, x=(0, SCHEDULE.T, "t"), y=y, aspect=0.55)


@torch.no_grad()
def values(world: str, predicts: Kind, x: float, y: float, t: int) -> str:
    """What the network, and the exact denoiser, say of one point at one time, as a table in Markdown."""
    asked, x_t, times = denoisers(world, predicts), torch.tensor([[x, y]]), torch.tensor([t])
    seen = [views(predicts, SCHEDULE, denoise(x_t, times, None), x_t, t) for denoise in asked.values()]
    lines = [f"| xₜ = ({x:.2f}, {y:.2f}), t = {t} | " + " | ".join(asked) + " |", "|---" * (len(asked) + 1) + "|"]
    for view in VIEWS:
        pairs = [f"({a:.3f}, {b:.3f})" for a, b in (each[view][0].tolist() for each in seen)]
        lines.append(f"| {NAMES[view]} | " + " | ".join(pairs) + " |")
    return "\n".join(lines).replace("(-", "(−").replace(" -", " −")


def lab(page: gr.Blocks) -> None:
    """The lab's picture and controls; without the shipped denoisers, a sentence that says how to get them back."""
    chosen = check(**DEFAULTS)
    try:
        first, told = picture(*chosen), values(*chosen, *PLACE, MIDDLE)
    except weights.WeightsError as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    film = player.player(first, elem_id="views")
    with gr.Row():
        with gr.Column(scale=1, min_width=260):
            predicts = gr.Radio(
                [(NAMES[kind], kind) for kind in KINDS],
                value=DEFAULTS["predicts"],
                label="The network was trained to predict",
                elem_id="views-predicts",
            )
            world = gr.Dropdown(list(WORLDS), value=DEFAULTS["world"], label="Data", elem_id="views-world")
            copy = gr.Button("Copy link", elem_id="copy-views", size="sm")
        with gr.Column(scale=1, min_width=300):
            table = gr.Markdown(told, elem_id="views-values")
            gr.Markdown("Click a point of a field to read its values.")
    settings = {"world": world, "predicts": predicts}

    def show(request: gr.Request, world: str, predicts: str) -> Iterator[tuple[str, str]]:
        chosen = check(world, predicts)
        shown = limits.once(lambda: (picture(*chosen), values(*chosen, *PLACE, MIDDLE)))
        yield from limits.run(request, shown, "views")

    def show_world(request: gr.Request, world: str, predicts: str) -> Iterator[tuple[str, str, Any]]:
        kind = predicts if world == IN_THREE_WAYS else "eps"
        for pair in show(request, world, kind):
            yield *pair, gr.Radio(value=kind)

    def read(request: gr.Request, world: str, predicts: str, event: gr.EventData) -> Iterator[str]:
        chosen, (x, y, frame) = check(world, predicts), worlds.place(event, len(TIMES))
        yield from limits.run(request, limits.once(lambda: values(*chosen, x, y, int(TIMES[frame]))), "views")

    asked = list(settings.values())
    write = links.write("views", settings)
    latest: dict[str, Any] = QUIET | {"trigger_mode": "always_last"}
    wiring.moved(world)(show_world, asked, [film, table, predicts], js=write, **latest)
    wiring.moved(predicts)(show, asked, [film, table], js=write, **latest)
    film.click(read, asked, table, **latest)
    again = gr.Button("Show", visible="hidden", elem_id="show-views")
    again.click(show, asked, [film, table], **QUIET)
    wiring.link(page, "views", settings, {"run": again, "copy": copy}, check)
