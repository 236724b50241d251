"""The variational autoencoder of digits: a code for each digit, and a bound on how likely the digit is.

A digit is made in two steps: a code z from the prior p(z) = N(0, I), then each pixel from p(x | z). How likely a digit
is takes an integral over all codes, p(x) = ∫ p(x | z) p(z) dz. The encoder q(z | x) makes a bound of it (Kingma &
Welling 2014, equations 2 and 3):

    log p(x) = ELBO(x) + KL(q(z | x) ‖ p(z | x)) ≥ ELBO(x)
    ELBO(x)  = E_q[log p(x | z)] − KL(q(z | x) ‖ p(z))

The two parts have names of their own: minus the first is the distortion, the second the rate. Training with
distortion + β · rate buys one with the other (Higgins et al. 2017, equation 4; Alemi et al. 2018, equation 6).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from tutorial import weights
from tutorial.families.elbo import draw, kl_to_prior, log_ratio
from tutorial.networks.digit_vae import DigitVAE

PLANE, LARGE = 2, 32
"""Numbers in the codes of the models that ship."""
BETAS = (0.1, 0.3, 1.0, 3.0, 10.0)
"""What a nat of rate was worth to each of those with codes in the plane."""


def file_name(latent: int, beta: float) -> str:
    """Name of a shipped model."""
    return f"digit_vae_{latent}_beta_{beta:g}"


def load(latent: int = PLANE, beta: float = 1.0, device: torch.device | str = "cpu") -> DigitVAE:
    """A shipped model. Raises tutorial.weights.WeightsError if its file is missing or damaged."""
    return weights.load(file_name(latent, beta), device=device)


@dataclass(frozen=True)
class Parts:
    """The two parts of the ELBO of each of B digits, in nats: each (B,)."""

    reconstruction: Tensor
    """E_q[log p(x | z)], by as many draws as were made: minus the distortion."""
    kl: Tensor
    """KL(q(z | x) ‖ p(z)), in closed form: the rate."""

    @property
    def elbo(self) -> Tensor:
        return self.reconstruction - self.kl


def log_likelihood(logits: Tensor, x: Tensor) -> Tensor:
    """log p(x | z) = Σ over pixels of x log σ(l) + (1 − x) log(1 − σ(l)), for logits l and x (…, 1, 28, 28) → (…)."""
    return (x * logits - F.softplus(logits)).flatten(-3).sum(-1)


def parts(model: DigitVAE, x: Tensor, generator: torch.Generator, draws: int = 1) -> Parts:
    """The ELBO's parts of digits (B, 1, 28, 28) of zeros and ones, the first by so many draws for each."""
    mean, logvar = model.encode(x)
    z = draw(mean, logvar, generator, draws)
    logits = model.decode(z.flatten(0, 1)).unflatten(0, z.shape[:2])
    return Parts(log_likelihood(logits, x).mean(0), kl_to_prior(mean, logvar))


@torch.no_grad()
def log_weights(model: DigitVAE, x: Tensor, generator: torch.Generator, draws: int) -> Tensor:
    """log p(x, z) / q(z | x) of codes z drawn from q(z | x), see `log_ratio`: (B, 1, 28, 28) → (draws, B)."""
    mean, logvar = model.encode(x)
    z = draw(mean, logvar, generator, draws)
    logits = model.decode(z.flatten(0, 1)).unflatten(0, z.shape[:2])
    return log_ratio(log_likelihood(logits, x), z, mean, logvar)


@torch.no_grad()
def sample(model: DigitVAE, n: int, generator: torch.Generator) -> Tensor:
    """n digits from the prior, as the probabilities of their pixels: (n, 1, 28, 28) in [0, 1]."""
    z = torch.randn(n, model.config.latent, generator=generator)
    return model.decode(z.to(next(model.parameters()).device)).sigmoid()


def quantiles(side: int) -> Tensor:
    """Codes (side², 2) that share the prior's mass evenly, row by row from the top, as a wall of pictures shows them.

    Kingma & Welling 2014, figure 4: the inverse of the normal's distribution function, of evenly spread numbers.
    """
    z = torch.special.ndtri((torch.arange(side) + 0.5) / side)
    return torch.stack(torch.meshgrid(z.flip(0), z, indexing="ij")[::-1], dim=-1).reshape(-1, 2)


def evenly_along(path: Tensor, n: int) -> Tensor:
    """n places at equal distances along straight lines through points (P, D), from the first to the last: (n, D)."""
    gone = torch.cat([torch.zeros(1), path.diff(dim=0).norm(dim=1).cumsum(0)])
    wanted = torch.linspace(0, gone[-1].item(), n)
    after = torch.searchsorted(gone, wanted).clamp(1, len(path) - 1) if len(path) > 1 else torch.zeros(n).long()
    before = (after - 1).clamp(min=0)
    share = (wanted - gone[before]) / (gone[after] - gone[before]).clamp(min=1e-9)
    return path[before] + share.clamp(0, 1)[:, None] * (path[after] - path[before])
