"""What the lab "flow" draws: points, a grid and a density on their way to noise, and what log p is made of."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from apps import player
from tutorial.families.flow import BOX, log_normal
from tutorial.families.warping import Way

CELLS = torch.linspace(-BOX, BOX, 81)[1::2]
"""The middles of the cells of the density, in a row and in a column."""
LINES = torch.linspace(-3, 3, 11)
"""Where the lines of the grid are at first."""
SHOWN = 160
"""Points of the data that are shown."""
AXIS: player.Axis = (-BOX, BOX, "")
LOWEST, HIGHEST = -8.0, 1.0
"""Ends of the map of log p, in nats."""
CLICK = "Click a point to follow it"


def grid() -> list[Tensor]:
    """The lines of a square grid, each as points (n, 2)."""
    along = torch.linspace(-3, 3, 31)
    upright = [torch.stack([torch.full_like(along, at.item()), along], dim=1) for at in LINES]
    return [*upright, *(line.flip(1) for line in upright)]


def warped(points: Way, chosen: Way, grids: np.ndarray) -> player.Panel:
    """Points of the data and the lines of a grid on their way to noise."""
    layers = [
        player.mesh(np.split(grids, 2 * len(LINES), axis=1), "noise", "a grid"),
        player.points(points.places[:, :SHOWN].numpy(), "real", "data", alpha=0.6),
        player.points(chosen.places.numpy(), "generated", "the point in the table", size=6, alpha=1),
    ]
    return player.panel(layers, title="from data to noise", label=CLICK, x=AXIS, y=AXIS, takes="click")


def on_its_way(maps: np.ndarray, chosen: Way) -> player.Panel:
    """The density of the flow on its way to that of noise."""
    layers = [
        player.heat(np.maximum(maps, LOWEST), "log p", low=LOWEST, high=HIGHEST, smooth=True, unit="nats"),
        player.points(chosen.places.numpy(), "generated", "the point in the table", size=6, alpha=1),
    ]
    return player.panel(layers, title="its density", label=f"The density. {CLICK}", x=AXIS, y=AXIS, takes="click")


def budget(points: Way, between: int, truth: float) -> player.Panel:
    """What the mean of log p over the data is made of, as if the flow ended at each moment, and that of the truth."""
    fit = torch.stack([log_normal(places) for places in points.places]).mean(1).numpy()
    volume = points.logdets.mean(1).numpy()
    layer = np.arange(len(volume)) / between
    best = np.full(2, truth)
    everything = np.concatenate([fit, volume, fit + volume, best])
    frames = range(len(volume))
    return player.panel(
        [
            player.curve(layer[[0, -1]], best, "exact", "log p of the truth", dashed=True),
            player.curve(layer, volume, "field", "Σ log |det|", marker=frames),
            player.curve(layer, fit, "noise", "log N(where it is; 0, I)", marker=frames),
            player.curve(layer, fit + volume, "generated", "log p, their sum", marker=frames),
        ],
        title="nats, mean over the data",
        label="What log p is made of, layer by layer",
        x=(0.0, float(layer[-1]), "layers done"),
        y=(math.floor(everything.min()), math.ceil(everything.max() + 0.2), ""),
    )
