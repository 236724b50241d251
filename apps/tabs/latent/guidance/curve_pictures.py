"""Fidelity and diversity over the scale of guidance, drawn, with their standard errors over prompts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from apps import player
from tutorial.diffusion.guidance_study import Interval
from tutorial.training.guidance_curve import Curve, Row

COLOURS = ("generated", "field")
"""Of all steps, and of the limited interval."""


def where(interval: Interval, T: int) -> str:
    """At which times is guided, in words."""
    return "all steps" if interval == Interval(T, 0) else f"{interval.last} < t ≤ {interval.first} only"


def error(values: Tensor) -> float:
    """Standard error of the mean of values (N,)."""
    return (values.std() / len(values) ** 0.5).item()


def film(curve: Curve, arms: Sequence[Interval], *, whole: bool = True, note: str = "") -> str:
    """Fidelity over the scale and, if `whole`, diversity over the scale, and the one against the other."""
    top = max(max(row.scale for row in curve.rows), 1.0)
    x: player.Axis = (0.0, top, "guidance scale")
    panels = [_over_scale(curve, arms, "fidelity", "share of the prompt’s attributes seen", x)]
    if whole:
        panels += [_over_scale(curve, arms, "spread", "mean distance of two", x), _against(curve, arms)]
    return player.clip(panels, note=f"{note} Bars are one standard error over prompts.")


def _over_scale(curve: Curve, arms: Sequence[Interval], name: str, unit: str, x: player.Axis) -> player.Panel:
    drawings = getattr(curve.drawings, name)
    layers = [player.curve(np.array(x[:2]), np.full(2, drawings.mean()), "exact", "drawings by program", dashed=True)]
    heights = [drawings.mean().item()]
    for arm, colour in zip(arms, COLOURS, strict=False):
        rows = curve.of(arm)
        if not rows:
            continue
        means, errors = _means(rows, name), _errors(rows, name)
        layers += _with_bars(np.array([row.scale for row in rows]), means, errors, colour, where(arm, arms[0].first))
        heights += [*(means + errors), *(means - errors)]
    ends = _ends(name, heights)
    titles = {"fidelity": "prompt fidelity", "spread": "diversity"}
    return player.panel(layers, title=titles[name], x=x, y=(*ends, unit))


def _with_bars(x: np.ndarray, means: np.ndarray, errors: np.ndarray, colour: str, name: str) -> list[player.Layer]:
    bars = [np.array([[[at, mean - one], [at, mean + one]]]) for at, mean, one in zip(x, means, errors, strict=True)]
    dots = player.points(np.stack([x, means], axis=1)[None], colour, name, size=3.5)
    line = [player.curve(x, means, colour, name)] if len(x) > 1 else []
    return [player.mesh(bars, colour, name, alpha=0.7), *line, dots]


def _against(curve: Curve, arms: Sequence[Interval]) -> player.Panel:
    """Each scale as a point: diversity to the right, fidelity upwards."""
    drawings = curve.drawings
    truth = np.array([[[drawings.spread.mean(), drawings.fidelity.mean()]]])
    layers = [player.points(truth, "exact", "drawings by program", size=5, notes=["drawings by program"])]
    across, up = [truth[0, 0, 0]], [truth[0, 0, 1]]
    for arm, colour in zip(arms, COLOURS, strict=False):
        rows = curve.of(arm)
        if not rows:
            continue
        x, y = _means(rows, "spread"), _means(rows, "fidelity")
        name = where(arm, arms[0].first)
        if len(rows) > 1:
            layers.append(player.curve(x, y, colour, name, told=False))
        notes = [f"scale {row.scale:g}, {name}" for row in rows]
        layers.append(player.points(np.stack([x, y], axis=1)[None], colour, name, size=4, notes=notes))
        across, up = [*across, *x], [*up, *y]
    return player.panel(
        layers,
        title="one against the other",
        x=(*_ends("spread", across), "diversity"),
        y=(*_ends("fidelity", up), "fidelity"),
    )


def _means(rows: Sequence[Row], name: str) -> np.ndarray:
    return np.array([getattr(row.judged, name).mean().item() for row in rows])


def _errors(rows: Sequence[Row], name: str) -> np.ndarray:
    return np.array([error(getattr(row.judged, name)) for row in rows])


def _ends(name: str, values: Sequence[float]) -> tuple[float, float]:
    """Ends of an axis around these: of shares at most 0 to 1, with some room."""
    low, high = min(values), max(values)
    room = 0.08 * (high - low) or 0.1
    return (max(0.0, low - room), min(1.02, high + room)) if name == "fidelity" else (max(0.0, low - room), high + room)
