"""The lab "train a denoiser": a perceptron learns to denoise points, and its samples find the data as you watch."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
import math
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import asdict
from typing import Any

import gradio as gr
import numpy as np
import torch

from apps import limits, links, live, player, point_training, wiring, worlds
from apps.point_training import AT_A_TIME, Setup, Wish, check
from apps.wiring import QUIET
from tutorial import weights
from tutorial.data import toy2d
from tutorial.diffusion.point_training import POINTS, Knobs, PointTraining, Progress, progress
from tutorial.diffusion.points import file_name
from tutorial.metrics.coverage import NEAR
from tutorial.metrics.energy import noise_floor
from tutorial.training.point_denoisers import COMMAND, COMPARED

FRAME = 1 / 14
"""Seconds between two pictures of a training; the browser draws one in less."""
ROWS = 400
"""Points of the curves; with more, every other one is dropped."""
PREDICTS = [("noise ε", "eps"), ("clean point x₀", "x0"), ("velocity v", "v")]
DEFAULTS: dict[str, Any] = point_training.DEFAULTS | {"predicts": Knobs.predicts}


class Run:
    """A training with what it is compared to, and how it went so far."""

    def __init__(self, setup: Setup) -> None:
        generator = torch.Generator().manual_seed(setup.seed)
        self.setup, self.seconds = setup, 0.0
        data = worlds.sample(setup.world, setup.drawn, POINTS, generator)
        self.reference = worlds.sample(setup.world, setup.drawn, COMPARED, generator)
        self.mixture = toy2d.mixture_of(setup.world)
        self.floor = noise_floor(data[:2000], COMPARED, COMPARED)
        self.training = PointTraining(data, setup.shape, seed=setup.seed)
        self.rows: list[tuple[int, float, float]] = []

    def look(self, loss: float) -> Progress:
        """Measures, and adds a point to the curves unless there is nothing finite to add."""
        now = progress(self.training, loss, self.reference, self.mixture)
        if now.finite and now.step:
            self.rows.append((now.step, now.loss, now.energy))
        if len(self.rows) > ROWS:
            self.rows = self.rows[::2]
        return now

    def train(self, knobs: Callable[[], Knobs], updates: int | None = None) -> Generator[Progress | None, None, None]:
        """Trains, for so many updates if they are given, and counts its seconds.

        Yields a look every `FRAME` seconds and at the end, and None after all other updates: places to pause at.
        """
        losses, shown, begun = [], 0.0, time.monotonic()
        last = None if updates is None else self.training.step + updates
        with closing(self.training.run(knobs)) as steps:
            for step in steps:
                losses.append(step.loss)
                look = None
                if step.i == last or time.monotonic() - shown >= FRAME:
                    look = self.look(sum(losses) / len(losses))
                    if not look.finite:
                        raise limits.refuse(live.OUT_OF_BOUNDS)
                    losses, shown = [], time.monotonic()
                self.seconds += time.monotonic() - begun
                yield look
                begun = time.monotonic()
                if step.i == last:
                    return


Bench = live.Bench[Wish, Run]


def work(
    bench: Bench, updates: int | None = None, seconds: float = AT_A_TIME
) -> Generator[tuple[Run, Progress] | None, None, None]:
    """Trains what is on the bench under the settings that stand there at each moment, until it has made so many updates
    or computed for so long."""
    return live.work(bench, Run, lambda run: run.train(lambda: bench.settings.knobs, updates), seconds)


def told(run: Run, now: Progress) -> str:
    """A training's state in a line."""
    said = [f"{now.step:,} updates"] + ([f"{now.step / run.seconds:,.0f} a second"] if run.seconds else [])
    if now.coverage is not None and run.mixture is not None:
        good = f"{now.coverage.high_quality:.0%} of samples within {NEAR:g}σ of one"
        said.append(f"{now.coverage.modes} of {len(run.mixture.means)} modes reached, {good}")
    return " · ".join([*said, f"energy distance {now.energy:.3g}"])


def picture(run: Run, samples: np.ndarray, note: str) -> str:
    """Data and samples (n, 2), and the curves so far, as the player takes them."""
    step, loss, energy = np.array(run.rows or [(0, 1, 1)], dtype=float).T
    updates = (0.0, max(1000.0, step[-1]), "updates")
    cloud = player.panel(
        [
            player.points(run.reference[None].numpy(), "real", "data", alpha=0.45),
            player.points(samples[None], "generated", "samples"),
        ],
        title="draw here to make data of your own",
        label=f"Data: {run.setup.world}, and what the model draws",
        x=worlds.AXIS,
        y=worlds.AXIS,
        width=2,
        takes="points",
    )
    error = player.panel(
        [player.curve(step, loss, "field", "loss")],
        title="mean squared error",
        x=updates,
        y=(*player.decades(loss), "", "log"),
    )
    distance = player.panel(
        [
            player.curve(step, energy, "generated", "samples to data"),
            player.curve(
                np.array(updates[:2]), np.full(2, run.floor), "exact", "data to data, on average", dashed=True
            ),
        ],
        title="energy distance",
        x=updates,
        y=(*player.decades(energy, np.array(run.floor)), "", "log"),
    )
    return player.clip([cloud, error, distance], note=note)


def opening() -> str:
    """What the lab shows at first: the shipped denoiser of the eight Gaussians, and how its training went."""
    wish = check(**DEFAULTS)
    card, run = weights.read_card(file_name(wish.setup.world), needs=("history",)), Run(wish.setup)
    run.training.average = weights.load(file_name(wish.setup.world))
    run.training.step = card["steps"]
    run.rows = [tuple(row) for row in card["history"]["rows"]]
    now = progress(run.training, run.rows[-1][1], run.reference, run.mixture)
    note = f"{told(run, now)}. A recorded run, made by {COMMAND}; Train starts one of yours."
    return picture(run, now.samples.numpy(), note)


def train_denoiser(
    request: gr.Request,
    world: str = DEFAULTS["world"],
    predicts: str = DEFAULTS["predicts"],
    rate: float = DEFAULTS["rate"],
    batch: int = DEFAULTS["batch"],
    hidden: int = DEFAULTS["hidden"],
    layers: int = DEFAULTS["layers"],
    seed: int = DEFAULTS["seed"],
    updates: int = 5000,
    points: list[list[float]] | None = None,
):
    """Trains a denoiser of points in the plane. Yields (progress, numbers) while it trains and at its end.

    world one of eight Gaussians, two moons, spiral, checkerboard, pinwheel, draw your own (then points, 2–2000 pairs
    of numbers from −3 to 3), predicts eps, x0 or v, rate 0.00001–0.1, batch 16–512, hidden 8–256, layers 1–5, updates
    1–20000. numbers: step, loss, energy (distance of 500 samples to 500 points of data), floor (what two samples of
    the data would have) and, for the eight Gaussians, modes, high_quality and rarest.
    """
    bench: Bench = live.Bench()
    bench.settings = check(world, rate, batch, hidden, layers, seed, predicts, worlds.sent(world, points))
    updates = limits.whole("The number of updates", updates, 1, 20_000)
    for run, now in limits.run(request, work(bench, updates, math.inf)):
        seen = asdict(now.coverage) if now.coverage is not None else {}
        yield told(run, now), {"step": now.step, "loss": now.loss, "energy": now.energy, "floor": run.floor} | seen


train_denoiser.__annotations__["return"] = tuple[str, dict[str, float]]


def lab(page: gr.Blocks) -> None:
    """The lab's controls and pictures; without the shipped denoiser, a sentence that says how to get it back."""
    gr.api(train_denoiser, api_name="train_denoiser")
    try:
        name = file_name(check(**DEFAULTS).setup.world)
        weights.load(name)
        weights.read_card(name, needs=("history",))
    except weights.WeightsError as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    benches: live.Benches[Wish, Run] = live.Benches(page)
    film = player.player(opening, elem_id="training")
    settings, buttons = controls()
    drawn = gr.State([])
    everything = settings | {"drawn": drawn}
    values = list(everything.values())

    def trained(request: gr.Request, updates: int | None, *chosen: Any) -> Iterator[str]:
        bench, loss = benches.of(request), math.nan
        bench.settings = check(*chosen)
        with bench.alone():
            for run, now in limits.run(request, work(bench, updates), "train"):
                loss = now.loss
                yield picture(run, now.samples.numpy(), told(run, now))
            with limits.CPU.turn():  # what came after the last picture, before Pause or the end of the time
                run = live.placed(bench, Run)
                now = run.look(loss)
            yield picture(run, now.samples.numpy(), f"{told(run, now)} · paused")

    def train(request: gr.Request, *chosen: Any) -> Iterator[str]:
        yield from trained(request, None, *chosen)

    def step(request: gr.Request, *chosen: Any) -> Iterator[str]:
        yield from trained(request, 1, *chosen)

    def reset(request: gr.Request, *chosen: Any) -> Any:
        bench, world, points = benches.of(request), chosen[0], chosen[-1]
        if empty := worlds.unfinished(world, points):
            return empty
        bench.settings, bench.work = check(*chosen), None
        with bench.alone(live.PATIENCE), limits.CPU.turn():
            run = live.placed(bench, Run)
            now = run.look(math.nan)
        return picture(
            run, now.samples.numpy(), f"{told(run, now)}: what the model draws before it has learned anything"
        )

    write = links.write("train", settings)
    buttons["run"].click(train, values, film, js=write, trigger_mode="once", **QUIET)
    buttons["step"].click(step, values, film, js=write, trigger_mode="once", **QUIET)
    buttons["pause"].click(limits.stopper("train"), queue=False, api_visibility="private")
    buttons["reset"].click(reset, values, film, **QUIET)
    film.input(worlds.stroke, drawn, [drawn, settings["world"]], **QUIET).success(reset, values, film, **QUIET)
    wiring.moved(settings["world"])(reset, values, film, trigger_mode="always_last", **QUIET)
    buttons["clear"].click(lambda: [], None, drawn, **QUIET).success(reset, values, film, **QUIET)
    live.follow(
        benches,
        everything,
        lambda **chosen: None if worlds.unfinished(chosen["world"], chosen["drawn"]) else check(**chosen),
    )
    wiring.link(page, "train", settings, buttons, check)


def controls() -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings in the order in which `check` takes them, and the buttons."""
    with gr.Row():
        buttons = {
            "run": gr.Button("Train", variant="primary", elem_id="train", min_width=110),
            "pause": gr.Button("Pause", elem_id="pause", min_width=90),
            "step": gr.Button("One update", elem_id="step", min_width=90),
            "reset": gr.Button("Reset", elem_id="reset", min_width=90),
        }
    with gr.Row():
        world = gr.Dropdown(list(worlds.NAMES), value=DEFAULTS["world"], label="Data", elem_id="world", min_width=180)
        predicts = gr.Radio(PREDICTS, value=DEFAULTS["predicts"], label="The network predicts the", elem_id="predicts")
        rate = point_training.rate("train")
    with gr.Accordion("More", open=False):
        more = point_training.more("train")
        with gr.Row():
            buttons["clear"] = gr.Button("Clear my points", elem_id="clear", size="sm", min_width=120)
            buttons["copy"] = gr.Button("Copy link", elem_id="copy-train", size="sm", min_width=120)
    return {"world": world, "rate": rate} | more | {"predicts": predicts}, buttons
