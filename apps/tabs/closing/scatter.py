"""The scoreboard as a picture: any column against any other, with error bars over the seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from apps import player
from apps.tabs.closing.contenders import COLOURS
from tutorial.training.contest_recorded import COLUMNS, Board, Family

Place = tuple[str, int]
"""A family's name and the number of its run."""
ROOM = 0.08
"""Share of an axis that is left free at either end."""


def chart(board: Board, x: str, y: str, opened: Place, note: str = "") -> str:
    """All runs by two columns, the means of the families with bars of a standard deviation over seeds to each side, and
    a ring around the run that is opened. Families that lack one of the numbers are named in the note."""
    across, down = axis(board, x), axis(board, y)
    layers = [*_real(board, x, y, across, down)]
    missing = []
    for family in board.families.values():
        if not family.values(x) or not family.values(y):
            missing.append(family.label)
            continue
        if family.name == opened[0]:
            layers.append(_ring(family, x, y, opened[1]))
        layers += _family(family, x, y, across, down)
    lacks = f"Not in the picture, since there is no such number: {', '.join(missing)}. " if missing else ""
    shape = player.panel(
        layers,
        title="each dot is a training; click one to open it",
        label=f"{COLUMNS[y].title} against {COLUMNS[x].title}, a dot for each training",
        x=across,
        y=down,
        aspect=0.66,
        takes="click",
    )
    return player.clip([shape], note=lacks + note)


def axis(board: Board, name: str) -> player.Axis:
    """A column's axis, logarithmic where that is the column's and all numbers are positive."""
    column = COLUMNS[name]
    values = [value for family in board.families.values() for value in family.values(name)]
    title = f"{column.title}, {column.unit}" if column.unit else column.title
    if name in board.real:
        values.append(float(board.real[name]))
    low, high = min(values), max(values)
    if column.logarithmic and low > 0:
        return (*player.decades(np.array(low), np.array(high)), title, "log")
    room = ROOM * (high - low) or 0.5 * abs(high) or 1.0
    return (low - room, high + room, title)


def share(value: float, axis: player.Axis) -> float:
    """Where a number lies on an axis: 0 at the low end, 1 at the high."""
    low, high, _, *scale = axis
    if scale:
        return math.log(max(value, 1e-300) / low) / math.log(high / low)
    return (value - low) / (high - low)


def nearest(board: Board, x: str, y: str, at: tuple[float, float]) -> Place | None:
    """The run whose dot is nearest to a place of the picture; None if there is none."""
    across, down = axis(board, x), axis(board, y)
    u, v = share(at[0], across), share(at[1], down)
    found = [
        (math.hypot(share(a, across) - u, share(b, down) - v), (family.name, k))
        for family in board.families.values()
        for k, (a, b) in enumerate(zip(family.values(x), family.values(y), strict=False))
    ]
    return min(found)[1] if found else None


def _family(family: Family, x: str, y: str, across: player.Axis, down: player.Axis) -> list[player.Layer]:
    a, b = np.array(family.values(x)), np.array(family.values(y))
    middle = np.array([[a.mean(), b.mean()]])
    colour = COLOURS[family.name]
    bars = [_bar(middle[0], family.spread(x), across, 0), _bar(middle[0], family.spread(y), down, 1)]
    notes = [_told(family, k, x, y) for k in range(len(a))]
    mean = f"{family.label}, mean: {COLUMNS[x].text(a.mean())}; {COLUMNS[y].text(b.mean())}"
    return [
        player.mesh([bar[None] for bar in bars], colour, family.label, alpha=0.9),
        player.points(np.stack([a, b], axis=1)[None], colour, family.label, size=3, alpha=0.6, notes=notes),
        player.points(middle[None], colour, family.label, size=5.5, alpha=1, notes=[mean]),
    ]


def _bar(middle: np.ndarray, spread: float, axis: player.Axis, along: int) -> np.ndarray:
    """A standard deviation to each side, (2, 2), inside the picture."""
    ends = np.stack([middle, middle])
    ends[:, along] = np.clip(ends[:, along] + np.array([-spread, spread]), axis[0], axis[1])
    return ends


def _told(family: Family, k: int, x: str, y: str) -> str:
    shown = (f"{COLUMNS[name].title} {COLUMNS[name].text(family.values(name)[k])}" for name in (x, y))
    return f"{family.label}, seed {family.runs[k]['seed']}\n" + "\n".join(shown)


def _ring(family: Family, x: str, y: str, k: int) -> player.Layer:
    at = np.array([[[family.values(x)[k], family.values(y)[k]]]])
    return player.points(at, "exact", "opened below", size=9, alpha=0.3, ring=True)


def _real(board: Board, x: str, y: str, across: player.Axis, down: player.Axis) -> Sequence[player.Layer]:
    """Dashed lines where other real digits are."""
    layers = []
    if x in board.real:
        layers.append(_line(np.full(2, float(board.real[x])), np.array(down[:2])))
    if y in board.real:
        layers.append(_line(np.array(across[:2]), np.full(2, float(board.real[y]))))
    return layers


def _line(x: np.ndarray, y: np.ndarray) -> player.Layer:
    return player.curve(x, y, "exact", "other real digits", dashed=True, told=False)
