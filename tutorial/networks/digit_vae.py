"""The two networks of a variational autoencoder of black and white digits (Kingma & Welling 2014, appendix C).

Perceptrons: the encoder says where in the latent space a digit may lie, the decoder how likely each pixel is white.
What makes an autoencoder of them, the bound, is in `tutorial.families.digit_vae`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from tutorial.data.digits import SIDE

PIXELS = SIDE * SIDE


@dataclass(frozen=True)
class DigitVAEConfig:
    latent: int = 2
    """Numbers in a code."""
    hidden: tuple[int, ...] = (256, 128)
    """Width of the encoder's hidden layers; the decoder has them in reverse."""


def perceptron(widths: Sequence[int]) -> nn.Sequential:
    """(B, widths[0]) → (B, widths[-1]), SiLU between the layers."""
    layers: list[nn.Module] = []
    for a, b in itertools.pairwise(widths):
        layers += [nn.Linear(a, b), nn.SiLU()]
    return nn.Sequential(*layers[:-1])


class DigitVAE(nn.Module):
    """Encoder and decoder, for digits (B, 1, 28, 28) of zeros and ones and codes (B, D)."""

    def __init__(self, config: DigitVAEConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = perceptron((PIXELS, *config.hidden, 2 * config.latent))
        self.decoder = perceptron((config.latent, *reversed(config.hidden), PIXELS))

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of q(z | x), a Gaussian with a diagonal covariance: each (B, D)."""
        mean, logvar = self.encoder(x.flatten(1)).chunk(2, dim=1)
        return mean, logvar

    def decode(self, z: Tensor) -> Tensor:
        """Logits of p(x | z), in which each pixel is a coin of its own: (B, D) → (B, 1, 28, 28)."""
        return self.decoder(z).unflatten(1, (1, SIDE, SIDE))
