"""What all variational autoencoders have in common: draws from the encoder's Gaussian, and bounds on log p(x).

    ELBO(x) = E_q[log p(x | z)] − KL(q(z | x) ‖ N(0, I)),      q(z | x) = N(mean, exp(logvar))
    L_k(x)  = E log (w_1 + … + w_k) / k,                       w_i = p(x, z_i) / q(z_i | x),  z_i ~ q(z | x)

Kingma & Welling 2014, equation 3; Burda et al. 2016, equation 8.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from tutorial.families.flow import log_normal


def log_gaussian(z: Tensor, mean: Tensor, logvar: Tensor) -> Tensor:
    """log N(z; mean, exp(logvar)) in nats, summed over the last dimension: (…, D) → (…)."""
    return log_normal((z - mean) * (-0.5 * logvar).exp()) - 0.5 * logvar.sum(-1)


def kl_to_prior(mean: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mean, exp(logvar)) ‖ N(0, I)) of each row: (B, D) → (B,). Kingma & Welling 2014, appendix B."""
    return 0.5 * (mean.square() + logvar.exp() - 1 - logvar).sum(-1)


def draw(mean: Tensor, logvar: Tensor, generator: torch.Generator | None = None, draws: int = 1) -> Tensor:
    """z = mean + σ ε, as gradients need it: (B, D) → (draws, B, D). Kingma & Welling 2014, section 2.4."""
    device = "cpu" if generator is None else generator.device
    eps = torch.randn(draws, *mean.shape, generator=generator, device=device, dtype=mean.dtype).to(mean.device)
    return mean + (0.5 * logvar).exp() * eps


def log_ratio(log_likelihood: Tensor, z: Tensor, mean: Tensor, logvar: Tensor) -> Tensor:
    """log w = log p(x | z) p(z) / q(z | x) of codes z (draws, B, D), from log p(x | z): (draws, B) → (draws, B).

    Where z is drawn from q(z | x), the mean of log w is the ELBO, the logarithm of the mean of w is log p(x).
    """
    return log_likelihood + log_normal(z) - log_gaussian(z, mean, logvar)


def importance_bounds(log_w: Tensor, k: int) -> Tensor:
    """log (w_1 + … + w_k) / k of each group of k weights, as many as there are: (N, …) → (N // k, …).

    Their expectation L_k is a bound. L_1 is the ELBO, and L_k never falls as k grows, up to log p(x): Burda et al.
    2016, theorem 1. Raises ValueError if there are fewer than k weights.
    """
    groups = len(log_w) // k
    if not groups:
        raise ValueError(f"A bound with k = {k} needs as many weights; there are {len(log_w)}.")
    return log_w[: groups * k].unflatten(0, (groups, k)).logsumexp(1) - math.log(k)


def importance_bound(log_w: Tensor, k: int) -> Tensor:
    """L_k by the mean over the groups of `importance_bounds`: (N, …) → (…)."""
    return importance_bounds(log_w, k).mean(0)
