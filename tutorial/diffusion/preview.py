"""What a latent will look like, roughly, without the decoder: a linear map, fitted by least squares.

It costs far less than a thousandth of what the decoder does, so a sampler can show every step on its way.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from tutorial import weights

REACH = 5
"""Side of the neighbourhood of latent positions that a position's colours are guessed from."""
PIXELS = 4
"""Side of the block of preview pixels that each latent position gets."""


def fit_preview(latents: Tensor, pictures: Tensor) -> Tensor:
    """The linear map from neighbourhoods of a latent to blocks of colours with the least squared error.

    latents (N, C, h, w), pictures (N, 3, f·h, f·w) in [−1, 1], f a multiple of `PIXELS` →
    (C · REACH² + 1, 3 · PIXELS²), the last row being the constant. Needs a few thousand positions.
    """
    f = pictures.shape[-1] // latents.shape[-1]
    small = F.avg_pool2d(pictures, f // PIXELS)
    blocks = F.pixel_unshuffle(small, PIXELS).permute(0, 2, 3, 1).flatten(0, 2)  # (N · h · w, 3 · PIXELS²)
    return torch.linalg.lstsq(_neighbourhoods(latents).double(), blocks.double()).solution.float()


def preview(latents: Tensor, fitted: Tensor) -> Tensor:
    """Latents (N, C, h, w) and the map of `fit_preview` → (N, 3, PIXELS · h, PIXELS · w) in [−1, 1]."""
    n, _, h, w = latents.shape
    blocks = (_neighbourhoods(latents) @ fitted).reshape(n, h, w, -1).permute(0, 3, 1, 2)
    return F.pixel_shuffle(blocks, PIXELS).clamp(-1, 1)


def explained_variance(latents: Tensor, pictures: Tensor, fitted: Tensor) -> float:
    """Share of the variance of the colours that the map explains: 1 is perfect, 0 no better than their mean."""
    f = pictures.shape[-1] // latents.shape[-1]
    small = F.avg_pool2d(pictures, f // PIXELS)
    return 1 - ((preview(latents, fitted) - small).square().mean() / small.var()).item()


def load(channels: int, folder: Path = weights.FOLDER, side: int = weights.SIDE) -> Tensor:
    """The shipped map for latents of that many channels, of pictures of this height and width in pixels.

    Raises weights.WeightsError if it is missing or damaged.
    """
    shapes = {"map": (channels * REACH**2 + 1, 3 * PIXELS**2)}
    _, tensors = weights.load_tensors(weights.sized("preview", side), folder, shapes=shapes)
    return tensors["map"].float()


def _neighbourhoods(latents: Tensor) -> Tensor:
    """Each position's surroundings, the edge repeated, and a 1: (N, C, h, w) → (N · h · w, C · REACH² + 1)."""
    margin = REACH // 2
    rows = F.unfold(F.pad(latents, (margin,) * 4, mode="replicate"), REACH).transpose(1, 2).flatten(0, 1)
    return torch.cat([rows, torch.ones_like(rows[:, :1])], dim=1)
