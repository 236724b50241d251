"""The attribute reader: a small CNN that tells all ten attributes of a critter from its picture.

It turns "does the picture show what the prompt asked for?" into a number, lends its features to the
autoencoder's perceptual loss, and its last hidden layer to the Fréchet distance.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from tutorial.data.critters import ATTRIBUTES

FEATURES = 64
"""Width of the last hidden layer, in which Fréchet distances between sets of critters are taken."""


@dataclass(frozen=True)
class ReaderConfig:
    channels: tuple[int, ...] = (32, 64, 96, 128)
    """Width of each stage; each halves the resolution."""
    size: int = 64


class AttributeReader(nn.Module):
    """Pictures (B, 3, size, size) in [−1, 1], or a whole multiple of that size → logits of each attribute's values.

    Four stages of two convolutions with batch normalisation, a hidden layer of `FEATURES` units, and one
    linear head for each attribute.
    """

    def __init__(self, config: ReaderConfig) -> None:
        super().__init__()
        self.config = config
        widths = (3, *config.channels)
        self.stages = nn.ModuleList(stage(a, b) for a, b in itertools.pairwise(widths))
        side = config.size // 2 ** len(config.channels)
        self.hidden = nn.Linear(config.channels[-1] * side * side, FEATURES)
        self.heads = nn.ModuleDict({name: nn.Linear(FEATURES, len(values)) for name, values in ATTRIBUTES.items()})

    def feature_maps(self, x: Tensor) -> list[Tensor]:
        """Activations after each stage, (B, C_i, size/2^i, size/2^i): what the perceptual loss compares."""
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps

    def features(self, x: Tensor) -> Tensor:
        """The last hidden layer: (B, 3, k · size, k · size), k ≥ 1, averaged down to `size` first → (B, FEATURES)."""
        small = F.avg_pool2d(x, x.shape[-1] // self.config.size)
        return F.silu(self.hidden(self.feature_maps(small)[-1].flatten(1)))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        h = self.features(x)
        return {name: head(h) for name, head in self.heads.items()}

    def read(self, x: Tensor) -> dict[str, Tensor]:
        """The most likely value index of each attribute: name → (B,) int64."""
        return {name: logits.argmax(1) for name, logits in self(x).items()}


def stage(c_in: int, c_out: int) -> nn.Sequential:
    """Two convolutions with batch normalisation, the first of which halves the resolution."""
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(c_out),
        nn.SiLU(),
        nn.Conv2d(c_out, c_out, 3, padding=1, bias=False),
        nn.BatchNorm2d(c_out),
        nn.SiLU(),
    )
