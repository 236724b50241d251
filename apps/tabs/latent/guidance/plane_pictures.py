"""Guidance in the plane, drawn: points on their way, and three answers at one place, for each model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from apps import player, worlds
from tutorial.data.toy2d import lattice
from tutorial.diffusion import guidance_plane as plane
from tutorial.diffusion.points import SCHEDULE
from tutorial.metrics.coverage import Coverage

LENGTH = 0.4
"""Length of an arrow whose ε̂ has length 1."""
SIDE = 40
"""Fields of the map in each direction."""
ARROWS = (("noise", "−ε̂ without the label"), ("real", "−ε̂ with it"), ("boundary", "−ε̂ guided"))


@dataclass(frozen=True)
class Way:
    """A model's way at the times `asked`: points (T, N, 2), three answers at a place (T, 3, 2), and where it ends."""

    title: str
    asked: list[int]
    x: np.ndarray
    arrows: np.ndarray
    found: Coverage


def film(ways: Sequence[Way], place: tuple[float, float], label: int, scale: float, note: str) -> str:
    """A frame for each step: all models' points and arrows, over the density whose score the exact guided one is."""
    asked = ways[0].asked
    tilted = player.heat(tilt(asked, label, scale), "p(x) p(label | x)ʷ, of its largest", low=0, high=1, smooth=True)
    panels = []
    for way in ways:
        points = player.points(way.x, "generated", "samples", size=2.2)
        layers = [tilted, points, *_arrows(way, place)] if way is ways[-1] else [points, *_arrows(way, place)]
        panels.append(player.panel(layers, title=way.title, x=worlds.AXIS, y=worlds.AXIS, takes="click"))
    labels = [f"t = {t}" for t in asked[:-1]] + ["t = 0: arrows at the last time asked"]
    return player.clip(panels, frames=len(asked), labels=labels, rate=8, note=note, start=2 * len(asked) // 3)


def _arrows(way: Way, place: tuple[float, float]) -> list[player.Layer]:
    frames = len(way.arrows)
    at = np.broadcast_to(np.array(place), (frames, 1, 2))
    dot = player.points(np.array([[place]]), "exact", size=3, alpha=1)
    return [
        *(
            player.arrows(np.concatenate([at, -LENGTH * way.arrows[:, k : k + 1]], axis=2), colour, name)
            for k, (colour, name) in enumerate(ARROWS)
        ),
        dot,
    ]


def tilt(asked: Sequence[int], label: int, scale: float) -> np.ndarray:
    """p_t(x) p(label | x_t)^scale on the plane at each time, as a share of its largest value: (T, SIDE, SIDE)."""
    at, mixture = lattice(SIDE), plane.world()
    maps = [plane.log_tilted(mixture, SCHEDULE, at, t, label, scale) for t in asked]
    return torch.stack([(one - one.max()).exp().reshape(SIDE, SIDE) for one in maps]).numpy()
