"""The six contenders that ship, loaded once for all visitors, what they are called, and how their digits are shown."""

from __future__ import annotations

from functools import cache

import numpy as np
from torch import Tensor

from tutorial import weights
from tutorial.contest.contender import Contender
from tutorial.contest.families import ARCHITECTURES, TRAININGS, load
from tutorial.data.pixels import to_pixels

FOLDER = weights.FOLDER
NAMES = tuple(TRAININGS)
"""The families, in the order in which they are shown."""
COLOURS = {
    "vae": "field",
    "flow": "zero",
    "pixel_cnn": "one",
    "gan": "generated",
    "pixel_diffusion": "real",
    "latent_diffusion": "boundary",
}
"""In charts in which all six stand; see `apps.player.COLOURS`."""
LABELS = {name: cls.label for name, (cls, _) in zip(NAMES, ARCHITECTURES.values(), strict=True)}  # type: ignore[attr-defined]


@cache
def contender(name: str) -> Contender:
    """Raises tutorial.weights.WeightsError if its file is missing or damaged."""
    return load(name, FOLDER)


def all_there() -> dict[str, Contender]:
    """All six. Raises tutorial.weights.WeightsError as above."""
    return {name: contender(name) for name in NAMES}


def sheet(x: Tensor, columns: int) -> np.ndarray:
    """Digits (N, 1, 28, 28) in [−1, 1], so many in a row, full rows, as one picture (1, H, W, 3) uint8."""
    tiles = to_pixels(x)[:, 0].unflatten(0, (-1, columns))  # (rows, columns, 28, 28)
    grey = tiles.transpose(1, 2).flatten(2, 3).flatten(0, 1)
    return rgb(grey.numpy())[None]


def rgb(grey: np.ndarray) -> np.ndarray:
    """(…) uint8 → (…, 3)."""
    return np.repeat(grey[..., None], 3, axis=-1)
