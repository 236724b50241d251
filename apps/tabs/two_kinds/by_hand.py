"""What a visitor did to the points by clicks on the plane: added, moved, deleted some, or asked about a place."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import gradio as gr
import torch

from apps import limits
from apps.tabs.two_kinds.plane import Sample

LOOK, ADD_0, ADD_1, MOVE, DELETE = "asks about it", "adds a 0", "adds a 1", "moves a point", "deletes the nearest"
MODES = (LOOK, ADD_0, ADD_1, MOVE, DELETE)
MOST = 200
"""Points that a visitor may add."""
NEAR = 0.1
"""A click as near as this to a point asks about the point, and not about the place."""
SAID = 5.0
"""Seconds in which a sentence that refused a click is not said again: quick clicks would pile it up."""


@dataclass(frozen=True)
class ByHand:
    """A visitor's changes; a digit that was moved is deleted here, and added there."""

    added: tuple[tuple[float, float, int], ...] = ()
    """x, y, label"""
    deleted: frozenset[int] = frozenset()
    """Keys of digits."""
    picked: int | None = None
    """Key of a point that the next click puts down."""
    asked: tuple[float, float] = (-1.0, 0.0)
    """The place that was last asked about."""


class Hand:
    """One visitor's changes. Quick clicks come on several threads at once: each is made to what the last one left."""

    def __init__(self) -> None:
        self.now = ByHand()
        self._learned_from = self.now
        self._said = "", -SAID
        self._lock = threading.Lock()

    def __deepcopy__(self, memo: object) -> Hand:
        """A new one: so Gradio makes each visitor's own."""
        return Hand()

    def change(self, after: Callable[[ByHand], ByHand]) -> None:
        """Puts what comes after the changes so far in their place, unless that raises."""
        with self._lock:
            try:
                self.now = after(self.now)
            except gr.Error as error:
                self._hush(error)
                raise

    def _hush(self, error: gr.Error) -> None:
        """Lets a refusal not be shown if one that says the same was shown within the last `SAID` seconds."""
        (sentence, when), now = self._said, time.monotonic()
        error.visible = error.message != sentence or now - when >= SAID
        if error.visible:
            self._said = error.message, now

    def keep(self, changes: ByHand) -> None:
        """Notes that something could be learned after these changes."""
        with self._lock:
            self._learned_from = changes

    def take_back(self, changes: ByHand, refusal: gr.Error) -> None:
        """Returns to the last that were kept, if nothing could be learned after these and no others came since."""
        with self._lock:
            self._hush(refusal)
            if self.now is changes:
                self.now = self._learned_from


def applied(digits: Sample, hand: ByHand) -> Sample:
    """The points after the changes."""
    kept = [row for row, key in enumerate(digits.keys) if key not in hand.deleted]
    own = torch.tensor([point[:2] for point in hand.added]).reshape(-1, 2)
    labels = torch.tensor([point[2] for point in hand.added], dtype=torch.int64)
    keys = (*(digits.keys[row] for row in kept), *(-1 - k for k in range(len(hand.added))))
    return Sample(torch.cat([digits.x[kept], own]), torch.cat([digits.y[kept], labels]), keys)


def nearest(sample: Sample, x: float, y: float) -> tuple[int, float]:
    """The row of the point that is nearest to a place, and how far it is."""
    apart = (sample.x - torch.tensor([x, y])).norm(dim=1)
    row = int(apart.argmin())
    return row, float(apart[row])


def clicked(hand: ByHand, mode: str, sample: Sample, x: float, y: float) -> ByHand:
    """The changes after one more click. Raises gr.Error if there are too many points, or none."""
    if mode == LOOK:
        return replace(hand, asked=(x, y), picked=None)
    if mode in (ADD_0, ADD_1):
        return _add(replace(hand, picked=None), x, y, MODES.index(mode) - MODES.index(ADD_0))
    if not sample.keys:
        raise limits.refuse("No point is left. Add some, or undo your clicks.")
    row, _ = nearest(sample, x, y)
    if mode == DELETE:
        return _without(hand, sample.keys[row])
    if hand.picked is None or hand.picked not in sample.keys:
        return replace(hand, picked=sample.keys[row])
    label = int(sample.y[sample.keys.index(hand.picked)])
    return _add(_without(hand, hand.picked), x, y, label)


def _add(hand: ByHand, x: float, y: float, label: int) -> ByHand:
    if len(hand.added) >= MOST:
        raise limits.refuse(f"You may add, or move, at most {MOST} points. Undo your changes to begin anew.")
    return replace(hand, added=(*hand.added, (x, y, label)))


def _without(hand: ByHand, key: int) -> ByHand:
    if key >= 0:
        return replace(hand, deleted=hand.deleted | {key}, picked=None)
    added = tuple(point for k, point in enumerate(hand.added) if k != -1 - key)
    return replace(hand, added=added, picked=None)
