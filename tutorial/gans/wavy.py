"""A game whose networks see points, and codes, as sines and cosines too.

A perceptron is slow to learn what is much finer than its inputs (Tancik et al. 2020). Where modes are a hundredth of
the size of the whole, both networks have to learn such things: D where modes end, and G to leap from one to the next.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from tutorial.gans.game import Game, Rules, Setup
from tutorial.gans.streams import Draw
from tutorial.networks.mlp import waves

SEEN, HEARD = 8, 12
"""Frequencies, 0.5 to 8 radians a unit, in which D sees each coordinate of a point, and G each number of a code."""


class Wavy(Game):
    """A game in which D sees `waves` of x / unit, and G makes its fakes of those of z / reach."""

    def __init__(
        self, draw: Draw, setup: Setup, seeds: Sequence[int], rules: Rules, *, unit: float, reach: float
    ) -> None:
        self._unit, self._reach = unit, reach
        super().__init__(draw, setup, seeds, rules)

    def _inputs(self) -> tuple[int, int]:
        codes, points = super()._inputs()
        return codes * (1 + 2 * HEARD), points * (1 + 2 * SEEN)

    def _codes(self) -> Draw:
        plain, reach = super()._codes(), self._reach
        return lambda n, generator: waves(plain(n, generator) / reach, HEARD)

    def opinion(self, x: Tensor) -> Tensor:
        """The discriminator's answers to packed points (S, B, 2 pack), not their waves: (S, B), high for data."""
        return super().opinion(waves(x / self._unit, SEEN))

    def fakes(self, z: Tensor, *, averaged: bool = False) -> Tensor:
        """G(z), or what the averaged generator makes of it, of plain codes (S, B, noise) or (B, noise): (S, B, 2)."""
        return super().fakes(waves(z / self._reach, HEARD), averaged=averaged)
