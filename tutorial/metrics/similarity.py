"""How alike a picture and its copy are."""

from __future__ import annotations

import math

from torch import Tensor


def psnr(x: Tensor, y: Tensor) -> float:
    """Peak signal-to-noise ratio in decibels: 10 log₁₀(2² / mean squared error), values in [−1, 1].

    The error is averaged over the whole set before the logarithm, which is stricter than averaging decibels.
    Infinite for equal pictures.
    """
    error = (x.double() - y.double()).square().mean().item()
    return 10 * math.log10(4 / error) if error > 0 else math.inf


def edge_energy(x: Tensor) -> Tensor:
    """Mean squared difference of neighbouring pixels, down and across, a scalar: blur lowers it, noise raises it."""
    down, across = x.diff(dim=-2).square().mean(), x.diff(dim=-1).square().mean()
    return down + across
