"""What one frame of a game shows: what D says of each place, where G puts a grid of codes, and where fakes are pushed.

verdict    σ(D(x)) for the losses that are cross-entropies, and D(x) itself for the others
push       −∂ℓ_G/∂x at a fake x, of that fake's own share ℓ_G of the generator's loss: where G's next update would
           like it to be
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from tutorial.data.toy2d import GaussianMixture, lattice
from tutorial.gans.game import Game, Setup, noise
from tutorial.gans.networks import packed
from tutorial.gans.optimum import blurred, game_value, log_density, optimal

SIDE = 40
"""Rows and columns of places at which D is asked."""
LINES, POINTS = 13, 29
"""Lines of the grid of codes in each direction, and points on each."""
ARROWS = 60
"""Fakes, of the first ones, at which the push is drawn."""
PARTNERS = 8
"""Groups of fakes beside which a discriminator of packs sees a place."""
BEST_SIDE, BEST_FAKES = 24, 600
"""Of the best discriminator: rows and columns of places, and fakes that stand for the generator's density."""
LOGITS = "minimax", "non-saturating"
"""Losses with which D's answers are logits, so that σ of one is a probability."""
RARE = 1e-3
"""Points to a unit of area, of data and fakes together, below which nobody would ask D."""
EDGE = 0.02
"""Share of the noise beyond the outermost lines of the grid, on each side."""


@torch.no_grad()
def verdicts(game: Game, x: Tensor, fakes: Tensor, k: int = 0) -> Tensor:
    """What the k-th discriminator says of places x (N, 2): (N,).

    One that judges packs is asked about x beside fakes (M, 2), M ≥ 8 (pack − 1), and the mean of `PARTNERS` answers
    is taken.
    """
    asked = _beside(x, fakes, game.setup.pack)
    answers = game.opinion(asked.expand(len(game.seeds), -1, -1))[k]
    if game.rules.loss in LOGITS:
        answers = answers.sigmoid()
    return answers.view(len(x), -1).mean(1)


def _beside(x: Tensor, fakes: Tensor, pack: int) -> Tensor:
    """Each place with some groups of fakes: (N, 2) → (N · groups, 2 pack)."""
    if pack == 1:
        return x
    groups = fakes[: PARTNERS * (pack - 1)].reshape(PARTNERS, -1)
    both = [x[:, None].expand(-1, PARTNERS, -1), groups.expand(len(x), -1, -1)]
    return torch.cat(both, dim=2).flatten(0, 1)


def pushes(game: Game, fakes: Tensor, k: int = 0) -> Tensor:
    """−∂ℓ_G/∂x at each of the k-th game's fakes (B, 2), B a multiple of `pack`: (B, 2).

    ℓ_G is the loss of the fake's own pack, so that the push does not depend on how many fakes there are.
    """
    x = fakes.expand(len(game.seeds), -1, -1).clone().requires_grad_()
    answers = game.opinion(packed(x, game.setup.pack))
    loss = game.loss.generator(answers) * answers.shape[1]
    (slope,) = torch.autograd.grad(loss.sum(), x)
    return -slope[k]


def grid(setup: Setup) -> list[Tensor]:
    """Lines through the noise, each of codes (n, noise): of 2-D noise a grid, of 1-D noise all of it as one line.

    Between two neighbouring lines there is as much of the noise as between any others.
    """
    across = _quantile(setup, torch.linspace(EDGE, 1 - EDGE, LINES))
    if setup.noise == 1:
        return [_quantile(setup, torch.linspace(EDGE, 1 - EDGE, 12 * POINTS))[:, None]]
    along = _quantile(setup, torch.linspace(EDGE, 1 - EDGE, POINTS))
    upright = [torch.stack([place.expand(POINTS), along], dim=1) for place in across]
    return [*upright, *(line.flip(1) for line in upright)]


def _quantile(setup: Setup, share: Tensor) -> Tensor:
    """The number below which a share of one coordinate of the noise lies."""
    return 2 * share - 1 if setup.shape == "uniform" else torch.special.ndtri(share)


def warped(game: Game, *, averaged: bool = False, k: int = 0) -> list[Tensor]:
    """Where the k-th generator puts each line of the grid: (n, 2) each."""
    lines = grid(game.setup)
    places = game.fakes(torch.cat(lines), averaged=averaged)[k]
    return list(places.split([len(line) for line in lines]))


def round_up(size: float) -> float:
    """The smallest of … 0.1, 0.2, 0.5, 1, 2, 5, 10 … that is not below a positive number."""
    decade = 10.0 ** math.floor(math.log10(size))
    return next(step * decade for step in (1, 2, 5, 10) if step * decade >= size * (1 - 1e-9))


@dataclass(frozen=True)
class View:
    """A frame of one game."""

    verdicts: Tensor
    """(SIDE, SIDE), the first row on top."""
    ends: tuple[float, float]
    """What stands for "fake" and for "data"; of a Wasserstein critic, which knows no such answers, the ends of what it
    says, as far from the middle between its mean answers to fakes and to data."""
    fakes: Tensor
    """(N, 2)."""
    lines: list[Tensor]
    """The warped grid, (n, 2) each."""
    pushes: Tensor
    """At the first `ARROWS` fakes: (ARROWS, 2)."""

    @property
    def scale(self) -> float:
        """The push that is drawn with a length of 1; 0 if there are none, or if they are out of bounds."""
        longest = self.pushes.norm(dim=1).max().item()
        return round_up(longest) if 1e-30 < longest < math.inf else 0.0

    @property
    def arrows(self) -> Tensor:
        """From each fake, as long as its push is strong, none longer than 1: (ARROWS or 0, 4)."""
        scale = self.scale
        if not scale:
            return torch.empty(0, 4)
        return torch.cat([self.fakes[: len(self.pushes)], self.pushes / scale], dim=1)

    @property
    def finite(self) -> bool:
        """Whether everything in it is a number, small enough to be drawn."""
        shown = [self.verdicts, self.fakes, self.pushes, *self.lines]
        return all(bool((part.abs() < 1e12).all()) for part in shown)  # of NaN, nothing is below


def view(game: Game, z: Tensor, data: Tensor, *, averaged: bool = False) -> View:
    """How the first game stands, by fakes of codes z (N, noise) and by data (M, 2), N ≥ `ARROWS`; with `averaged`,
    the fakes and the grid are the averaged generator's."""
    fakes = game.fakes(z, averaged=averaged)[0]
    seen = verdicts(game, lattice(SIDE), fakes)
    return View(
        verdicts=seen.view(SIDE, SIDE),
        ends=(0.0, 1.0) if game.loss.boundary is not None else _ends(game, seen, fakes, data),
        fakes=fakes,
        lines=warped(game, averaged=averaged),
        pushes=pushes(game, fakes[:ARROWS]),
    )


def _ends(game: Game, seen: Tensor, fakes: Tensor, data: Tensor) -> tuple[float, float]:
    middle = (verdicts(game, fakes, fakes).mean() + verdicts(game, data, fakes).mean()) / 2
    reach = max((seen - middle).abs().max().item(), 1e-6)
    return middle.item() - reach, middle.item() + reach


@dataclass(frozen=True)
class Best:
    """The best discriminator of a generator, and what the game is worth with it (see `tutorial.gans.optimum`)."""

    verdicts: Tensor
    """D* = p / (p + q), NaN where there is neither: (BEST_SIDE, BEST_SIDE), the first row on top."""
    value: float
    """C(G) in nats."""


@torch.no_grad()
def best(game: Game, density: GaussianMixture, *, averaged: bool = False) -> Best:
    """Of the first game's generator or, with `averaged`, its running mean, for data of this density. By always the same
    noise, so that what changes is the game."""
    z = noise(BEST_FAKES, game.setup, torch.Generator().manual_seed(1))
    fakes = game.fakes(z, averaged=averaged)[0]
    return Best(best_verdicts(density, fakes), game_value(density, fakes, torch.Generator().manual_seed(2)))


def best_verdicts(density: GaussianMixture, fakes: Tensor, side: int = BEST_SIDE) -> Tensor:
    """D* = p / (p + q) at `lattice(side)`, for a generator that made these fakes (M, 2): (side, side).

    NaN where neither of the two is to be found: p + q below `RARE`.
    """
    x = lattice(side)
    logit, p = optimal(density, fakes, x), log_density(blurred(density), x)
    both = torch.logaddexp(p, p - logit)
    return torch.where(both < math.log(RARE), torch.nan, logit.sigmoid()).view(side, side)


def value_floor(density: GaussianMixture) -> float:
    """What is found as C(G) of a perfect generator, from as many points: a little below −log 4, since the D* of an
    estimated q tells them apart less well than the true one."""
    perfect = density.sample(BEST_FAKES, torch.Generator().manual_seed(3))
    return game_value(density, perfect, torch.Generator().manual_seed(2))
