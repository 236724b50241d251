"""Lines of equal value in the plane, and how far such a line moves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from contourpy import LineType, contour_generator

Lines = Sequence[np.ndarray]
"""Any number of polylines, each (n, 2) with n > 1."""


def contour(values: np.ndarray, x: np.ndarray, y: np.ndarray, level: float = 0.0) -> list[np.ndarray]:
    """Where numbers (H, W), at heights y (H,) and places x (W,), have this level: polylines (n, 2), none if nowhere.

    Between neighbours a value is taken to change linearly.
    """
    found = contour_generator(x, y, values, line_type=LineType.Separate).lines(level)
    return [np.asarray(line) for line in found if len(line) > 1]  # type: ignore[arg-type]


def largest_move(before: Lines, after: Lines) -> float | None:
    """The largest distance from a point on one of them to the nearest on the other, in their units: Hausdorff's.

    Looked for at the corners of the lines, and only as far as they were drawn: what moves outside of the window is not
    seen. None if there is nothing before or after.
    """
    if not before or not after:
        return None
    return max(_farthest(before, after), _farthest(after, before))


def _farthest(lines: Lines, others: Lines) -> float:
    """How far from the `others` a corner of the lines is at most."""
    start, end = (np.concatenate([line[k] for line in others]) for k in (slice(None, -1), slice(1, None)))
    return float(to_segments(np.concatenate(list(lines)), start, end).min(1).max())


def to_segments(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Distances of points (N, 2) to the segments between start (M, 2) and end (M, 2): (N, M)."""
    along = end - start
    from_start = points[:, None] - start
    length = (along**2).sum(1)
    share = (from_start * along).sum(2) / np.where(length > 0, length, 1)
    return np.linalg.norm(from_start - share.clip(0, 1)[..., None] * along, axis=2)


def resampled(line: np.ndarray, n: int) -> np.ndarray:
    """n points evenly along a polyline (m, 2), from its first to its last: (n, 2)."""
    steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
    way = np.concatenate([[0.0], steps.cumsum()])
    at = np.linspace(0, way[-1], n)
    return np.stack([np.interp(at, way, line[:, k]) for k in (0, 1)], axis=1)
