"""How what was measured is written on the cards of what ships, and into records."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from torch import Tensor

T = TypeVar("T")


def last(parts: Iterable[T | None]) -> T:
    """What work that can be paused comes to: the last that is not None. Raises ValueError if there is none."""
    *_, found = (part for part in parts if part is not None)
    return found


def with_error(values: Tensor) -> dict[str, float]:
    """Mean of values (N,), N > 1, and its standard error over them."""
    return {"mean": values.mean().item(), "standard_error": (values.std() / len(values) ** 0.5).item()}


def rounded(found: Any) -> Any:
    """What JSON can hold of numbers, tensors, and dicts, lists and tuples of such: to six digits, which are enough."""
    if isinstance(found, dict):
        return {name: rounded(value) for name, value in found.items()}
    if isinstance(found, Tensor):
        return rounded(found.tolist())
    if isinstance(found, list | tuple):
        return [rounded(value) for value in found]
    return float(f"{found:.6g}") if isinstance(found, float) else found


def called(command: str, asked: dict[str, int], defaults: dict[str, int]) -> str:
    """The command that measures again, with those of its arguments that are not the usual ones."""
    return " ".join([command, *(f"--{name} {n}" for name, n in asked.items() if n != defaults[name])])
