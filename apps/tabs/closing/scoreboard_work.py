"""The work of the lab "scoreboard": measuring a family anew, on a few small sets of digits."""

from __future__ import annotations

import statistics
import time
from collections.abc import Generator
from dataclasses import asdict, dataclass
from typing import TypeVar

import torch
from torch import Tensor

from apps.judged import ended, reference_digits
from apps.tabs.closing.contenders import contender
from tutorial.contest.contender import finished
from tutorial.contest.judging import Scores, real_variety, scored
from tutorial.data.digits import CLASSES, digits
from tutorial.data.pixels import to_pixels, to_signed
from tutorial.metrics.digits import others, reference
from tutorial.metrics.verdict import Reference

EACH = 10
"""Digits of each class in a set."""
AT_ONCE = 20
"""Digits drawn together: what a family needs for them is one slice of the work."""
MEASURED = ("frechet", "precision", "recall", "accuracy", "variety")

T = TypeVar("T")


@dataclass(frozen=True)
class Measured:
    """A column's mean over sets, and the standard error of that mean."""

    mean: float
    error: float


@dataclass
class Shared:
    """What is the same for all visitors, measured for the first who asks, and kept."""

    variety: float = 0.0
    """Of real digits."""
    real: list[Scores] | None = None
    """Of sets of real digits."""


SHARED = Shared()


def known() -> Generator[None, None, Reference]:
    """Returns what all sets are compared with. Yields None at places to pause."""
    found = yield from reference_digits()
    if not SHARED.variety:
        SHARED.variety = real_variety(found, digits("training")[1][reference()])
    return found


def real_sets(sets: int) -> Generator[None, None, list[Scores]]:
    """Returns what so many sets of other real digits have. Yields None at places to pause."""
    against = yield from known()
    pictures, labels = digits("training")
    rows = others()
    of_class = [rows[labels[rows] == k] for k in range(CLASSES)]
    there = list(SHARED.real or [])
    for k in range(len(there), sets):
        chosen = torch.cat([one[k * EACH : (k + 1) * EACH] for one in of_class])
        there.append((yield from ended(scored(against, SHARED.variety, to_signed(pictures[chosen]), labels[chosen]))))
    SHARED.real = there
    return there[:sets]


def drawn(name: str, classes: Tensor, seed: int) -> Generator[None, None, tuple[Tensor, float]]:
    """Returns a digit of each class, as pixels store them, and the seconds of computing; None after each part."""
    done, spent = [], 0.0
    for k, some in enumerate(classes.split(AT_ONCE)):
        parts = contender(name).drawing(some, torch.Generator().manual_seed(seed + k))
        found: list[Tensor] = []
        while True:
            begun = time.thread_time()
            part = next(parts, "over")
            spent += time.thread_time() - begun
            if isinstance(part, str):
                break
            found = found if part is None else [part]
            yield None
        done.append(to_signed(to_pixels(finished(found))))
    return torch.cat(done), spent


@dataclass(frozen=True)
class Sets:
    """What was measured of a family so far: the scores of its sets, and of as many sets of real digits."""

    name: str
    wanted: int
    own: list[Scores]
    real: list[Scores]
    seconds_a_picture: float


def measuring(name: str, sets: int, seed: int) -> Generator[Sets | None, None, None]:
    """Draws and judges so many sets; yields what there is after each, and None at places to pause."""
    against = yield from known()
    real = yield from real_sets(sets)
    classes = torch.arange(CLASSES).repeat(EACH)  # every part that is drawn together has a digit of each class
    own: list[Scores] = []
    spent = 0.0
    for k in range(sets):
        x, seconds = yield from drawn(name, classes, seed + k * len(classes))
        spent += seconds
        own.append((yield from ended(scored(against, SHARED.variety, x, classes))))
        yield Sets(name, sets, list(own), real, spent / len(own) / len(classes))


def summary(found: list[Scores]) -> dict[str, Measured]:
    """Mean and standard error of each column over two sets or more; of one there is no error, and it is 0."""
    return {name: _summary([asdict(one)[name] for one in found]) for name in MEASURED}


def _summary(values: list[float]) -> Measured:
    error = statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0.0
    return Measured(statistics.fmean(values), error)
