"""Work in slices, as the tests of it see it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


def last(parts: Iterable[T | None]) -> T:
    """What some work yields last; a None is a place where others can have their turn."""
    *_, found = (part for part in parts if part is not None)
    return found
