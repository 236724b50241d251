"""Digits that visitors draw: strokes as grey pixels, about as thick and as soft as MNIST's."""

from __future__ import annotations

from typing import Any

import numpy as np

from apps import digit_input, limits, player
from tutorial.data.digits import SIDE

PEN, SOFT = 1.3, 0.8
"""Pixels of the pen's radius, and of the rim over which it fades, to each side of that."""
BLANK = [[0] * SIDE for _ in range(SIDE)]
Grid = tuple[tuple[int, ...], ...]


def grid(value: Any) -> Grid:
    """28 rows of 28 grey levels 0–255. Raises gr.Error for anything else."""
    return digit_input.grid(value, lambda pixel: limits.whole("A pixel", pixel, 0, 255))


def stroke(points: Any) -> np.ndarray:
    """The grey levels (28, 28) uint8 of a stroke, a list of places. Raises gr.Error for bad ones."""
    if not isinstance(points, list) or not 0 < len(points) <= player.STROKE:
        raise limits.refuse(f"A stroke must be a list of up to {player.STROKE} points.")
    return _inked(np.array([_place(point) for point in points]))


def _place(point: Any) -> tuple[float, float]:
    if not isinstance(point, list | tuple) or len(point) != 2:
        raise limits.refuse("Each point must be a pair of numbers.")
    x, y = (limits.number("A point's coordinate", value, 0, SIDE) for value in point)
    return x, y


def _inked(points: np.ndarray) -> np.ndarray:
    """Each pixel by its middle's distance to the line through points (N, 2), of which one is a dot."""
    grey = ((PEN + SOFT - digit_input.distance(points)) / (2 * SOFT)).clip(0, 1)
    return (255 * grey).round().astype(np.uint8)
