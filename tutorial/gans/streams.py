"""Endless random points for a stack of games, such that each game's depend on its seed alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

BLOCK = 4096
"""Points of a game drawn at a time: drawing few at a time would cost more than training on them."""
Draw = Callable[[int, torch.Generator], Tensor]
"""n, generator → n points (n, D)."""


def generator_of(seed: int, kind: int, block: int = 0) -> torch.Generator:
    """A source of random numbers for a seed, 0–2³¹: other kinds, 0–15, and other blocks have others."""
    return torch.Generator().manual_seed((seed << 24) + (kind << 20) + block)


class Stream:
    """Points of S seeds; where it stands is two numbers, from which it can be set back."""

    def __init__(self, draw: Draw, seeds: Sequence[int], kind: int) -> None:
        self._draw, self._seeds, self._kind = draw, seeds, kind
        self.place = (-1, BLOCK)
        """The present block, and how many of its points have been taken."""

    def take(self, n: int) -> Tensor:
        """The next n ≤ BLOCK points of each seed: (S, n, D)."""
        block, taken = self.place
        if taken + n > BLOCK:
            self.seek((block + 1, 0))
            block, taken = self.place
        self.place = (block, taken + n)
        return self._points[:, taken : taken + n]

    def seek(self, place: tuple[int, int]) -> None:
        """Goes on from where the stream stood when its `place` was this one."""
        block, _ = self.place = place
        if block >= 0:
            points = [self._draw(BLOCK, generator_of(seed, self._kind, block)) for seed in self._seeds]
            self._points = torch.stack(points)
