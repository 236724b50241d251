"""Losses and distances, drawn: each reading over the run, the distance over the run, and one against the other."""

from __future__ import annotations

import numpy as np

from apps import player
from apps.quantities import plain
from tutorial.gans.loss_and_distance import READINGS, UPDATES, LossCourse, correlations

TITLES = {
    "G’s loss": "GAN: G’s loss",
    "log 4 − D’s loss": "GAN: log 4 − D’s loss",
    "E D(x) − E D(G(z))": "Wasserstein critic",
    "−log p(x)": "flow: −log p(x)",
}
"""Of each reading, which has its own in every arm."""
LOW, HIGH = 3e-3, 3.0
"""Energy distances in the picture."""
Found = list[tuple[LossCourse, int]]
"""Readings: a course, and which of its readings."""


def found(courses: list[LossCourse]) -> Found:
    """All readings of these courses."""
    return [(course, k) for course in courses for k in range(len(course.readings))]


def name(course: LossCourse, k: int) -> str:
    """What a reading is called."""
    return TITLES[READINGS[course.arm][k]]


def film(courses: list[LossCourse], floor: float, *, whole: bool = True, note: str = "") -> str:
    """A frame for each look: the readings or, if `whole`, under them the distances and both against each other."""
    frames = max(len(course.steps) for course in courses)
    parts = found(courses)
    first = [True, *[False] * (len(parts) - 1)]  # the legend of a row is that of its first panel
    panels = [_reading(*part, frames, legend) for part, legend in zip(parts, first, strict=True)]
    if whole:
        panels += [_distance(part[0], floor, frames, legend) for part, legend in zip(parts, first, strict=True)]
        panels += [_against(*part, frames, legend) for part, legend in zip(parts, first, strict=True)]
    longest = max(courses, key=lambda course: len(course.steps))
    labels = [f"{step / UPDATES[longest.arm]:.0%} of the run" for step in longest.steps]
    return player.clip(panels, frames=frames, labels=labels, rate=8, note=note)


def _reading(course: LossCourse, k: int, frames: int, legend: bool) -> player.Panel:
    values = course.readings[k].numpy()
    # A discriminator that was wrong and sure at one look would squash all others.
    low, high = np.quantile(values, [0.0, 0.98])
    room = 0.08 * (high - low) or 1.0
    return player.panel(
        _curves(course, values.clip(low - room, high + room), frames, legend),
        title=name(course, k),
        label=f"{name(course, k)}, in the course of the run",
        x=_steps(course),
        y=(float(low - room), float(high + room), ""),
        aspect=0.8,
    )


def _distance(course: LossCourse, floor: float, frames: int, legend: bool) -> player.Panel:
    ends = np.array([0.0, UPDATES[course.arm]])
    layers = _curves(course, course.distances.numpy().clip(LOW, HIGH), frames, legend=False)
    return player.panel(
        [*layers, player.curve(ends, np.full(2, floor), "exact", "data to data" if legend else "", dashed=True)],
        title="distance to the data",
        label=f"Energy distance to the data, {course.arm}, in the course of the run",
        x=_steps(course),
        y=(LOW, HIGH, "", "log"),
        aspect=0.8,
    )


def _against(course: LossCourse, k: int, frames: int, legend: bool) -> player.Panel:
    values, distances = course.readings[k].numpy(), course.distances.numpy().clip(LOW, HIGH)
    low, high = np.quantile(values, [0.0, 0.98])
    room = 0.08 * (high - low) or 1.0
    xy = np.stack([values.clip(low - room, high + room), distances], axis=-1)  # (L, S, 2)
    half = len(course.steps) // 2
    now = xy[[min(frame, len(xy) - 1) for frame in range(frames)]]
    rho = correlations(course, k)[0].nanquantile(0.5).item()
    told = f"ρ = {plain(rho)}" if len(course.steps) > 2 and rho == rho else "one against the other"
    return player.panel(
        [
            player.points(xy[None, :half].reshape(1, -1, 2), "noise", "first half" if legend else ""),
            player.points(xy[None, half:].reshape(1, -1, 2), "generated", "second half" if legend else ""),
            player.points(now, "exact", "now" if legend else "", size=4, alpha=1),
        ],
        title=told,
        label=f"Distance to the data against {name(course, k)}",
        x=(float(low - room), float(high + room), "loss"),
        y=(LOW, HIGH, "distance", "log"),
        aspect=0.8,
    )


def _curves(course: LossCourse, values: np.ndarray, frames: int, legend: bool) -> list[player.Layer]:
    """One for each seed, (L, S), the first with a marker at the present look."""
    steps = np.array(course.steps, dtype=float)
    marker = [min(frame, len(steps) - 1) for frame in range(frames)]
    grey, own = ("the other seeds", "the first seed") if legend else ("", "")
    others = [player.curve(steps, values[:, s], "noise", grey) for s in range(1, values.shape[1])]
    return [*others, player.curve(steps, values[:, 0], "generated", own, marker=marker)]


def _steps(course: LossCourse) -> player.Axis:
    return (0.0, float(UPDATES[course.arm]), "updates" if course.arm == "flow" else "updates of G")


def table(courses: list[LossCourse]) -> str:
    """Rank correlations as Markdown: the median over the seeds, the least and the most."""
    rows = [
        "| falls with the distance? | seeds | ρ, whole run | ρ, second half | r, whole run | r, second half |",
        "|---|---|---|---|---|---|",
    ]
    for course, k in found(courses):
        whole, late = correlations(course, k), correlations(course, k, late=True)
        cells = [_range(values) for values in (whole[0], late[0], whole[1], late[1])]
        rows.append(f"| {name(course, k)} | {course.readings.shape[2]} | {' | '.join(cells)} |")
    rows += [
        "",
        "ρ is Spearman’s rank correlation of loss and distance, r Pearson’s: the median over the seeds, and from the "
        "least to the most. At 1 one falls whenever the other does, at 0 the loss tells nothing, and below 0 it falls "
        "while the samples get worse.",
    ]
    return "\n".join(rows)


def _range(values) -> str:
    good = values[values.isfinite()]
    if not len(good):
        return "–"
    return f"{plain(good.quantile(0.5).item())} ({plain(good.min().item())} … {plain(good.max().item())})"
