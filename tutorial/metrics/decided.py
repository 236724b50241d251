"""When was it decided? The step of a run from which on a reading stays what it is at the end."""

from __future__ import annotations

import torch
from torch import Tensor


def decided(readings: Tensor) -> Tensor:
    """Readings (steps, …), of any kind that can be equal → the first step from which on each equals its last: (…).

    The last step's own number, steps − 1, means that it was still another one just before.
    """
    same = (readings == readings[-1]).flip(0).long().cumprod(0)  # from the end backwards, until the first that differs
    return len(readings) - same.sum(0)


def share_decided(readings: Tensor) -> Tensor:
    """Readings (steps, N) → the share of the N for which it is decided by each step: (steps,) float64, 1 at the end."""
    steps = torch.arange(len(readings))
    return (decided(readings)[None] <= steps[:, None]).double().mean(1)
