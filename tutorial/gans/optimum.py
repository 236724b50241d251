"""How far the discriminator is from the best there can be, and what the game is worth if it is the best.

For a fixed generator whose points have the density q, the best discriminator of data with the density p is
D* = p / (p + q) (Goodfellow et al. 2014, proposition 1), and the generator then minimises

    C(G) = E_p log D*(x) + E_q log(1 − D*(x)) = −log 4 + 2 JSD(p ‖ q)          (theorem 1)

which is −log 4 only if q = p. p is known here; q is not, since a GAN has no density: a Gaussian of spread `BLUR` around
each of many fakes stands for it. p is blurred as much, so that the two would be equal for a perfect generator. Blurring
can only lower the JSD.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from tutorial.data.toy2d import GaussianMixture, drawn

BLUR = 0.1
"""In the units of the plane."""


def log_density(mixture: GaussianMixture, x: Tensor) -> Tensor:
    """log Σ_k w_k N(x; μ_k, s² I) in nats: (N, D) → (N,)."""
    s, d = mixture.spread, x.shape[1]
    near = -torch.cdist(x, mixture.means).square() / (2 * s**2)  # (N, K)
    near = near.maximum(near.amax(dim=1, keepdim=True) - 80)  # numbers near underflow would take fifteen times as long
    return torch.logsumexp(near + mixture.weights.log(), dim=1) - d * math.log(s * math.sqrt(2 * math.pi))


def blurred(mixture: GaussianMixture) -> GaussianMixture:
    """The mixture after Gaussian noise of spread `BLUR` was added."""
    return GaussianMixture(mixture.weights, mixture.means, math.hypot(mixture.spread, BLUR))


def optimal(data: GaussianMixture, fakes: Tensor, x: Tensor) -> Tensor:
    """The logit of D*, log p − log q, at points x (N, 2), for a generator that made these fakes (M, 2): (N,)."""
    return log_density(blurred(data), x) - log_density(drawn(fakes, BLUR), x)


def game_value(data: GaussianMixture, fakes: Tensor, generator: torch.Generator | None = None) -> float:
    """An estimate of C(G), in nats, at most 0: half of the fakes (M, 2), M > 1, stand for q, the others are asked.

    C(G) is −log 4 or more, but the estimate can be a little lower: the D* of an estimated q tells p and q apart less
    well than the true one, and chance adds to that.
    """
    half = len(fakes) // 2
    x = blurred(data).sample(half, generator)
    f = fakes[half:] + BLUR * torch.randn(len(fakes) - half, 2, generator=generator)
    logsigmoid = torch.nn.functional.logsigmoid
    value = logsigmoid(optimal(data, fakes[:half], x)).mean() + logsigmoid(-optimal(data, fakes[:half], f)).mean()
    return value.item()
