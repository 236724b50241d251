"""A point and the search for its code, drawn: among the fakes, among the noise, and how near the search comes."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch

from apps import player, worlds
from apps.tabs.gan import data
from tutorial.data.toy2d import lattice
from tutorial.gans.inversion import SIDE, STEPS, Search, determinants
from tutorial.training.gan_race import Trained

FRAMES = 41
"""Of the film, evenly over the steps of the search."""
WIDE = 4.0
"""Half the side of the part of the noise that is shown."""
SHOWN = 500
"""Points of the data, and fakes, that are shown."""
PLACE: player.Axis = (-WIDE, WIDE, "")


def film(
    trained: Trained,
    x: tuple[float, float],
    way: Search,
    flow_z: tuple[float, float],
    note: str,
    *,
    revealed: bool = True,
) -> str:
    """The paths of all searches, step by step; the nearest is drawn on its own. Where all codes were found is left open
    until it is to be `revealed`."""
    at = np.linspace(0, STEPS, FRAMES).round().astype(int)
    made, z = way.made[at].numpy(), way.z[at].numpy()
    best = way.best
    others = [k for k in range(made.shape[1]) if k != best]
    labels = [f"step {k}" for k in at]
    panels = [
        _plane(trained, x, made[:, others], made[:, [best]]),
        _noise(trained, z[:, others], z[:, [best]], flow_z),
        _near(trained, x, revealed),
        _off(way, at, best),
    ]
    return player.clip(panels, frames=FRAMES, labels=labels, rate=10, play=True, start=0, note=note)


def _plane(trained: Trained, x: tuple[float, float], others: np.ndarray, best: np.ndarray) -> player.Panel:
    points, fakes = cloud(trained)
    return player.panel(
        [
            player.points(points, "real", "data", size=1.5, alpha=0.5),
            player.points(fakes, "generated", "fakes", size=1.5, alpha=0.5),
            player.lines(others, "noise", "ways of G(z)", alpha=0.8),
            player.lines(best, "boundary", "the one that ends nearest", alpha=1),
            player.points(best, "boundary", size=4, alpha=1),
            player.points(np.array(x).reshape(1, 1, 2), "exact", "your point", size=6, alpha=1),
        ],
        title="the plane: click a point",
        label="The plane, with data, fakes, and the ways of what the codes make",
        x=worlds.AXIS,
        y=worlds.AXIS,
        takes="click",
    )


def _near(trained: Trained, x: tuple[float, float], revealed: bool) -> player.Panel:
    near = np.array(trained.near).reshape(1, SIDE, SIDE)
    return player.panel(
        [
            *([player.heat(near, "‖G(z) − x‖, the nearest found", low=0, high=1, smooth=True)] if revealed else []),
            player.points(np.array(x).reshape(1, 1, 2), "paper", size=6, alpha=1),
            player.points(np.array(x).reshape(1, 1, 2), "exact", "your point", size=4, alpha=1),
        ],
        title="where codes were found, place by place" if revealed else "where codes were found: after your answer",
        label="How near to each place of the plane the search for a code came",
        x=worlds.AXIS,
        y=worlds.AXIS,
        takes="click",
    )


def _noise(trained: Trained, others: np.ndarray, best: np.ndarray, flow_z: tuple[float, float]) -> player.Panel:
    angle = np.linspace(0, 2 * np.pi, 60)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    rings = [circle * np.sqrt(-2 * np.log(share)) for share in (0.5, 0.01)]
    return player.panel(
        [
            player.heat(signs(trained), "sign of det ∂G/∂z, ±1", low=-1.5, high=1.5, map="diverging"),
            *(
                player.curve(
                    ring[:, 0],
                    ring[:, 1],
                    "exact",
                    "half, 99 % of the noise" if k == 0 else "",
                    told=False,
                    dashed=True,
                )
                for k, ring in enumerate(rings)
            ),
            player.lines(others.clip(-WIDE, WIDE), "paper", alpha=0.9),
            player.lines(best.clip(-WIDE, WIDE), "boundary", "the nearest’s", alpha=1),
            player.points(best.clip(-WIDE, WIDE), "boundary", size=4, alpha=1),
            player.points(
                np.array(flow_z).reshape(1, 1, 2).clip(-WIDE, WIDE),
                "field",
                "the flow’s code, in one pass",
                size=5,
                alpha=1,
            ),
        ],
        title="the noise: ways of the codes",
        label="The plane of noise, with the sign of the generator's determinant and the ways of the codes",
        x=PLACE,
        y=PLACE,
    )


def _off(way: Search, at: np.ndarray, best: int) -> player.Panel:
    off = way.off.numpy().clip(1e-6, 10)
    steps = np.arange(len(off), dtype=float)
    others = [
        player.curve(steps, off[:, k], "noise", "from other starts" if k == (best == 0) else "")
        for k in range(off.shape[1])
        if k != best
    ]
    return player.panel(
        [*others, player.curve(steps, off[:, best], "boundary", "the nearest", marker=[int(k) for k in at])],
        title="‖G(z) − x‖",
        label="How far the fake is from the point, step by step",
        x=(0.0, float(STEPS), "steps"),
        y=(1e-6, 10.0, "", "log"),
    )


@cache
def cloud(trained: Trained) -> tuple[np.ndarray, np.ndarray]:
    """Points of the data and fakes, each (1, SHOWN, 2)."""
    generator = torch.Generator().manual_seed(0)
    points = data.draw(trained.world)(SHOWN, generator)
    with torch.no_grad():
        fakes = trained.generate(torch.randn(SHOWN, 2, generator=generator))
    return points[None].numpy(), fakes[None].numpy()


@cache
def signs(trained: Trained) -> np.ndarray:
    """The determinant's sign over the noise: (1, SIDE, SIDE), the highest row first."""
    return determinants(trained.generate, lattice(SIDE, WIDE)).sign().reshape(1, SIDE, SIDE).numpy()
