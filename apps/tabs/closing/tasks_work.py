"""The work of the lab "tasks": the same thing asked of all six families, in fair turns, done or honestly impossible."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from apps.tabs.closing.contenders import NAMES, contender
from tutorial.contest.contender import Contender, Impossible, Task
from tutorial.data.digits import CLASSES, SIDE
from tutorial.data.pixels import to_pixels, to_signed

WAYS = 4
"""Ways in which a half is filled in."""
FRAMES = 9
"""Pictures from one digit to another, with both."""
HALVES = ("lower half", "upper half", "right half")


@dataclass(frozen=True)
class Asked:
    """What is asked of all."""

    task: Task
    pixels: Tensor
    """The digit, (1, 1, 28, 28) uint8."""
    digit: int
    """What it is said to be."""
    half: str
    other: Tensor
    """The digit that is walked to, of the same class."""
    seed: int

    @property
    def x(self) -> Tensor:
        """The digit in [−1, 1]."""
        return to_signed(self.pixels)

    @property
    def mask(self) -> Tensor:
        """Where it is missing, if a half is to be filled in: (28, 28) booleans."""
        missing = torch.zeros(SIDE, SIDE, dtype=torch.bool)
        if self.half == HALVES[0]:
            missing[SIDE // 2 :] = True
        elif self.half == HALVES[1]:
            missing[: SIDE // 2] = True
        else:
            missing[:, SIDE // 2 :] = True
        return missing


@dataclass
class Attempt:
    """One family at it."""

    name: str
    model: Contender
    work: Iterator[Tensor | None]
    found: Tensor | None = None
    """What there is so far: pictures in [−1, 1] or, of how likely, log p for each class."""
    refused: str = ""
    """Why it cannot be done."""
    seconds: float = 0.0
    """Processor time of this thread."""
    over: bool = False

    def move(self) -> None:
        """The next slice of its work."""
        begun = time.thread_time()
        try:
            part = next(self.work)
            self.found = self.found if part is None else part
        except StopIteration:
            self.over = True
        except Impossible as cannot:
            self.over, self.refused = True, str(cannot)
        self.seconds += time.thread_time() - begun


def attempts(asked: Asked) -> list[Attempt]:
    """All six, before they begin."""
    return [Attempt(name, contender(name), DOING[asked.task](contender(name), asked)) for name in NAMES]


def run(all_: list[Attempt]) -> Generator[Attempt, None, None]:
    """Moves on whoever has computed least so far, until all are done; yields whom, after each slice."""
    while going := [one for one in all_ if not one.over]:
        behind = min(going, key=lambda one: one.seconds)
        behind.move()
        yield behind


def _filled(model: Contender, asked: Asked) -> Iterator[Tensor | None]:
    dice = torch.Generator().manual_seed(asked.seed)
    classes = torch.full((WAYS,), asked.digit)
    yield from model.filling(asked.x.repeat(WAYS, 1, 1, 1), asked.mask, classes, dice)


def _inverted(model: Contender, asked: Asked) -> Iterator[Tensor | None]:
    """There and back."""
    classes = torch.tensor([asked.digit])
    code = torch.empty(0)
    for part in model.inverting(asked.x, classes):
        code = code if part is None else part
        yield None
    yield from model.decoding(code, classes)


def _interpolated(model: Contender, asked: Asked) -> Iterator[Tensor | None]:
    return model.interpolating(asked.x, to_signed(asked.other), torch.tensor([asked.digit]), FRAMES)


def _weighed(model: Contender, asked: Asked) -> Iterator[Tensor | None]:
    """As each of the ten classes, with the same dice."""
    dice = torch.Generator().manual_seed(asked.seed)
    pixels = asked.pixels.repeat(CLASSES, 1, 1, 1)
    yield from model.weighing(pixels, torch.arange(CLASSES), dice)


DOING: dict[Task, Callable[[Contender, Asked], Iterator[Tensor | None]]] = {
    "fill_in": _filled,
    "invert": _inverted,
    "interpolate": _interpolated,
    "log_likelihood": _weighed,
}


def off(found: Tensor, x: Tensor) -> float:
    """Root mean square error of pictures as pixels store them, of a range of 2."""
    return (to_signed(to_pixels(found)) - x).square().mean().sqrt().item()
