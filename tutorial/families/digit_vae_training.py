"""Trains an autoencoder of digits while you watch: no recipe, but the loop that the page runs."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

import torch
from torch import Tensor

from tutorial.data.digits import binarised
from tutorial.families.digit_vae import PLANE, Parts, parts
from tutorial.networks.digit_vae import DigitVAE, DigitVAEConfig


@dataclass(frozen=True)
class Knobs:
    """What may change while a training runs."""

    beta: float = 1.0
    rate: float = 2e-3
    batch: int = 128


@dataclass(frozen=True)
class Update:
    """An update of the weights: its number, counted from 1, and the batch's mean parts of the bound, in nats."""

    i: int
    distortion: float
    rate: float


class DigitVAETraining:
    """An autoencoder on its way; `pictures` (N, 1, 28, 28) uint8 are what it learns from.

    The same seed gives the same initialisation and the same run.
    """

    def __init__(self, pictures: Tensor, config: DigitVAEConfig | None = None, *, seed: int = 0) -> None:
        self.pictures, self.step = pictures, 0
        self.generator = torch.Generator().manual_seed(seed)
        self.model = DigitVAE(config or DigitVAEConfig(latent=PLANE))
        for layer in self.model.modules():  # as nn.Linear starts, but by this seed
            if isinstance(layer, torch.nn.Linear):
                bound = layer.in_features**-0.5
                for parameter in layer.parameters():
                    torch.nn.init.uniform_(parameter, -bound, bound, generator=self.generator)
        self.optimizer = torch.optim.Adam(self.model.parameters(), fused=True)

    def run(self, knobs: Callable[[], Knobs]) -> Generator[Update, None, None]:
        """Trains until it is closed, and yields after each update; a later `run` goes on from there."""
        while True:
            yield self._update(knobs())

    def _update(self, knobs: Knobs) -> Update:
        """One step down distortion + β · rate, on a batch that is drawn and binarised anew."""
        for group in self.optimizer.param_groups:
            group["lr"] = knobs.rate
        rows = torch.randint(len(self.pictures), (knobs.batch,), generator=self.generator)
        found = parts(self.model, binarised(self.pictures[rows], self.generator), self.generator)
        distortion, rate = -found.reconstruction.mean(), found.kl.mean()
        (distortion + knobs.beta * rate).backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.step += 1
        return Update(self.step, distortion.item(), rate.item())

    @torch.no_grad()
    def look(self, x: Tensor) -> Parts:
        """The bound's parts of digits (B, 1, 28, 28) of zeros and ones, by one draw for each, always the same."""
        return parts(self.model, x, torch.Generator().manual_seed(0))
