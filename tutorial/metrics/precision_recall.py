"""Improved precision and recall: how much of what is drawn is like the data, and how much of the data is drawn?

Kynkäänniemi et al. 2019, section 2: each set stands for a region, the union of balls around its points, each of which
reaches to the k-th nearest other point of the set. Precision is the share of drawn points in the region of the real
ones, recall the share of real points in the region of the drawn ones.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

ROWS = 256
"""Points whose distances are looked at together, so that memory grows with N and not with N²."""


def precision_recall(real: Tensor, fake: Tensor, k: int = 3) -> tuple[float, float]:
    """Precision and recall, each in [0, 1], from features (N, D) of real and (M, D) of drawn pictures; N, M > k.

    The inequality is strict, as in the package prdc; the paper's is not, which matters only where distances tie. Raises
    ValueError for sets too small to have a k-th neighbour.
    """
    *_, found = comparison(real, fake, radii(real, k), k)
    assert found is not None  # the last one
    return found


def comparison(real: Tensor, fake: Tensor, real_radii: Tensor, k: int = 3) -> Iterator[tuple[float, float] | None]:
    """`precision_recall` where the `radii` (N,) of the real points are known: None after each part of the work, and
    the answer in the end."""
    parts = []
    for rows in fake.split(ROWS):
        parts.append(radii_of(rows, fake, k))
        yield None
    fake_radii = torch.cat(parts)
    inside, drawn = torch.zeros(len(fake), dtype=torch.bool), []
    for rows, own in zip(real.split(ROWS), real_radii.split(ROWS), strict=True):
        distance = _distances(rows, fake)  # (ROWS, M)
        inside |= (distance < own[:, None]).any(0)
        drawn.append((distance < fake_radii).any(1))
        yield None
    yield inside.double().mean().item(), torch.cat(drawn).double().mean().item()


def radii(x: Tensor, k: int = 3) -> Tensor:
    """For points (N, D) the distances to their k-th nearest other points, (N,), N > k > 0."""
    return torch.cat([radii_of(rows, x, k) for rows in x.split(ROWS)])


def radii_of(rows: Tensor, x: Tensor, k: int) -> Tensor:
    """The same for some of the points: rows (B, D) out of x (N, D) → (B,). Raises ValueError unless N > k > 0."""
    if not 0 < k < len(x):
        raise ValueError(f"A k-th neighbour needs more than k points, and k > 0; got k = {k} and {len(x)} points.")
    # A point is its own nearest, at distance 0.
    return _distances(rows, x).topk(k + 1, dim=1, largest=False).values[:, -1]


def _distances(x: Tensor, y: Tensor) -> Tensor:
    # The faster way over a matrix product leaves a point up to a thousandth away from itself, and from its copies.
    return torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist")
