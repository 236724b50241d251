"""What drawn digits are compared with, measured for the first visitor who asks, and kept for all; and how labs wait."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import TypeVar

from apps import models
from tutorial.metrics.verdict import Reference, measured_reference

T = TypeVar("T")
_KNOWN: list[Reference] = []


def reference_digits() -> Generator[None, None, Reference]:
    """Returns what all sets of digits are compared with. Yields None at places to pause.

    Raises tutorial.weights.WeightsError or tutorial.data.digits.DataError if what it needs is missing or damaged.
    """
    if not _KNOWN:
        _KNOWN.append((yield from ended(measured_reference(models.digit_judge().classifier))))
    return _KNOWN[0]


def ended(parts: Iterable[T | None]) -> Generator[None, None, T]:
    """Returns what some work comes to in the end, and yields None between its parts."""
    found = None
    for part in parts:
        found = part
        yield None
    assert found is not None  # the last one
    return found
