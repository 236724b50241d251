"""Pixel diffusion: a digit drawn directly among the pixels, by the class it is told (Ho & Salimans 2022)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from tutorial import weights
from tutorial.data.digits import SIDE
from tutorial.diffusion.guidance import guided
from tutorial.diffusion.latent import as_denoiser, trained_under
from tutorial.diffusion.objective import Kind
from tutorial.diffusion.process import gaussian
from tutorial.diffusion.samplers import Denoiser, Model, Step, named
from tutorial.diffusion.schedule import Schedule
from tutorial.networks.class_unet import ClassUNet

STEPS, GUIDANCE, SAMPLER = 50, 2.0, "ddim"
"""The default settings, with which everything is measured unless said otherwise."""


@dataclass(frozen=True)
class DigitDiffusion:
    """A U-Net that is told a class, with what a sampler must know of it."""

    unet: ClassUNet
    schedule: Schedule
    predicts: Kind

    @property
    def nothing(self) -> int:
        """The class that means "any digit"."""
        return self.unet.config.classes

    @property
    def device(self) -> torch.device:
        return next(self.unet.parameters()).device

    @property
    def model(self) -> Model:
        """The network as samplers take it; its condition is a class for each row, (B,) int64."""
        return Model(as_denoiser(self.unet), self.schedule, self.predicts)

    def guided(self, scale: float) -> Denoiser:
        """The same network with guidance."""
        return guided(as_denoiser(self.unet), torch.tensor([self.nothing], device=self.device), scale)

    def noise(self, seeds: Sequence[int]) -> tuple[Tensor, list[torch.Generator]]:
        """x_T for each seed, (B, 1, 28, 28), and the generators that drew it, to draw on with."""
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        return gaussian(torch.empty(len(generators), 1, SIDE, SIDE), generators).to(self.device), generators

    def sample(
        self,
        classes: Sequence[int],
        *,
        steps: int = STEPS,
        guidance: float = GUIDANCE,
        sampler: str = SAMPLER,
        eta: float = 0.0,
        seed: int = 0,
    ) -> Iterator[Step]:
        """Draws a digit of each class; the last step's `x_next` is (B, 1, 28, 28), about in [−1, 1].

        Digit k uses the seed `seed + k`. `eta` matters to DDIM only. Raises ValueError for an unknown sampler or
        class, or steps or eta out of range.
        """
        if not all(0 <= y <= self.nothing for y in classes):
            raise ValueError(f"A class must be between 0 and {self.nothing} (any digit); got {classes}.")
        x_T, generators = self.noise(range(seed, seed + len(classes)))
        walk = named(sampler, eta=eta, generator=generators)
        cond = torch.tensor(classes, device=self.device)
        return walk(self.guided(guidance), self.schedule, x_T, steps=steps, predicts=self.predicts, cond=cond)

    def draw(self, classes: Sequence[int], **settings) -> Tensor:
        """`sample` to the end: (B, 1, 28, 28) in [−1, 1]."""
        *_, last = self.sample(classes, **settings)
        return last.x_next.clamp(-1, 1)


def load(folder: Path = weights.FOLDER, device: torch.device | str = "cpu") -> DigitDiffusion:
    """The model that is shipped. Raises weights.WeightsError if a file is missing or damaged."""
    schedule, predicts = trained_under("digit_unet", folder)
    return DigitDiffusion(weights.load("digit_unet", folder, device), schedule, predicts)
