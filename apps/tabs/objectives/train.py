"""The lab "train with each": three denoisers, alike but for what they are asked for, are trained side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import gradio as gr
import numpy as np
import torch
from torch import Tensor

from apps import limits, links, live, models, player, point_training, wiring, worlds
from apps.player import promises
from apps.point_training import AT_A_TIME, DEFAULTS, Setup, Wish
from apps.tabs.objectives.shown import COLOURS, NAMES
from apps.wiring import QUIET
from tutorial import weights
from tutorial.data.toy2d import WORLDS, mixture_of
from tutorial.diffusion.elbo import noised
from tutorial.diffusion.exact import exact_denoiser
from tutorial.diffusion.objective import KINDS, Kind, read
from tutorial.diffusion.point_training import CHUNK, POINTS, Knobs, PointTraining, Progress, progress
from tutorial.diffusion.points import IN_THREE_WAYS, SCHEDULE, file_name
from tutorial.diffusion.views import magnification
from tutorial.metrics.energy import noise_floor
from tutorial.training.point_denoisers import COMMAND

FRAME = 0.4
"""Seconds between two looks at a training; a look at three networks costs about a tenth."""
COMPARED = 300
"""Samples of each network, and points of the data they are compared to."""
PROBES = 128
"""Points, each with its noise, at each of `TIMES`, on which errors are measured: always the same."""
TIMES = torch.tensor([1, 5, 12, 25, 50, 75, 100, 150, 200, 250, 300, 400, 500, 600, 700, 800, 900, 1000])


def check(world: Any, rate: Any, batch: Any, hidden: Any, layers: Any, seed: Any) -> Wish:
    """Raises gr.Error for the first value that is not as it should be; here nothing is drawn."""
    name = limits.choice("The data", world, tuple(WORLDS))
    return point_training.check(name, rate, batch, hidden, layers, seed)


@dataclass(frozen=True)
class Look:
    """How one network stands: its samples, and its errors of ε̂ at `TIMES`, as squares for each number."""

    progress: Progress
    error: np.ndarray
    """From the noise that was there."""
    excess: np.ndarray | None
    """From the exact answer, where it is known: what training could still remove."""


class Run:
    """Three trainings from the same initialisation on the same batches, and the probes they are measured on."""

    def __init__(self, setup: Setup) -> None:
        generator = torch.Generator().manual_seed(setup.seed)
        draw, self.mixture = WORLDS[setup.world], mixture_of(setup.world)
        self.setup, self.seconds = setup, 0.0
        data, self.reference = draw(POINTS, generator), draw(COMPARED, generator)
        self.floor = noise_floor(data[:2000], COMPARED, COMPARED)
        self.trainings: dict[Kind, PointTraining] = {}
        for kind in KINDS:
            self.trainings[kind] = PointTraining(data, setup.shape, seed=setup.seed)
            self.trainings[kind].knobs = Knobs(predicts=kind)
        self.x_t, self.t, self.eps = noised(SCHEDULE, draw(PROBES, generator), TIMES, generator)
        exact = exact_denoiser(self.mixture, SCHEDULE) if self.mixture is not None else None
        self.exact = exact(self.x_t, self.t, None) if exact is not None else None

    @property
    def step(self) -> int:
        """Updates that each network has had."""
        return self.trainings["v"].step  # the last of a round

    @torch.no_grad()
    def look(self, kind: Kind) -> Look:
        """Draws and measures with one network."""
        training = self.trainings[kind]
        answer = training.denoise(self.x_t[None], self.t[None])[0]
        eps, _ = read(kind, SCHEDULE, answer, self.x_t, self.t)
        now = progress(training, 0.0, self.reference, self.mixture)
        excess = _by_time(eps - self.exact) if self.exact is not None else None
        return Look(now, _by_time(eps - self.eps), excess)

    def looks(self) -> dict[Kind, Look]:
        """A look at each of the three."""
        return {kind: self.look(kind) for kind in KINDS}

    def train(self, knobs: Callable[[], Knobs]) -> Generator[dict[Kind, Look] | None, None, None]:
        """Trains the three in turn, `CHUNK` updates each, and counts the seconds.

        Yields a look at all three every `FRAME` seconds, and None wherever else it can pause.
        """
        shown = begun = time.monotonic()
        with ExitStack() as stack:
            running = [
                stack.enter_context(closing(training.run(lambda kind=kind: replace(knobs(), predicts=kind))))
                for kind, training in self.trainings.items()
            ]
            while True:
                for steps in running:
                    for _ in islice(steps, CHUNK):
                        pass
                    self.seconds += time.monotonic() - begun
                    yield None
                    begun = time.monotonic()
                if begun - shown >= FRAME:
                    looks = self.looks()
                    if not all(np.isfinite(look.error).all() for look in looks.values()):
                        raise limits.refuse(live.OUT_OF_BOUNDS)
                    self.seconds += time.monotonic() - begun
                    yield looks
                    shown = begun = time.monotonic()


def _by_time(difference: Tensor) -> np.ndarray:
    """Mean squares at each of `TIMES`: (T · PROBES, 2) → (T,)."""
    return difference.square().unflatten(0, (len(TIMES), PROBES)).mean((1, 2)).double().numpy()


Bench = live.Bench[Wish, Run]


def work(bench: Bench) -> Generator[tuple[Run, dict[Kind, Look]] | None, None, None]:
    """Trains what is on the bench under the settings that stand there at each moment, for `AT_A_TIME` seconds."""
    return live.work(bench, Run, lambda run: run.train(lambda: bench.settings.knobs), AT_A_TIME)


def told(run: Run, looks: Mapping[Kind, Look]) -> str:
    """A training's state in a line."""
    pace = f", {run.step / run.seconds:,.0f} a second" if run.seconds and run.step else ""
    energies = ", ".join(f"{NAMES[kind]} {look.progress.energy:.3g}" for kind, look in looks.items())
    return f"{run.step:,} updates of each{pace} · energy distance: {energies}; two samples of the data {run.floor:.3f}"


def clouds(run: Run, looks: dict[Kind, Look], note: str) -> str:
    """What each network draws."""
    panels = []
    for kind, look in looks.items():
        seen = look.progress.coverage
        good = f": {seen.modes} modes, {seen.high_quality:.0%} on one" if seen is not None else ""
        panels.append(
            player.panel(
                [
                    player.points(run.reference[None].numpy(), "real", "data", alpha=0.35),
                    player.points(look.progress.samples[None].numpy(), "generated", "samples"),
                ],
                title=f"predicts {NAMES[kind]}{good}",
                label=f"Data, and samples of the network that predicts {NAMES[kind]}",
                x=worlds.AXIS,
                y=worlds.AXIS,
            )
        )
    return player.clip(panels, note=note)


def curves(run: Run, looks: dict[Kind, Look]) -> str:
    """Loss for each t: as each network has it, in the same units for all, and beyond what cannot be avoided."""
    exact = _by_time(run.exact - run.eps) if run.exact is not None else None
    own: dict[Kind, np.ndarray] = {}
    common: dict[Kind, np.ndarray] = {}
    excess: dict[Kind, np.ndarray] = {}
    floors = []
    for kind, look in looks.items():
        squared = magnification(kind, SCHEDULE)[TIMES].square().numpy()
        own[kind], common[kind] = look.error * squared, look.error
        if exact is not None and look.excess is not None:
            floors.append(exact * squared)
            excess[kind] = look.excess
    panels = [
        _panel("loss at each t, each in its own units", own, floors),
        _panel("the same, as errors of ε̂", common, floors[:1]),
    ]
    if excess:
        panels.append(_panel("ε̂ off the exact answer", excess, []))
    return player.clip(panels)


def _panel(title: str, by_kind: Mapping[Kind, np.ndarray], floors: list[np.ndarray]) -> player.Panel:
    x = TIMES.numpy()
    layers = [player.curve(x, values, COLOURS[kind], f"predicts {NAMES[kind]}") for kind, values in by_kind.items()]
    layers += [player.curve(x, floor, "exact", "exact: unavoidable", dashed=True) for floor in floors]
    y = (*player.decades(*by_kind.values(), *floors), "mean square", "log")
    return player.panel(layers, title=title, x=(1, SCHEDULE.T, "t", "log"), y=y)


def opening() -> tuple[str, str]:
    """What the lab shows at first: the shipped three."""
    run = Run(check(**DEFAULTS).setup)
    for kind, training in run.trainings.items():
        training.average = weights.load(file_name(IN_THREE_WAYS, kind))
        training.step = weights.read_card(file_name(IN_THREE_WAYS, kind), needs=("steps",))["steps"]
    looks = run.looks()
    note = f"{told(run, looks)}. A recorded run, made by {COMMAND}; Train starts one of yours."
    return clouds(run, looks, note), curves(run, looks)


def lab(page: gr.Blocks) -> None:
    """The lab's pictures and controls; without a shipped denoiser, a sentence that says how to get it back."""
    try:
        for kind in KINDS:
            models.point_model(IN_THREE_WAYS, kind)
    except weights.WeightsError as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    benches: live.Benches[Wish, Run] = live.Benches(page)
    first = promises.Opening(lambda: limits.once(opening))
    film = player.player(first.part(0), elem_id="each")
    settings, buttons = controls()
    pictures = [film, player.player(first.part(1), elem_id="each-losses")]
    values = list(settings.values())

    def shown(run: Run, looks: dict[Kind, Look], more: str = "") -> tuple[str, str]:
        return clouds(run, looks, told(run, looks) + more), curves(run, looks)

    def train(request: gr.Request, *chosen: Any) -> Iterator[tuple[str, str]]:
        bench = benches.of(request)
        bench.settings = check(*chosen)
        with bench.alone():
            for run, looks in limits.run(request, work(bench), "each"):
                yield shown(run, looks)
            with limits.CPU.turn():  # what came after the last picture, before Pause or the end of the time
                run = live.placed(bench, Run)
                end = shown(run, run.looks(), " · paused")
            yield end

    def reset(request: gr.Request, *chosen: Any) -> Any:
        bench = benches.of(request)
        bench.settings, bench.work = check(*chosen), None
        with bench.alone(live.PATIENCE), limits.CPU.turn():
            run = live.placed(bench, Run)
            return shown(run, run.looks())

    buttons["run"].click(train, values, pictures, js=links.write("objectives", settings), trigger_mode="once", **QUIET)
    buttons["pause"].click(limits.stopper("each"), queue=False, api_visibility="private")
    buttons["reset"].click(reset, values, pictures, **QUIET)
    wiring.moved(settings["world"])(reset, values, pictures, trigger_mode="always_last", **QUIET)
    live.follow(benches, settings, check)
    wiring.link(page, "objectives", settings, buttons, check)


def controls() -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings in the order in which `check` takes them, and the buttons."""
    with gr.Row():
        buttons = {
            "run": gr.Button("Train all three", variant="primary", elem_id="train-each", min_width=140),
            "pause": gr.Button("Pause", elem_id="pause-each", min_width=90),
            "reset": gr.Button("Reset", elem_id="reset-each", min_width=90),
        }
    with gr.Row():
        world = gr.Dropdown(list(WORLDS), value=DEFAULTS["world"], label="Data", elem_id="each-world", min_width=180)
        rate = point_training.rate("each")
    with gr.Accordion("More", open=False):
        more = point_training.more("each")
        buttons["copy"] = gr.Button("Copy link", elem_id="copy-objectives", size="sm")
    return {"world": world, "rate": rate} | more, buttons
