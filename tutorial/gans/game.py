"""The game: discriminator and generator learn in turn, each while the other is held (Goodfellow et al. 2014, alg. 1).

    turn:  k_D times  θ_D ← θ_D − rate_D ∇ loss_D     data and fakes are fresh, and the fakes are only numbers
           k_G times  θ_G ← θ_G − rate_G ∇ loss_G     the gradient comes through D, which does not move

S games of S seeds are one computation. Which losses there are is in `tutorial.gans.losses`.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from tutorial.gans.descent import Descent, Optimiser
from tutorial.gans.losses import LOSSES, Loss, Name, gradient_penalty, r1
from tutorial.gans.networks import Stack, packed
from tutorial.gans.streams import Draw, Stream, generator_of

PENALTY = 0.1
"""λ of the Wasserstein critic's penalty, for points in the plane as in the code of Gulrajani et al. 2017."""
MEMORY = 0.999
"""Of the averaged generator: it is the mean of the last thousand or so."""
DATA, NOISE, BETWEEN, GENERATOR, DISCRIMINATOR = range(5)
"""Kinds of random numbers of a game."""

Shape = Literal["Gaussian", "uniform"]


@dataclass(frozen=True)
class Setup:
    """What a game starts from; another one is another game."""

    noise: int = 2
    """Numbers of z: 1 or 2."""
    shape: Shape = "Gaussian"
    """z ~ N(0, I), or uniform between −1 and 1."""
    generator: tuple[int, ...] = (16, 16)
    """Widths of the hidden layers."""
    discriminator: tuple[int, ...] = (16, 16)
    pack: int = 1
    """Points that the discriminator sees together; PacGAN2 has 2."""


@dataclass(frozen=True)
class Rules:
    """What may change in mid-game."""

    loss: Name = "non-saturating"
    optimiser: Optimiser = "Adam"
    rate_d: float = 1e-3
    rate_g: float = 1e-3
    k_d: int = 1
    """Updates of the discriminator in a turn."""
    k_g: int = 1
    batch: int = 150
    """Data, and fakes, in an update; a multiple of `pack`."""
    r1: float = 0.0
    """γ, the weight of the penalty on the discriminator's slope at data."""
    spectral: bool = False
    """Spectral normalisation of the discriminator: it is hardly steeper than 1, since the power iteration lags behind
    the weights."""
    penalty: float = PENALTY
    """λ, of a Wasserstein critic; the larger it is, the closer the critic's slope stays to 1."""


@dataclass(frozen=True)
class Checkpoint:
    """All that a game needs to go on as it would have."""

    turns: int
    numbers: tuple[Tensor, ...]
    """Of G, D and the averaged G, flat, and the estimates that spectral normalisation has of D's weights."""
    descents: tuple[tuple[int, Tensor, Tensor], ...]
    """`Descent.state` of G's and of D's."""
    places: tuple[tuple[int, int], ...]
    """`Stream.place` of data, noise, and what is between them."""


class Game:
    """S games side by side. After each update `losses` and the gradients are those that it was made with."""

    def __init__(self, draw: Draw, setup: Setup, seeds: Sequence[int], rules: Rules = Rules()) -> None:
        self.setup, self.seeds, self.rules = setup, tuple(seeds), rules
        heard, seen = self._inputs()
        makers = [generator_of(seed, GENERATOR) for seed in self.seeds]
        judges = [generator_of(seed, DISCRIMINATOR) for seed in self.seeds]
        self.generator = Stack(makers, [heard, *setup.generator, 2])
        self.discriminator = Stack(judges, [seen, *setup.discriminator, 1])
        self.average = copy.deepcopy(self.generator)
        """The generator's running mean, which some show instead (Yazıcı et al. 2019)."""
        self._descents = Descent(self.generator), Descent(self.discriminator)
        self._streams = (
            Stream(draw, self.seeds, DATA),
            Stream(self._codes(), self.seeds, NOISE),
            Stream(lambda n, generator: torch.rand(n, 1, generator=generator), self.seeds, BETWEEN),
        )
        self.turns = 0
        self.loss_d = self.loss_g = torch.full((len(self.seeds),), torch.nan)
        """The losses (S,) of the last updates."""

    def _inputs(self) -> tuple[int, int]:
        """How many numbers G and D take in."""
        return self.setup.noise, 2 * self.setup.pack

    def _codes(self) -> Draw:
        """What draws G's inputs. It does not hold the game, which so is gone as soon as nobody else does."""
        setup = self.setup
        return lambda n, generator: noise(n, setup, generator)

    @property
    def loss(self) -> Loss:
        """What both minimise, by the present rules."""
        return LOSSES[self.rules.loss]

    def turn(self) -> None:
        """k_D updates of D, then k_G of G."""
        for _ in range(self.rules.k_d):
            self.update_discriminator()
        for _ in range(self.rules.k_g):
            self.update_generator()
        self.turns += 1

    def update_discriminator(self) -> None:
        """D learns to tell data from fakes; G is held."""
        rules, batch = self.rules, self.rules.batch
        x = packed(self._streams[DATA].take(batch), self.setup.pack)  # (S, B / pack, 2 pack)
        with torch.no_grad():
            fake = packed(self.generator(self._streams[NOISE].take(batch)), self.setup.pack)
        if rules.spectral:
            self.discriminator.turn_directions()
        r, f = self.opinion(torch.cat([x, fake], dim=1)).chunk(2, dim=1)
        loss = self.loss.discriminator(r, f)  # (S,)
        self.loss_d = loss.detach()
        if rules.loss == "Wasserstein":
            share = self._streams[BETWEEN].take(x.shape[1])
            loss = loss + rules.penalty * gradient_penalty(self.opinion, x, fake, share)
        if rules.r1:
            loss = loss + rules.r1 * r1(self.opinion, x)
        self.discriminator.grad.zero_()
        loss.sum().backward(inputs=self.discriminator.numbers)
        self._descents[1].step(rules.rate_d, rules.optimiser)

    def update_generator(self) -> None:
        """G learns to be taken for data; D is held."""
        fake = self.generator(self._streams[NOISE].take(self.rules.batch))
        loss = self.loss.generator(self.opinion(packed(fake, self.setup.pack)))
        self.loss_g = loss.detach()
        self.generator.grad.zero_()
        loss.sum().backward(inputs=self.generator.numbers)
        self._descents[0].step(self.rules.rate_g, self.rules.optimiser)
        self.average.flat.lerp_(self.generator.flat, 1 - min(MEMORY, (1 + self.turns) / (10 + self.turns)))

    def opinion(self, x: Tensor) -> Tensor:
        """The discriminator's answers to packed points (S, B, 2 pack): (S, B), high for data."""
        return self.discriminator(x, normalised=self.rules.spectral)[..., 0]

    @torch.no_grad()
    def fakes(self, z: Tensor, *, averaged: bool = False) -> Tensor:
        """G(z), or what the averaged generator makes of it: (S, B, noise) or (B, noise) → (S, B, 2)."""
        return (self.average if averaged else self.generator)(z.expand(len(self.seeds), -1, -1))

    @property
    def finite(self) -> bool:
        """Whether all numbers still are numbers."""
        return bool(self.generator.flat.isfinite().all() and self.discriminator.flat.isfinite().all())

    def checkpoint(self) -> Checkpoint:
        """Where the game stands."""
        return Checkpoint(
            self.turns,
            tuple(numbers.clone() for numbers in self._numbers()),
            tuple(descent.state() for descent in self._descents),
            tuple(stream.place for stream in self._streams),
        )

    @torch.no_grad()
    def rewind(self, checkpoint: Checkpoint) -> None:
        """Goes back to where the game stood; under the same rules it then goes on as it did.

        Raises RuntimeError or ValueError for a checkpoint that has other sizes, or is of more or fewer seeds.
        """
        self.turns = checkpoint.turns
        for numbers, then in zip(self._numbers(), checkpoint.numbers, strict=True):
            numbers.copy_(then)
        for descent, state in zip(self._descents, checkpoint.descents, strict=True):
            descent.restore(state)
        for stream, place in zip(self._streams, checkpoint.places, strict=True):
            stream.seek(place)

    def _numbers(self) -> tuple[Tensor, ...]:
        stacks = self.generator, self.discriminator, self.average
        return (*(stack.flat for stack in stacks), *self.discriminator.directions)


def noise(n: int, setup: Setup, generator: torch.Generator) -> Tensor:
    """n codes z: (n, setup.noise)."""
    if setup.shape == "uniform":
        return 2 * torch.rand(n, setup.noise, generator=generator) - 1
    return torch.randn(n, setup.noise, generator=generator)
