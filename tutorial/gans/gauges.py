"""What can be read off a game while it is played, for each game of a stack."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from tutorial.data.toy2d import GaussianMixture
from tutorial.gans.game import Game, noise
from tutorial.gans.networks import packed
from tutorial.gans.streams import Draw
from tutorial.metrics.coverage import coverage
from tutorial.metrics.energy import energy_distance, noise_floor

SAMPLES = 300
"""Fakes and data that are compared, a multiple of every `Setup.pack`."""


@dataclass(frozen=True)
class Reading:
    """All but `turns` are of each game, (S,); what cannot be said is NaN."""

    turns: int
    loss_d: Tensor
    loss_g: Tensor
    slope_d: Tensor
    """Norm of the discriminator's last gradient."""
    slope_g: Tensor
    seen_real: Tensor
    """Share of the data that D takes for data; of a Wasserstein critic, which has no such line, NaN."""
    seen_fake: Tensor
    """Share of the fakes that it takes for fakes; if both are ½, its feedback is random."""
    energy: Tensor
    """Energy distance of fakes to data."""
    modes: Tensor
    """Modes covered, by the rule of `tutorial.metrics.coverage`; NaN for a world without."""
    high_quality: Tensor
    """Share of the fakes within three spreads of a mode."""


class Gauges:
    """Reads games off with always the same noise and the same data, so that what changes is the game."""

    def __init__(self, draw: Draw, modes: GaussianMixture | None) -> None:
        """Of a world, and of its modes if they can be counted."""
        self.data, self.modes = draw(SAMPLES, torch.Generator().manual_seed(0)), modes
        self.floor = noise_floor(self.data, SAMPLES, SAMPLES)
        """Expected energy distance of two samples of the data."""

    def z(self, game: Game) -> Tensor:
        """The codes that are looked at: (SAMPLES, noise)."""
        return noise(SAMPLES, game.setup, torch.Generator().manual_seed(0))

    @torch.no_grad()
    def read(self, game: Game, *, averaged: bool = False) -> Reading:
        """How each game stands; with `averaged`, that of its averaged generator."""
        fakes = game.fakes(self.z(game), averaged=averaged)  # (S, SAMPLES, 2)
        real = self.data.expand(len(game.seeds), -1, -1)
        r, f = (game.opinion(packed(x, game.setup.pack)) for x in (real, fakes))
        line = torch.nan if game.loss.boundary is None else game.loss.boundary
        covered = [self._covered(fake) for fake in fakes]
        return Reading(
            turns=game.turns,
            loss_d=game.loss_d,
            loss_g=game.loss_g,
            slope_d=game.discriminator.slope(),
            slope_g=game.generator.slope(),
            seen_real=_share(r > line, line),
            seen_fake=_share(f <= line, line),
            energy=torch.tensor([energy_distance(fake, self.data) for fake in fakes]),
            modes=torch.tensor([modes for modes, _ in covered]),
            high_quality=torch.tensor([share for _, share in covered]),
        )

    def _covered(self, fakes: Tensor) -> tuple[float, float]:
        if self.modes is None:
            return torch.nan, torch.nan
        found = coverage(self.modes, fakes)
        return float(found.modes), found.high_quality


def _share(seen: Tensor, line: float) -> Tensor:
    return seen.double().mean(1) if line == line else torch.full((len(seen),), torch.nan)
