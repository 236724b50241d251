"""Which kind works harder: numbers learned, time to learn them, and what that is worth on the same digits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from tutorial.data.principal import FITTED, zeros_and_ones
from tutorial.two_kinds import kinds
from tutorial.two_kinds.labelled import accuracy

FITS = 5
"""Times that each model is fitted."""
SIDES = ("discriminative", "generative")


@dataclass(frozen=True)
class Effort:
    """What one model took to learn `FITTED` zeros and ones, and how many test digits it then told right."""

    model: str
    side: str
    parameters: int
    seconds: float
    """Of a fit, the median of `FITS`."""
    fastest: float
    slowest: float
    accuracy: float


def efforts(d: int, fits: int = FITS) -> Iterator[Effort | None]:
    """Each model in turn in d components, fitted so many times. Yields None after each fit, where work can pause.

    Raises tutorial.data.digits.DataError if a file is missing or damaged.
    """
    training, test = (zeros_and_ones(part, d) for part in ("training", "test"))
    x, y = training.points[:FITTED], training.labels[:FITTED]
    for side, models in zip(SIDES, (kinds.DISCRIMINATIVE, kinds.GENERATIVE), strict=True):
        for name, make in models.items():
            spent, model = [], make(d)
            for _ in range(fits):
                begun = time.perf_counter()
                model.fit(x, y)
                spent.append(time.perf_counter() - begun)
                yield None
            right = accuracy(model.decision(test.points), test.labels)
            yield Effort(name, side, model.parameters, median(spent), min(spent), max(spent), right)
