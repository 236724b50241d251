"""Does the loss tell how good the samples are? Losses beside the distance to the data, in the course of training.

Every few updates both are measured on the same points, which no model learned from, and with the same noise, so that
what changes is the model. Each reading is signed so that it should fall as the samples get better:

    GAN, G's loss           −E log D(G(z))                   what the generator minimises
    GAN, from D's loss      log 4 − loss of D                at most 2 JSD, which it is for D* (Goodfellow et al. 2014)
    Wasserstein critic      E D(x) − E D(G(z))               at most the distance W₁ for a slope of at most 1
                                                             (Arjovsky et al. 2017, eq. 2)
    flow                    −E log p(x)                      KL(data ‖ flow) and a constant

How far a reading and the distance go together is their rank correlation: 1 if one always falls when the other does.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from tutorial.diffusion.point_training import POINTS
from tutorial.families.flow import SHAPES
from tutorial.families.learners import FlowLearner
from tutorial.gans.game import Game, Rules, Setup, noise
from tutorial.gans.held import Held
from tutorial.gans.losses import LOSSES
from tutorial.gans.streams import Draw

Arm = Literal["GAN", "Wasserstein GAN", "flow"]
READINGS: dict[Arm, tuple[str, ...]] = {
    "GAN": ("G’s loss", "log 4 − D’s loss"),
    "Wasserstein GAN": ("E D(x) − E D(G(z))",),
    "flow": ("−log p(x)",),
}
SETUP = Setup(generator=(32, 32), discriminator=(32, 32))
RULES: dict[str, Rules] = {"GAN": Rules(), "Wasserstein GAN": Rules(loss="Wasserstein", k_d=5, penalty=1.0)}
UPDATES: dict[Arm, int] = {"GAN": 1600, "Wasserstein GAN": 400, "flow": 320}
"""Of the generator or flow."""
AHEAD = 100
"""Updates of the Wasserstein critic before the generator's first: a critic that knows nothing yet tells nothing."""
RATE = 3e-4
"""Of the flow: slow enough that it still learns in the second half."""
SEEDS: dict[Arm, tuple[int, ...]] = {"GAN": (0, 1, 2, 3, 4), "Wasserstein GAN": (0, 1, 2, 3, 4), "flow": (0, 1, 2)}
LOOKS = 40
"""After the first, which is before the first update of the generator."""
SAMPLES = 600
"""Of each model at each look."""


@dataclass(frozen=True)
class LossCourse:
    """How a reading and the distance went, at L looks at each of S seeds."""

    arm: Arm
    steps: tuple[int, ...]
    """Updates of the generator or flow, (L,)."""
    readings: Tensor
    """(R, L, S), in the order of `READINGS[arm]`."""
    distances: Tensor
    """Energy distance to the data, (L, S)."""


def run(arm: Arm, held: Held, seeds: Sequence[int] | None = None) -> Generator[LossCourse | None, None, None]:
    """Trains an arm from each seed; yields the course so far after each of `LOOKS` + 1 looks, None between."""
    chosen = SEEDS[arm] if seeds is None else seeds
    looks = _flows(held, chosen) if arm == "flow" else _games(arm, held, chosen)
    steps: list[int] = []
    found: list[tuple[Tensor, Tensor]] = []
    for look in looks:
        if look is None:
            yield None
            continue
        steps.append(UPDATES[arm] * len(steps) // LOOKS)
        found.append(look)
        readings, distances = (torch.stack(parts) for parts in zip(*found, strict=True))
        yield LossCourse(arm, tuple(steps), readings.movedim(1, 0), distances)


def _games(arm: Arm, held: Held, seeds: Sequence[int]) -> Generator[tuple[Tensor, Tensor] | None, None, None]:
    game = Game(held.draw, SETUP, seeds, RULES[arm])
    if arm == "Wasserstein GAN":
        for _ in range(AHEAD):
            game.update_discriminator()
            yield None
    yield _looked(game, held)
    for _ in range(LOOKS):
        for _ in range(UPDATES[arm] // LOOKS):
            game.turn()
            yield None
        yield _looked(game, held)


@torch.no_grad()
def _looked(game: Game, held: Held) -> tuple[Tensor, Tensor]:
    """Readings (R, S) and distances (S,)."""
    fakes = game.fakes(noise(held.samples, game.setup, torch.Generator().manual_seed(0)))
    r, f = game.opinion(held.data.expand(len(fakes), -1, -1)), game.opinion(fakes)
    by_d = game.loss.guessing - game.loss.discriminator(r, f)
    readings = [by_d] if game.rules.loss == "Wasserstein" else [LOSSES["non-saturating"].generator(f), by_d]
    return torch.stack(readings), torch.tensor([held.distance(fake) for fake in fakes])


def _flows(held: Held, seeds: Sequence[int]) -> Generator[tuple[Tensor, Tensor] | None, None, None]:
    learners = []
    for seed in seeds:
        learners.append(_flow(held.draw, seed))
        yield None
    for k in range(LOOKS + 1):
        for learner in learners:
            for _ in range(UPDATES["flow"] // LOOKS if k else 0):
                learner.update()
                yield None
        nll, distances = [], []
        for learner in learners:
            with torch.no_grad():
                nll.append(learner.nll(held.data).mean())
                samples = learner.sample(held.samples, torch.Generator().manual_seed(0))
            distances.append(held.distance(samples))
            yield None
        yield torch.stack(nll)[None], torch.tensor(distances)


def _flow(draw: Draw, seed: int) -> FlowLearner:
    generator = torch.Generator().manual_seed(seed)
    learner = FlowLearner(draw(POINTS, generator), SHAPES["spline"], generator)
    learner.rate = RATE
    return learner


def correlations(course: LossCourse, reading: int, *, late: bool = False) -> tuple[Tensor, Tensor]:
    """Spearman's and Pearson's correlation (S,) of a reading with the distance; with `late`, over the second half of
    the run only, in which what everything shares, its beginning, is over."""
    begin = len(course.steps) // 2 if late else 0
    x, y = course.readings[reading, begin:].double(), course.distances[begin:].double()
    return pearson(ranks(x), ranks(y)), pearson(x, y)


def pearson(x: Tensor, y: Tensor) -> Tensor:
    """Correlation of the columns of x and y (L, S): (S,); NaN for a column whose numbers are all the same."""
    x, y = x - x.mean(0), y - y.mean(0)
    return (x * y).sum(0) / (x.square().sum(0) * y.square().sum(0)).sqrt()


def ranks(x: Tensor) -> Tensor:
    """Of each column's numbers (L, S) from 0 up, in float64; equal ones share the mean of theirs (Spearman 1904)."""
    below, upto = ((x[None] < x[:, None]).sum(1), (x[None] <= x[:, None]).sum(1))
    return (below + upto - 1).double() / 2
