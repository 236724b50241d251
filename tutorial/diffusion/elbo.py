"""The bound that the objective comes from, term by term, in nats.

    −log p(x_0) ≤ L_T + Σ L_{t−1} + L_0                                     (Ho et al. 2020, eq. 5)

    L_T      = KL(q(x_T | x_0) ‖ N(0, I))                                   the prior
    L_{t−1}  = KL(q(x_{t−1} | x_t, x_0) ‖ p_θ(x_{t−1} | x_t)), t = T … 2    a step back
    L_0      = −log p_θ(x_0 | x_1)                                          the last step

A reverse step p_θ(x_s | x_t) is a Gaussian: the forward posterior's mean with x̂_0 in the place of x_0, and a variance
that is chosen. So the two means of a term differ by a multiple of x_0 − x̂_0, and each term is a constant plus a weight
times ‖x_0 − x̂_0‖². A chain may skip times: then s is the next time below t, and all holds as it stands.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from tutorial.data.toy2d import GaussianMixture
from tutorial.diffusion.objective import Kind, read
from tutorial.diffusion.process import gaussian, q_sample
from tutorial.diffusion.samplers import Denoiser
from tutorial.diffusion.schedule import Schedule
from tutorial.diffusion.views import View, magnification
from tutorial.metrics.divergence import gaussian_kl_to_normal

Variance = Literal["posterior", "beta"]
VARIANCES: tuple[Variance, ...] = ("posterior", "beta")


@dataclass(frozen=True)
class Chain:
    """The steps t → s of a reverse process, the noisiest first; all (n,).

    Step k's term of the bound, for data of D numbers, is D · constant[k] + weight[k] ‖x_0 − x̂_0‖².
    """

    t: Tensor
    s: Tensor
    variance: Tensor
    """σ² of p_θ(x_s | x_t)."""
    constant: Tensor
    weight: Tensor

    def weight_of(self, view: View, schedule: Schedule) -> Tensor:
        """What multiplies the squared error in this view instead: (n,)."""
        into_x0 = schedule.sigma[self.t] / magnification(view, schedule)[self.t]
        return self.weight * into_x0**2


def chain(schedule: Schedule, steps: int, variance: Variance = "posterior") -> Chain:
    """A reverse process of so many steps, evenly spaced in t; float64.

    Its variance is the forward posterior's, or the larger β = 1 − ᾱ_t / ᾱ_s (Ho et al. 2020, section 3.2). The last
    step, to t = 0, takes β in any case: the posterior's is 0 there, and no density. With the posterior's variance the
    weight is (SNR_s − SNR_t) / 2 (Kingma et al. 2021, eq. 14). Raises ValueError for another variance, and for a
    number of steps that is not in 1…T.
    """
    if variance not in VARIANCES:
        raise ValueError(f"variance must be one of {', '.join(VARIANCES)}; got {variance!r}.")
    times = torch.tensor(schedule.timesteps(steps))
    t, s = times[:-1], times[1:]
    abar_t, abar_s = schedule.abar[t], schedule.abar[s]
    beta = 1 - abar_t / abar_s
    posterior = beta * (1 - abar_s) / (1 - abar_t)
    sigma2 = torch.where(s > 0, posterior, beta) if variance == "posterior" else beta
    pull = abar_s.sqrt() * beta / (1 - abar_t)  # of x_0 on the posterior's mean; at s = 0 that mean is x_0
    ratio = posterior / sigma2
    constant = torch.where(s > 0, (ratio - 1 - ratio.log()) / 2, (2 * math.pi * sigma2).log() / 2)
    return Chain(t, s, sigma2, constant, pull**2 / (2 * sigma2))


def noised(
    schedule: Schedule, x0: Tensor, t: Tensor, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Each point at each time, with noise of its own: x0 (B, D), t (n,) → x_t (n B, D), t (n B,), ε (n B, D)."""
    clean, times = x0.repeat(len(t), 1), t.repeat_interleave(len(x0))
    eps = gaussian(clean, generator)
    return q_sample(schedule, clean, times, eps), times, eps


@torch.no_grad()
def eps_errors(
    denoise: Denoiser,
    schedule: Schedule,
    x0: Tensor,
    t: Tensor,
    *,
    predicts: Kind = "eps",
    generator: torch.Generator | None = None,
) -> Tensor:
    """‖ε − ε̂‖² for each time and point, with noise of their own: x0 (B, D), t (n,) in 1…T → (n, B)."""
    x_t, times, eps = noised(schedule, x0, t, generator)
    eps_hat, _ = read(predicts, schedule, denoise(x_t, times, None), x_t, times)
    return (eps - eps_hat).square().sum(1).unflatten(0, (len(t), len(x0)))


@dataclass(frozen=True)
class Bound:
    """The bound on −log p(x_0), in nats, for each of B points."""

    prior: Tensor
    """L_T: (B,)."""
    steps: Tensor
    """The terms of a chain's steps, (n, B): L_{t−1} of each, and L_0 as the last."""

    @property
    def total(self) -> Tensor:
        """Estimates of the whole, (B,): unbiased, if each step had noise of its own."""
        return self.prior + self.steps.sum(0)


def bound(schedule: Schedule, chain: Chain, x0: Tensor, errors: Tensor) -> Bound:
    """The bound from squared errors of ε̂ at the chain's times: x0 (B, D), errors (n, B) from `eps_errors`."""
    weight = chain.weight_of("eps", schedule)
    steps = x0.shape[1] * chain.constant[:, None] + weight[:, None] * errors
    return Bound(prior(schedule, x0), steps)


def prior(schedule: Schedule, x0: Tensor) -> Tensor:
    """L_T = KL(q(x_T | x_0) ‖ N(0, I)) in nats: x0 (B, D) → (B,)."""
    abar = schedule.abar[-1].item()
    return gaussian_kl_to_normal(math.sqrt(abar) * x0, 1 - abar)


def negative_log_density(mixture: GaussianMixture, x0: Tensor) -> Tensor:
    """−log p(x_0) of the data itself, in nats, which no bound undercuts on average: x0 (B, D) → (B,)."""
    variance = mixture.spread**2
    distance = (x0[:, None] - mixture.means).square().sum(2)  # (B, K)
    normal = -distance / (2 * variance) - x0.shape[1] / 2 * math.log(2 * math.pi * variance)
    return -torch.logsumexp(mixture.weights.log() + normal, dim=1)
