"""What points and labels must be like so that a model can learn to tell two classes apart."""

from __future__ import annotations

import torch
from torch import Tensor

MOST = 100_000
"""Points that a model is fitted to at most."""
FEWEST = 2
"""Points of each class at least, but for models that say otherwise."""

NEAREST = 1e-6
"""Points no farther apart than this in any coordinate are as good as one (relative to coordinates that are above 1)."""


def checked(x: Tensor, y: Tensor, fewest: int = FEWEST) -> tuple[Tensor, Tensor]:
    """Points (N, d) as float64 and their labels (N,), 0 or 1, as int64.

    Raises ValueError, with a sentence for whoever sent them, if nothing can be learned from them.
    """
    if x.ndim != 2 or y.shape != x.shape[:1] or not x.shape[1]:
        raise ValueError("Each point needs a label, and all points the same number of coordinates.")
    if len(x) > MOST:
        raise ValueError(f"There may be at most {MOST:,} points; these are {len(x):,}.")
    x, y = x.double(), y.double()
    if not x.isfinite().all():
        raise ValueError("Each coordinate must be a finite number, and one is not.")
    if not ((y == 0) | (y == 1)).all():
        raise ValueError("Each label must be 0 or 1.")
    counts = [int((y == k).sum()) for k in (0, 1)]
    if 0 in counts:
        raise ValueError("All points are of one class, so there is nothing to tell apart: add points of the other.")
    if min(counts) < fewest:
        raise ValueError(f"There must be at least {fewest} points of each class.")
    if (x - x[0]).abs().max() <= NEAREST * x.abs().max().clamp(min=1):
        raise ValueError("All points lie in one place, or as good as, so nothing tells the classes apart: add others.")
    return x, y.long()


def of_class(x: Tensor, y: Tensor, k: int) -> Tensor:
    """The points (N_k, d) of class k."""
    return x[y == k]


def varies(covariance: Tensor, against: Tensor) -> bool:
    """Whether a covariance (d, d) is that of points in all d directions, as seen beside a variance."""
    return bool(torch.linalg.eigvalsh(covariance)[0] > 1e-8 * against)


def accuracy(decision: Tensor, y: Tensor) -> float:
    """Share of points whose decision (N,), or log-odds, is on the side of zero that their label (N,) is on."""
    return ((decision > 0).long() == y).double().mean().item()
