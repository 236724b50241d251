"""A strip of critters over the scale of guidance, drawn: one noise a panel, one scale a frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from apps import player

QUALITY = 88


@dataclass(frozen=True)
class Look:
    """One scale's pictures (n, H, W, 3) uint8, the mean distance of two of them in the reader's features, if there are
    two, and the standard deviation of their latents."""

    scale: float
    pictures: np.ndarray
    spread: float | None
    deviation: float


def strip(looks: Sequence[Look], seed: int, *, note: str = "", beside: Look | None = None) -> str:
    """A frame for each scale: the pictures, how unlike each other they are, and how large their latents have become.

    `beside` is a scale whose pictures are seen beside those of every frame.
    """
    noises = len(looks[0].pictures)
    title = f"noises {seed} to {seed + noises - 1}" if noises > 1 else f"noise {seed}"
    panels = [_sheets(looks, title), *_curves(looks)]
    if beside is not None:
        panels.insert(0, _sheets([beside], f"at guidance {beside.scale:g}"))
    labels = [f"guidance {look.scale:g}" for look in looks]
    return player.clip(panels, frames=len(looks), labels=labels, rate=4, note=note)


def _sheets(looks: Sequence[Look], title: str) -> player.Panel:
    """The pictures of each scale as one, two in a row."""
    sheets = np.stack([_sheet(look.pictures) for look in looks])
    _, height, width, _ = sheets.shape
    pictures = player.image(sheets, smooth=True, quality=QUALITY)
    return player.panel([pictures], title=title, aspect=height / width, width=1.3)


def _sheet(pictures: np.ndarray) -> np.ndarray:
    """(n, H, W, 3) → (rows · H, columns · W, 3), two in a row if there are two; what is left over is white."""
    columns = min(2, len(pictures))
    rows = -(-len(pictures) // columns)
    whole = np.full((rows * columns, *pictures.shape[1:]), 255, np.uint8)
    whole[: len(pictures)] = pictures
    tiles = whole.reshape(rows, columns, *pictures.shape[1:]).swapaxes(1, 2)
    return tiles.reshape(rows * pictures.shape[1], columns * pictures.shape[2], 3)


def _curves(looks: Sequence[Look]) -> list[player.Panel]:
    """How the pictures differ, and the size of the latents, over the scale, with the present scale marked."""
    if len(looks) < 2:
        return []
    scales = np.array([look.scale for look in looks])
    sizes = np.array([look.deviation for look in looks])
    apart = np.array([look.spread for look in looks if look.spread is not None])
    x = (float(scales[0]), float(scales[-1]), "guidance scale")
    panels = []
    if len(apart) == len(looks):
        curve = player.curve(scales, apart, "generated", "mean distance of two", marker=range(len(looks)))
        panels.append(player.panel([curve], title="how unlike each other", x=x, y=(0, 1.1 * apart.max() or 1, "")))
    data = player.curve(np.array(x[:2]), np.ones(2), "exact", "of training latents: 1", dashed=True)
    ours = player.curve(scales, sizes, "generated", "of these latents", marker=range(len(looks)))
    ends = (0.0, 1.1 * max(1.0, sizes.max()), "")
    panels.append(player.panel([data, ours], title="standard deviation", x=x, y=ends))
    return panels
