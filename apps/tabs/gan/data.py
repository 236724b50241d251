"""The worlds of the chapter about GANs: those of `tutorial.gans.worlds`, and what a visitor draws."""

from __future__ import annotations

from typing import Any

from apps import limits, worlds
from tutorial.data.toy2d import GaussianMixture
from tutorial.gans.streams import Draw
from tutorial.gans.worlds import DENSITIES, MODES, WORLDS

NAMES = (*WORLDS, worlds.DRAWN)


def check_world(world: Any, drawn: Any = ()) -> tuple[str, worlds.Points]:
    """The world's name, and the points that a visitor drew; for another world there are none.

    Raises gr.Error for a name that there is not, for bad points, and for too few of them.
    """
    name = limits.choice("The data", world, NAMES)
    return name, worlds.drawn(name, drawn)


def draw(world: str, drawn: worlds.Points = ()) -> Draw:
    """A function of the number of points and of the generator that draws them: (n, 2). The values must be checked."""
    known = worlds.mixture(world, drawn) if world == worlds.DRAWN else None
    return known.sample if known is not None else WORLDS[world]


def modes(world: str) -> GaussianMixture | None:
    """The world's modes, if they can be counted."""
    return MODES.get(world)


def density(world: str, drawn: worlds.Points = ()) -> GaussianMixture | None:
    """The world's density, if it is known."""
    return worlds.mixture(world, drawn) if world == worlds.DRAWN else DENSITIES.get(world)
