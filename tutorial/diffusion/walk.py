"""The forward process walked step by step, and how far that may look from one jump by chance alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from tutorial.diffusion.process import gaussian, q_step
from tutorial.diffusion.schedule import Schedule

Kernel = Callable[[Schedule, Tensor, int, Tensor], Tensor]
"""One step of a chain: (schedule, x_{t−1}, t, ε) → x_t."""


def walk(
    schedule: Schedule, x0: Tensor, kernel: Kernel = q_step, generator: torch.Generator | None = None
) -> Iterator[Tensor]:
    """x_0 (B, …), then x_1, … x_T, each made from the one before and fresh noise."""
    x = x0
    yield x
    for t in range(1, schedule.T + 1):
        x = kernel(schedule, x, t, gaussian(x, generator))
        yield x


def step_without_root(schedule: Schedule, x: Tensor, t: int, eps: Tensor) -> Tensor:
    """A well-known mistake, √(1 − β_t) x + β_t ε: the noise has variance β_t² where β_t was meant.

    So each step takes more variance away than it brings: v ← (1 − β) v + β², which ends near β instead of 1.
    """
    keep = schedule.abar[t] / schedule.abar[t - 1]  # 1 − β_t
    return keep.sqrt().to(x) * x + (1 - keep).to(x) * eps


def paired_floor(schedule: Schedule, n: int, d: int) -> Tensor:
    """The energy distance to expect at each time, (T + 1,), between two noisings of the same n points in d dimensions.

    Different points are as far apart across the two clouds as within one, so that only a point's distance to its
    own twin is left of it: E D² = (2 / n) E‖x − y‖, where x − y ~ N(0, 2 (1 − ᾱ_t) I).
    """
    norm = math.sqrt(2) * math.exp(math.lgamma((d + 1) / 2) - math.lgamma(d / 2))  # E‖ε‖, ε ~ N(0, I)
    return 2 / n * (2 * (1 - schedule.abar)).sqrt() * norm
