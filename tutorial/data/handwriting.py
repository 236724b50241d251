"""What a visitor writes, as MNIST would have it: LeCun, Bottou, Bengio & Haffner 1998, section III.A.

There, digits were “size normalized to fit in a 20×20 pixel box while preserving their aspect ratio”, with grey levels
“as a result of the anti-aliasing technique”, and “centered in a 28×28 image by computing the center of mass”.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from tutorial.data.digits import SIDE

BOX = 20
"""Pixels of the longer side of what was written."""
FINE = 8
"""Dots to a pixel while it is drawn."""
PEN = 2.5
"""Pixels of the pen's width: about that of MNIST's strokes."""

Stroke = Sequence[Sequence[float]]
"""Points (x, y) that the pen went through; y goes down."""


def written(strokes: Sequence[Stroke]) -> Tensor:
    """Strokes in any unit → the picture (1, 1, 28, 28) uint8, ink white on black.

    Raises ValueError if there is nothing to see, or a number is not finite.
    """
    points = np.array([point for stroke in strokes for point in stroke], dtype=np.float64).reshape(-1, 2)
    if not len(points):
        raise ValueError("Nothing was written.")
    if not np.isfinite(points).all():
        raise ValueError("Each coordinate must be a finite number.")
    low, extent = points.min(0), np.ptp(points, axis=0)
    scale = FINE * (BOX - PEN) / max(extent.max(), 1e-9)  # half a pen sticks out on each side
    middle = FINE * SIDE / 2
    paper = Image.new("L", (FINE * SIDE, FINE * SIDE))
    pen = ImageDraw.Draw(paper)
    for stroke in strokes:
        if len(stroke):
            at = (np.asarray(stroke, dtype=np.float64) - low - extent / 2) * scale + middle
            _trace(pen, at, round(FINE * PEN))
    return _centred(np.asarray(paper, dtype=np.float64) / 255)


def _trace(pen: ImageDraw.ImageDraw, at: np.ndarray, width: int) -> None:
    """A line with round corners and ends through points (N, 2)."""
    pen.line([tuple(point) for point in at], fill=255, width=width)
    radius = (width - 1) / 2  # Pillow counts both ends in
    for x, y in at:
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)


def _centred(ink: np.ndarray) -> Tensor:
    """Fine dots (H, W) in [0, 1] → pixels, with the centre of the ink in the middle of the picture, or as near to it as
    can be without losing any ink."""
    moved = np.roll(ink, [_aside(ink.sum(1 - axis)) for axis in (0, 1)], axis=(0, 1))
    pixels = moved.reshape(SIDE, FINE, SIDE, FINE).mean((1, 3))
    return torch.from_numpy((255 * pixels).round().astype(np.uint8))[None, None]


def _aside(ink: np.ndarray) -> int:
    """By how many dots to move ink that lies like this along an axis, (N,)."""
    n, used = len(ink), np.flatnonzero(ink)
    wanted = round(n / 2 - ((np.arange(n) + 0.5) * ink).sum() / ink.sum())
    return min(max(wanted, -int(used[0])), n - 1 - int(used[-1]))
