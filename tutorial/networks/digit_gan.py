"""The two networks of a class-conditional generative adversarial network of digits.

Convolutions with strides and no pooling, after Radford et al. 2016 ("DCGAN"); the generator is told the digit it shall
draw beside its noise (Mirza & Osindero 2014), the discriminator by a projection (Miyato & Koyama 2018). Instead of
batch normalisation, which makes every fake depend on the others of its batch, the generator has that of Karras et al.
2018, section 4.2. How the two are played against each other is in `tutorial.training.digit_gan`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tutorial.data.digits import CLASSES, SIDE

SLOPE = 0.2
"""Of the leaky rectifiers, below zero."""


@dataclass(frozen=True)
class DigitGeneratorConfig:
    noise: int = 64
    """Numbers of z."""
    embedding: int = 32
    """Numbers that stand for a digit's class."""
    width: int = 32
    """Channels at 14 × 14 pixels; there are twice as many at 7 × 7."""


@dataclass(frozen=True)
class DigitDiscriminatorConfig:
    width: int = 32
    """Channels at 14 × 14 pixels, doubled with each further halving of the sides."""


def pixel_norm(x: Tensor) -> Tensor:
    """Divides each pixel's channels by their root mean square: (B, C, H, W) → the same."""
    return x * ((x * x).mean(1, keepdim=True) + 1e-6).rsqrt()


class DigitGenerator(nn.Module):
    """Noise (B, Z), standard normal, and classes (B,) → digits (B, 1, 28, 28) in [−1, 1], in one pass."""

    def __init__(self, config: DigitGeneratorConfig) -> None:
        super().__init__()
        self.config = config
        wide, self.side = 2 * config.width, SIDE // 4
        self.classes = nn.Embedding(CLASSES, config.embedding)
        self.first = nn.Linear(config.noise + config.embedding, self.side**2 * wide)
        self.up = nn.ConvTranspose2d(wide, config.width, 4, stride=2, padding=1)
        self.last = nn.ConvTranspose2d(config.width, 1, 4, stride=2, padding=1)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        asked = torch.cat([z, self.classes(y)], dim=1)  # (B, Z + E)
        h = self.first(asked).unflatten(1, (self.side, self.side, -1)).permute(0, 3, 1, 2)  # (B, 2W, 7, 7)
        h = pixel_norm(F.leaky_relu(h, SLOPE))
        h = pixel_norm(F.leaky_relu(self.up(h), SLOPE))  # (B, W, 14, 14)
        return torch.tanh(self.last(h))


class DigitDiscriminator(nn.Module):
    """Digits (B, 1, 28, 28) in [−1, 1] and their classes (B,) → a logit for each (B,); high means real."""

    def __init__(self, config: DigitDiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        w = config.width
        self.layers = nn.Sequential(
            nn.Conv2d(1, w, 4, stride=2, padding=1),  # 14 × 14
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(w, 2 * w, 4, stride=2, padding=1),  # 7 × 7
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(2 * w, 4 * w, 3, stride=2, padding=1),  # 4 × 4
            nn.LeakyReLU(SLOPE),
        )
        self.hidden = nn.Linear(4 * w * math.ceil(SIDE / 8) ** 2, 4 * w)
        self.real = nn.Linear(4 * w, 1)
        self.classes = nn.Embedding(CLASSES, 4 * w)
        # Unit variance would drown the pictures' own logits at first.
        nn.init.normal_(self.classes.weight, std=(4 * w) ** -0.5)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        h = F.leaky_relu(self.hidden(self.layers(x).flatten(1)), SLOPE)  # (B, 4W)
        return self.real(h)[:, 0] + (self.classes(y) * h).sum(1)
