"""A generative adversarial network of points in the plane (Goodfellow et al. 2014).

    D learns to tell data from fakes:    max  E log D(x) + E log(1 − D(G(z)))
    G learns to be taken for data:       max  E log D(G(z))                       the non-saturating loss, section 3

in turn, each while the other is held. There is no density to write down: p_G is whatever G makes of noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tutorial.diffusion.process import gaussian
from tutorial.networks.mlp import Perceptron


@dataclass(frozen=True)
class GANConfig:
    noise: int = 2
    """Numbers of z."""
    hidden: int = 64
    """Width of the two hidden layers of generator and discriminator."""


class GAN(nn.Module):
    """A generator of points from noise, and a discriminator: the logit of a point's being data."""

    def __init__(self, config: GANConfig, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.config = config
        self.generator = Perceptron([config.noise, config.hidden, config.hidden, 2], generator)
        self.discriminator = Perceptron([2, config.hidden, config.hidden, 1], generator)

    def generate(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """n fakes (n, 2), with gradients."""
        like = next(self.parameters())
        return self.generator(gaussian(like.new_empty(n, self.config.noise), generator))

    def discriminator_loss(self, x: Tensor, fake: Tensor) -> Tensor:
        """Cross-entropy of telling data x (B, 2) from fakes (B, 2), which get no gradient; guessing has 2 log 2."""
        real, made = self.discriminator(x), self.discriminator(fake.detach())
        return F.softplus(-real).mean() + F.softplus(made).mean()

    def generator_loss(self, fake: Tensor) -> Tensor:
        """−log D(G(z)), on average over fakes (B, 2)."""
        return F.softplus(-self.discriminator(fake)).mean()

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """n fakes (n, 2)."""
        return self.generate(n, generator)
