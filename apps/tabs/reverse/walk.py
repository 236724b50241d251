"""The lab "walk back": the same noise carried to data by two samplers, side by side."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np
import torch
from torch import Tensor

from apps import limits, models, player, wiring, worlds
from apps.player import promises
from apps.wiring import now_and_then
from tutorial import weights
from tutorial.diffusion.points import SCHEDULE, PointModel, flow
from tutorial.diffusion.samplers import SAMPLERS, Step, evaluations, first_time, named
from tutorial.metrics.energy import energy_distance, noise_floor

LABELS = {"ddpm": "DDPM", "ddim": "DDIM", "euler": "Euler", "heun": "Heun", "dpm_solver_pp_2m": "DPM-Solver++(2M)"}
SAMPLER_NAMES = [(label, name) for name, label in LABELS.items()]
SPREAD, FAN = "many starting points", "one starting point, new noise"
STARTS = (SPREAD, FAN)
PARTICLES, PATHS, FRAMES = 240, 40, 50
"""Points that walk, how many of their paths are drawn, and how many looks at them are sent."""


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked."""

    world: str
    points: worlds.Points
    denoiser: str
    first: str
    second: str
    steps: int
    eta: float
    start: str
    seed: int

    @property
    def arms(self) -> tuple[str, str]:
        return self.first, self.second


def check(
    world: Any, denoiser: Any, first: Any, second: Any, steps: Any, eta: Any, start: Any, seed: Any, points: Any = ()
) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    wish = Wish(
        world=(name := limits.choice("The data", world, worlds.NAMES)),
        points=worlds.drawn(name, points),
        denoiser=limits.choice("The denoiser", denoiser, models.DENOISERS),
        first=limits.choice("The first sampler", first, list(SAMPLERS)),
        second=limits.choice("The second sampler", second, list(SAMPLERS)),
        steps=limits.whole("Steps", steps, 1, SCHEDULE.T),
        eta=limits.number("η", eta, 0, 1),
        start=limits.choice("The start", start, STARTS),
        seed=limits.whole("The seed", seed, 0, 2**31 - 1),
    )
    denoiser_of(wish)
    return wish


def denoiser_of(wish: Wish) -> PointModel:
    """Raises gr.Error where there is no such denoiser of this world."""
    return models.denoiser(wish.denoiser, wish.world, wish.points)


@dataclass(frozen=True)
class Arm:
    """One sampler's walk, and what can be said of where it arrived."""

    name: str
    states: Tensor
    """The points at every time: (steps + 1, PARTICLES, 2)."""
    evaluations: int
    seconds: float
    energy: float
    """Energy distance of where they arrived to data."""
    solver_error: float | None
    """Root mean square distance to where the flow of the same denoiser leads; for samplers that follow it."""


def walk(wish: Wish, name: str, data: Tensor) -> Generator[Arm | Step | None, None, None]:
    """Carries noise to data with one sampler: yields its steps, None where it can pause, and at last the arm.

    `data` is as many points of the world as walk, (PARTICLES, 2).
    """
    model, generator = denoiser_of(wish), torch.Generator().manual_seed(wish.seed)
    x_T = torch.randn(PARTICLES, 2, generator=generator)
    if wish.start == FAN:
        x_T = x_T[:1].expand(PARTICLES, 2)
    begins = first_time(name, model.schedule)
    steps = min(wish.steps, begins)
    states, seconds, begun = [x_T], 0.0, time.monotonic()
    sampler = named(name, eta=wish.eta, generator=generator)
    for step in sampler(model.denoise, model.schedule, x_T, steps=steps, predicts=model.predicts):
        states.append(step.x_next)
        seconds += time.monotonic() - begun
        yield step
        begun = time.monotonic()
    error = None
    if name != "ddpm" and not (name == "ddim" and wish.eta > 0):
        end = x_T
        for step in flow(model, x_T, begins):
            end = step.x_next
            yield None
        error = (end - states[-1]).square().sum(1).mean().sqrt().item()
    energy = energy_distance(states[-1], data)
    yield Arm(name, torch.stack(states), evaluations(name, steps), seconds, energy, error)


def real(wish: Wish) -> Tensor:
    """As many points of the world as walk: (PARTICLES, 2)."""
    return worlds.sample(wish.world, wish.points, PARTICLES, torch.Generator().manual_seed(1))


def work(wish: Wish) -> Generator[tuple[str, str | None] | None, None, None]:
    """Both arms, one after the other: yields how far it is now and then, and at the end what came out, and the film."""
    data, arms = real(wish), []
    for name in wish.arms:
        for part in now_and_then(walk(wish, name, data)):
            if isinstance(part, Arm):
                arms.append(part)
            elif part is not None:
                yield f"{LABELS[name]}: step {part.i + 1:,} of {part.n:,}", None
            else:
                yield None
    floor = noise_floor(data, PARTICLES, PARTICLES) if wish.start == SPREAD else None
    yield "\n\n".join(f"**{LABELS[arm.name]}**: {told(arm, floor)}" for arm in arms), film(arms, data)


def told(arm: Arm, floor: float | None) -> str:
    """An arm in a line; with the floor, the energy distance is told beside it."""
    said = [f"{arm.evaluations:,} network evaluations", f"{arm.seconds:.2f} s"]
    if floor is not None:
        said.append(f"energy distance to data {arm.energy:.3f} (two samples of data: {floor:.3f})")
    if arm.solver_error is not None:
        said.append(f"off the flow of this denoiser by {arm.solver_error:.2g}")
    return " · ".join(said)


def film(arms: list[Arm], data: Tensor) -> str:
    """Both walks on the same axes, as the player takes them."""
    behind = player.points(data[None].numpy(), "real", "data", alpha=0.35)
    frames = min(FRAMES, max(len(arm.states) for arm in arms))
    panels = []
    for arm in arms:
        looked = arm.states[np.linspace(0, len(arm.states) - 1, frames).round().astype(int)].numpy()
        layers = [
            behind,
            player.lines(looked[:, :PATHS], "field", "paths", alpha=0.35),
            player.points(looked, "generated", "on their way"),
        ]
        panels.append(player.panel(layers, title=LABELS[arm.name], x=worlds.AXIS, y=worlds.AXIS, takes="points"))
    labels = [f"{k / max(1, frames - 1):.0%} of the way" for k in range(frames)]
    return player.clip(panels, frames=frames, labels=labels, rate=12)


DEFAULTS: dict[str, Any] = {
    "world": "eight Gaussians",
    "denoiser": models.LEARNED,
    "first": "ddpm",
    "second": "ddim",
    "steps": 50,
    "eta": 0.0,
    "start": SPREAD,
    "seed": 0,
}


def reverse(
    request: gr.Request,
    world: str = DEFAULTS["world"],
    denoiser: str = DEFAULTS["denoiser"],
    sampler: str = "ddim",
    steps: int = DEFAULTS["steps"],
    eta: float = DEFAULTS["eta"],
    seed: int = DEFAULTS["seed"],
    points: list[list[float]] | None = None,
):
    """Carries 240 points of noise to data. Yields (progress, numbers, []), and ends with where the points arrived.

    world one of eight Gaussians, two moons, spiral, checkerboard, pinwheel, draw your own (then points, 2–2000 pairs
    of numbers from −3 to 3), denoiser learned or exact (eight Gaussians and drawn points only), sampler one of ddim,
    ddpm, euler, heun, dpm_solver_pp_2m, steps 1–1000, eta 0–1 (DDIM only). numbers: evaluations, seconds, energy and,
    for samplers that follow the flow, solver_error.
    """
    wish = check(world, denoiser, sampler, sampler, steps, eta, SPREAD, seed, worlds.sent(world, points))
    data = real(wish)
    for part in limits.run(request, now_and_then(walk(wish, wish.first, data))):
        if isinstance(part, Step):
            yield f"step {part.i + 1} of {part.n}", {}, []
        else:
            numbers = {"evaluations": part.evaluations, "seconds": part.seconds, "energy": part.energy}
            more = {} if part.solver_error is None else {"solver_error": part.solver_error}
            said = told(part, noise_floor(data, PARTICLES, PARTICLES))
            yield said, numbers | more, part.states[-1].tolist()


reverse.__annotations__["return"] = tuple[str, dict[str, float], list[list[float]]]


def lab(page: gr.Blocks) -> None:
    """The lab's controls and pictures; without the shipped denoisers, a sentence that says how to get them back."""
    gr.api(reverse, api_name="reverse")
    try:
        wish = check(**DEFAULTS)
    except weights.WeightsError as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    opening = promises.Opening(lambda: work(wish))
    way = player.player(opening.part(1, 0), elem_id="walk")
    line = gr.Markdown(elem_id="walked")
    player.tells(way, line)
    settings, buttons = controls()
    drawn, world, denoiser = gr.State([]), settings["world"], settings["denoiser"]
    carry = wiring.told_and_shown(work, check, "walk")

    def run(request: gr.Request, *chosen: Any) -> Iterator[tuple[str, Any]]:
        if empty := worlds.unfinished(chosen[0], chosen[-1]):
            yield "", empty
        else:
            yield from carry(request, *chosen)

    def draw(points: list, event: gr.EventData) -> tuple[list, str, str]:
        return *worlds.stroke(points, event), models.EXACT  # nobody has learned what is drawn here

    def choose(world: Any, points: list) -> tuple[Any, Any]:
        if world != worlds.DRAWN:
            return gr.skip(), gr.skip()
        return worlds.unfinished(world, points) or gr.skip(), models.EXACT

    wiring.connect(page, "walk", run, settings, [line, way], buttons, check, unlinked=[drawn])
    options: dict[str, Any] = wiring.QUIET
    wiring.moved(world)(choose, [world, drawn], [way, denoiser], **options)
    again = [*settings.values(), drawn]
    way.input(draw, drawn, [drawn, world, denoiser], **options).success(run, again, [line, way], **options)
    buttons["clear"].click(
        lambda world: ([], worlds.unfinished(world, []) or gr.skip()), world, [drawn, way], **options
    )


def controls() -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings in the order in which `check` takes them, and the buttons."""
    with gr.Row():
        world = gr.Dropdown(
            list(worlds.NAMES), value=DEFAULTS["world"], label="Data", elem_id="walk-world", min_width=160
        )
        first = gr.Dropdown(SAMPLER_NAMES, value=DEFAULTS["first"], label="Left", elem_id="first", min_width=160)
        second = gr.Dropdown(SAMPLER_NAMES, value=DEFAULTS["second"], label="Right", elem_id="second", min_width=160)
        steps = gr.Slider(1, SCHEDULE.T, DEFAULTS["steps"], step=1, label="Steps", elem_id="walk-steps", min_width=200)
    with gr.Row():
        start = gr.Radio(STARTS, value=DEFAULTS["start"], label="Start from", elem_id="start", min_width=300)
        buttons = {
            "run": gr.Button("Walk back", variant="primary", elem_id="walk-button", min_width=130),
            "stop": gr.Button("Stop", elem_id="walk-stop", min_width=80),
            "clear": gr.Button("Clear my points", elem_id="clear-walk", min_width=130),
        }
    with gr.Accordion("More", open=False):
        with gr.Row():
            denoiser = gr.Radio(
                list(models.DENOISERS),
                value=DEFAULTS["denoiser"],
                label="Denoiser",
                info="The exact one is known for the eight Gaussians and what you draw",
                elem_id="walk-denoiser",
            )
        with gr.Row():
            eta = gr.Slider(
                0, 1, DEFAULTS["eta"], step=0.05, label="η", info="New noise in each step of DDIM", elem_id="walk-eta"
            )
            seed = gr.Number(DEFAULTS["seed"], label="Seed", precision=0, elem_id="walk-seed")
        with gr.Row():
            buttons["copy"] = gr.Button("Copy link", elem_id="copy-walk", size="sm", min_width=120)
    settings = {
        "world": world,
        "denoiser": denoiser,
        "first": first,
        "second": second,
        "steps": steps,
        "eta": eta,
        "start": start,
        "seed": seed,
    }
    return settings, buttons
