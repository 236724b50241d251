"""What a generator learns from a discriminator that knows too much: the gradient's size while D nears its best.

The generator is held, and a fresh D learns, as in the experiment of Arjovsky & Bottou 2017, figure 2. The gradient of
each loss is that of a fake's answer f times a factor:

    ∇_θ loss_G = E_z [ factor(f) · ∇_θ f ]          f = D(G_θ(z)), a logit, or a plain number

    minimax          −σ(f)          to 0 as D is sure that fakes are fakes, f → −∞: theorem 2.4 there
    non-saturating   −(1 − σ(f))    to −1
    least squares    f − 1          to −1 as f → 0
    Wasserstein      −1

So between the first two stands σ(f) / (1 − σ(f)) = eᶠ for each fake. What the factors do not say is ∇f itself: how
steep D is where the fakes are.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tutorial.gans.game import Game, Rules, Setup, noise
from tutorial.gans.losses import LOSSES, Loss, Name
from tutorial.gans.networks import Stack
from tutorial.gans.streams import Draw, generator_of

JUDGES: dict[Name, tuple[str, ...]] = {
    "non-saturating": ("minimax", "non-saturating"),
    "least squares": ("least squares",),
    "Wasserstein": ("Wasserstein",),
}
"""The loss that a discriminator learns with, and the generator's losses that it stands for."""
RATE = 1e-3
"""D's learning rate."""
LOOKS = 30
BATCHES = 8
BATCH = 150
"""The gradient is measured on `BATCHES` batches of as many codes."""
UNSEEN = 2000
"""Points of the data, and fakes, on which D's accuracy is found."""
GONE = 0.1
"""A gradient is gone once it is below this share of its largest, and stays there."""
TEST = 8
"""Kind of random numbers of what is measured on; see `tutorial.gans.streams`."""


@dataclass(frozen=True)
class Look:
    """How things stand after so many updates of the discriminators, for each of S seeds."""

    step: int
    norms: dict[str, Tensor]
    """‖∇_θ loss_G‖ of each loss, (S,), on all codes together."""
    noise: dict[str, Tensor]
    """Root mean square distance of a batch's gradient to the mean of all, (S,): what of it is chance."""
    accuracy: Tensor
    """Share of unseen data and fakes that the discriminator of the first two losses takes for what they are, (S,)."""


def gone(found: Sequence[Look], loss: str) -> int | None:
    """The first of the looks' updates from which on the norm, in the median over the seeds, stays below `GONE` of its
    largest; None if at the last look it is not below."""
    norms = torch.stack([look.norms[loss].median() for look in found])
    there = (~(norms < GONE * norms.max())).nonzero()  # never empty: the largest itself is among them
    after = int(there.max()) + 1
    return found[after].step if after < len(found) else None


def looks(steps: int) -> list[int]:
    """Updates after which to look: 0, and up to `LOOKS` more, the last of which is `steps` ≥ 1."""
    return sorted({round(steps * i / LOOKS) for i in range(LOOKS + 1)})


def watched(
    draw: Draw, setup: Setup, seeds: Sequence[int], turns: int, steps: int, rate: float = RATE
) -> Iterator[Look | None]:
    """Plays so many turns, then holds the generators, and trains three new discriminators for each.

    All three begin with the same numbers and learn from the same data and fakes. Yields None after each turn and each
    update of the three, and a `Look` at the moments of `looks(steps)`.
    """
    game = Game(draw, setup, seeds)
    for _ in range(turns):
        game.turn()
        yield None
    yield from nearing(draw, game, steps, rate)


def nearing(draw: Draw, game: Game, steps: int, rate: float = RATE) -> Iterator[Look | None]:
    """The same for the generators of a game, which must not pack points."""
    judges: dict[Name, Game] = {
        loss: Game(draw, game.setup, game.seeds, Rules(loss=loss, rate_d=rate)) for loss in JUDGES
    }
    for judge in judges.values():
        judge.generator = game.generator
    codes = torch.stack([_codes(game.setup, seed) for seed in game.seeds])  # (S, BATCHES · BATCH, noise)
    unseen = _unseen(draw, game)
    moments = set(looks(steps))
    for step in range(steps + 1):
        if step in moments:
            yield _look(step, judges, codes, unseen)
        if step < steps:
            for judge in judges.values():
                judge.update_discriminator()
            yield None


def _codes(setup: Setup, seed: int) -> Tensor:
    return noise(BATCHES * BATCH, setup, generator_of(seed, TEST))


def _unseen(draw: Draw, game: Game) -> tuple[Tensor, Tensor]:
    """Data and fakes that nobody learns from: (S, UNSEEN, 2) each."""
    sources = [generator_of(seed, TEST, 1) for seed in game.seeds]
    x = torch.stack([draw(UNSEEN, source) for source in sources])
    return x, game.fakes(torch.stack([noise(UNSEEN, game.setup, source) for source in sources]))


def _look(step: int, judges: dict[Name, Game], codes: Tensor, unseen: tuple[Tensor, Tensor]) -> Look:
    found = {
        loss: measured(LOSSES[loss], judges[judge].generator, judges[judge].discriminator, codes)
        for judge, losses in JUDGES.items()
        for loss in losses
    }
    with torch.no_grad():
        r, f = (judges["non-saturating"].opinion(x) for x in unseen)
    return Look(
        step,
        norms={loss: norm for loss, (norm, _) in found.items()},
        noise={loss: spread for loss, (_, spread) in found.items()},
        accuracy=((r > 0).double().mean(1) + (f <= 0).double().mean(1)) / 2,
    )


def measured(loss: Loss, generator: Stack, discriminator: Stack, codes: Tensor) -> tuple[Tensor, Tensor]:
    """Norm (S,) of the gradient of the generator's loss on codes (S, BATCHES · BATCH, noise), and its spread from batch
    to batch (S,).

    Each batch has a copy of its networks, so that all batches' gradients come from one pass.
    """
    makers, judges = _copies(generator, BATCHES), _copies(discriminator, BATCHES)
    z = codes.reshape(-1, codes.shape[1] // BATCHES, codes.shape[2])  # (S · BATCHES, BATCH, noise)
    value = loss.generator(judges(makers(z))[..., 0]).sum()
    parts = torch.autograd.grad(value, makers.numbers)
    gradients = torch.cat([part.reshape(len(codes), BATCHES, -1) for part in parts], dim=2).double()
    mean = gradients.mean(1)  # (S, P)
    apart = (gradients - mean[:, None]).square().sum((1, 2)) / (BATCHES - 1)
    return mean.norm(dim=1), apart.sqrt()


def _copies(stack: Stack, n: int) -> Stack:
    """Each of the stack's perceptrons n times in a row, with gradients of their own."""
    copies = copy.copy(stack)
    copies.numbers = [leaf.detach().repeat_interleave(n, dim=0).requires_grad_() for leaf in stack.numbers]
    return copies
