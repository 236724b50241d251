"""What the lab "diagram" draws of a game: the large picture, and the small ones on the nodes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from apps import player, worlds
from apps.tabs.gan.play import Look, Play
from tutorial.data.toy2d import REACH
from tutorial.gans.game import noise
from tutorial.gans.view import View, grid

SAYS = "D: fake … data"
FAKES, PUSH, GRID, DATA = "fakes G(z)", "−∂loss/∂fake", "G of a grid of z", "data x"
CODES = 200
THUMB = 120
"""Points of a small picture."""


def frame(play: Play, look: Look, note: str) -> str:
    """The large picture: what D says of each place, and over it data, fakes, the warped grid, and the pushes."""
    seen = look.view
    layers = [
        heat(seen, SAYS),
        player.mesh([line[None].numpy() for line in seen.lines], "generated", GRID, alpha=0.35),
        *_rimmed(play.gauges.data, "real", DATA),
        *_rimmed(seen.fakes, "generated", FAKES),
        player.arrows(seen.arrows[None].numpy(), "field", PUSH),
    ]
    scale = f"a push of length 1 is a gradient of {seen.scale:g}" if seen.scale else "no fake is pushed"
    plane = player.panel(
        layers,
        title=f"{_told_ends(look)}; {scale}",
        label="What the discriminator says of each place, with data, fakes and the gradient at each fake",
        x=worlds.AXIS,
        y=worlds.AXIS,
        takes="points",
    )
    return player.clip([plane], note=note)


def _told_ends(look: Look) -> str:
    if look.row.loss == "Wasserstein":
        return "blue where D’s answers are high, orange where they are low"
    return "blue where D sees data, orange where it sees fakes"


def heat(seen: View, name: str = "") -> player.Layer:
    """What D says of each place."""
    low, high = seen.ends
    return player.heat(seen.verdicts[None].numpy(), name, low=low, high=high, map="verdict", smooth=True)


def _rimmed(xy: Tensor, colour: str, name: str) -> list[player.Layer]:
    """Dots that can be seen on a map of any shade."""
    dots = xy[None].numpy()
    return [
        player.points(dots, "paper", name, size=3, alpha=0.6),
        player.points(dots, colour, name, size=2, alpha=0.95),
    ]


# --- the nodes' small pictures: no axes, so that they are read as parts of the diagram ---


def codes(play: Play) -> str:
    """The noise: some codes, and the grid that G warps."""
    setup = play.setup.setup
    z = noise(CODES, setup, torch.Generator().manual_seed(0))
    reach = 1.25 if setup.shape == "uniform" else REACH
    lines = [_small(_flat(line), reach) for line in grid(setup)]
    dots = player.points(_small(_flat(z), reach), "noise", size=1.5)
    return _thumb([player.mesh(lines, "noise", alpha=0.4), dots], "Codes z, and a grid of them")


def _flat(z: Tensor) -> Tensor:
    """Codes as places: those of one number lie on a line."""
    return z if z.shape[1] == 2 else torch.cat([z, torch.zeros_like(z)], dim=1)


def warp(look: Look) -> str:
    lines = [_small(line) for line in look.view.lines]
    return _thumb([player.mesh(lines, "generated", alpha=0.6)], "Where the generator puts the grid of codes")


def fakes(look: Look) -> str:
    return _thumb([player.points(_small(look.view.fakes[:THUMB]), "generated", size=1.5)], "Fakes")


def opinion(look: Look) -> str:
    return _thumb([heat(look.view)], "What the discriminator says of each place")


def real(play: Play) -> str:
    return _thumb([player.points(_small(play.gauges.data[:THUMB]), "real", size=1.5)], "Data")


def _thumb(layers: Sequence[player.Layer], label: str) -> str:
    return player.clip([player.panel(layers, label=label)])


def _small(xy: Tensor, reach: float = REACH) -> np.ndarray:
    """Places as shares of a picture's sides: (n, 2) → (1, n, 2)."""
    share = (xy / reach + 1) / 2
    return torch.stack([share[:, 0], 1 - share[:, 1]], dim=1)[None].numpy()
