"""Energy distance: how far two clouds of points are apart, and how far two samples of one thing would be.

Székely & Rizzo 2013: D² = 2 E‖X − Y‖ − E‖X − X′‖ − E‖Y − Y′‖, zero only if X and Y have the same distribution.
"""

from __future__ import annotations

import torch
from torch import Tensor


def energy_distance(x: Tensor, y: Tensor) -> float:
    """D² between samples (N, D) and (M, D), with each point's distance to itself, zero, counted in.

    So it is the energy distance of the two empirical distributions: never negative, and above zero for two samples of
    the same thing (`noise_floor`).
    """
    within = _distances(x, x).mean() + _distances(y, y).mean()
    return (2 * _distances(x, y).mean() - within).item()


def noise_floor(x: Tensor, n: int, m: int) -> float:
    """What `energy_distance` expects between n and m points from where x (N, D), N > 1, came from.

    E D² = (1/n + 1/m) E‖X − X′‖: the points' distances to themselves are what is missing.
    """
    apart = _distances(x, x).sum() / (len(x) * (len(x) - 1))
    return ((1 / n + 1 / m) * apart).item()


def _distances(x: Tensor, y: Tensor) -> Tensor:
    # The faster way over a matrix product leaves a point up to a thousandth away from itself.
    return torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist")
