"""Which kind works harder: numbers learned, time to learn them, and what that is worth on the same digits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median

from torch import Tensor

from tutorial.data.principal import FITTED, zeros_and_ones
from tutorial.two_kinds import kinds
from tutorial.two_kinds.discriminative import Discriminative
from tutorial.two_kinds.generative import Generative

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


Decision = Callable[[Tensor], Tensor]
"""Points (N, d) → (N,), above zero where the model says 1."""
Learner = Callable[[Tensor, Tensor], tuple[int, Decision]]
"""Fits a model to points and labels: how many numbers it learned, and how it decides."""


def learners(d: int) -> Iterator[tuple[str, str, Learner]]:
    """Name, side and fit of every model for points of d dimensions."""
    for name, make_one in kinds.DISCRIMINATIVE.items():

        def tell_apart(x: Tensor, y: Tensor, make: Callable[[int], Discriminative] = make_one) -> tuple[int, Decision]:
            model = make(d).fit(x, y)
            return model.parameters, model.decision

        yield name, SIDES[0], tell_apart
    for name, make_other in kinds.GENERATIVE.items():

        def explain(x: Tensor, y: Tensor, make: Callable[[int], Generative] = make_other) -> tuple[int, Decision]:
            model = make(d).fit(x, y)
            return model.parameters, model.log_odds

        yield name, SIDES[1], explain


def efforts(d: int, fits: int = FITS) -> Iterator[Effort | None]:
    """Each model in turn in d components, fitted so many times. Yields None after each fit, where work can pause.

    Raises tutorial.data.digits.DataError if a file is missing or damaged.
    """
    training, test = (zeros_and_ones(part, d) for part in ("training", "test"))
    x, y = training.points[:FITTED], training.labels[:FITTED]
    for name, side, fit in learners(d):
        spent = []
        for _ in range(fits):
            begun = time.perf_counter()
            parameters, decision = fit(x, y)
            spent.append(time.perf_counter() - begun)
            yield None
        right = ((decision(test.points) > 0) == (test.labels == 1)).double().mean().item()
        yield Effort(name, side, parameters, median(spent), min(spent), max(spent), right)
