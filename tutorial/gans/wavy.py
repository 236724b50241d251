"""A game whose networks see points, and codes, as sines and cosines too.

A perceptron is slow to learn what is much finer than its inputs (Tancik et al. 2020). Where modes are a hundredth of
the size of the whole, both networks have to learn such things: D where modes end, and G to leap from one to the next.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

from torch import Tensor

from tutorial.gans.descent import Descent
from tutorial.gans.game import DATA, DISCRIMINATOR, GENERATOR, NOISE, Game, Rules, Setup, noise
from tutorial.gans.networks import Stack
from tutorial.gans.streams import Draw, Stream, generator_of
from tutorial.networks.mlp import waves

SEEN, HEARD = 8, 12
"""Frequencies, 0.5 to 8 radians a unit, in which D sees each coordinate of a point, and G each number of a code."""


class Wavy(Game):
    """A game in which D sees `waves` of x / unit, and G makes its fakes of those of z / reach."""

    def __init__(
        self, draw: Draw, setup: Setup, seeds: Sequence[int], rules: Rules, *, unit: float, reach: float
    ) -> None:
        super().__init__(draw, setup, seeds, rules)
        self._unit, self._reach = unit, reach
        makers = [generator_of(seed, GENERATOR) for seed in self.seeds]
        judges = [generator_of(seed, DISCRIMINATOR) for seed in self.seeds]
        self.generator = Stack(makers, [setup.noise * (1 + 2 * HEARD), *setup.generator, 2])
        self.discriminator = Stack(judges, [2 * setup.pack * (1 + 2 * SEEN), *setup.discriminator, 1])
        self.average = copy.deepcopy(self.generator)
        self._descents = Descent(self.generator), Descent(self.discriminator)
        codes = Stream(lambda n, generator: self.heard(noise(n, setup, generator)), self.seeds, NOISE)
        self._streams = self._streams[DATA], codes, *self._streams[NOISE + 1 :]

    def heard(self, z: Tensor) -> Tensor:
        """What G makes a fake of: codes (…, noise) → (…, noise (1 + 2 HEARD))."""
        return waves(z / self._reach, HEARD)

    def opinion(self, x: Tensor) -> Tensor:
        return super().opinion(waves(x / self._unit, SEEN))

    def fakes(self, z: Tensor, *, averaged: bool = False) -> Tensor:
        return super().fakes(self.heard(z), averaged=averaged)
