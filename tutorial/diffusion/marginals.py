"""What is left of the data at each noise level, where the data is a mixture of Gaussians.

Any finite data set is one: each of its points, or pictures, the centre of a narrow Gaussian (`toy2d.drawn`).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from tutorial.data.toy2d import GaussianMixture
from tutorial.diffusion.exact import responsibilities
from tutorial.diffusion.schedule import Schedule


def decibels(schedule: Schedule) -> Tensor:
    """The signal-to-noise ratio as 10 log₁₀ (ᾱ / (1 − ᾱ)) at every time: (T + 1,), infinite at t = 0."""
    return 10 * schedule.snr.log10()


def one_step_to(level: float) -> Schedule:
    """A schedule of one single step, to that many decibels, to ask there what depends on nothing else."""
    return Schedule(torch.tensor([1, 1 / (1 + 10 ** (-level / 10))], dtype=torch.float64))


def marginal(mixture: GaussianMixture, schedule: Schedule, t: int) -> GaussianMixture:
    """q(x_t) for x_0 from the mixture: the centres shrink by √ᾱ_t, the variance becomes ᾱ_t s² + 1 − ᾱ_t."""
    abar = schedule.abar[t].item()
    spread = math.sqrt(abar * mixture.spread**2 + 1 - abar)
    return GaussianMixture(mixture.weights, math.sqrt(abar) * mixture.means, spread)


def information(
    mixture: GaussianMixture, schedule: Schedule, t: int, n: int, generator: torch.Generator | None = None
) -> Tensor:
    """How many bits x_t carries about which component k it came from, as seen by n draws of x_t: (n,).

    Their mean is an unbiased estimate of I(k; x_t) = H(k) − E H(k | x_t), with the entropy of the exact posterior
    under the expectation. It lies between 0, where noise has swallowed everything, and H(k) = log₂ K for equal weights,
    and depends on the signal-to-noise ratio alone: to scale x_t by a known number changes nothing.
    """
    x_t = marginal(mixture, schedule, t).sample(n, generator)
    return (_entropy(mixture.weights) - _entropy(responsibilities(mixture, schedule, x_t, t))) / math.log(2)


def _entropy(p: Tensor) -> Tensor:
    """−Σ p log p over the last axis, in nats."""
    return -torch.xlogy(p, p).sum(-1)
