"""What a training yields after each update."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TrainStep:
    """The state of a run just after update number `i` (counted from 1) of `n`; without an end, `n` is None."""

    i: int
    n: int | None
    values: dict[str, float]
