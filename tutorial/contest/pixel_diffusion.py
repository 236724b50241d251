"""Pixel diffusion: noise is removed from the pixels themselves, folded 2 × 2 into channels (Hoogeboom et al. 2023).

The bound on how likely a picture is, is that of Ho et al. 2020, equation 5, over a chain of all times from T down to
`CLEAN`, and one step from there to the grey levels; see `tutorial.diffusion.elbo`.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import ClassVar, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from tutorial.contest.contender import Answer, Answers, Contender, Work
from tutorial.contest.denoising import (
    PREDICTS,
    ROUNDS,
    SCHEDULE,
    THERE_AND_BACK,
    Diffusion,
    T,
    denoising_loss,
    unet_of,
)
from tutorial.contest.recipe import Training
from tutorial.data.digits import SIDE
from tutorial.data.pixels import to_signed
from tutorial.diffusion.elbo import prior
from tutorial.diffusion.latent import as_denoiser
from tutorial.diffusion.objective import read
from tutorial.diffusion.process import q_sample

SLICES = 50
"""Times at which the bound is looked at, one out of each slice of the chain."""
CLEAN, BINS, EACH, COUNTED = 20, 128, 0.02, 2000
"""The last step of the bound, from t = `CLEAN` to grey levels: x̂_0 is cut into so many bins, and each has a share of
every level, counted over so many training digits beginning from `EACH`."""


@dataclass(frozen=True)
class PixelDiffusionConfig:
    channels: tuple[int, ...] = (32, 64)
    """Of the U-Net, at 14 × 14 and 7 × 7 places."""


class ContestPixelDiffusion(Diffusion):
    label = "pixel diffusion"
    likelihood = "bound"
    answers: ClassVar[Answers] = {
        "log_likelihood": Answer(True, f"a lower bound, with noise drawn at {SLICES} of the times"),
        "fill_in": Answer(True, f"while it draws, the known part is put back at each step, {ROUNDS} rounds a step"),
        "invert": Answer(True, f"{THERE_AND_BACK} steps of DDIM up to the noise, nearly exactly"),
        "interpolate": Answer(True, f"along an arc between two noises, {THERE_AND_BACK} steps a picture"),
    }
    shape = 4, SIDE // 2, SIDE // 2

    def __init__(self, config: PixelDiffusionConfig) -> None:
        super().__init__()
        self.config = config
        self.unet = unet_of(tuple(config.channels), self.shape[0])
        self.levels: Tensor
        self.register_buffer("levels", torch.zeros(BINS, 256))

    def into(self, x: Tensor) -> Tensor:
        return F.pixel_unshuffle(x, 2)

    def out_of(self, h: Tensor) -> Tensor:
        return F.pixel_shuffle(h, 2).clamp(-1, 1)

    def glimpse(self, h: Tensor) -> Tensor | None:
        return self.out_of(h)

    def cells(self, mask: Tensor) -> Tensor:
        return F.pixel_unshuffle(mask[None, None].float(), 2)[0] > 0

    def weighing(self, pixels: Tensor, classes: Tensor, generator: torch.Generator) -> Work:
        """Minus the bound's terms, one slice of the chain after the other; unbiased, since a slice's time is drawn."""
        x0 = to_signed(pixels)
        total = prior(SCHEDULE, x0.flatten(1)).float() + self._levels(pixels, classes, generator)
        for first, last in slices():
            # Times first + 1 … last, each as likely; every picture has its own.
            t = torch.randint(first + 1, last + 1, (len(x0),), generator=generator)
            missed = (x0 - self._clean(x0, t, classes, generator)).square().flatten(1).sum(1)
            weight = (SCHEDULE.snr[t - 1] - SCHEDULE.snr[t]) / 2  # Kingma et al. 2021, equation 14
            total = total + (last - first) * weight.float() * missed
            yield None
        yield -total

    def _clean(self, x0: Tensor, t: Tensor, classes: Tensor, generator: torch.Generator) -> Tensor:
        """x̂_0 for pictures noised to times t (N,), without guidance: (N, 1, 28, 28) in [−1, 1]."""
        h = self.into(x0)
        h_t = q_sample(SCHEDULE, h, t, torch.randn(h.shape, generator=generator))
        _, clean = read(PREDICTS, SCHEDULE, as_denoiser(self.unet)(h_t, t, classes), h_t, t)
        return self.out_of(clean)

    def _levels(self, pixels: Tensor, classes: Tensor, generator: torch.Generator) -> Tensor:
        """−log p(x_0 | x_t) at t = `CLEAN`: (N,)."""
        bins = self._bins(pixels, classes, generator)
        return -self.levels.log_softmax(1)[bins, pixels.long()].flatten(1).sum(1)

    def _bins(self, pixels: Tensor, classes: Tensor, generator: torch.Generator) -> Tensor:
        """Which of the `BINS` each pixel's x̂_0 falls into, at t = `CLEAN`: the shape of pixels, int64."""
        t = torch.full((len(pixels),), CLEAN)
        clean = self._clean(to_signed(pixels), t, classes, generator)
        return ((clean + 1) / 2 * BINS).long().clamp(max=BINS - 1)

    @torch.no_grad()
    def count(self, pixels: Tensor, classes: Tensor, generator: torch.Generator) -> None:
        """Learns the last step from pictures (N, 1, 28, 28) uint8: how often each grey level is meant by each x̂_0."""
        counts = torch.full((BINS, 256), EACH)
        for rows in torch.arange(len(pixels)).split(250):
            bins = self._bins(pixels[rows], classes[rows], generator)
            counts += torch.bincount((bins * 256 + pixels[rows].long()).flatten(), minlength=BINS * 256).view(BINS, 256)
        self.levels.copy_((counts / counts.sum(1, keepdim=True)).log())


def slices() -> list[tuple[int, int]]:
    """(first, last] of each slice of the times from `CLEAN` to T: narrow where little noise makes the terms large."""
    ends = [CLEAN + round((T - CLEAN) * (k / SLICES) ** 2) for k in range(SLICES + 1)]
    return [(a, b) for a, b in itertools.pairwise(ends) if a < b]


class PixelDiffusionTraining(Training):
    """Down the squared error of the velocity."""

    batch = 32
    rate = 2e-3

    def begin(self) -> ContestPixelDiffusion:
        return ContestPixelDiffusion(PixelDiffusionConfig())

    def update(self, rows: Tensor, share: float) -> dict[str, Tensor]:
        """One down the squared error, among pixels folded 2 × 2."""
        model = cast(ContestPixelDiffusion, self.model)
        h = model.into(to_signed(self.pictures[rows]))
        with self.precision():
            value = denoising_loss(model.unet, h, self.labels[rows], self.generator)
        self.descend(value, "model", model.parameters())
        self.follow()
        return {"loss": value}

    def trained(self) -> Contender:
        """The averaged contender; the last step of its bound, which draws nothing, is counted now."""
        model = cast(ContestPixelDiffusion, super().trained())
        model.count(self.pictures[:COUNTED], self.labels[:COUNTED], torch.Generator().manual_seed(0))
        return model
