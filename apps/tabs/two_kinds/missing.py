"""What is said where a file of the chapter's is missing or damaged."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

from apps import limits
from tutorial.data.digits import DataError, digits
from tutorial.weights import WeightsError

T = TypeVar("T")


def checked() -> None:
    """Reads all digits, so that what is made of them later cannot fail. Raises DataError if a file is missing or
    damaged."""
    digits("training")
    digits("test")


def told(work: Generator[T, None, None]) -> Generator[T, None, None]:
    """The same work. Raises gr.Error, with how to get the file back, if it needs one that is missing or damaged."""
    try:
        yield from work
    except (DataError, WeightsError) as error:
        raise limits.refuse(str(error)) from error
