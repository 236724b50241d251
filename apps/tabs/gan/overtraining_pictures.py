"""The race and what comes after the moment of random feedback, drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from apps import player
from tutorial.gans import overtraining, race
from tutorial.gans.race import EVALUATIONS, GOAL, RUNNERS, parameters

COLOURS = {"GAN": "generated", "diffusion": "field"}
LOW, HIGH = 3e-3, 3.0
"""Energy distances in the picture."""


def race_film(courses: Sequence[race.RaceCourse], goal: float, *, whole: bool = True, note: str = "") -> str:
    """The distance of all runs, against updates and against seconds of training, or, if not `whole`, their starts."""
    if not whole:
        starts = [replace(course, looks=course.looks[:2], arrived=False) for course in courses]
        _, high = player.decades(np.array([look.energy for course in starts for look in course.looks]))
        start = _race(starts, goal, "steps", "updates", f"the first {race.LOOK} updates", high)
        return player.clip([start], note=note)
    panels = [
        _race(courses, goal, "steps", "updates", "against updates"),
        _race(courses, goal, "seconds", "s of training", "against time"),
    ]
    return player.clip(panels, note=note)


def _race(
    courses: Sequence[race.RaceCourse], goal: float, what: str, axis: str, title: str, high: float = HIGH
) -> player.Panel:
    most = max(max(getattr(course.looks[-1], what) for course in courses), 1e-3)
    layers, named = [], set()
    for course in courses:
        name = f"{course.runner}, a seed each" if course.runner not in named else ""
        named.add(course.runner)
        x = np.array([getattr(look, what) for look in course.looks], dtype=float)
        y = np.array([look.energy for look in course.looks]).clip(LOW, high)
        layers.append(player.curve(x, y, COLOURS[course.runner], name))
        layers.append(player.points(np.array([[[x[-1], y[-1]]]]), COLOURS[course.runner], size=4, alpha=1))
    line = player.curve(np.array([0, most]), np.full(2, goal), "exact", f"{GOAL:g} × data to data", dashed=True)
    return player.panel(
        [*layers, line],
        title=title,
        label=f"Energy distance to the data, {title}, for GANs and diffusion models",
        x=(0.0, float(most), axis),
        y=(LOW, high, "energy distance", "log"),
        aspect=0.7,
    )


def race_table(courses: Sequence[race.RaceCourse]) -> str:
    """Medians and ranges as Markdown; a run that did not arrive counts as longer than all others."""
    rows = [
        "| to the dashed line | arrived | updates | s of training | numbers learned | passes to draw |",
        "|---|---|---|---|---|---|",
    ]
    for runner in RUNNERS:
        own = [course for course in courses if course.runner == runner]
        if not own:
            continue
        found = race.result(own)
        last = max(course.looks[-1].steps for course in own)
        rows.append(
            f"| {runner} | {found.arrived} of {found.runs} | {_range(found.steps, ',.0f', last)} | "
            f"{_range(found.seconds, '.1f', None)} | {parameters(runner):,} | {EVALUATIONS[runner]} |"
        )
    rows += [
        "",
        "The median over the seeds, and from the least to the most; a run that did not arrive counts as longest.",
    ]
    return "\n".join(rows)


def _range(values: tuple[float, float, float], form: str, last: int | None) -> str:
    least, middle, most = (
        format(value, form) if math.isfinite(value) else ("not reached" if last is None else f"not in {last:,}")
        for value in values
    )
    return middle if least == most else f"{middle} ({least} … {most})"


def past_film(course: overtraining.OvertrainingCourse, *, whole: bool = True, note: str = "") -> str:
    """How random D's feedback is and, if `whole`, how good the fakes are: before the moment and after it."""
    turns = np.array(course.turns, dtype=float)
    axis: player.Axis = (0.0, float(turns[-1]), "turns")
    panels = [_feedback(course, turns, axis)]
    if whole:
        panels += [_quality(course, turns, axis), _since(course, turns)]
    return player.clip(panels, note=note)


def _feedback(course: overtraining.OvertrainingCourse, turns: np.ndarray, axis: player.Axis) -> player.Panel:
    off = overtraining.RANDOM
    lines = {0.5: f"50 %, and {off:.0%} about it", 0.5 - off: "", 0.5 + off: ""}
    layers = [
        player.curve(turns[[0, -1]], np.full(2, share), "exact", name, dashed=True) for share, name in lines.items()
    ]
    keep = slice(overtraining.WINDOW - 1, None)
    for values, colour, name in (
        (course.seen_real, "real", "data taken for data"),
        (course.seen_fake, "generated", "fakes taken for fakes"),
    ):
        smooth, x = overtraining.smooth(values).numpy()[keep], turns[keep]
        if len(smooth) < 2:  # of a run that has just begun
            smooth, x = values.numpy(), turns
        layers += [player.curve(x, smooth[:, s], colour, name if s == 0 else "") for s in range(smooth.shape[1])]
    return player.panel(
        layers,
        title="how often D is right",
        label="Share of data and of fakes that D takes for what they are",
        x=axis,
        y=(0.0, 1.0, f"mean of {overtraining.WINDOW} looks"),
        aspect=0.9,
    )


def _quality(course: overtraining.OvertrainingCourse, turns: np.ndarray, axis: player.Axis) -> player.Panel:
    """Means over as many looks as those by which the moment is told."""
    known = slice(overtraining.WINDOW - 1, None) if len(turns) > overtraining.WINDOW else slice(None)
    energy = (overtraining.smooth(course.energy) if known.start else course.energy).clamp(LOW, HIGH).numpy()
    names = ["fakes to data", *[""] * (energy.shape[1] - 1)]
    layers = [player.curve(turns[known], energy[known, s], "generated", name) for s, name in enumerate(names)]
    marks = np.array([[turns[k], energy[k, s]] for s, k in enumerate(overtraining.moments(course)) if k is not None])
    if len(marks):
        layers.append(player.points(marks[None], "boundary", "feedback is random", size=5, alpha=1))
    layers.append(player.curve(turns[[0, -1]], np.full(2, course.floor), "exact", "data to data", dashed=True))
    return player.panel(
        layers,
        title="how good the fakes are",
        label="Energy distance of the fakes to the data, with the moment marked",
        x=axis,
        y=(LOW, HIGH, "energy distance", "log"),
        aspect=0.9,
    )


def _since(course: overtraining.OvertrainingCourse, turns: np.ndarray) -> player.Panel:
    """The distance since the moment, as a multiple of what it was then."""
    smooth, layers = overtraining.smooth(course.energy), []
    longest = 1.0
    for s, k in enumerate(overtraining.moments(course)):
        if k is None or len(turns) - k < 2:
            continue
        x = turns[k:] - turns[k]
        y = (smooth[k:, s] / smooth[k, s]).clamp(0.1, 10)
        longest = max(longest, float(x[-1]))
        layers.append(player.curve(x, y.numpy(), "generated", "" if layers else "fakes to data"))
    line = player.curve(np.array([0, longest]), np.ones(2), "exact", "as at the moment", dashed=True)
    return player.panel(
        [*layers, line],
        title="since that moment",
        label="Energy distance since D's feedback became random, as a multiple of what it was then",
        x=(0.0, longest, "turns since"),
        y=(0.1, 10.0, "times", "log"),
        aspect=0.9,
    )
