"""Games of many seeds under the same settings: which modes each covers, so that collapse is a rate and no anecdote."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tutorial.data.toy2d import GaussianMixture
from tutorial.gans.game import Game, Rules, Setup, noise
from tutorial.gans.remedies import remedied
from tutorial.gans.streams import Draw, generator_of
from tutorial.metrics.coverage import NEAR
from tutorial.metrics.energy import energy_distance

SAMPLES = 2500
"""Fakes of which the modes are counted, as in Lin et al. 2018."""
COMPARED = 300
"""Fakes, and points of the data, between which the energy distance is found where there are no modes to count."""
LOOK = 9
"""Kind of random numbers of what is looked at; see `tutorial.gans.streams`."""


@dataclass(frozen=True)
class Frame:
    """How the games of S seeds stand after so many turns."""

    turns: int
    fakes: Tensor
    """(S, SAMPLES, 2), always of the same codes; not finite for a game that has run out of bounds."""
    visits: Tensor | None
    """Share of the fakes that are near each of K modes and closest to it, (S, K); None for a world without modes."""
    energy: Tensor | None
    """Energy distance to the data, (S,), of a world without modes; inf for a game that has run out of bounds."""

    @property
    def sound(self) -> Tensor:
        """Whether each game's numbers still are numbers, (S,)."""
        return self.fakes.isfinite().all(dim=2).all(dim=1)

    @property
    def modes(self) -> Tensor:
        """Modes covered by each, (S,) int64. There must be modes."""
        return (self._visits() > 0).sum(1)

    @property
    def high_quality(self) -> Tensor:
        """Share of each one's fakes within three spreads of a mode, (S,). There must be modes."""
        return self._visits().sum(1)

    def _visits(self) -> Tensor:
        if self.visits is None:
            raise ValueError("This world has no modes to count.")
        return self.visits


class Crowd:
    """The games of S seeds under a remedy."""

    def __init__(
        self,
        draw: Draw,
        seeds: Sequence[int],
        *,
        modes: GaussianMixture | None,
        remedy: str,
        setup: Setup,
        rules: Rules,
    ) -> None:
        """The settings are those before the remedy, one of `tutorial.gans.remedies.REMEDIES`."""
        setup, rules, self.averaged = remedied(remedy, setup, rules)
        self.game, self.mixture = Game(draw, setup, seeds, rules), modes
        self._z = torch.stack([noise(SAMPLES, setup, generator_of(seed, LOOK)) for seed in seeds])
        self._data = draw(COMPARED, generator_of(0, LOOK, 1))

    @torch.no_grad()
    def frame(self) -> Frame:
        """How the games stand now."""
        fakes = self.game.fakes(self._z, averaged=self.averaged)
        if self.mixture is not None:
            return Frame(self.game.turns, fakes, visits(self.mixture, fakes), None)
        apart = torch.tensor([energy_distance(fake[:COMPARED], self._data) for fake in fakes])
        return Frame(self.game.turns, fakes, None, apart.nan_to_num(torch.inf))

    def play(self, turns: int, frames: int) -> Iterator[Frame | None]:
        """Plays so many turns; yields a frame before the first, so many more among them, and None after the others."""
        due = {round(turns * k / frames) for k in range(1, frames + 1)}
        yield self.frame()
        for turn in range(1, turns + 1):
            self.game.turn()
            yield self.frame() if turn in due else None


def visits(mixture: GaussianMixture, fakes: Tensor) -> Tensor:
    """Share of fakes (S, N, 2) that are closest to each of K modes and within `NEAR` spreads of it: (S, K).

    So mode k is covered if its share is not zero, and the shares sum up to that of high quality
    (`tutorial.metrics.coverage`). Fakes that are not finite are near none.
    """
    distance, closest = torch.cdist(fakes.nan_to_num(torch.inf), mixture.means.expand(len(fakes), -1, -1)).min(2)
    near = (distance <= NEAR * mixture.spread).to(torch.float64)  # (S, N)
    counts = torch.zeros(len(fakes), len(mixture.means), dtype=torch.float64)
    return counts.scatter_add_(1, closest, near) / fakes.shape[1]
