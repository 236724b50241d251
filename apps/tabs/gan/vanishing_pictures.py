"""What a held generator would learn, drawn: each loss's gradient, D's accuracy, and what of a batch's is chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from apps import player
from tutorial.gans.gradients import BATCH, Look
from tutorial.gans.losses import LOSSES

PERFECT = 0.99
"""Share of unseen points that a nearly perfect discriminator takes for what they are."""
SMALLEST = 1e-12
"""Lowest gradient in the picture."""
COLOURS: dict[str, str] = {
    "minimax": "boundary",
    "non-saturating": "generated",
    "least squares": "real",
    "Wasserstein": "field",
}


def perfect(looks: Sequence[Look]) -> Look | None:
    """The first look at which D was nearly perfect, in most of the seeds."""
    return next((look for look in looks if look.accuracy.median() >= PERFECT), None)


def film(looks: Sequence[Look], steps: int, *, whole: bool = True, note: str = "") -> str:
    """A frame for each look of a run of so many steps: how often D is right and, if `whole`, on logarithmic axes the
    gradients, and how much of a batch's is chance."""
    x: player.Axis = (0.0, float(steps), "updates of D")
    panels = [_gradients(looks, x), _accuracy(looks, x, 1), _chance(looks, x)] if whole else [_accuracy(looks, x, 0.6)]
    labels = [f"{look.step:,} updates" for look in looks]
    return player.clip(panels, frames=len(looks), labels=labels, rate=6, note=note)


def _gradients(looks: Sequence[Look], x: player.Axis) -> player.Panel:
    return _panel(_norms(looks), looks, "what each loss teaches G", "‖∇G‖", x, width=2)


def _chance(looks: Sequence[Look], x: player.Axis) -> player.Panel:
    shares = {
        loss: np.stack([look.noise[loss].numpy() for look in looks]).clip(SMALLEST) / norms
        for loss, norms in _norms(looks).items()
    }
    return _panel(shares, looks, f"how much of it is chance, in a batch of {BATCH}", "noise / ‖∇G‖", x)


def _norms(looks: Sequence[Look]) -> dict[str, np.ndarray]:
    """Of each loss, (T, S)."""
    return {loss: np.stack([look.norms[loss].numpy() for look in looks]).clip(SMALLEST) for loss in LOSSES}


def _accuracy(looks: Sequence[Look], x: player.Axis, aspect: float) -> player.Panel:
    ends, values = (0.4, 1.02), np.stack([look.accuracy.numpy() for look in looks])
    return player.panel(
        [*_band(looks, values, "exact", "D of the first two losses"), *_mark(looks, ends)],
        title="how often D is right",
        x=x,
        y=(*ends, "share of unseen points"),
        aspect=aspect,
    )


def _panel(
    values: dict[str, np.ndarray], looks: Sequence[Look], title: str, unit: str, x: player.Axis, width: float = 1
) -> player.Panel:
    ends = player.decades(*values.values())
    layers = [layer for loss, found in values.items() for layer in _band(looks, found, COLOURS[loss], loss)]
    return player.panel(
        [*layers, *_mark(looks, ends)], title=title, x=x, y=(*ends, unit, "log"), width=width, aspect=1 / width
    )


def _band(looks: Sequence[Look], values: np.ndarray, colour: str, name: str) -> list[player.Layer]:
    """The median over seeds, and each seed as a fainter line: values (T, S)."""
    steps = np.array([look.step for look in looks], dtype=float)
    if len(steps) < 2:
        return [player.curve(np.repeat(steps, 2), np.median(values, axis=1).repeat(2), colour, name)]
    seeds = [np.stack([steps, seed], axis=1)[None] for seed in values.T]
    return [
        player.mesh(seeds, colour, name, alpha=0.3),
        player.curve(steps, np.median(values, axis=1), colour, name, marker=range(len(steps))),
    ]


def _mark(looks: Sequence[Look], ends: tuple[float, float]) -> list[player.Layer]:
    """A line where D was nearly perfect first."""
    first = perfect(looks)
    if first is None:
        return []
    name = f"D is right on {PERFECT:.0%}"
    return [player.curve(np.full(2, float(first.step)), np.array(ends), "exact", name, dashed=True, told=False)]
