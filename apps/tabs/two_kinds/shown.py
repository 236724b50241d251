"""What several labs of the chapter show: real digits as points, one digit large, and numbers of any size in words."""

from __future__ import annotations

import math

import numpy as np
from torch import Tensor

from apps import player
from apps.tabs.two_kinds import plane

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def cloud(points: Tensor, labels: Tensor, size: float = 1.4) -> list[player.Layer]:
    """Real zeros and ones (N, d), labels (N,), at their first two coordinates."""
    xy = points[:, :2].numpy()
    rim = player.points(xy[None], "paper", size=size + 0.7, alpha=0.35)
    return [
        rim,
        *(
            player.points(xy[None, labels.numpy() == k], colour, f"real {k}", size=size, alpha=0.6)
            for k, colour in ((0, "zero"), (1, "one"))
        ),
    ]


def digit(pictures: Tensor, title: str, width: float = 1) -> player.Panel:
    """One digit (1, 1, 28, 28) in [0, 1] as a panel."""
    return player.panel([player.image(plane.rgb(pictures))], title=title, width=width)


def mark(x: float, y: float) -> list[player.Layer]:
    """A place that is asked about, seen on every map."""
    at = np.array([[[x, y]]])
    return [
        player.points(at, "paper", size=8, alpha=1),
        player.points(at, "generated", "you ask here", size=6, alpha=1),
    ]


def percent(p: float) -> str:
    """A probability in percent, with as many nines as it has up to a millionth."""
    return "more than 99.9999%" if p > 1 - 1e-6 else f"{100 * p:.4g}%"


def chance(log_odds: float) -> str:
    """A probability that has these log-odds, in percent or, near its ends, by how little it misses them."""
    log, log_rest = (-float(np.logaddexp(0, odds)) for odds in (-log_odds, log_odds))
    if log < math.log(1e-3):
        return scientific(log)
    return f"1 − {scientific(log_rest)}" if log_rest < math.log(1e-3) else f"{math.exp(log):.1%}"


def signed(value: float) -> str:
    """With three digits, and a proper minus."""
    return f"{value:+.3g}".replace("-", "−")


def scientific(log: float) -> str:
    """e to the power of this, as a decimal number or with a power of ten, however small."""
    exponent = math.floor(log / math.log(10))
    mantissa, carried = f"{math.exp(log - exponent * math.log(10)):.1e}".split("e")
    exponent += int(carried)  # of what was rounded up to 10
    if -3 <= exponent < 4:
        return f"{math.exp(log):.3g}"
    return f"{mantissa} · 10{str(exponent).translate(RAISED)}"
