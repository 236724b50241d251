"""Past the moment when the discriminator's feedback is random: does the generator get worse if it goes on learning?

If D is right about half of the data and half of the fakes, its answers are coin tosses. A generator that goes on
learning from them, so it is often taught, is trained on noise and may get worse again. Here that moment is the first
look at which both shares, averaged over the last `WINDOW` looks, are within `RANDOM` of ½.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tutorial.gans.game import Game, Rules, Setup
from tutorial.gans.gauges import Gauges
from tutorial.gans.streams import Draw

SETUP, RULES = Setup(), Rules()
SEEDS = (0, 1, 2)
TURNS = 6000
LOOK = 100
WINDOW = 5
RANDOM = 0.05


@dataclass(frozen=True)
class OvertrainingCourse:
    """How S games went, at L looks."""

    turns: tuple[int, ...]
    """(L,)"""
    seen_real: Tensor
    """Share of the data that D takes for data, (L, S)."""
    seen_fake: Tensor
    """Share of the fakes that it takes for fakes, (L, S)."""
    energy: Tensor
    """Energy distance of fakes to data, (L, S)."""
    floor: float
    """That of two samples of the data, as expected."""


def run(
    draw: Draw, seeds: Sequence[int] = SEEDS, turns: int = TURNS, rules: Rules = RULES
) -> Generator[OvertrainingCourse | None, None, None]:
    """Plays S games for so many turns; yields the course so far after each look, and None after each turn."""
    game, gauges = Game(draw, SETUP, seeds, rules), Gauges(draw, None)
    at, rows = [], []
    for turn in range(1, turns + 1):
        game.turn()
        yield None
        if turn % LOOK == 0:
            reading = gauges.read(game)
            at.append(turn)
            rows.append((reading.seen_real, reading.seen_fake, reading.energy))
            real, fake, energy = (torch.stack(part) for part in zip(*rows, strict=True))
            yield OvertrainingCourse(tuple(at), real, fake, energy, gauges.floor)


def smooth(x: Tensor) -> Tensor:
    """Means over the last `WINDOW` looks: (L, S) → (L, S), NaN for looks before which there are not as many."""
    means = torch.full_like(x, torch.nan)
    if len(x) >= WINDOW:
        means[WINDOW - 1 :] = x.unfold(0, WINDOW, 1).mean(-1)
    return means


def moments(course: OvertrainingCourse) -> list[int | None]:
    """For each game, the look, counted from 0, at which D's feedback has become random; None if it never was."""
    off = torch.maximum((smooth(course.seen_real) - 0.5).abs(), (smooth(course.seen_fake) - 0.5).abs())
    random = off <= RANDOM  # a NaN is not
    return [int(column.int().argmax()) if bool(column.any()) else None for column in random.T]


@dataclass(frozen=True)
class After:
    """What came of a game after its moment."""

    turn: int
    then: float
    """Energy distance at the moment, a mean over `WINDOW` looks."""
    best: float
    """Smallest such mean, of looks after it."""
    worst: float
    """Largest."""
    last: float
    """That of the end."""


def aftermath(course: OvertrainingCourse) -> list[After | None]:
    """What came of each game; None where D's feedback was never random, or only at the very end."""
    energy = smooth(course.energy)
    found: list[After | None] = []
    for k, moment in enumerate(moments(course)):
        if moment is None or len(course.turns) - 1 - moment < WINDOW:
            found.append(None)
            continue
        later = energy[moment + WINDOW :, k]
        then, best, worst, last = energy[moment, k], later.min(), later.max(), later[-1]
        found.append(After(course.turns[moment], then.item(), best.item(), worst.item(), last.item()))
    return found
