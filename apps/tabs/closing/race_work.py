"""The work of the lab "race": six families draw the same digits, each as long as it takes, in fair turns."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from apps.tabs.closing.contenders import NAMES, contender, sheet
from tutorial.contest.contender import Contender
from tutorial.contest.denoising import Diffusion
from tutorial.data.digits import SIDE
from tutorial.networks.blocks import parameter_count

AT_ONCE = 16
"""Digits that a diffusion moves on in one slice; more would keep others waiting."""
FRAMES = 12
"""Moments of the film that a race ends with."""


@dataclass
class Runner:
    """One family on its way."""

    name: str
    model: Contender
    parts: list[Iterator[Tensor | None]]
    """Its drawings, of some of the digits each, moved on in turn."""
    x: list[Tensor]
    """How far each of them is, (n, 1, 28, 28) in [−1, 1]; black before there is something to see."""
    seconds: float = 0.0
    """Processor time of this thread."""
    at: int = 0
    """Which of the drawings is moved on next."""
    done: set[int] = field(default_factory=set)
    seen: list[tuple[float, Tensor]] = field(default_factory=list)
    """What there was to see, and after how many seconds of its own."""

    @property
    def over(self) -> bool:
        """Whether all is drawn."""
        return len(self.done) == len(self.parts)

    @property
    def picture(self) -> Tensor:
        """All its digits as they are now: (N, 1, 28, 28)."""
        return torch.cat(self.x)

    def move(self) -> None:
        """A step of one of its drawings, timed."""
        begun = time.thread_time()
        found = next(self.parts[self.at], "over")
        self.seconds += time.thread_time() - begun
        if isinstance(found, str):
            self.done.add(self.at)
        elif found is not None:
            self.x[self.at] = found
        left = [k for k in range(len(self.parts)) if k not in self.done]
        round_ended = not left or left[-1] <= self.at
        self.at = next((k for k in left if k > self.at), left[0] if left else 0)
        if round_ended:
            self.seen.append((self.seconds, self.picture))

    def sheet(self, columns: int) -> np.ndarray:
        """Its digits as one picture (1, H, W, 3) uint8."""
        return sheet(self.picture, columns)

    def at_second(self, seconds: float) -> Tensor:
        """What there was to see after so many seconds of its own."""
        past = [x for when, x in self.seen if when <= seconds]
        return past[-1] if past else torch.full_like(self.picture, -1.0)


@dataclass(frozen=True)
class Race:
    """All six, in the order of `NAMES`, and the digits that they were told."""

    classes: Tensor
    runners: list[Runner]

    @property
    def over(self) -> bool:
        """Whether all have drawn all."""
        return all(runner.over for runner in self.runners)

    @property
    def seconds(self) -> float:
        """Of computing, in all."""
        return sum(runner.seconds for runner in self.runners)


def start(classes: Tensor, seed: int, names: tuple[str, ...] = NAMES) -> Race:
    """A race that has not begun."""
    return Race(classes, [_runner(name, classes, seed) for name in names])


def _runner(name: str, classes: Tensor, seed: int) -> Runner:
    model = contender(name)
    groups = list(classes.split(AT_ONCE if isinstance(model, Diffusion) else len(classes)))
    parts = [model.drawing(some, torch.Generator().manual_seed(seed + k)) for k, some in enumerate(groups)]
    black = [torch.full((len(some), 1, SIDE, SIDE), -1.0) for some in groups]
    return Runner(name, model, parts, black)


def run(race: Race) -> Generator[Race, None, None]:
    """Moves on whoever has computed least so far, until all are there; yields after each move."""
    while not race.over:
        behind = min((one for one in race.runners if not one.over), key=lambda one: one.seconds)
        behind.move()
        yield race


def moments(race: Race) -> list[float]:
    """Seconds of each family's own at which the film stops: even steps of a logarithm, from the first picture on."""
    first = min((when for one in race.runners for when, _ in one.seen), default=1e-3)
    last = max(max(one.seconds for one in race.runners), 1.01 * first)
    return np.geomspace(first, last, FRAMES).tolist()


def numbers(runner: Runner) -> dict[str, float | int | str | bool]:
    """A runner for tables and programs."""
    return {
        "family": runner.name,
        "parameters": parameter_count(runner.model),
        "evaluations": runner.model.evaluations,
        "seconds": runner.seconds,
        "done": runner.over,
    }
