"""Points in the plane, for every lab that learns from them: the known worlds, and what a visitor draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr
import numpy as np
import torch
from torch import Tensor

from apps import limits, player
from tutorial.data import toy2d
from tutorial.data.toy2d import GaussianMixture
from tutorial.families import truth

DRAWN = "draw your own"
NAMES = (*toy2d.WORLDS, DRAWN)
MOST = 2000
"""Points that a visitor may draw."""
FEWEST = 3
"""Different points at least: two span a line, and what is to be learned is a distribution in the plane."""
AXIS: player.Axis = (-toy2d.REACH, toy2d.REACH, "")
"""Both axes of a panel that shows the plane."""
AWAY = 1e3
"""Coordinate of what is not to be seen: out of every picture."""

Points = tuple[tuple[float, float], ...]


def drawn(world: str, value: Any) -> Points:
    """A visitor's points, checked: a list of pairs of numbers within the square; for another world none are kept.

    Raises gr.Error for anything else, and if there is too little to learn from.
    """
    if world != DRAWN:
        return ()
    points = _points(value)
    if not _enough(points):
        raise limits.refuse(
            f"Draw at least {FEWEST} different points first, on the picture: a distribution in the plane needs more "
            "than two."
        )
    return points


def sent(world: Any, points: Any) -> Any:
    """The points that a program has sent along, if any. Raises gr.Error if it names another world for them."""
    if points and world != DRAWN:
        raise limits.refuse(f"Points are for the data “{DRAWN}”: choose that, or leave them out.")
    return points or []


def _points(value: Any) -> Points:
    """Points, checked, however few. Raises gr.Error for anything else."""
    if not isinstance(value, list | tuple):
        raise limits.refuse("The points must be a list of pairs of numbers.")
    if len(value) > MOST:
        raise limits.refuse(f"There may be at most {MOST:,} points; these are {len(value):,}. Please draw fewer.")
    return tuple(_point(pair) for pair in value)


def _enough(points: Sequence[Sequence[float]]) -> bool:
    """Whether there is enough to learn from."""
    return len({tuple(point) for point in points}) >= FEWEST


def _point(pair: Any) -> tuple[float, float]:
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        raise limits.refuse("Each point must be a pair of numbers.")
    x, y = (limits.number("A point's coordinate", value, -toy2d.REACH, toy2d.REACH) for value in pair)
    return x, y


def stroke(points: list, event: gr.EventData) -> tuple[list, str]:
    """The handler of a stroke on a player: all that a visitor has drawn, and the name of that data.

    Too few points are kept, to be joined by others: who draws by keys draws one at a time. Raises gr.Error for bad
    points.
    """
    new = event._data.get("points") if isinstance(event._data, dict) else None
    if not isinstance(new, list):
        raise limits.refuse("A stroke must be a list of points.")
    return [list(point) for point in _points(points + new)], DRAWN


def place(event: gr.EventData, frames: int, reach: float = toy2d.REACH) -> tuple[float, float, int]:
    """x, y and frame of a click on a plane, checked. Raises gr.Error for anything else."""
    clicked = event._data if isinstance(event._data, dict) else {}
    x, y = (limits.number("The place", clicked.get(axis), -reach, reach) for axis in ("x", "y"))
    return x, y, limits.whole("The frame", clicked.get("frame"), 0, frames - 1)


def plane(points: list) -> str:
    """What a player shows while there is too little to learn from: a plane to draw on, with the points so far."""
    dots = player.points(np.reshape(np.array(points, dtype=float), (1, -1, 2)), "real", size=3)
    label = "An empty plane, to draw on"
    return player.clip(
        [player.panel([dots], title="draw here", label=label, x=AXIS, y=AXIS, takes="points")],
        note=f"Draw a few points, at least {FEWEST} different ones, with the pointer, or with arrow keys and Enter.",
    )


def drawable(x: Tensor) -> np.ndarray:
    """Points (…, 2) as a picture can take them: what is farther out than `AWAY`, or no number, is put there."""
    return x.nan_to_num(AWAY, AWAY, -AWAY).clamp(-AWAY, AWAY).numpy()


def unfinished(world: Any, points: list) -> str | None:
    """That plane, if a visitor is to draw and has drawn too little."""
    return plane(points) if world == DRAWN and not _enough(points) else None


def mixture(name: str, points: Points) -> GaussianMixture | None:
    """The world as a mixture of Gaussians, if it is one."""
    return toy2d.drawn(torch.tensor(points)) if name == DRAWN else toy2d.mixture_of(name)


def density(name: str, points: Points) -> GaussianMixture | None:
    """The world's density, if it is known: a mixture of Gaussians, or one that stands for an integral (see `truth`)."""
    return truth.DENSITIES.get(name) or mixture(name, points)


def sample(name: str, points: Points, n: int, generator: torch.Generator) -> Tensor:
    """n points of the world: (n, 2)."""
    known = mixture(name, points)
    return known.sample(n, generator) if known is not None else toy2d.WORLDS[name](n, generator)
