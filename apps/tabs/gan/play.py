"""A game that is played in front of a visitor: how it went so far, and the moments that it can go back to."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import Generic, Literal, TypeVar

import torch

from apps.tabs.gan import data
from apps.tabs.gan.settings import Start, Wish
from tutorial.gans.game import Checkpoint, Game
from tutorial.gans.gauges import Gauges, Reading
from tutorial.gans.view import Best, View, best, value_floor, view

FRAME, PATIENCE = 1 / 11, 3
"""Seconds between two looks at a running game; on a busy machine more, so many times what the last look took."""
THOROUGH = 3
"""Every so many looks, the best discriminator is found too, and all curves are drawn."""
ROWS = 200
"""Points of the curves at most."""
KEPT, HELD = 60, 6_000_000
"""Moments that a game can go back to, at most, and about how many bytes they may take together."""

T = TypeVar("T")
Part = Literal["D", "G", "turn"]


@dataclass(frozen=True)
class Row:
    """A game's gauges at one moment: `Reading` for a single game. What cannot be said is NaN."""

    turns: int
    loss: str
    """Under which the losses were had."""
    loss_d: float
    loss_g: float
    slope_d: float
    slope_g: float
    seen_real: float
    seen_fake: float
    energy: float
    modes: float
    high_quality: float
    value: float
    """C(G)."""


@dataclass(frozen=True)
class Mark:
    """A moment that can be gone back to."""

    checkpoint: Checkpoint
    alone: tuple[int, int]
    row: Row


@dataclass(frozen=True)
class Look:
    """What is to be shown of a game."""

    row: Row
    view: View
    best: Best | None
    """If it was looked for, and the data's density is known."""
    thorough: bool


class Kept(Generic[T]):
    """Of a growing sequence the last one, and of the others at most `most`, evenly spread."""

    def __init__(self, most: int) -> None:
        self._most, self._stride = most, 1
        self._items: list[tuple[int, T]] = []

    def add(self, place: int, item: T) -> None:
        """Its place in the sequence is a number, larger than those before."""
        if self._items and self._items[-1][0] % self._stride:
            self._items.pop()
        self._items.append((place, item))
        while len(self._items) > self._most:
            self._stride *= 2
            last = self._items[-1:]
            self._items = [one for one in self._items[:-1] if one[0] % self._stride == 0] + last

    def cut(self, place: int) -> None:
        """Forgets what came after this place."""
        self._items = [one for one in self._items if one[0] <= place]

    @property
    def items(self) -> list[T]:
        return [item for _, item in self._items]

    @property
    def places(self) -> list[int]:
        return [place for place, _ in self._items]


class Play:
    """A game with its gauges and its past."""

    def __init__(self, setup: Start) -> None:
        self.setup, self.seconds = setup, 0.0
        drawing = data.draw(setup.world, setup.drawn)
        self.modes, self.density = data.modes(setup.world), data.density(setup.world, setup.drawn)
        self.gauges = Gauges(drawing, self.modes)
        self.floor = value_floor(self.density) if self.density is not None else math.nan
        self.game = Game(drawing, setup.setup, [setup.seed])
        self.z = self.gauges.z(self.game)
        self.alone = (0, 0)
        """Updates of D, and of G, without the other's."""
        self.speed: float | None = None
        """Turns a second, of the clock on the wall, if it has run freely."""
        self.diverged = False
        """Whether it has just been set back, because its numbers had run out of bounds."""
        self.tired = False
        """Whether its last run has ended because it had computed for so long, before it had done what was asked."""
        self.halt = threading.Event()
        """Set to end a slow motion in its pauses."""
        self.rows: Kept[Row] = Kept(ROWS)
        size = 4 * sum(numbers.numel() for numbers in self.game.checkpoint().numbers) * 3
        self.marks: Kept[Mark] = Kept(max(12, min(KEPT, HELD // size)))
        self.at: int | None = None
        """The number of the mark that it has gone back to, until it goes on."""
        self.moved = False
        """Whether it has been played on since the last look."""
        self._place = 0

    def adopt(self, wish: Wish) -> None:
        """Lets the rules hold from now on."""
        self.game.rules = wish.rules

    def train(
        self, wish: Callable[[], Wish], part: Part = "turn", n: int | None = None
    ) -> Generator[Look | None, None, None]:
        """Plays n turns, or n updates of one network alone, or on and on, by the rules that are wished at each moment.

        Yields a look every `FRAME` seconds and at the end, and None after all other turns: places to pause at. If the
        numbers run out of bounds, it is set back to the last mark, and ends.
        """
        self.go_on(wish())
        done, looks, shown, gap = 0, 0, time.monotonic(), FRAME
        pace = deque([(shown, 0)], maxlen=12)
        begun = time.monotonic()
        while n is None or done < n:
            self.adopt(wish())
            self._move(part)
            done += 1
            look, now = None, time.monotonic()
            if done == n or now - shown >= gap:
                looks += 1
                pace.append((now, done))
                self.speed = _speed(pace)
                look = self.look(wish().averaged, thorough=looks % THOROUGH == 0 or done == n)
                shown = time.monotonic()
                gap = max(FRAME - (shown - now), PATIENCE * (shown - now))
            self.seconds += time.monotonic() - begun
            yield look
            if self.diverged:
                return
            begun = time.monotonic()

    def _move(self, part: Part) -> None:
        self.moved = True
        if part == "turn":
            self.game.turn()
        elif part == "D":
            self.game.update_discriminator()
            self.alone = (self.alone[0] + 1, self.alone[1])
        else:
            self.game.update_generator()
            self.alone = (self.alone[0], self.alone[1] + 1)

    def go_on(self, wish: Wish) -> None:
        """Makes the moment that is shown the last one; the first time, keeps the beginning."""
        self.adopt(wish)
        self.diverged = self.tired = False
        if self.at is not None:
            place, self.at = self.marks.places[self.at], None
            self.marks.cut(place)
            self.rows.cut(place)
            self._place = place + 1
        if not self.marks.items:
            self.look(wish.averaged)

    def look(self, averaged: bool, *, thorough: bool = True) -> Look:
        """Reads the gauges, and keeps what they say and where the game stands. What is out of bounds is not kept."""
        seen = self._seen(averaged, thorough, self._row(self.gauges.read(self.game, averaged=averaged)))
        if not (self.game.finite and seen.view.finite and _bounded(seen.row)):
            self.diverged = True
            self.back(len(self.marks.items) - 1)
            return self.again(averaged)
        self.rows.add(self._place, seen.row)
        self.marks.add(self._place, Mark(self.game.checkpoint(), self.alone, seen.row))
        self._place += 1
        self.moved = False
        return seen

    def recall(self, rows: Sequence[Row], checkpoint: Checkpoint) -> None:
        """Takes over the past of a game that was recorded, and stands where it ended."""
        for place, row in enumerate(rows):
            self.rows.add(place, row)
        self.game.rewind(checkpoint)
        self.marks.add(len(rows) - 1, Mark(checkpoint, self.alone, rows[-1]))
        self._place = len(rows)

    def again(self, averaged: bool) -> Look:
        """What is to be shown of the moment at which it stands. A moment that was not looked at yet is looked at and
        kept; to others nothing is added."""
        return self.look(averaged) if self.moved else self._seen(averaged, True, self.present)

    def back(self, mark: int) -> None:
        """Goes back to a mark, or forth. Those after it are kept until it goes on."""
        marks = self.marks.items
        self.at = max(0, min(mark, len(marks) - 1))
        self.game.rewind(marks[self.at].checkpoint)
        self.moved = False
        self.alone = marks[self.at].alone

    def _seen(self, averaged: bool, thorough: bool, row: Row) -> Look:
        found = None
        if thorough and self.density is not None and self.game.finite:
            found = best(self.game, self.density, averaged=averaged)
            row = replace(row, value=found.value)
        shown = view(self.game, self.z, self.gauges.data, averaged=averaged)
        return Look(row, shown, found, thorough)

    def _row(self, reading: Reading) -> Row:
        numbers = {name: float(value[0]) for name, value in vars(reading).items() if isinstance(value, torch.Tensor)}
        return Row(reading.turns, self.game.rules.loss, value=math.nan, **numbers)

    @property
    def present(self) -> Row:
        """The gauges of the moment at which it stands."""
        return self.marks.items[-1 if self.at is None else self.at].row


def _speed(pace: deque[tuple[float, int]]) -> float | None:
    (then, before), (now, done) = pace[0], pace[-1]
    return (done - before) / (now - then) if len(pace) > 3 else None


def _bounded(row: Row) -> bool:
    """Whether nothing has become infinite, or too large for a curve; NaN is what cannot be said."""
    return all(not (abs(value) > 1e12) for value in vars(row).values() if isinstance(value, float))
