"""Numbers in prose: a real minus, no negative zero, and powers of ten as one writes them: 2.0·10⁻⁷."""

from __future__ import annotations

import math

import numpy as np

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def plain(value: float, digits: int = 2) -> str:
    """With so many digits after the point: −0.50, ∞."""
    return f"{value:z.{digits}f}".replace("-", "−").replace("inf", "∞")


def added(value: float, digits: int = 2) -> str:
    """To be added to what stands before it: + 1.50, − 0.50."""
    text = plain(value, digits)
    return f"− {text[1:]}" if text.startswith("−") else f"+ {text}"


def size(value: float) -> str:
    """A number that is not negative, of any size: 0, 2.0·10⁻⁷, 0.0123, 123, ∞."""
    return scientific(math.log(value)) if value else "0"


def signed(value: float) -> str:
    """A number of any size with its sign: +0.5, −2.0·10⁻⁷; of zero there is none."""
    if not value:
        return "0"
    return ("+" if value > 0 else "−") + size(abs(value))


def scientific(log: float) -> str:
    """e to the power of this in three digits, or however small or large with a power of ten: 0.25, 2.0·10⁻²⁰."""
    if math.isinf(log):
        return "∞" if log > 0 else "0"
    exponent = math.floor(log / math.log(10))
    mantissa, carried = f"{math.exp(log - exponent * math.log(10)):.1e}".split("e")
    exponent += int(carried)  # of what was rounded up to 10
    if -3 <= exponent < 4:
        return np.format_float_positional(math.exp(log), precision=3, fractional=False, trim="-")
    return f"{mantissa}·10{str(exponent).translate(RAISED)}"


def chance(log_odds: float) -> str:
    """A probability that has these log-odds, in percent or, near its ends, by how little it misses them."""
    log, log_rest = (-float(np.logaddexp(0, odds)) for odds in (-log_odds, log_odds))
    if log < math.log(1e-3):
        return scientific(log)
    return f"1 − {scientific(log_rest)}" if log_rest < math.log(1e-3) else f"{math.exp(log):.1%}"
