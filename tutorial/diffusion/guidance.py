"""Classifier-free guidance (Ho & Salimans 2022): exaggerate what the condition changes."""

from __future__ import annotations

import torch
from torch import Tensor

from tutorial.diffusion.samplers import Denoiser


def guided(denoise: Denoiser, null: Tensor, scale: float) -> Denoiser:
    """ε̂ = ε̂(x, null) + scale · (ε̂(x, cond) − ε̂(x, null)).

    0 ignores the condition, 1 is the plain conditional model, more exaggerates; the paper's w is scale − 1
    (its eq. 6). `null` (1, …) is the encoded empty prompt, or a negative prompt to be steered away from. The
    formula holds for x_0 and v too, which are linear in ε at a given x. Both halves run as one batch.
    """

    def denoise_guided(x: Tensor, t: Tensor, cond: Tensor) -> Tensor:
        """x (B, …), t (B,), cond (B, …) → the guided prediction, shaped like x."""
        away = null.expand(len(x), *null.shape[1:])
        if scale == 0:
            return denoise(x, t, away)
        if scale == 1:
            return denoise(x, t, cond)
        both = denoise(torch.cat([x, x]), torch.cat([t, t]), torch.cat([away, cond]))
        without, towards = both.chunk(2)
        return without + scale * (towards - without)

    return denoise_guided
