"""The work of the lab "break the metrics": judging sets of digits, and comparing sets of every size, in short parts."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from torch import Tensor

from apps.judged import ended, reference_digits
from tutorial.gans import breaking
from tutorial.gans.breaking import REAL, TRICKS, Trick
from tutorial.metrics.sample_size import Curve, curve
from tutorial.metrics.verdict import Reference, Verdict, judged, seen
from tutorial.training import evaluate_metrics
from tutorial.training.evaluate_metrics import DRAWN, Record

T = TypeVar("T")


@cache
def sets() -> tuple[Trick, ...]:
    """All sets, real digits first. Raises tutorial.weights.WeightsError or tutorial.measurements.MeasurementsError."""
    return REAL, *TRICKS, *breaking.models()


@cache
def recorded() -> Record:
    """What was measured ahead. Raises tutorial.measurements.MeasurementsError if it is missing or damaged."""
    return evaluate_metrics.recorded()


@dataclass
class Shared:
    """What takes seconds to measure and is the same for all visitors: measured for the first who asks, and kept."""

    real: Tensor | None = None
    """Features of the digits out of which real sets are taken: (DRAWN, 64)."""


SHARED = Shared()


def many_real(reference: Reference) -> Generator[None, None, Tensor]:
    """Returns the features of many real digits beside the reference. Yields None at places to pause."""
    if SHARED.real is None:
        SHARED.real = yield from ended(seen(reference.classifier, breaking.many_unseen(DRAWN)))
    return SHARED.real


def timed(parts: Generator[None, None, T]) -> Generator[None, None, tuple[T, float]]:
    """Passes on the pauses of some work, and returns what it returns, with the seconds that it has computed."""
    spent, begun = 0.0, time.monotonic()
    while True:
        try:
            next(parts)
        except StopIteration as end:
            return end.value, spent + time.monotonic() - begun
        spent += time.monotonic() - begun
        yield None
        begun = time.monotonic()


def judging(n: int, seed: int) -> Generator[tuple[dict[str, Verdict], float] | None, None, None]:
    """Judges all sets with n digits each: what was found so far by name, with the seconds of computing, after each."""
    reference, seconds = yield from timed(reference_digits())
    found: dict[str, Verdict] = {}
    for trick in sets():
        found[trick.name], spent = yield from timed(ended(judged(reference, trick.draw(reference, n, seed))))
        seconds += spent
        yield found, seconds


@dataclass(frozen=True)
class Compared:
    """The distances of real digits and of others by their number."""

    real: Curve
    other: Curve
    seconds: float
    """Of computing."""


def comparing(name: str, seed: int) -> Generator[str | Compared | None, None, None]:
    """Compares sets of every size, of real digits and of those that a model draws: lines on how far it is, and then
    what was found."""
    reference, seconds = yield from timed(reference_digits())
    yield f"Looking at {DRAWN:,} real digits …"
    real, spent = yield from timed(many_real(reference))
    seconds += spent
    yield f"Looking at digits of the set “{name}” …"
    trick = next(one for one in sets() if one.name == name)
    other, spent = yield from timed(ended(seen(reference.classifier, trick.draw(reference, DRAWN, seed))))
    seconds += spent
    curves: list[Curve] = []
    for features in (real, other):
        yield f"Measuring distances, {len(features):,} digits in sets …"
        found, spent = yield from timed(ended(curve(features, reference.moments, seed=seed)))
        curves, seconds = [*curves, found], seconds + spent
    yield Compared(curves[0], curves[1], seconds)
