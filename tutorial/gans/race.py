"""How long until it is good? A GAN and a diffusion model on the way to the same energy distance.

Both start from the same seed and see data of the same world; every `LOOK` updates, `SAMPLES` of their samples
are compared with points that neither learned from. A runner is there when the distance is at most `GOAL` times that of
two samples of the data, twice in a row: a GAN that only passes by is not there. Only training is timed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

import torch
from torch import Tensor

from tutorial.diffusion.point_training import POINTS, PointTraining
from tutorial.gans.game import Game, Setup, noise
from tutorial.gans.held import Held
from tutorial.gans.streams import Draw
from tutorial.networks.mlp import PointDenoiserConfig

Runner = Literal["GAN", "diffusion"]
RUNNERS: tuple[Runner, ...] = ("GAN", "diffusion")
SETUP = Setup(generator=(64, 64), discriminator=(64, 64))
DENOISER = PointDenoiserConfig(hidden=64, layers=2)
GOAL = 3.0
SAMPLES = 500
LOOK = 50
LAST = 5000
"""Updates after which a runner that is not there gives up; of a GAN, of both networks."""
EVALUATIONS: dict[Runner, int] = {"GAN": 1, "diffusion": 20}
"""Of the network, one after the other, to draw points: one pass, and that many steps of DDIM."""


@dataclass(frozen=True)
class Look:
    """How a runner stands."""

    steps: int
    seconds: float
    """Of training."""
    energy: float
    """Energy distance to the data."""


@dataclass(frozen=True)
class RaceCourse:
    """A runner's way, to the goal or to its last look."""

    runner: Runner
    seed: int
    looks: tuple[Look, ...]
    arrived: bool


class Track(Held):
    """What is learned, what the samples are compared with, and where the goal is."""

    def __init__(self, draw: Draw) -> None:
        super().__init__(draw, SAMPLES)
        self.goal = GOAL * self.floor


def run(
    runner: Runner, track: Track, seed: int, *, last: int = LAST, clock: Callable[[], float] = time.thread_time
) -> Generator[RaceCourse | None, None, None]:
    """Trains until it is there, or for `last` updates; yields the course so far after each look, and None between."""
    update, sample = _gan(track, seed) if runner == "GAN" else _diffusion(track, seed)
    looks, seconds = [Look(0, 0.0, track.distance(sample()))], 0.0
    while True:
        arrived = len(looks) > 1 and max(look.energy for look in looks[-2:]) <= track.goal
        yield RaceCourse(runner, seed, tuple(looks), arrived)
        if arrived or looks[-1].steps >= last:
            return
        for _ in range(LOOK):
            begun = clock()
            update()
            seconds += clock() - begun
            yield None
        looks.append(Look(looks[-1].steps + LOOK, seconds, track.distance(sample())))


def _gan(track: Track, seed: int) -> tuple[Callable[[], None], Callable[[], Tensor]]:
    game = Game(track.draw, SETUP, [seed])
    z = noise(SAMPLES, SETUP, torch.Generator().manual_seed(0))
    return game.turn, lambda: game.fakes(z)[0]


def _diffusion(track: Track, seed: int) -> tuple[Callable[[], None], Callable[[], Tensor]]:
    training = PointTraining(track.draw(POINTS, torch.Generator().manual_seed(seed)), DENOISER, seed=seed)
    updates = training.run(lambda: training.knobs)

    def sample() -> Tensor:
        *_, last = training.sample(SAMPLES, steps=EVALUATIONS["diffusion"])
        return last.x_next[0]

    return lambda: (next(updates), None)[1], sample


def parameters(runner: Runner) -> int:
    """Numbers that are learned: of generator and discriminator, or of the denoiser."""

    def draw(n: int, generator: torch.Generator) -> Tensor:
        return torch.randn(n, 2, generator=generator)

    if runner == "GAN":
        game = Game(draw, SETUP, [0])
        return game.generator.flat.numel() + game.discriminator.flat.numel()
    training = PointTraining(draw(1, torch.Generator()), DENOISER)
    return sum(one.numel() for one in training.network.parameters())


@dataclass(frozen=True)
class Result:
    """What came out over the seeds. Where a runner did not arrive, it needs more than its last look says: such runs are
    counted, and sort behind all others."""

    runner: Runner
    runs: int
    arrived: int
    steps: tuple[float, float, float]
    """Least, median and most; ∞ for a run that did not arrive."""
    seconds: tuple[float, float, float]


def result(courses: Sequence[RaceCourse]) -> Result:
    """Of courses of one runner, one or more. Raises ValueError for none."""
    if not courses:
        raise ValueError("There are no courses.")
    there = [course.arrived for course in courses]
    steps, seconds = (
        [getattr(course.looks[-1], what) if course.arrived else float("inf") for course in courses]
        for what in ("steps", "seconds")
    )
    return Result(courses[0].runner, len(courses), sum(there), _range(steps), _range(seconds))


def firsts(courses: Sequence[RaceCourse], what: Literal["steps", "seconds"]) -> dict[Runner, int]:
    """From how many seeds each runner arrived with fewer updates, or in less time, than the other. A seed from which
    none arrived, or both with as many, counts for none."""
    found: dict[Runner, int] = dict.fromkeys(RUNNERS, 0)
    for seed in {course.seed for course in courses}:
        there = [course for course in courses if course.seed == seed and course.arrived]
        least = min((getattr(course.looks[-1], what) for course in there), default=None)
        ahead: list[Runner] = [course.runner for course in there if getattr(course.looks[-1], what) == least]
        if len(ahead) == 1:
            found[ahead[0]] += 1
    return found


def _range(values: Sequence[float]) -> tuple[float, float, float]:
    return min(values), float(median(values)), max(values)
