"""The game of a GAN as a film: what the generator makes, and what the discriminator holds of every place."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

import torch
from torch import Tensor

from tutorial.data.toy2d import lattice
from tutorial.diffusion.point_training import POINTS
from tutorial.families.gan import GANConfig
from tutorial.families.learners import RATE, GANLearner, OutOfBounds
from tutorial.metrics.energy import energy_distance

FRAMES = 36
UPDATES = 2000
"""Of each network, between the first frame and the last."""
BEND = 1.6
"""Frames stand closer together at the beginning, where most changes: frame k is after (k / (FRAMES − 1))^BEND of it."""
SAMPLES = 300
SIDE = 36
"""Places in a row, and rows, at which the discriminator is asked."""


@dataclass(frozen=True)
class Frame:
    """How the game stands."""

    step: int
    """Updates of each network so far."""
    fakes: Tensor
    """(SAMPLES, 2), always from the same noise."""
    opinion: Tensor
    """D(x), the probability that x is data as the discriminator sees it: (SIDE, SIDE), the highest row first."""
    loss: float
    """The discriminator's, over the same fakes and as many points of the data; 2 log 2 is guessing."""
    energy: float
    """Energy distance of the fakes to these points."""


def data(draw: Callable[[int, torch.Generator], Tensor], seed: int) -> tuple[Tensor, Tensor]:
    """What the game is about: points (POINTS, 2) to learn from, and (SAMPLES, 2) others to compare with."""
    generator = torch.Generator().manual_seed(seed)
    return draw(POINTS, generator), draw(SAMPLES, generator)


def game(points: Tensor, others: Tensor, *, seed: int = 0, rate: float = RATE) -> Generator[Frame | None, None, None]:
    """Plays `UPDATES` rounds, an update of each network in each; `FRAMES` frames, and None after each round.

    points (N, 2) and others (SAMPLES, 2) are from `data`. The same seed gives the same game. Raises OutOfBounds if the
    numbers of a network are no longer finite.
    """
    learner = GANLearner(points, GANConfig(), torch.Generator().manual_seed(seed))
    learner.rate = rate
    for k in range(FRAMES):
        last = round(UPDATES * (k / (FRAMES - 1)) ** BEND)
        while learner.step < last:
            learner.update()
            yield None
        yield _frame(learner, others)


@torch.no_grad()
def _frame(learner: GANLearner, others: Tensor) -> Frame:
    model = learner.model
    fakes = model.sample(SAMPLES, torch.Generator().manual_seed(0))
    if not (learner.finite and bool(fakes.isfinite().all())):
        raise OutOfBounds(learner.name)
    return Frame(
        learner.step,
        fakes,
        torch.sigmoid(model.discriminator(lattice(SIDE))).reshape(SIDE, SIDE),
        model.discriminator_loss(others, fakes).item(),
        energy_distance(fakes, others),
    )
