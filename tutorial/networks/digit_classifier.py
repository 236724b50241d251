"""The digit classifier: a small CNN that says which digit a picture shows.

It judges what the generators draw, so it never trains together with one; and its last hidden layer is where Fréchet
distances between sets of digits are taken.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from tutorial.data.digits import CLASSES, SIDE
from tutorial.networks.reader import stage

FEATURES = 64
"""Width of the last hidden layer, fixed before anything was measured with it."""


@dataclass(frozen=True)
class DigitClassifierConfig:
    channels: tuple[int, ...] = (32, 64)
    """Width of each stage; each halves the resolution."""


class DigitClassifier(nn.Module):
    """Digits (B, 1, 28, 28) in [−1, 1] → logits (B, 10)."""

    def __init__(self, config: DigitClassifierConfig) -> None:
        super().__init__()
        self.config = config
        self.stages = nn.Sequential(*(stage(a, b) for a, b in itertools.pairwise((1, *config.channels))))
        side = SIDE // 2 ** len(config.channels)
        self.hidden = nn.Linear(config.channels[-1] * side * side, FEATURES)
        self.head = nn.Linear(FEATURES, CLASSES)

    def features(self, x: Tensor) -> Tensor:
        """The last hidden layer: (B, 1, 28, 28) → (B, FEATURES)."""
        return F.silu(self.hidden(self.stages(x).flatten(1)))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))
