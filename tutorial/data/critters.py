"""Critters: an endless, checkable picture world for text-to-image learning.

A critter is ten attributes (what a caption may speak of) and a pose (what it may not). Everything follows
from an integer seed: the attributes, the pose, the picture (`critter_art.render`) and its caption
(`critter_words.caption`). There are 2,654,208 attribute combinations, so a model cannot have seen more
than a few of them, and some pairs of values never occur in training at all (`held_out`), so that
composition, rather than recall, can be measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np

ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "colour": ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white"),
    "body": ("round", "tall", "wide", "square"),
    "pattern": ("plain", "spots", "stripes", "belly"),
    "ears": ("none", "long", "round", "pointy", "floppy", "antennae"),
    "eyes": ("dots", "big", "sleepy", "single"),
    "mood": ("smiling", "sad", "surprised", "laughing"),
    "cheeks": ("none", "red"),
    "hat": ("none", "crown", "top hat", "party hat", "woolly hat", "flower"),
    "neck": ("none", "scarf", "bow tie"),
    "background": ("meadow", "desert", "sunset", "night", "snow", "sea"),
}
"""Attribute name → its values, in the order of their class indices."""

COMBINATIONS = math.prod(len(values) for values in ATTRIBUTES.values())

TRAINING_SEEDS = range(60_000)
"""Seeds of the critters that the shipped models were trained on; any other seed is a fresh critter."""
EVALUATION_SEED = 10_000_000
"""First seed of the critters used for measurements: far from every training seed."""

HELD_OUT_COUPLES: dict[tuple[str, str], int] = {
    ("colour", "hat"): 0,
    ("ears", "background"): 4,
}
"""Couples of attributes some of whose value pairs never occur in training, each with the rule's offset."""


@dataclass(frozen=True)
class Critter:
    """One critter: ten attributes, each a value of `ATTRIBUTES`, and a pose in 1/64ths of the picture.

    `x`, `y` move the critter, `scale` is its size relative to the usual one, `drift` slides the scenery.
    """

    colour: str
    body: str
    pattern: str
    ears: str
    eyes: str
    mood: str
    cheeks: str
    hat: str
    neck: str
    background: str
    x: float = 0.0
    y: float = 0.0
    scale: float = 1.0
    drift: float = 0.0

    def __post_init__(self) -> None:
        for name, values in ATTRIBUTES.items():
            if getattr(self, name) not in values:
                raise ValueError(f"{name} must be one of {', '.join(values)}; got {getattr(self, name)!r}.")

    @property
    def attributes(self) -> dict[str, str]:
        return {name: value for name, value in asdict(self).items() if name in ATTRIBUTES}

    @property
    def labels(self) -> tuple[int, ...]:
        """Class index of each attribute, in the order of `ATTRIBUTES`."""
        return tuple(values.index(getattr(self, name)) for name, values in ATTRIBUTES.items())


def held_out_pairs() -> list[tuple[str, str, str, str]]:
    """All value pairs that training never shows, as (attribute, value, other attribute, other value).

    The rule: within a couple, the pair with value indices (i, j) is held out when 3i + 7j + offset is
    a multiple of 10. Values that are an absence ("none", "plain") stay out of it, since a caption
    usually passes over them in silence.
    """
    return [
        (first, a, second, b)
        for (first, second), offset in HELD_OUT_COUPLES.items()
        for i, a in enumerate(ATTRIBUTES[first])
        for j, b in enumerate(ATTRIBUTES[second])
        if (3 * i + 7 * j + offset) % 10 == 0 and not {a, b} & {"none", "plain"}
    ]


_HELD_OUT = frozenset(held_out_pairs())


def is_held_out(critter: Critter) -> bool:
    """Whether a critter shows a pair of values that training must never see."""
    return any(
        (first, getattr(critter, first), second, getattr(critter, second)) in _HELD_OUT
        for first, second in HELD_OUT_COUPLES
    )


def any_critter(seed: int, **fixed: str) -> Critter:
    """The critter of a seed, drawn uniformly over all combinations; `fixed` overrides attributes."""
    rng = np.random.default_rng(seed)
    return _draw(rng, fixed)


def training_critter(seed: int) -> Critter:
    """The critter of a seed, drawn uniformly over the combinations that training may see."""
    rng = np.random.default_rng(seed)
    while is_held_out(critter := _draw(rng, {})):
        pass
    return critter


def critters(seeds: range, *, training: bool) -> Iterator[Critter]:
    """The critters of a range of seeds, with (`training=False`) or without held-out pairs."""
    return map(training_critter if training else any_critter, seeds)


def _draw(rng: np.random.Generator, fixed: dict[str, str]) -> Critter:
    chosen = {name: values[rng.integers(len(values))] for name, values in ATTRIBUTES.items()}
    x, y, scale, drift = rng.uniform((-3.5, -1.5, 0.92, -4.0), (3.5, 1.5, 1.06, 4.0))
    return Critter(**{**chosen, **fixed}, x=x, y=y, scale=scale, drift=drift)
