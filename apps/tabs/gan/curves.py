"""What the lab "diagram" draws of a game's course: the gauges, on one axis of turns, and D beside the best D."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from apps import player, worlds
from apps.tabs.gan import frames
from apps.tabs.gan.play import Look, Play, Row
from tutorial.gans.losses import LOSSES

FEWEST_TURNS = 200.0
"""The shortest axis of turns."""
PERFECT = "perfect generator, estimated alike"
WORST = 1e3
"""The loss curves end there, above and below."""


def gauges(play: Play, look: Look) -> str:
    """The curves so far, each with what it is measured against, and D beside the best D; the note says what is left
    out, and why."""
    rows = play.rows.items
    now = play.present
    same = [row for row in rows if row.loss == now.loss]
    turns: player.Axis = (0.0, max(FEWEST_TURNS, float(rows[-1].turns)), "turns")
    found = [
        _losses(same, now, turns),
        _seen(same, now, turns),
        _slopes(rows, now, turns),
        _modes(play, rows, now, turns),
        _energy(play, rows, now, turns),
        _value(play, rows, now, turns),
        *_both(look),
    ]
    return player.clip([panel for panel in found if panel is not None], note=left_out(play, rows, now))


def left_out(play: Play, rows: Sequence[Row], now: Row) -> str:
    """What cannot be said of this loss and this world."""
    said = []
    if LOSSES[now.loss].boundary is None:
        said.append(
            "A Wasserstein critic has no answer that means ½: only differences of its answers count. So there is no "
            "share that it sees right, no best D = p/(p+q) to compare it with, and no C(G), which is that D’s."
        )
    if play.modes is None:
        said.append("These data have no modes to count.")
    if play.density is None:
        said.append("Their density p is not known in closed form, so neither is the best D, nor C(G).")
    elif play.setup.setup.pack > 1 and LOSSES[now.loss].boundary is not None:
        said.append("D judges pairs: its map is of a place beside some of the fakes, and D* is that of single points.")
    if any(row.loss != now.loss for row in rows):
        said.append("D’s losses and shares are drawn for the present loss only: those of others have another scale.")
    return " ".join(said)


def _curve(
    rows: Sequence[Row],
    read: Callable[[Row], float],
    colour: str,
    name: str,
    now: Row,
    *,
    positive: bool = False,
) -> list[player.Layer]:
    """A curve through what is a number; its dot is where the game stands. None if nothing is."""
    there = [row for row in rows if math.isfinite(read(row)) and (read(row) > 0 or not positive)]
    if not there:
        return []
    at = max((k for k, row in enumerate(there) if row.turns <= now.turns), default=0)
    x = np.array([row.turns for row in there], dtype=float)
    return [player.curve(x, np.array([read(row) for row in there]), colour, name, marker=[at])]


def _line(turns: player.Axis, height: float, name: str, colour: str = "exact") -> player.Layer:
    return player.curve(np.array(turns[:2]), np.full(2, height), colour, name, dashed=True)


def _panel(title: str, layers: Sequence[player.Layer], turns: player.Axis, y: player.Axis) -> player.Panel:
    return player.panel(layers, title=title, x=turns, y=y, aspect=0.8)


def _numbers(rows: Sequence[Row], *reads: Callable[[Row], float]) -> np.ndarray:
    found = np.array([read(row) for read in reads for row in rows], dtype=float)
    return found[np.isfinite(found)]


def _losses(rows: Sequence[Row], now: Row, turns: player.Axis) -> player.Panel:
    guessing = LOSSES[now.loss].guessing
    found = np.append(_numbers(rows, lambda row: row.loss_d, lambda row: row.loss_g), guessing).clip(-WORST, WORST)
    low, high = float(found.min()), float(found.max())
    room = 0.08 * max(high - low, 0.1)
    layers = [
        *_curve(rows, lambda row: row.loss_d, "field", "D", now),
        *_curve(rows, lambda row: row.loss_g, "generated", "G", now),
        _line(turns, guessing, "D, if it guesses"),
    ]
    return _panel("losses", layers, turns, (low - room, high + room, ""))


def _seen(rows: Sequence[Row], now: Row, turns: player.Axis) -> player.Panel | None:
    if LOSSES[now.loss].boundary is None:
        return None
    layers = [
        *_curve(rows, lambda row: 100 * row.seen_real, "real", "of data", now),
        *_curve(rows, lambda row: 100 * row.seen_fake, "generated", "of fakes", now),
        _line(turns, 50, "50 %: random feedback"),
    ]
    return _panel("what D sees right, in %", layers, turns, (-3.0, 103.0, ""))


def _slopes(rows: Sequence[Row], now: Row, turns: player.Axis) -> player.Panel:
    layers = [
        *_curve(rows, lambda row: row.slope_d, "field", "D", now, positive=True),
        *_curve(rows, lambda row: row.slope_g, "generated", "G", now, positive=True),
    ]
    found = _numbers(rows, lambda row: row.slope_d, lambda row: row.slope_g)
    found = found[found > 0] if (found > 0).any() else np.ones(1)
    return _panel("norms of the gradients", layers, turns, (*player.decades(found), "", "log"))


def _modes(play: Play, rows: Sequence[Row], now: Row, turns: player.Axis) -> player.Panel | None:
    if play.modes is None:
        return None
    n = len(play.modes.means)
    layers = [
        *_curve(rows, lambda row: 100 * row.modes / n, "generated", f"of {n} modes, reached", now),
        *_curve(rows, lambda row: 100 * row.high_quality, "field", "of fakes, within 3σ of one", now),
    ]
    return _panel("modes, in %", layers, turns, (-3.0, 103.0, ""))


def _energy(play: Play, rows: Sequence[Row], now: Row, turns: player.Axis) -> player.Panel:
    floor = play.gauges.floor
    layers = [
        *_curve(rows, lambda row: row.energy, "generated", "fakes to data", now, positive=True),
        _line(turns, floor, "data to data"),
    ]
    found = _numbers(rows, lambda row: row.energy)
    ends = player.decades(found[found > 0] if (found > 0).any() else np.ones(1), np.array(floor))
    return _panel("energy distance", layers, turns, (*ends, "", "log"))


def _value(play: Play, rows: Sequence[Row], now: Row, turns: player.Axis) -> player.Panel | None:
    if play.density is None or LOSSES[now.loss].boundary is None:
        return None
    layers = [
        *_curve(rows, lambda row: row.value, "generated", "C(G)", now),
        _line(turns, -math.log(4), "−log 4: q = p"),
        _line(turns, play.floor, PERFECT, "real"),
    ]
    low = min(-math.log(4), *_numbers(rows, lambda row: row.value), play.floor)
    return _panel("C(G): against the best D", layers, turns, (low - 0.05, 0.03, "nats"))


def _both(look: Look) -> list[player.Panel]:
    """D beside D*, where it strives for that."""
    if look.best is None or LOSSES[look.row.loss].boundary is None:
        return []
    best = player.heat(look.best.verdicts[None].numpy(), "D*", low=0, high=1, map="verdict", smooth=True)
    return [
        player.panel([layer], title=title, label=title, x=worlds.AXIS, y=worlds.AXIS)
        for layer, title in ((frames.heat(look.view, "D"), "D as it is"), (best, "the best D for these fakes"))
    ]
