"""What there is to be learned: the exact density of two worlds, to hold against what a model has learned.

No model's mean of −log p(x) on fresh data can be below the entropy of the data, −∫ p log p: the entropy floor.
"""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor

from tutorial.data.toy2d import GaussianMixture, ring
from tutorial.metrics.divergence import entropy

PER_MOON = 400
"""Gaussians along each moon: 0.011 apart, a ninth of their spread."""


def moons() -> GaussianMixture:
    """The two moons as Gaussians side by side along their arcs.

    Their density is an integral over the angle, uniform from 0 to π; this is the midpoint rule for it.
    """
    angle = (torch.arange(PER_MOON) + 0.5) * (math.pi / PER_MOON)
    arcs = [torch.stack([turn * angle.cos(), turn * angle.sin()], dim=1) for turn in (1, -1)]
    means = 1.4 * torch.cat([arcs[0], arcs[1] + torch.tensor([1.0, 0.5])]) - torch.tensor([0.7, 0.35])
    return GaussianMixture(torch.full((len(means),), 1 / len(means)), means, 0.1)


DENSITIES = {"eight Gaussians": ring(), "two moons": moons()}
"""By the name of the world in `tutorial.data.toy2d`."""


@cache
def floor(world: str) -> float:
    """The entropy of a world of `DENSITIES`, in nats, by quadrature."""
    return entropy(DENSITIES[world])


def marginal(mixture: GaussianMixture, coordinate: int, at: Tensor) -> Tensor:
    """log p(x_coordinate) at these numbers: (N,) → (N,)."""
    return torch.logsumexp(_log_parts(mixture, coordinate, at), dim=1)


def conditional(mixture: GaussianMixture, given: int, value: Tensor, at: Tensor) -> Tensor:
    """log p(x_other = at | x_given = value) for each value and each place: (T,), (N,) → (T, N).

    Each Gaussian is round, so that given one coordinate the other is a mixture of the same Gaussians on the line, with
    weights w_k N(value; μ_k, s²), made to sum to one: Bayes' rule.
    """
    weight = _log_parts(mixture, given, value).log_softmax(1)  # (T, K)
    along = _log_parts(mixture, 1 - given, at) - mixture.weights.log()  # (N, K)
    highest = weight.max(1, keepdim=True).values
    return ((weight - highest).exp() @ along.exp().T).log() + highest


def _log_parts(mixture: GaussianMixture, coordinate: int, at: Tensor) -> Tensor:
    """log w_k N(at; μ_k, s²) in one coordinate: (N,) → (N, K)."""
    distance = (at[:, None] - mixture.means[:, coordinate]) / mixture.spread
    return mixture.weights.log() - distance.square() / 2 - math.log(mixture.spread * math.sqrt(2 * math.pi))
