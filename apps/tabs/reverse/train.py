"""The lab "train a denoiser": a perceptron learns to denoise points, and its samples find the data as you watch."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
import math
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any

import gradio as gr
import numpy as np
import torch

from apps import limits, links, live, player, worlds
from tutorial import weights
from tutorial.data import toy2d
from tutorial.diffusion.objective import KINDS
from tutorial.diffusion.point_training import POINTS, Knobs, PointTraining, Progress, progress
from tutorial.metrics.energy import noise_floor
from tutorial.networks.mlp import PointDenoiserConfig
from tutorial.training.point_denoisers import COMMAND, COMPARED, file_name

FRAME = 1 / 14
"""Seconds between two pictures of a training; the browser draws one in less."""
AT_A_TIME = 30.0
"""Seconds of computing after which a training pauses by itself."""
RATES = [0.0001, 0.0005, 0.002, 0.005, 0.02, 0.1]
ROWS = 400
"""Points of the curves; with more, every other one is dropped."""
PREDICTS = [("noise ε", "eps"), ("clean point x₀", "x0"), ("velocity v", "v")]


DEFAULTS: dict[str, Any] = {
    "world": "eight Gaussians",
    "predicts": "eps",
    "rate": 0.002,
    "batch": 128,
    "hidden": 128,
    "layers": 3,
    "seed": 0,
}


@dataclass(frozen=True)
class Setup:
    """What a training starts from: another one is another training."""

    world: str
    drawn: tuple[tuple[float, float], ...]
    hidden: int
    layers: int
    seed: int


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked."""

    setup: Setup
    knobs: Knobs


def check(
    world: Any, predicts: Any, rate: Any, batch: Any, hidden: Any, layers: Any, seed: Any, drawn: Any = ()
) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    name = limits.choice("The data", world, worlds.NAMES)
    return Wish(
        Setup(
            world=name,
            drawn=worlds.drawn(name, drawn),
            hidden=limits.whole("The width", hidden, 8, 256),
            layers=limits.whole("The number of layers", layers, 1, 5),
            seed=limits.whole("The seed", seed, 0, 2**31 - 1),
        ),
        Knobs(
            predicts=limits.choice("What is predicted", predicts, KINDS),  # type: ignore[arg-type]
            rate=limits.number("The learning rate", rate, 1e-5, 0.1),
            batch=limits.whole("The batch", batch, 16, 512),
        ),
    )


class Run:
    """A training with what it is compared to, and how it went so far."""

    def __init__(self, setup: Setup) -> None:
        generator = torch.Generator().manual_seed(setup.seed)
        self.setup, self.seconds = setup, 0.0
        data = worlds.sample(setup.world, setup.drawn, POINTS, generator)
        self.reference = worlds.sample(setup.world, setup.drawn, COMPARED, generator)
        self.mixture = toy2d.mixture_of(setup.world)
        self.floor = noise_floor(data[:2000], COMPARED, COMPARED)
        shape = PointDenoiserConfig(hidden=setup.hidden, layers=setup.layers)
        self.training = PointTraining(data, shape, seed=setup.seed)
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
    if now.coverage is not None:
        good = f"{now.coverage.high_quality:.0%} of samples within 3σ of one"
        said.append(f"{now.coverage.modes} of 8 modes reached, {good}")
    return " · ".join([*said, f"energy distance {now.energy:.3g}"])


def picture(run: Run, samples: np.ndarray, note: str) -> str:
    """Data and samples (n, 2), and the curves so far, as the player takes them."""
    step, loss, energy = np.array(run.rows or [(0, 1, 1)], dtype=float).T
    updates = (0.0, max(1000.0, step[-1]), "updates")
    plane = (-toy2d.REACH, toy2d.REACH, "")
    cloud = player.panel(
        [
            player.points(run.reference[None].numpy(), "real", "data", alpha=0.45),
            player.points(samples[None], "generated", "samples"),
        ],
        title="draw here to make data of your own",
        label=f"Data: {run.setup.world}, and what the model draws",
        x=plane,
        y=plane,
        width=2,
        takes="points",
    )
    error = player.panel(
        [player.curve(step, loss, "field", "loss")],
        title="mean squared error",
        x=updates,
        y=(*_decades(loss.min(), loss.max()), "", "log"),
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
        y=(*_decades(min(energy.min(), run.floor), energy.max()), "", "log"),
    )
    return player.clip([cloud, error, distance], note=note)


def _decades(low: float, high: float) -> tuple[float, float]:
    """The powers of ten around a range."""
    below, above = np.floor(np.log10(low)), np.ceil(np.log10(high))
    return 10.0**below, 10.0 ** max(above, below + 1)


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
    bench.settings = check(world, predicts, rate, batch, hidden, layers, seed, points or [])
    updates = limits.whole("The number of updates", updates, 1, 20_000)
    for run, now in limits.run(request, work(bench, updates, math.inf)):
        seen = asdict(now.coverage) if now.coverage is not None else {}
        yield told(run, now), {"step": now.step, "loss": now.loss, "energy": now.energy, "floor": run.floor} | seen


train_denoiser.__annotations__["return"] = tuple[str, dict[str, float]]


def lab(page: gr.Blocks) -> None:
    """The lab's controls and pictures; without the shipped denoiser, a sentence that says how to get it back."""
    gr.api(train_denoiser, api_name="train_denoiser", concurrency_limit=None)
    try:
        first = opening()
    except weights.WeightsError as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    benches: live.Benches[Wish, Run] = live.Benches(page)
    film = player.player(first, elem_id="training")
    settings, buttons = controls()
    drawn = gr.State([])
    everything = settings | {"drawn": drawn}
    values = list(everything.values())

    def trained(request: gr.Request, updates: int | None, *chosen: Any) -> Iterator[str]:
        bench = benches.of(request)
        bench.settings = check(*chosen)
        with bench.alone():
            for run, now in limits.run(request, work(bench, updates), "train"):
                yield picture(run, now.samples.numpy(), told(run, now))
            with limits.CPU.turn():  # what came after the last picture, before Pause or the end of the time
                now = live.placed(bench, Run).look(now.loss)
        yield picture(live.placed(bench, Run), now.samples.numpy(), f"{told(live.placed(bench, Run), now)} · paused")

    def train(request: gr.Request, *chosen: Any) -> Iterator[str]:
        yield from trained(request, None, *chosen)

    def step(request: gr.Request, *chosen: Any) -> Iterator[str]:
        yield from trained(request, 1, *chosen)

    def reset(request: gr.Request, *chosen: Any) -> Any:
        bench, world, points = benches.of(request), chosen[0], chosen[-1]
        if world == worlds.DRAWN and len(points) < worlds.FEWEST:
            return worlds.plane(points)
        bench.settings, bench.work = check(*chosen), None
        if bench.busy:
            return gr.skip()  # the run notices, and shows the beginning as it ends
        with bench.alone(), limits.CPU.turn():
            run = live.placed(bench, Run)
            now = run.look(math.nan)
        return picture(
            run, now.samples.numpy(), f"{told(run, now)}: what the model draws before it has learned anything"
        )

    options: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    run_options: dict[str, Any] = options | {"trigger_mode": "once", "concurrency_limit": None}
    write = links.write("train", settings)
    buttons["train"].click(train, values, film, js=write, **run_options)
    buttons["step"].click(step, values, film, js=write, **run_options)
    buttons["pause"].click(limits.stopper("train"), queue=False, api_visibility="private")
    buttons["reset"].click(reset, values, film, **options)
    buttons["copy"].click(
        None, list(settings.values()), js=links.copy("train", settings, "copy-train"), queue=False, **options
    )
    film.input(worlds.stroke, drawn, [drawn, settings["world"]], **options).success(reset, values, film, **options)
    settings["world"].input(reset, values, film, trigger_mode="always_last", **options)
    buttons["clear"].click(lambda: [], None, drawn, **options).success(reset, values, film, **options)
    live.follow(benches, everything, check)
    links.restore(page, "train", settings, check, button="train")


def controls() -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings in the order in which `check` takes them, and the buttons."""
    with gr.Row():
        buttons = {
            "train": gr.Button("Train", variant="primary", elem_id="train", min_width=110),
            "pause": gr.Button("Pause", elem_id="pause", min_width=90),
            "step": gr.Button("One update", elem_id="step", min_width=90),
            "reset": gr.Button("Reset", elem_id="reset", min_width=90),
        }
    with gr.Row():
        world = gr.Dropdown(list(worlds.NAMES), value=DEFAULTS["world"], label="Data", elem_id="world", min_width=180)
        predicts = gr.Radio(PREDICTS, value=DEFAULTS["predicts"], label="The network predicts the", elem_id="predicts")
        rate = gr.Dropdown(RATES, value=DEFAULTS["rate"], label="Learning rate", elem_id="rate", min_width=120)
    with gr.Accordion("More", open=False):
        with gr.Row():
            batch = gr.Slider(16, 512, DEFAULTS["batch"], step=16, label="Batch", elem_id="batch")
            hidden = gr.Slider(8, 256, DEFAULTS["hidden"], step=8, label="Width of the layers", elem_id="hidden")
            layers = gr.Slider(1, 5, DEFAULTS["layers"], step=1, label="Hidden layers", elem_id="layers")
        seed = gr.Number(DEFAULTS["seed"], label="Seed: initialisation and noise", precision=0, elem_id="train-seed")
        with gr.Row():
            buttons["clear"] = gr.Button("Clear my points", elem_id="clear", size="sm", min_width=120)
            buttons["copy"] = gr.Button("Copy link", elem_id="copy-train", size="sm", min_width=120)
    settings = {
        "world": world,
        "predicts": predicts,
        "rate": rate,
        "batch": batch,
        "hidden": hidden,
        "layers": layers,
        "seed": seed,
    }
    return settings, buttons
