"""How measurements are written on the cards of what ships."""

from __future__ import annotations

from typing import Any

from torch import Tensor


def with_error(values: Tensor) -> dict[str, float]:
    """Mean, and its standard error over the values."""
    return {"mean": values.mean().item(), "standard_error": (values.std() / len(values) ** 0.5).item()}


def rounded(found: Any) -> Any:
    """Six digits are enough for a card."""
    if isinstance(found, dict):
        return {name: rounded(value) for name, value in found.items()}
    return float(f"{found:.6g}") if isinstance(found, float) else found


def called(command: str, asked: dict[str, int], defaults: dict[str, int]) -> str:
    """The command that measures again, with those of its arguments that are not the usual ones."""
    return " ".join([command, *(f"--{name} {n}" for name, n in asked.items() if n != defaults[name])])
