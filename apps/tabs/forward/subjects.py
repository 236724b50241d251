"""What the chapter's labs dissolve, points and pictures, and in which ways."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from apps import limits, player, worlds
from tutorial.data import toy2d
from tutorial.data.critter_art import render
from tutorial.data.critters import EVALUATION_SEED, any_critter
from tutorial.data.digits import DataError, digits
from tutorial.data.pixels import from_image, to_arrays, to_signed
from tutorial.data.toy2d import GaussianMixture
from tutorial.diffusion.schedule import Schedule

DIGITS, CRITTERS = "digits", "critters"
NAMES = (*worlds.NAMES, DIGITS, CRITTERS)
SIDE = 32
"""Pixels of a critter's side, where there are many."""
PICTURES = 200
"""Different pictures of each kind."""
GRAIN = 0.05
"""Spread of the Gaussian that each picture is the centre of, where a set of pictures stands for its distribution."""
STAND_IN = 2000
"""Points that stand for a world whose density has no closed form, each as a Gaussian of `toy2d.drawn`."""

SCHEDULES: dict[str, Callable[[int], Schedule]] = {
    "linear": Schedule.linear,
    "scaled linear (Stable Diffusion)": Schedule.scaled_linear,
    "cosine": Schedule.cosine,
    "sigmoid": Schedule.sigmoid,
}
COLOURS = dict(zip(SCHEDULES, ("noise", "generated", "field", "real"), strict=True))
"""Where schedules are compared, each keeps its colour."""
SHORTEST, LONGEST = 10, 1000
"""Steps that a schedule may have."""


def schedule_name(value: Any) -> str:
    """A schedule's name, checked. Raises gr.Error for anything else; so do the next two."""
    return limits.choice("The schedule", value, tuple(SCHEDULES))


def length(value: Any) -> int:
    """A number of steps T, checked."""
    return limits.whole("The number of steps T", value, SHORTEST, LONGEST)


def seed(value: Any) -> int:
    """A seed, checked."""
    return limits.whole("The seed", value, 0, 2**31 - 1)


def moments(schedule: Schedule, most: int) -> list[int]:
    """The rising times of a film's frames, from 0 to T: `most` after the first, or all there are."""
    return schedule.timesteps(min(most, schedule.T))[::-1]


def handwriting() -> Tensor:
    """All digits of MNIST's test set, (N, 1, 28, 28) uint8. Raises gr.Error if their file is gone."""
    try:
        return digits("test")[0]
    except DataError as error:
        raise limits.refuse(str(error)) from error


@cache
def pictures(name: str) -> Tensor:
    """`PICTURES` digits (N, 1, 28, 28) or critters (N, 3, 32, 32) in [−1, 1]. Made once and shared."""
    if name == DIGITS:
        return to_signed(handwriting()[:PICTURES])
    drawn = [render(any_critter(EVALUATION_SEED + k), SIDE) for k in range(PICTURES)]
    return to_signed(torch.stack([from_image(picture) for picture in drawn]))


def sample(name: str, points: worlds.Points, n: int, generator: torch.Generator) -> Tensor:
    """n draws of the data: (n, 2), or (n, C, H, W) in [−1, 1]."""
    if name in (DIGITS, CRITTERS):
        return pictures(name)[torch.randint(PICTURES, (n,), generator=generator)]
    return worlds.sample(name, points, n, generator)


def mixture(name: str, points: worlds.Points, generator: torch.Generator) -> tuple[GaussianMixture, bool]:
    """The data as a mixture of Gaussians in D dimensions, and whether it is exactly that.

    Where it is not, points or pictures of it stand for it, each as the centre of a narrow Gaussian.
    """
    if name in (DIGITS, CRITTERS):
        return toy2d.drawn(pictures(name).flatten(1), GRAIN), False
    known = worlds.mixture(name, points)
    if known is not None:
        return known, True
    return toy2d.drawn(worlds.sample(name, points, STAND_IN, generator)), False


def panel(
    x: Tensor,
    colour: str,
    name: str,
    *,
    title: str,
    label: str,
    behind: Sequence[player.Layer] = (),
    smooth: bool = False,
) -> player.Panel:
    """All frames of some data: points (T, N, 2) on a plane to draw on, or pictures (T, N, C, H, W) side by side."""
    if x.ndim == 3:
        dots = player.points(x.numpy(), colour, name, size=2.2, alpha=0.6)
        return player.panel([*behind, dots], title=title, label=label, x=worlds.AXIS, y=worlds.AXIS, takes="points")
    sheets = np.stack([tiled(frame) for frame in x])
    aspect = sheets.shape[1] / sheets.shape[2]
    return player.panel([player.image(sheets, quality=80, smooth=smooth)], title=title, label=label, aspect=aspect)


def tiled(x: Tensor) -> np.ndarray:
    """Pictures (N, C, H, W) in [−1, 1], beyond which they are clipped, as one (rows · H, columns · W, 3) uint8."""
    rows, columns = _grid(len(x))
    tiles = to_arrays(x.expand(-1, 3, -1, -1))
    height, width = tiles.shape[1:3]
    return tiles.reshape(rows, columns, height, width, 3).swapaxes(1, 2).reshape(rows * height, columns * width, 3)


def _grid(n: int) -> tuple[int, int]:
    """Rows and columns that n tiles fill, as nearly square as may be."""
    rows = next(rows for rows in range(int(n**0.5), 0, -1) if n % rows == 0)
    return rows, n // rows
