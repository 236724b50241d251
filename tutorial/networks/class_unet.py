"""Stable Diffusion's U-Net, told a class instead of a sentence.

A class is a prompt of two words: "no class", which stands at the beginning as a start token does, and its own. With one
word there would be nothing to choose for attention. Everything else is `tutorial.networks.unet`, in pixel space.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tutorial.networks.unet import UNet, UNetConfig


@dataclass(frozen=True)
class ClassUNetConfig(UNetConfig):
    classes: int = 10


class ClassUNet(UNet):
    """x (B, C, h, w), t (B,) counted from 0 at the first noisy level, y (B,) int64 → prediction shaped like x.

    Class number `config.classes` is "no class": the empty prompt.
    """

    config: ClassUNetConfig

    def __init__(self, config: ClassUNetConfig) -> None:
        super().__init__(config)
        self.class_embedding = nn.Embedding(config.classes + 1, config.context)

    def forward(self, x: Tensor, t: Tensor, y: Tensor) -> Tensor:
        start = torch.full_like(y, self.config.classes)
        return super().forward(x, t, self.class_embedding(torch.stack([start, y], dim=1)))
