"""The lab "what a code costs": rate against distortion, for each β, as recorded and as trained here and now."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from typing import Any

import gradio as gr
import numpy as np
import torch
from torch import Tensor

from apps import limits, links, live, models, player, wiring
from apps.tabs.families import latent_pictures
from apps.tabs.families.latent_pictures import wall
from apps.wiring import QUIET
from tutorial import weights
from tutorial.data.digits import DataError, black_and_white, digits
from tutorial.families.digit_vae import BETAS, PLANE, file_name, sample
from tutorial.families.digit_vae_training import DigitVAETraining, Knobs
from tutorial.networks.digit_vae import DigitVAE

AT_A_TIME = 30.0
"""Seconds of computing after which a training pauses by itself."""
FRAME = 1 / 8
"""Seconds between two looks at a training."""
LOOKED, SHOWN, TOLD = 300, 4, 500
"""Test digits by which a training is measured; of which pictures are shown; whose codes are."""
ROWS = 400
"""Points of a run's path; with more, every other one is dropped."""
RATES = [0.0001, 0.0005, 0.001, 0.002, 0.005, 0.02]
DEFAULTS: dict[str, Any] = {"beta": 1.0, "rate": Knobs.rate, "batch": Knobs.batch, "seed": 0}


@dataclass(frozen=True)
class Setup:
    """What a training starts from: another one is another training."""

    beta: float
    seed: int


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked."""

    setup: Setup
    knobs: Knobs


def check(beta: Any, rate: Any, batch: Any, seed: Any) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    setup = Setup(latent_pictures.beta(beta), latent_pictures.seed(seed))
    step = limits.number("The learning rate", rate, 1e-5, 0.1)
    return Wish(setup, Knobs(setup.beta, step, limits.whole("The batch", batch, 16, 256)))


@dataclass(frozen=True)
class Point:
    """The two parts of a bound, in nats, and how far a training was."""

    updates: int
    rate: float
    distortion: float

    @property
    def elbo(self) -> float:
        return -self.rate - self.distortion


class Run:
    """A training, and how it went so far."""

    def __init__(self, setup: Setup) -> None:
        self.setup, self.seconds = setup, 0.0
        self.training = DigitVAETraining(digits("training")[0], seed=setup.seed)
        self.way: list[Point] = []

    def look(self) -> Point:
        """Measures on test digits, and adds a point to the way. Raises gr.Error if it is not finite."""
        found = self.training.look(black_and_white()[:LOOKED])
        now = Point(self.training.step, found.kl.mean().item(), -found.reconstruction.mean().item())
        if not math.isfinite(now.elbo):
            raise limits.refuse(live.OUT_OF_BOUNDS)
        self.way.append(now)
        if len(self.way) > ROWS:
            self.way = self.way[::2]
        return now

    def train(self, knobs: Callable[[], Knobs]) -> Generator[Point | None, None, None]:
        """Trains, and counts its seconds. Yields a look every `FRAME` seconds, and None after all other updates."""
        shown, begun = 0.0, time.monotonic()
        with closing(self.training.run(knobs)) as updates:
            for _ in updates:
                look = None
                if time.monotonic() - shown >= FRAME:
                    look, shown = self.look(), time.monotonic()
                self.seconds += time.monotonic() - begun
                yield look
                begun = time.monotonic()


Bench = live.Bench[Wish, Run]


@cache
def recorded() -> list[Point]:
    """What was measured of each of `BETAS`. Raises weights.WeightsError if a card lacks it."""
    points = []
    for beta in BETAS:
        card = weights.read_card(file_name(PLANE, beta), needs=("steps", "measured"))
        found = card["measured"]
        points.append(Point(card["steps"], found["kl"]["mean"], -found["reconstruction"]["mean"]))
    return points


@cache
def codes() -> np.ndarray:
    """The encoders' means of the same test digits, under each β: (T, TOLD, 2)."""
    x = black_and_white()[:TOLD]
    return np.stack([models.digit_vae(beta).encode(x)[0].numpy() for beta in BETAS])


@torch.no_grad()
def examples(model: DigitVAE) -> tuple[Tensor, Tensor]:
    """Reconstructions of the first test digits, and draws from the prior: each (SHOWN, 1, 28, 28)."""
    again = model.decode(model.encode(black_and_white()[:SHOWN])[0]).sigmoid()
    return again, sample(model, SHOWN, torch.Generator().manual_seed(0))


@cache
def _recorded_examples(beta: float) -> tuple[Tensor, Tensor]:
    return examples(models.digit_vae(beta))


def gallery(run: Run | None) -> player.Panel:
    """Rows of digits, for each β: of the test set, reconstructed, drawn; a visitor's run below the recorded one."""
    own = [] if run is None else [examples(run.training.model)]
    walls = []
    for beta in BETAS:
        again, drawn = zip(_recorded_examples(beta), *own, strict=True)
        walls.append(wall(torch.cat([black_and_white()[:SHOWN], *again, *drawn]), SHOWN))
    return player.panel(
        [player.image(np.concatenate(walls), smooth=True, quality=80)],
        title="test digits, made again, drawn" + ("" if run is None else "; yours below"),
        aspect=(3 if run is None else 5) / SHOWN,
        width=2,
    )


def plane(run: Run | None) -> player.Panel:
    """Rate against distortion: the recorded runs, the line of equal bounds through β = 1, and a visitor's run.

    The axes hold the recorded runs and where the visitor's is now. It comes from far away: axes that held all of its
    way would leave no room for what there is to compare at its end.
    """
    known = recorded()
    rate, distortion = (np.array([getattr(one, name) for one in known]) for name in ("rate", "distortion"))
    best, held = known[BETAS.index(1.0)], [*known, *([] if run is None else run.way[-1:])]
    low, high = (end(one.distortion for one in held) for end in (min, max))
    ends = np.array([0.0, math.ceil(max(one.rate for one in held)) + 1.0])
    layers = [
        player.curve(ends, -best.elbo - ends, "exact", "the same ELBO as β = 1", dashed=True),
        player.curve(rate, distortion, "generated", "recorded, β as chosen", marker=range(len(BETAS))),
    ]
    if run is not None and run.way:
        way = np.array([(one.rate, one.distortion) for one in run.way])
        name = f"your run, β = {run.setup.beta:g}"
        layers.append(player.curve(way[:, 0], way[:, 1], "field", name))
        layers.append(player.points(way[None, -1:], "field", name, size=5, alpha=1))
    return player.panel(
        layers,
        title="what the code buys",
        x=(ends[0], ends[1], "rate: KL(q ‖ prior), nats"),
        y=(math.floor(low / 10) * 10.0 - 10, math.ceil(high / 10) * 10.0 + 10, "distortion, nats"),
        width=2,
    )


def price() -> player.Panel:
    """The bound and its parts against β: the rate is what lies between the curves."""
    known, beta = recorded(), np.array(BETAS)
    distortion, bound = np.array([one.distortion for one in known]), np.array([-one.elbo for one in known])
    return player.panel(
        [
            player.curve(beta, bound, "noise", "−ELBO: distortion + rate", marker=range(len(BETAS))),
            player.curve(beta, distortion, "generated", "distortion", marker=range(len(BETAS))),
        ],
        title="the two parts of the bound",
        x=(BETAS[0] / 1.3, BETAS[-1] * 1.3, "β", "log"),
        y=(math.floor(distortion.min() / 10) * 10.0 - 10, math.ceil(bound.max() / 10) * 10.0 + 10, "nats"),
        width=2,
    )


def map_of_codes() -> player.Panel:
    """The codes of the same test digits as β grows."""
    turn = np.linspace(0, 2 * np.pi, 100)
    far = float(np.ceil(np.abs(codes()).max()))
    return player.panel(
        [
            player.points(codes(), "real", "codes of test digits", size=1.6, alpha=0.5),
            player.curve(2 * np.cos(turn), 2 * np.sin(turn), "exact", "2 σ of the prior", dashed=True),
        ],
        title="the map",
        x=(-far, far, "z₁"),
        y=(-far, far, "z₂"),
        width=2,
    )


def picture(run: Run | None, note: str) -> str:
    """The recorded runs, one a frame, and a visitor's own beside them, as the player takes them."""
    panels = [plane(run), price(), map_of_codes(), gallery(run)]
    labels = [
        f"β = {beta:g}: {one.distortion:.1f} + {one.rate:.1f}" for beta, one in zip(BETAS, recorded(), strict=True)
    ]
    return player.clip(panels, frames=len(BETAS), labels=labels, rate=1.5, note=note)


def told(run: Run, now: Point) -> str:
    """A training's state in a line."""
    then = recorded()[BETAS.index(run.setup.beta)]
    speed = f", {now.updates / run.seconds:.0f} a second" if run.seconds else ""
    return (
        f"β = {run.setup.beta:g}: {now.updates:,} updates{speed}: distortion {now.distortion:.1f} + rate "
        f"{now.rate:.1f} = −ELBO {-now.elbo:.1f} nats, of {LOOKED} test digits. Recorded, after {then.updates:,}: "
        f"{then.distortion:.1f} + {then.rate:.1f} = {-then.elbo:.1f}"
    )


def trained(bench: Bench) -> Generator[str | None, None, None]:
    """Trains what is on the bench: the clips to show, and None wherever the work can pause."""
    for part in live.work(bench, Run, lambda run: run.train(lambda: bench.settings.knobs), AT_A_TIME):
        yield None if part is None else picture(part[0], f"{told(*part)}.")


def paused(bench: Bench) -> str:
    """The clip of what is on the bench, with what came after the last look."""
    run = live.placed(bench, Run)
    return picture(run, f"{told(run, run.look())} · paused")


def opening() -> str:
    """What the lab shows at first."""
    card = weights.read_card(file_name(PLANE, 1.0), needs=("measured",))
    measured = card["measured"]
    note = (
        f"Recorded runs, β = 1 made by {card['command']}, the others alike, and measured on {measured['digits']:,} "
        f"test digits by {measured['command']}. “Train this β again” trains one here."
    )
    return picture(None, note)


def lab(page: gr.Blocks) -> None:
    """The lab's pictures and controls; without the recorded runs, a sentence that says how to get them back."""
    try:
        first = opening()
    except (weights.WeightsError, DataError) as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    benches: live.Benches[Wish, Run] = live.Benches(page)
    film = player.player(first, elem_id="rate")
    settings, buttons = controls()
    values = list(settings.values())

    def train(request: gr.Request, *chosen: Any) -> Iterator[str]:
        bench = benches.of(request)
        bench.settings = check(*chosen)
        with bench.alone():
            yield from limits.run(request, trained(bench), "rate")
            with limits.CPU.turn():
                last = paused(bench)
            yield last

    def reset(request: gr.Request, *chosen: Any) -> Any:
        bench = benches.of(request)
        bench.settings, bench.work = check(*chosen), None
        with bench.alone(live.PATIENCE):
            return opening()

    buttons["run"].click(train, values, film, js=links.write("rate", settings), trigger_mode="once", **QUIET)
    buttons["pause"].click(limits.stopper("rate"), queue=False, api_visibility="private")
    buttons["reset"].click(reset, values, film, **QUIET)
    live.follow(benches, settings, check)
    wiring.link(page, "rate", settings, buttons, check)


def controls() -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings in the order in which `check` takes them, and the buttons."""
    with gr.Row():
        beta = latent_pictures.beta_radio("rate", DEFAULTS["beta"])
        buttons = {
            "run": gr.Button("Train this β again", variant="primary", elem_id="rate-train", min_width=150),
            "pause": gr.Button("Pause", elem_id="rate-pause", min_width=90),
            "reset": gr.Button("Reset", elem_id="rate-reset", min_width=90),
            "copy": gr.Button("Copy link", elem_id="copy-rate", min_width=110),
        }
    with gr.Accordion("More", open=False), gr.Row():
        rate = gr.Dropdown(RATES, value=DEFAULTS["rate"], label="Learning rate", elem_id="rate-rate", min_width=140)
        batch = gr.Slider(16, 256, DEFAULTS["batch"], step=16, label="Batch", elem_id="rate-batch")
        seed = gr.Number(DEFAULTS["seed"], label="Seed", precision=0, elem_id="rate-seed", min_width=120)
    return {"beta": beta, "rate": rate, "batch": batch, "seed": seed}, buttons
