"""Denoisers in closed form, for data from a mixture of isotropic Gaussians: the truth to test against.

If x_0 ~ Σ w_k N(μ_k, s² I), then x_t ~ Σ w_k N(√ᾱ μ_k, (ᾱ s² + 1 − ᾱ) I), and the best guess of x_0 is a
weighted mean of what each component would guess.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from tutorial.data.toy2d import GaussianMixture
from tutorial.diffusion.objective import Kind, target
from tutorial.diffusion.samplers import Denoiser
from tutorial.diffusion.schedule import Schedule, at


def responsibilities(mixture: GaussianMixture, schedule: Schedule, x: Tensor, t: Tensor | int) -> Tensor:
    """p(component k | x_t): x (B, D), t (B,) → (B, K)."""
    abar = at(schedule.abar, t, x)
    variance = abar * mixture.spread**2 + 1 - abar
    # Of −‖x − √ᾱ μ_k‖² / 2, without what is the same for every k: a product of matrices, cheap for pictures as well.
    likeness = abar.sqrt() * (x @ mixture.means.T) - abar * mixture.means.square().sum(1) / 2  # (B, K)
    return torch.softmax(mixture.weights.log() + likeness / variance, dim=1)


def posterior_mean(mixture: GaussianMixture, schedule: Schedule, x: Tensor, t: Tensor | int) -> Tensor:
    """E[x_0 | x_t], the answer that minimises the squared error: x (B, D), t (B,) → (B, D)."""
    abar = at(schedule.abar, t, x)
    variance = abar * mixture.spread**2 + 1 - abar
    pull = abar.sqrt() * mixture.spread**2 / variance
    centre = responsibilities(mixture, schedule, x, t) @ mixture.means  # (B, D)
    return centre + pull * (x - abar.sqrt() * centre)


def exact_denoiser(mixture: GaussianMixture, schedule: Schedule, kind: Kind = "eps") -> Denoiser:
    """The network that a perfect training would end with, for t in 1…T."""

    def denoise(x: Tensor, t: Tensor, cond: Any = None) -> Tensor:
        x0 = posterior_mean(mixture, schedule, x, t)
        eps = (x - at(schedule.abar.sqrt(), t, x) * x0) / at((1 - schedule.abar).sqrt(), t, x)
        return target(kind, schedule, x0, t, eps)

    return denoise


def flow_map(mean: Tensor, spread: float, schedule: Schedule, x: Tensor, t: int, s: int) -> Tensor:
    """Where the probability-flow ODE carries x from time t to s when the data is one Gaussian N(μ, spread² I).

    Each marginal is Gaussian, and the flow keeps a point at the same number of standard deviations from the
    centre.
    """

    def scale(u: int) -> Tensor:
        return (schedule.abar[u] * spread**2 + 1 - schedule.abar[u]).sqrt().to(x)

    centre_t, centre_s = (schedule.abar[u].sqrt().to(x) * mean for u in (t, s))
    return centre_s + scale(s) / scale(t) * (x - centre_t)
