"""Digits that visitors draw or send: strokes on 28 × 28 pixels, and rows of numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from apps import limits, player
from tutorial.data.digits import SIDE

AXIS: player.Axis = (0.0, float(SIDE), "")
"""Both axes of a picture that is drawn on, in pixels from its lower left corner."""

Pixel = TypeVar("Pixel")


def grid(value: Any, pixel: Callable[[Any], Pixel]) -> tuple[tuple[Pixel, ...], ...]:
    """28 rows of 28 numbers, each as `pixel` has it, who refuses a bad one. Raises gr.Error for anything else."""
    if not isinstance(value, list | tuple) or len(value) != SIDE:
        raise limits.refuse(f"The digit must be a list of {SIDE} rows.")
    return tuple(_row(row, pixel) for row in value)


def _row(value: Any, pixel: Callable[[Any], Pixel]) -> tuple[Pixel, ...]:
    if not isinstance(value, list | tuple) or len(value) != SIDE:
        raise limits.refuse(f"Each row of the digit must be a list of {SIDE} numbers.")
    return tuple(pixel(one) for one in value)


def distance(stroke: np.ndarray) -> np.ndarray:
    """How far each pixel's middle is from a stroke (N, 2), x and y in pixels from the lower left corner: (28, 28)."""
    ends = stroke.repeat(2, axis=0) if len(stroke) == 1 else stroke  # a dot is a stroke of no length
    start, along = ends[:-1], np.diff(ends, axis=0)
    middles = np.arange(SIDE) + 0.5
    at = np.stack(np.meshgrid(middles, middles[::-1]), axis=-1).reshape(-1, 1, 2)  # (784, 1, 2), from the top
    length = (along**2).sum(-1).clip(min=1e-12)
    share = (((at - start) * along).sum(-1) / length).clip(0, 1)[..., None]
    return np.linalg.norm(at - start - share * along, axis=-1).min(axis=1).reshape(SIDE, SIDE)
