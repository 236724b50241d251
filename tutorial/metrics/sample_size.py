"""Few samples seem farther from the data than many: the bias of the Fréchet distance, and how to do without it.

Moments of N features err, and the distance counts every error as a difference. What that adds on average is
proportional to 1/N once N is large, so that a straight line through distances against 1/N meets 1/N = 0 at what
infinitely many samples would have: FD∞ (Chong & Forsyth 2020, section 3).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tutorial.metrics.frechet import frechet_distance, moments

SIZES = (50, 100, 200, 500, 1000, 2000, 5000)
REPEATS = 10
"""Sets of each size, at most."""
FITTED = 3
"""Sets that a size must have to be fitted: of fewer, nobody knows how they scatter."""
LARGE = 200
"""Samples from which on 1/N is taken for the whole bias."""


@dataclass(frozen=True)
class Distances:
    """Fréchet distances of sets of one size."""

    n: int
    found: tuple[float, ...]

    @property
    def mean(self) -> float:
        return float(np.mean(self.found))

    @property
    def spread(self) -> float:
        """Standard deviation over the sets; NaN of a single one."""
        return float(np.std(self.found, ddof=1)) if len(self.found) > 1 else float("nan")


@dataclass(frozen=True)
class Line:
    """FD(N) = limit + slope / N."""

    limit: float
    """FD∞."""
    slope: float
    error: float
    """Standard error of the limit, as the scatter of the sets has it."""

    def at(self, n: float) -> float:
        """The distance that it promises of n samples."""
        return self.limit + self.slope / n


@dataclass(frozen=True)
class Curve:
    """How far samples of one kind seem from the data, by how many they are."""

    sizes: tuple[Distances, ...]
    total: int
    """Samples that there are of this kind."""
    whole: float
    """The distance of all of them at once."""

    @property
    def line(self) -> Line | None:
        """See `at_infinity`; None if there are too few sets for a line."""
        return at_infinity(self.sizes) if len(_fitted(self.sizes)) > 1 else None


def curve(
    features: Tensor, target: tuple[Tensor, Tensor], sizes: Sequence[int] = SIZES, seed: int = 0
) -> Iterator[Curve | None]:
    """None after each part of the work; in the end the curve of features (N, D) against the target moments."""
    found = []
    for one in by_size(features, target, sizes, seed):
        found += [one] if one is not None else []
        yield None
    yield Curve(tuple(found), len(features), frechet_distance(moments(features), target))


def by_size(
    features: Tensor, target: tuple[Tensor, Tensor], sizes: Sequence[int], seed: int = 0
) -> Iterator[Distances | None]:
    """Distances to the target moments of disjoint sets out of features (N, D): for each size its `Distances`, and None
    after each set. Sizes of which there is no whole set are left out; 1 is none."""
    order = torch.randperm(len(features), generator=torch.Generator().manual_seed(seed))
    for n in sizes:
        found = []
        for rows in order.split(n)[:REPEATS]:
            if len(rows) == n:
                found.append(frechet_distance(moments(features[rows]), target))
                yield None
        if found:
            yield Distances(n, tuple(found))


def at_infinity(measured: Sequence[Distances]) -> Line:
    """The line through mean distances against 1/N, each size weighed by the inverse of its mean's variance.

    Raises ValueError unless two sizes of `LARGE` or more have `FITTED` sets or more.
    """
    rows = _fitted(measured)
    if len(rows) < 2:
        raise ValueError(f"A line needs two sizes of {LARGE} or more with {FITTED} sets each; got {len(rows)}.")
    inverse = np.array([1 / one.n for one in rows])
    means = np.array([one.mean for one in rows])
    errors = np.array([one.spread / len(one.found) ** 0.5 for one in rows])
    design = np.stack([np.ones_like(inverse), inverse], axis=1) / errors[:, None]
    (limit, slope), *_ = np.linalg.lstsq(design, means / errors)
    return Line(float(limit), float(slope), float(np.linalg.inv(design.T @ design)[0, 0] ** 0.5))


def _fitted(measured: Sequence[Distances]) -> list[Distances]:
    return [one for one in measured if one.n >= LARGE and len(one.found) >= FITTED]
