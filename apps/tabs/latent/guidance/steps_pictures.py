"""A walk whose scale may change on the way, drawn: its guesses, those of the way that was left, and the scales."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apps import player

if TYPE_CHECKING:
    from apps.tabs.latent.guidance.steps import Way

QUALITY = 88
PAPER = 245
"""Grey of a picture that there is not yet."""


def film(way: Way, note: str) -> str:
    """A frame for each step taken: ẑ₀, decoded, the same step of the way that was left, and the scale of each step."""
    n = max(1, len(way.guesses))
    panels = [_guesses(way, n, "ẑ₀, decoded")]
    if way.left is not None:
        panels.append(_guesses(way.left, n, "the way you left"))
    panels.append(_scales(way, n))
    labels = [f"step {k + 1}: t = {one.step.t}" for k, one in enumerate(way.walk.taken)] or ["pure noise"]
    return player.clip(panels, frames=n, labels=labels, rate=8, note=note)


def _guesses(way: Way, n: int, title: str) -> player.Panel:
    """The first n guesses of a way, the last one repeated if it has fewer."""
    found = list(way.guesses[:n])
    if not found:
        found = [np.full((64, 64, 3), PAPER, np.uint8)]
    found += [found[-1]] * (n - len(found))
    return player.panel([player.image(np.stack(found), smooth=True, quality=QUALITY)], title=title)


def _scales(way: Way, n: int) -> player.Panel:
    total = float(len(way.walk.times) - 1)
    layers = []
    if way.left is not None and way.left.walk.taken:
        layers.append(_stairs(way.left, "exact", "of the way you left", dashed=True))
    if way.walk.taken:
        layers.append(_stairs(way, "generated", "of this way", marker=range(n)))
    x, y = (1.0, total, "step"), (0.0, 15.5, "guidance scale")
    return player.panel(layers, title="the scale of each step", x=x, y=y)


def _stairs(way: Way, colour: str, name: str, **more: object) -> player.Layer:
    """The scale of each step that was taken; a single one is drawn as a short line."""
    scales = np.array([one.scale for one in way.walk.taken], dtype=float)
    steps = np.arange(1.0, len(scales) + 1)
    return player.curve(steps, scales, colour, name, **more)  # type: ignore[arg-type]
