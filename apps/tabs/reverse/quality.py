"""The lab "quality against steps": what each sampler makes of its network evaluations."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import gradio as gr
import numpy as np
import torch
from torch import Tensor

from apps import limits, models, player, wiring, worlds
from apps.wiring import now_and_then
from tutorial import measurements, weights
from tutorial.data import toy2d
from tutorial.data.digits import DataError
from tutorial.diffusion.quality import BUDGETS, CONTENDERS, Result, against_budget, order
from tutorial.diffusion.samplers import Model
from tutorial.metrics.energy import energy_distance, noise_floor

SAMPLES = 1000
DIGITS, FEW_DIGITS, MOST_FOR_DIGITS = "MNIST digits", 32, 10
"""A network evaluation costs some thousand times as much for a digit as for a point: so live there are few of both."""
WORLDS = (*toy2d.WORLDS, DIGITS)
ENERGY, FRECHET = "energy distance", "Fréchet distance"
HIGHEST = 100
"""Noise floors up to which distances are in the picture; where Heun's method fails, it is far above."""
LOOKS: dict[str, dict[str, Any]] = {
    "DDPM, variance β": {"colour": "noise", "dashed": True},
    "DDPM": {"colour": "noise"},
    "DDIM": {"colour": "generated"},
    "Euler": {"colour": "generated"},
    "Heun": {"colour": "field"},
    "DPM-Solver++(2M)": {"colour": "real"},
}
"""How a sampler's curve is drawn; Euler is DDIM without noise."""


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked."""

    world: str
    denoiser: str
    seed: int


def check(world: Any, denoiser: Any, seed: Any) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    wish = Wish(
        limits.choice("The data", world, WORLDS),
        limits.choice("The denoiser", denoiser, models.DENOISERS),
        limits.whole("The seed", seed, 0, 2**31 - 1),
    )
    if wish.world != DIGITS:
        models.denoiser(wish.denoiser, wish.world)  # raises gr.Error where there is none
    elif wish.denoiser != models.LEARNED:
        raise limits.refuse("Nobody knows the exact denoiser of handwriting; choose the learned one.")
    return wish


@dataclass(frozen=True)
class Outcome:
    """What was found so far, and what two samples of the data would have."""

    results: Sequence[Result]
    floor: float
    samples: int
    distance: str
    """What it is that was measured."""


@dataclass(frozen=True)
class Race:
    """What the contenders are given, and how they are judged."""

    model: Model
    x_T: Tensor
    distance: Callable[[Tensor], float]
    budgets: Sequence[int]
    cond: Tensor | None
    start: Outcome
    """The outcome before any result."""


def race(wish: Wish, most: int) -> Race:
    """The race that a visitor wishes, with budgets up to `most`."""
    most = min(most, MOST_FOR_DIGITS) if wish.world == DIGITS else most
    budgets = [budget for budget in BUDGETS if budget <= most]
    if wish.world == DIGITS:
        digits, judge = models.digit_diffusion(), models.digit_judge()
        x_T, _ = digits.noise(range(wish.seed, wish.seed + FEW_DIGITS))
        cond = torch.arange(FEW_DIGITS) % digits.nothing
        start = Outcome((), judge.floor(cond), FEW_DIGITS, FRECHET)
        return Race(digits.model, x_T, judge.frechet, budgets, cond, start)
    generator = torch.Generator().manual_seed(wish.seed)
    data = worlds.sample(wish.world, (), SAMPLES, generator)
    x_T = torch.randn(SAMPLES, 2, generator=generator)
    start = Outcome((), noise_floor(data, SAMPLES, SAMPLES), SAMPLES, ENERGY)
    return Race(models.denoiser(wish.denoiser, wish.world), x_T, partial(energy_distance, y=data), budgets, None, start)


def work(wish: Wish, most: int = BUDGETS[-1]) -> Generator[tuple[str, Outcome] | None, None, None]:
    """Runs all samplers at all budgets up to `most`: (how far, outcome so far), after each result."""
    run = race(wish, most)
    outcome, walks = run.start, len(CONTENDERS) * len(run.budgets)
    for part in now_and_then(against_budget(run.model, run.x_T, run.distance, run.budgets, wish.seed, run.cond)):
        if isinstance(part, Result):
            outcome = replace(outcome, results=[*outcome.results, part])
        elif part is None:
            yield None
            continue
        yield f"{len(outcome.results)} of {walks} walks done", outcome
    yield f"{wish.world}, {wish.denoiser} denoiser, {outcome.samples:,} samples, measured just now", outcome


def recorded() -> tuple[dict[str, str], dict[str, Sequence]]:
    """The picture of what was measured ahead for each world with its learned denoiser, and the solvers' errors.

    Raises measurements.MeasurementsError if something is missing or damaged.
    """
    points = measurements.load("sampler_quality", needs=("worlds", "samples", "convergence"))
    digits = measurements.load("sampler_quality_digits", needs=("results", "floor", "samples"))
    solvers, films = points["convergence"], {}
    limit = f" with {FEW_DIGITS} digits, up to {MOST_FOR_DIGITS} evaluations"
    measured = [(world, points, ENERGY, "") for world in toy2d.WORLDS] + [(DIGITS, digits, FRECHET, limit)]
    for world, found, distance, live in measured:
        try:
            rows = found["worlds"][world] if found is points else found
            results = [Result(**row) for row in rows["results"]]
            outcome = Outcome(results, rows["floor"], found["samples"], distance)
        except (KeyError, TypeError) as error:
            raise measurements.MeasurementsError(
                f"The measurement of samplers on {world} is damaged. Make it again: `{found['command']}`"
            ) from error
        made = f"{world}, learned denoiser, recorded by {found['command']}; “Measure again” does it here{live}."
        films[world] = picture(outcome, solvers, made)
    return films, solvers


def picture(outcome: Outcome, solvers: dict[str, Sequence], note: str) -> str:
    """Distance against evaluations and seconds, and the solvers' errors against steps, as the player takes them."""
    results, floor = outcome.results, outcome.floor
    most = max(result.evaluations for result in results)
    slowest = max(result.seconds for result in results)
    distances = [result.distance for result in results]
    low, high = min(floor, *distances) / 1.5, min(1.5 * max(distances), HIGHEST * floor)
    by_work, by_time = [], []
    for sampler in dict.fromkeys(result.sampler for result in results):
        ours = [result for result in results if result.sampler == sampler]
        reached = np.array([result.distance for result in ours])
        by_work.append(player.curve(_of(ours, "evaluations"), reached, name=sampler, **LOOKS[sampler]))
        by_time.append(player.curve(_of(ours, "seconds"), reached, name=sampler, **LOOKS[sampler]))
    evaluations: player.Axis = (1, 1.2 * most, "network evaluations", "log")
    seconds: player.Axis = (
        min(r.seconds for r in results) / 1.2,
        1.2 * slowest,
        f"seconds for {outcome.samples:,} samples",
        "log",
    )
    distance: player.Axis = (low, high, "", "log")
    panels = [
        player.panel(
            [_floor(evaluations, floor), *by_work], title=f"{outcome.distance} to data", x=evaluations, y=distance
        ),
        player.panel([_floor(seconds, floor), *by_time], title="the same, by the clock", x=seconds, y=distance),
    ]
    errors = np.array([error for rows in solvers.values() for _, error in rows])
    lines = [
        player.curve(*np.array(rows).T, name=f"{name}: order {order(rows):.2f}", **LOOKS[name])
        for name, rows in solvers.items()
    ]
    steps = [step for rows in solvers.values() for step, _ in rows]
    panels.append(
        player.panel(
            lines,
            title="error of the solver, eight Gaussians",
            x=(min(steps) / 1.2, max(steps) * 1.2, "steps", "log"),
            y=(errors.min() / 2, errors.max() * 2, "", "log"),
        )
    )
    return player.clip(panels, note=note)


def _of(results: Sequence[Result], field: str) -> np.ndarray:
    return np.array([getattr(result, field) for result in results], dtype=float)


def _floor(axis: player.Axis, floor: float) -> player.Layer:
    return player.curve(np.array(axis[:2]), np.full(2, floor), "exact", "data to data, on average", dashed=True)


DEFAULTS: dict[str, Any] = {"world": "eight Gaussians", "denoiser": models.LEARNED, "seed": 0}


def quality_vs_steps(
    request: gr.Request,
    world: str = DEFAULTS["world"],
    denoiser: str = DEFAULTS["denoiser"],
    most: int = 100,
    seed: int = DEFAULTS["seed"],
):
    """How far samples are from data, for each sampler and budget. Yields (progress, rows so far).

    world one of eight Gaussians, two moons, spiral, checkerboard, pinwheel (1,000 samples, energy distance) or MNIST
    digits (32 samples, Fréchet distance in a digit classifier's features, at most 10 evaluations), denoiser learned or
    exact (eight Gaussians only), most 2–1000 network evaluations. A row has sampler, evaluations, seconds and distance.
    """
    wish, most = check(world, denoiser, seed), limits.whole("The most evaluations", most, BUDGETS[0], BUDGETS[-1])
    for text, outcome in limits.run(request, work(wish, most)):
        yield text, [asdict(result) for result in outcome.results]


quality_vs_steps.__annotations__["return"] = tuple[str, list[dict[str, Any]]]


def lab(page: gr.Blocks) -> None:
    """The lab's controls and pictures; it opens with what was recorded, and shows that of each world that is chosen."""
    gr.api(quality_vs_steps, api_name="quality_vs_steps")
    try:
        films, solvers = recorded()
        for world in toy2d.WORLDS:
            models.point_model(world)
        models.digit_diffusion()
        models.digit_judge()
    except (measurements.MeasurementsError, weights.WeightsError, DataError) as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    film = player.player(films[DEFAULTS["world"]], elem_id="quality")
    settings, buttons = controls()

    def measured(request: gr.Request, *chosen: Any) -> Iterator[Any]:
        text, outcome = "", None
        for text, outcome in limits.run(request, work(check(*chosen)), "quality"):
            yield picture(outcome, solvers, text) if outcome.results else gr.skip()
        if outcome and outcome.results and text.endswith("done"):
            yield picture(outcome, solvers, f"{text}, then stopped")

    def shown(world: Any) -> str:
        return films[limits.choice("The data", world, WORLDS)]

    wiring.moved(settings["world"])(shown, settings["world"], film, **wiring.QUIET)
    wiring.connect(page, "quality", measured, settings, [film], buttons, check)


def controls() -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings in the order in which `check` takes them, and the buttons."""
    with gr.Row():
        world = gr.Dropdown(WORLDS, value=DEFAULTS["world"], label="Data", elem_id="quality-world", min_width=160)
        denoiser = gr.Radio(
            list(models.DENOISERS), value=DEFAULTS["denoiser"], label="Denoiser", elem_id="quality-denoiser"
        )
        seed = gr.Number(DEFAULTS["seed"], label="Seed", precision=0, elem_id="quality-seed", min_width=100)
    with gr.Row():
        buttons = {
            "run": gr.Button("Measure again", variant="primary", elem_id="measure", min_width=150),
            "stop": gr.Button("Stop", elem_id="quality-stop", min_width=80),
            "copy": gr.Button("Copy link", elem_id="copy-quality", min_width=100),
        }
    return {"world": world, "denoiser": denoiser, "seed": seed}, buttons
