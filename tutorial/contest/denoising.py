"""What pixel and latent diffusion have in common: a U-Net that removes noise, told the time and the class.

Both predict the velocity under the cosine schedule, and are told "no class" once in ten times, for guidance (Ho et al.
2020; Nichol & Dhariwal 2021; Salimans & Ho 2022; Ho & Salimans 2022). They differ in what is noised: h = `into(x)`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tutorial.contest.contender import Contender, Work
from tutorial.data.digits import CLASSES
from tutorial.diffusion.editing import repaint
from tutorial.diffusion.guidance import guided
from tutorial.diffusion.inversion import invert
from tutorial.diffusion.latent import as_denoiser
from tutorial.diffusion.objective import Kind, loss
from tutorial.diffusion.process import gaussian, q_sample
from tutorial.diffusion.samplers import Step, ddim, evaluations, named
from tutorial.diffusion.schedule import Schedule
from tutorial.networks.class_unet import ClassUNet, ClassUNetConfig
from tutorial.networks.unet import UNet

T = 1000
SCHEDULE = Schedule.cosine(T)
PREDICTS: Kind = "v"
DROPOUT = 0.1
STEPS, GUIDANCE, SAMPLER = 20, 2.0, "dpm_solver_pp_2m"
"""How it draws, unless it is asked otherwise."""
THERE_AND_BACK = 50
"""Steps of DDIM from a picture to its noise, and as many back, without guidance."""
ROUNDS = 3
"""Of `filling`, for each step: down, and up again, so that old and new come to fit (Lugmayr et al. 2022)."""


class ContestUNet(ClassUNet):
    """The tutorial's U-Net, told the class twice: as a word, and added to the time (Dhariwal & Nichol 2021, section 5).

    Only the middle has attention: with it at every level, an update takes half as long again, or twice as long.
    """

    def __init__(self, config: ClassUNetConfig) -> None:
        super().__init__(config)
        self.class_shift = nn.Embedding(config.classes + 1, 4 * config.channels[0])

    def forward(self, x: Tensor, t: Tensor, y: Tensor) -> Tensor:
        words = self.class_embedding(torch.stack([torch.full_like(y, self.config.classes), y], dim=1))
        return UNet.forward(self, x, t, words, self.class_shift(y))


class Diffusion(Contender):
    """A contender that walks from noise to `h`, and from there to the picture."""

    unet: ContestUNet
    shape: tuple[int, int, int]
    """Of `h`."""

    @abstractmethod
    def into(self, x: Tensor) -> Tensor:
        """Pictures (N, 1, 28, 28) in [−1, 1] → what is noised, (N, *shape)."""

    @abstractmethod
    def out_of(self, h: Tensor) -> Tensor:
        """The way back, (N, *shape) → (N, 1, 28, 28) in [−1, 1]."""

    def glimpse(self, h: Tensor) -> Tensor | None:
        """What h looks like on the way, if that costs next to nothing."""
        return None

    @abstractmethod
    def cells(self, mask: Tensor) -> Tensor:
        """Which numbers of h are to be drawn anew for a mask (28, 28) of pixels: booleans that broadcast to h."""

    @property
    def evaluations(self) -> int:
        return evaluations(SAMPLER, STEPS) * (1 if GUIDANCE in (0, 1) else 2)

    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        return gaussian(torch.empty(n, *self.shape), generator)

    def walk(
        self, code: Tensor, classes: Tensor, *, steps: int, guidance: float = GUIDANCE, sampler: str = SAMPLER
    ) -> Iterator[Step]:
        """From noises (N, *shape) to h, step by step."""
        denoise = guided(as_denoiser(self.unet), torch.tensor([CLASSES]), guidance)
        yield from named(sampler)(denoise, SCHEDULE, code, steps=steps, predicts=PREDICTS, cond=classes)

    def drawing(
        self,
        classes: Tensor,
        generator: torch.Generator,
        *,
        steps: int = STEPS,
        guidance: float = GUIDANCE,
        sampler: str = SAMPLER,
    ) -> Work:
        """With guidance. Yields, if it can, what the network takes the picture to be, and in the end the picture."""
        code = self.noise(len(classes), generator)
        for step in self.walk(code, classes, steps=steps, guidance=guidance, sampler=sampler):
            yield self.out_of(step.x_next) if step.i == step.n - 1 else self.glimpse(step.x0_hat)

    def decoding(self, code: Tensor, classes: Tensor) -> Work:
        """The way back from `inverting`: DDIM, as many steps, no guidance."""
        for step in self.walk(code, classes, steps=THERE_AND_BACK, guidance=1.0, sampler="ddim"):
            yield self.out_of(step.x_next) if step.i == step.n - 1 else None

    def inverting(self, x: Tensor, classes: Tensor) -> Work:
        h = self.into(x)
        for step in invert(as_denoiser(self.unet), SCHEDULE, h, steps=THERE_AND_BACK, predicts=PREDICTS, cond=classes):
            yield step.x_next if step.i == step.n - 1 else None

    def filling(self, known: Tensor, mask: Tensor, classes: Tensor, generator: torch.Generator) -> Work:
        """RePaint: what is known is put back after each step, noised as far as the step."""
        kept = self.into(torch.where(mask, -1.0, known))
        denoise = guided(as_denoiser(self.unet), torch.tensor([CLASSES]), GUIDANCE)

        def one(h: Tensor, t: int, s: int) -> Step:
            walk = ddim(
                denoise, SCHEDULE, h, steps=[t, s], eta=1.0, predicts=PREDICTS, cond=classes, generator=generator
            )
            return next(walk)

        h, times = self.noise(len(known), generator), SCHEDULE.timesteps(STEPS)
        rounds = repaint(one, SCHEDULE, h, kept, self.cells(mask), times, rounds=ROUNDS, generator=generator)
        for step in rounds:
            x = self.glimpse(step.x0_hat) if step.t_next else self.out_of(step.x_next)
            yield None if x is None else torch.where(mask, x, known)


def unet_of(channels: tuple[int, ...], numbers: int) -> ContestUNet:
    """The U-Net for h of so many channels: of these widths, one residual block a level on the way down."""
    none = (False,) * len(channels)
    return ContestUNet(
        ClassUNetConfig(
            channels=channels, attention=none, layers=1, context=64, heads=4, groups=8, latent_channels=numbers
        )
    )


def denoising_loss(unet: ContestUNet, h: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
    """The mean squared error of the velocity of h (B, C, h, w) of classes y (B,), each at a time of its own."""
    n = len(h)
    y = torch.where(torch.rand(n, generator=generator) < DROPOUT, CLASSES, y)
    # One time from each of n equal slices, so that every batch sees all noise (Kingma et al. 2021, section 5).
    t = (T * (torch.arange(n) + torch.rand(n, generator=generator)) / n).ceil().long().clamp(1, T)
    eps = torch.randn(h.shape, generator=generator)
    prediction = as_denoiser(unet)(q_sample(SCHEDULE, h, t, eps), t, y).float()
    return cast(Tensor, loss(PREDICTS, SCHEDULE, prediction, h, t, eps).mean())


def cells_of(mask: Tensor, side: int) -> Tensor:
    """Squares of side × side pixels of which at least one is missing: (28, 28) → (28 / side, 28 / side) booleans."""
    return F.max_pool2d(mask[None, None].float(), side)[0, 0] > 0
