"""The lab "quality against steps": what each sampler makes of its network evaluations."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import gradio as gr
import numpy as np
import torch

from apps import limits, models, player, wiring, worlds
from apps.wiring import now_and_then
from tutorial import measurements
from tutorial.data import toy2d
from tutorial.diffusion.quality import BUDGETS, CONTENDERS, Result, against_budget, order
from tutorial.metrics.energy import noise_floor

SAMPLES = 1000
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
        limits.choice("The data", world, list(toy2d.WORLDS)),
        limits.choice("The denoiser", denoiser, models.DENOISERS),
        limits.whole("The seed", seed, 0, 2**31 - 1),
    )
    models.denoiser(wish.denoiser, wish.world)  # raises gr.Error where there is none
    return wish


def work(wish: Wish, most: int = BUDGETS[-1]) -> Generator[tuple[str, list[Result], float] | None, None, None]:
    """Runs all samplers at all budgets up to `most`: (how far, results so far, noise floor), after each result."""
    generator = torch.Generator().manual_seed(wish.seed)
    data = worlds.sample(wish.world, (), SAMPLES, generator)
    x_T = torch.randn(SAMPLES, 2, generator=generator)
    model, floor = models.denoiser(wish.denoiser, wish.world), noise_floor(data, SAMPLES, SAMPLES)
    budgets, results = [budget for budget in BUDGETS if budget <= most], []
    for part in now_and_then(against_budget(model, data, x_T, budgets, wish.seed)):
        if isinstance(part, Result):
            results.append(part)
        elif part is None:
            yield None
            continue
        yield f"{len(results)} of {len(CONTENDERS) * len(budgets)} walks done", results, floor
    yield f"{wish.world}, {wish.denoiser} denoiser, {SAMPLES:,} samples, measured just now", results, floor


def picture(results: Sequence[Result], floor: float, solvers: dict[str, Sequence], note: str) -> str:
    """Distance against evaluations and seconds, and the solvers' errors against steps, as the player takes them."""
    most = max(result.evaluations for result in results)
    slowest = max(result.seconds for result in results)
    distances = [result.distance for result in results]
    low, high = min(floor, *distances) / 1.5, max(distances) * 1.5
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
        f"seconds for {SAMPLES:,} samples",
        "log",
    )
    distance: player.Axis = (low, high, "", "log")
    panels = [
        player.panel(
            [_floor(evaluations, floor), *by_work], title="energy distance to data", x=evaluations, y=distance
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
            title="error of the solver, exact denoiser",
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
    """Energy distance to data of 1,000 samples, for each sampler and budget. Yields (progress, rows so far).

    world one of eight Gaussians, two moons, spiral, checkerboard, pinwheel, denoiser learned or exact (eight Gaussians
    only), most 2–1000 network evaluations. A row has sampler, evaluations, seconds and distance.
    """
    wish, most = check(world, denoiser, seed), limits.whole("The most evaluations", most, BUDGETS[0], BUDGETS[-1])
    for text, results, _ in limits.run(request, work(wish, most)):
        yield text, [asdict(result) for result in results]


quality_vs_steps.__annotations__["return"] = tuple[str, list[dict[str, Any]]]


def lab(page: gr.Blocks) -> None:
    """The lab's controls and pictures; it opens with what was recorded."""
    gr.api(quality_vs_steps, api_name="quality_vs_steps")
    try:
        recorded = measurements.load("sampler_quality", needs=("results", "floor", "convergence", "world", "samples"))
    except measurements.MeasurementsError as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    solvers = recorded["convergence"]
    results = [Result(**row) for row in recorded["results"]]
    made = f"{recorded['world']}, learned denoiser, recorded by {recorded['command']}; “Measure again” does it here."
    film = player.player(picture(results, recorded["floor"], solvers, made), elem_id="quality")
    settings, buttons = controls()

    def measured(request: gr.Request, *chosen: Any) -> Iterator[Any]:
        so_far, floor, text = [], 0.0, ""
        for text, so_far, floor in limits.run(request, work(check(*chosen)), "quality"):
            yield picture(so_far, floor, solvers, text) if so_far else gr.skip()
        if so_far and text.endswith("done"):
            yield picture(so_far, floor, solvers, f"{text}, then stopped")

    wiring.connect(page, "quality", measured, settings, [film], buttons, check)


def controls() -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings in the order in which `check` takes them, and the buttons."""
    with gr.Row():
        world = gr.Dropdown(
            list(toy2d.WORLDS), value=DEFAULTS["world"], label="Data", elem_id="quality-world", min_width=160
        )
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
