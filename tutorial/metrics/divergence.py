"""Kullback–Leibler divergence from the standard normal, KL(p ‖ N(0, I)) = ∫ p log(p / N(0, I)), in nats."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from tutorial.data.toy2d import GaussianMixture

FAR = 9.0
"""Spreads from the outermost centres at which the grid of `entropy` ends: a Gaussian has 10⁻¹⁸ of its mass beyond."""


def entropy(mixture: GaussianMixture) -> float:
    """−∫ p log p of a mixture in the plane, in nats, by quadrature: sums over a grid of half a spread's width.

    For smooth functions that vanish at both ends such sums converge faster than any power of the width (Trefethen &
    Weideman 2014). Raises ValueError for other than two dimensions.
    """
    means, spread = mixture.means.double(), mixture.spread
    if means.shape[1] != 2:
        raise ValueError(f"Quadrature is for the plane; this has {means.shape[1]} dimensions.")
    width = spread / 2
    along = []  # of each axis, the component's one-dimensional densities: (grid, K)
    for centres in means.T:
        low, high = centres.min().item() - FAR * spread, centres.max().item() + FAR * spread
        grid = torch.arange(low, high, width, dtype=torch.float64)
        along.append(
            torch.exp(-((grid[:, None] - centres) ** 2) / (2 * spread**2)) / math.sqrt(2 * math.pi * spread**2)
        )
    density = (along[0] * _weights(mixture)) @ along[1].T
    return -torch.xlogy(density, density).sum().item() * width**2


def kl_to_normal(mixture: GaussianMixture) -> float:
    """KL(mixture ‖ N(0, I)) in the plane: E‖x‖² / 2 + log 2π − entropy. The first is exact, the last by quadrature."""
    square = 2 * mixture.spread**2 + (_weights(mixture) @ mixture.means.double().square().sum(1)).item()
    return square / 2 + math.log(2 * math.pi) - entropy(mixture)


def _weights(mixture: GaussianMixture) -> Tensor:
    """In float64 and summing to 1 there, since small divergences are differences of large numbers: (K,)."""
    return mixture.weights.double() / mixture.weights.double().sum()


def gaussian_kl_to_normal(mean: Tensor, variance: float) -> Tensor:
    """KL(N(mean, variance · I) ‖ N(0, I)) = ½ (‖mean‖² + D (variance − 1 − log variance)): means (B, …) → (B,).

    With mean √ᾱ_T x_0 and variance 1 − ᾱ_T it is the first term of the ELBO, L_T (Ho et al. 2020, equation 5).
    """
    rows = mean.flatten(1).double()
    return (rows.square().sum(1) + rows.shape[1] * (variance - 1 - math.log(variance))) / 2
