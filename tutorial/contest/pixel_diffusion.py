"""Pixel diffusion: noise is removed from the pixels themselves, folded 2 × 2 into channels (Hoogeboom et al. 2023).

The bound on how likely a picture is, is that of Ho et al. 2020, equation 5, over a chain of all times from T down to
`CLEAN`, and one step from there to the grey levels; see `tutorial.diffusion.elbo`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from tutorial.contest.contender import Answer, Work
from tutorial.contest.denoising import (
    PREDICTS,
    ROUNDS,
    SCHEDULE,
    THERE_AND_BACK,
    Diffusion,
    T,
    denoising_loss,
    unet_config,
)
from tutorial.contest.recipe import Training, adam
from tutorial.data.digits import SIDE
from tutorial.data.pixels import to_signed
from tutorial.diffusion.elbo import prior
from tutorial.diffusion.latent import as_denoiser
from tutorial.diffusion.objective import read
from tutorial.diffusion.process import q_sample
from tutorial.networks.class_unet import ClassUNet

SLICES = 50
"""Times at which the bound is looked at, one out of each slice of the chain."""


@dataclass(frozen=True)
class PixelDiffusionConfig:
    channels: tuple[int, ...] = (32, 64)
    """Of the U-Net, at 14 × 14 and 7 × 7 places."""


class ContestPixelDiffusion(Diffusion):
    label = "pixel diffusion"
    likelihood = "bound"
    answers = {
        "log_likelihood": Answer(True, f"a lower bound, with noise drawn at {SLICES} of the times"),
        "fill_in": Answer(True, f"while it draws, the known part is put back at each step, {ROUNDS} rounds a step"),
        "invert": Answer(True, f"{THERE_AND_BACK} steps of DDIM up to the noise, nearly exactly"),
        "interpolate": Answer(True, f"along an arc between two noises, {THERE_AND_BACK} steps a picture"),
    }
    shape = 4, SIDE // 2, SIDE // 2

    def __init__(self, config: PixelDiffusionConfig) -> None:
        super().__init__()
        self.config = config
        attention = tuple(k == len(config.channels) - 1 for k in range(len(config.channels)))
        self.unet = ClassUNet(unet_config(tuple(config.channels), attention, self.shape[0]))

    def into(self, x: Tensor) -> Tensor:
        return F.pixel_unshuffle(x, 2)

    def out_of(self, h: Tensor) -> Tensor:
        return F.pixel_shuffle(h, 2).clamp(-1, 1)

    def cells(self, mask: Tensor) -> Tensor:
        return F.pixel_unshuffle(mask[None, None].float(), 2)[0] > 0
