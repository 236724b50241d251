"""Digits that take too long to draw while someone waits: drawn ahead by a recipe, and shipped as a sheet."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from tutorial import measurements
from tutorial.data.digits import SIDE
from tutorial.data.pixels import to_signed
from tutorial.metrics.verdict import Part

NAME, COMMAND = "diffusion_digits", "python -m tutorial.training.evaluate_metrics --draw"
"""The recorded digits, and what records them."""
ACROSS = 40
"""Digits in a row of the sheet."""


@dataclass(frozen=True)
class Drawn:
    """Digits that a model drew."""

    pictures: Tensor
    """(N, 1, 28, 28) uint8."""
    classes: Tensor
    """(N,) int64: what they were to be."""
    made: str
    """In a few words: by which model, with which settings."""

    def parts(self, n: int, most: int) -> Iterator[Part]:
        """The first n of them, or all if there are fewer, `most` at a time."""
        for x, y in zip(self.pictures[:n].split(most), self.classes[:n].split(most), strict=True):
            yield to_signed(x), y


def sheet(pictures: Tensor, across: int = ACROSS) -> bytes:
    """Digits (N, 1, 28, 28) uint8, `across` in a row, as a PNG file; what is left of the last row is black."""
    rows = -(-len(pictures) // across)
    tiles = torch.zeros(rows * across, SIDE, SIDE, dtype=torch.uint8)
    tiles[: len(pictures)] = pictures[:, 0]
    whole = tiles.unflatten(0, (rows, across)).transpose(1, 2).reshape(rows * SIDE, across * SIDE)
    buffer = io.BytesIO()
    Image.fromarray(whole.numpy()).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def from_sheet(png: bytes, n: int) -> Tensor:
    """The first n digits of such a file: (n, 1, 28, 28) uint8. Raises ValueError or OSError if it is none."""
    with Image.open(io.BytesIO(png), formats=["PNG"]) as picture:
        whole = torch.from_numpy(np.array(picture.convert("L")))
    tiles = whole.unflatten(0, (-1, SIDE)).unflatten(2, (ACROSS, SIDE)).transpose(1, 2).reshape(-1, 1, SIDE, SIDE)
    if not 0 < n <= len(tiles):
        raise ValueError(f"The sheet has {len(tiles)} digits, not {n}.")
    return tiles[:n].clone()


def save(drawn: Drawn, command: str = COMMAND, folder: Path = measurements.FOLDER) -> None:
    """Writes them, and the command that draws them again."""
    png = base64.b64encode(sheet(drawn.pictures)).decode()
    content = {"made": drawn.made, "classes": "".join(map(str, drawn.classes.tolist())), "png": png}
    measurements.save(NAME, command, content, folder)


def load(folder: Path = measurements.FOLDER) -> Drawn:
    """The recorded digits. Raises tutorial.measurements.MeasurementsError if they are missing or damaged."""
    return measurements.read(NAME, _drawn, ("made", "classes", "png"), folder)


def _drawn(found: dict[str, Any]) -> Drawn:
    classes = torch.tensor([int(one) for one in found["classes"]])
    return Drawn(from_sheet(base64.b64decode(found["png"], validate=True), len(classes)), classes, found["made"])
