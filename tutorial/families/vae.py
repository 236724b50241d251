"""A variational autoencoder of points in the plane (Kingma & Welling 2014; Rezende et al. 2014).

p(x) = ∫ N(z; 0, I) N(x; μ(z), σ² I) dz                            the model: z is never seen
log p(x) ≥ E_q(z|x)[log p(x | z)] − KL(q(z | x) ‖ N(0, I))         the ELBO; the gap is KL(q(z|x) ‖ p(z|x))
log p(x) ≥ E log (1/K) Σ_k p(x, z_k) / q(z_k | x)                  Burda et al. 2016: the gap closes as K grows
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tutorial.diffusion.process import gaussian
from tutorial.families.elbo import draw, importance_bound, kl_to_prior, log_ratio
from tutorial.families.flow import log_normal
from tutorial.networks.mlp import Perceptron, waves


@dataclass(frozen=True)
class VAEConfig:
    latent: int = 2
    hidden: int = 64
    """Width of the two hidden layers of encoder and decoder."""
    waves: int = 8
    """Frequencies in which the encoder sees a coordinate."""


class VAE(nn.Module):
    """Encoder q(z | x), a diagonal Gaussian, and decoder p(x | z), a round one of one learned spread."""

    def __init__(self, config: VAEConfig, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.config = config
        hidden = [config.hidden, config.hidden]
        self.encoder = Perceptron([2 * (1 + 2 * config.waves), *hidden, 2 * config.latent], generator)
        self.decoder = Perceptron([config.latent, *hidden, 2], generator)
        self.log_spread = nn.Parameter(torch.tensor(0.0))

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Points (B, 2) → mean and log-variance of q(z | x), (B, latent) each."""
        mean, logvar = self.encoder(waves(x, self.config.waves)).chunk(2, dim=1)
        return mean, logvar

    def decode(self, z: Tensor) -> Tensor:
        """Codes (B, latent) → the means of p(x | z), (B, 2)."""
        return self.decoder(z)

    def elbo(self, x: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Reconstruction E_q[log p(x | z)], from one draw of z, and KL(q ‖ N(0, I)), in nats: (B, 2) → (B,), (B,)."""
        mean, logvar = self.encode(x)
        (z,) = draw(mean, logvar, generator)
        return self._log_likelihood(x, z), kl_to_prior(mean, logvar)

    def _log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        """log N(x; μ(z), σ² I): (B,)."""
        return log_normal((x - self.decode(z)) / self.log_spread.exp()) - 2 * self.log_spread

    @torch.no_grad()
    def bound(self, x: Tensor, draws: int, generator: torch.Generator | None = None) -> Tensor:
        """The importance-weighted bound on log p(x) from so many draws of z, in nats: (B, 2) → (B,)."""
        mean, logvar = self.encode(x)
        z = draw(mean, logvar, generator, draws)
        log_likelihood = self._log_likelihood(x.repeat(draws, 1), z.flatten(0, 1)).unflatten(0, (draws, -1))
        return importance_bound(log_ratio(log_likelihood, z, mean, logvar), draws)

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """n points (n, 2): a code from the prior, and a point from around what it is decoded to."""
        mean = self.decode(gaussian(self.log_spread.new_empty(n, self.config.latent), generator))
        return mean + self.log_spread.exp() * gaussian(mean, generator)
