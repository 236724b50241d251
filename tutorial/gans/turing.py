"""Real or fake? The pictures of a game in which a visitor is the discriminator, and what a score in it says.

Before each round a fair coin decides whether the digit is a real one. Whoever sees no difference is then right with
probability ½ in every round, whatever was said before, so that a score is Binomial(n, ½). With as many real digits as
fakes, fixed ahead, that would not be so: see `counting`.
"""

from __future__ import annotations

import base64
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist

import numpy as np
import torch
from torch import Tensor

from tutorial import measurements
from tutorial.data.digits import SIDE

ROUNDS = 20
"""Digits of a game."""
LEVEL = 0.95
"""How often an interval holds the true share, about."""
Z = NormalDist().inv_cdf((1 + LEVEL) / 2)
FAINTEST = 0.02
"""Grey below this counts as black. On a black ground nobody sees it, but drawn pixel by pixel it would become white
dots, and a diffusion model leaves some of it behind."""
NAME, COMMAND = "who_drew", "python -m tutorial.training.who_drew"
"""The recorded pictures, and what records them."""


def wilson(right: int, n: int, z: float = Z) -> tuple[float, float]:
    """Ends in [0, 1] of the interval around the share `right` / n of n independent answers.

    All p that lie within z of their own standard errors √(p (1 − p) / n) of the share (Wilson 1927); what Brown, Cai &
    DasGupta 2001 advise for n as small as here. Raises ValueError unless 0 ≤ right ≤ n and n > 0.
    """
    if not 0 <= right <= n or n == 0:
        raise ValueError(f"Of one answer or more, between none and all are right; got {right} of {n}.")
    middle, reach = right + z**2 / 2, z * math.sqrt(right * (n - right) / n + z**2 / 4)
    low = 0.0 if right == 0 else (middle - reach) / (n + z**2)
    high = 1.0 if right == n else (middle + reach) / (n + z**2)
    return low, high


def at_least(right: int, n: int, p: float = 0.5) -> float:
    """P(X ≥ right) of X ~ Binomial(n, p), in [0, 1]: with p = ½, how often a guesser scores as high or higher.

    Raises ValueError unless 0 ≤ right ≤ n + 1, which nobody reaches, and 0 ≤ p ≤ 1.
    """
    if not 0 <= right <= n + 1 or not 0 <= p <= 1:
        raise ValueError(f"Need a score of {n} answers and a probability; got {right} and {p}.")
    return math.fsum(math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(right, n + 1))


def hardly_chance(n: int, level: float = 1 - LEVEL) -> int:
    """The lowest score of n that a guesser reaches with probability `level` at most; n + 1 if there is none."""
    right, ways = n + 1, 0  # ways: how many of the 2ⁿ sequences of answers have that score or more
    while right > 0 and (ways := ways + math.comb(n, right - 1)) <= level * 2**n:
        right -= 1
    return right


def rounds_needed(p: float, level: float = 1 - LEVEL, power: float = 0.8) -> int:
    """The fewest rounds after which someone who is right with probability p has a score that is `hardly_chance`, with
    probability `power` or more.

    Raises ValueError for a p that is not in [0.55, 1]: for less, it takes more rounds than anyone plays.
    """
    if not 0.55 <= p <= 1:
        raise ValueError(f"Need a probability between 0.55 and 1 of being right; got {p}.")
    return next(n for n in itertools.count(1) if at_least(hardly_chance(n, level), n, p) >= power)


def counting(each: int) -> float:
    """The expected score of someone who sees no difference but counts, where `each` of 2 · `each` digits are real.

    They answer with the kind of which more are still to come; in a tie, with either. Blackwell & Hodges 1957, who ask
    how well a physician can guess which of two treatments is next.
    """
    return each + (4**each / math.comb(2 * each, each) - 1) / 2


def verdict(right: int, n: int = ROUNDS) -> str:
    """What a score says: the share, its interval, and how often a guesser gets as far from the middle on that side.

    Raises ValueError unless 0 ≤ right ≤ n and n > 0.
    """
    low, high = wilson(right, n)
    above = 2 * right >= n
    tail = at_least(right if above else n - right, n)  # both tails of Binomial(n, ½) are alike
    scores = f"{right} of {n}" if right in (0, n) else f"{right} or {'more' if above else 'fewer'}"
    said = (
        f"{right} of {n} right is {right / n:.0%}, with a {LEVEL:.0%} interval from {low:.0%} to {high:.0%}; "
        f"chance is 50%. Someone who only guesses gets {scores} in {_often(tail)}. "
    )
    if 2 * right == n:
        return said + "Your answers say no more about the digits than a coin would."
    if tail > 1 - LEVEL:
        return said + "So this may well be chance."
    return said + (
        "That is hardly chance: you can tell them apart."
        if above
        else "That is hardly chance: you can tell them apart, but take the one kind for the other."
    )


def _often(p: float) -> str:
    return f"{p:.1%} of all games" if p >= 0.01 else f"one game out of {1 / p:,.0f}"


def percentages(most: int) -> np.ndarray:
    """Ends of `wilson` in whole percent, for 0 … n right out of each n from 1 to `most`, one n after the other:
    (Σ (n + 1), 2) uint8. That of n begins at row (n − 1) (n + 2) / 2."""
    ends = [wilson(right, n) for n in range(1, most + 1) for right in range(n + 1)]
    return np.round(100 * np.array(ends)).astype(np.uint8)


@dataclass(frozen=True)
class Source:
    """Digits of one hand."""

    name: str
    made: str
    """In a few words: by which model, with which settings."""
    pictures: Tensor
    """(N, 1, 28, 28) float32 in {0, 1}, ink 1."""
    classes: Tensor
    """(N,) int64: what they show, as far as is known."""
    real: bool = False


def save(sources: Sequence[Source], command: str = COMMAND, folder: Path = measurements.FOLDER) -> None:
    """Writes the pictures, eight pixels to a byte."""
    rows = [
        {"name": s.name, "made": s.made, "real": s.real, "classes": s.classes.tolist(), "pixels": packed(s.pictures)}
        for s in sources
    ]
    measurements.save(NAME, command, {"sources": rows}, folder)


def load(folder: Path = measurements.FOLDER) -> list[Source]:
    """The recorded pictures. Raises tutorial.measurements.MeasurementsError if they are missing or damaged."""
    return measurements.read(NAME, lambda found: [_source(**row) for row in found["sources"]], ("sources",), folder)


def _source(name: str, made: str, real: bool, classes: list[int], pixels: str) -> Source:
    bits = np.unpackbits(np.frombuffer(base64.b64decode(pixels, validate=True), np.uint8))
    pictures = torch.from_numpy(bits.reshape(len(classes), 1, SIDE, SIDE)).float()
    return Source(str(name), str(made), pictures, torch.tensor(classes), bool(real))


def packed(pictures: Tensor) -> str:
    """Pictures (N, 1, 28, 28) of zeros and ones → base64 of 98 bytes each, row by row; first comes the highest bit."""
    return base64.b64encode(np.packbits(pictures.numpy().astype(bool)).tobytes()).decode()
