"""Pictures for the autoencoder: a critter by its seed or by its description, or one of the visitor's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from apps import limits
from apps.pictures import read_picture
from apps.tabs.latent.studio import LONGEST_PROMPT, SEEDS
from tutorial.data.critter_art import render
from tutorial.data.critter_words import describe
from tutorial.data.critters import EVALUATION_SEED, Critter, any_critter
from tutorial.data.described import attributes
from tutorial.data.pixels import from_image, to_signed

SEED, WORDS, OWN = SOURCES = ("a critter by its seed", "a critter you describe", "your own picture")
SIDE = 64
"""Height and width of the pictures that the autoencoder was trained on."""
LAST_SEED = SEEDS - EVALUATION_SEED
CROWD = 64
"""Fresh critters over which something is averaged."""


@dataclass(frozen=True)
class Source:
    """Where the picture comes from, every value checked; `own` is a visitor's picture, (64, 64, 3) uint8."""

    kind: str
    seed: int
    asked: Mapping[str, str]
    own: np.ndarray | None

    @property
    def critter(self) -> Critter | None:
        """The critter; None for a visitor's own picture. No training has seen it, whatever its seed."""
        return None if self.own is not None else any_critter(EVALUATION_SEED + self.seed, **self.asked)

    @property
    def picture(self) -> Tensor:
        """(1, 3, 64, 64) in [−1, 1]."""
        if self.own is not None:
            return to_signed(torch.from_numpy(self.own).permute(2, 0, 1))[None]
        critter = self.critter
        assert critter is not None
        return drawn(critter)

    @property
    def prompt(self) -> str:
        """What the critter looks like, in words; of a visitor's own picture nothing is known."""
        return "" if self.critter is None else describe(self.critter.attributes)

    @property
    def name(self) -> str:
        """What it is called in a sentence."""
        if self.kind == OWN:
            return "Your picture"
        return f"Critter {self.seed}" if self.kind == SEED else "The critter you described"

    @property
    def told(self) -> str:
        """What should be known of it: how it was read."""
        if self.kind == OWN:
            return (
                f"Its middle square, scaled to {SIDE} × {SIDE}, white where it was transparent. This autoencoder "
                "has learned from critters alone; how far that carries is what you see."
            )
        if self.kind == SEED:
            return "No training has seen this critter."
        read = ", ".join(f"{name} {value}" for name, value in self.asked.items())
        return f"Read from your words: {read}. The rest comes from the seed."


def check(kind: Any, seed: Any, description: Any, picture: Any) -> Source:
    """Raises gr.Error for the first value that is not as it should be; `picture` is the path of a file."""
    kind = limits.choice("The picture", kind, SOURCES)
    number = limits.whole("The critter’s seed", seed, 0, LAST_SEED)
    asked = attributes(limits.text("The description", description, LONGEST_PROMPT)) if kind == WORDS else {}
    if kind == WORDS and not asked:
        raise limits.refuse(
            "No word of this description says what a critter looks like. Try “a blue one with a crown”."
        )
    if kind == OWN and not picture:
        raise limits.refuse("Drop a picture of yours first.")
    return Source(kind, number, asked, read_picture(picture, SIDE) if kind == OWN else None)


def drawn(critter: Critter) -> Tensor:
    """A critter's picture, (1, 3, 64, 64) in [−1, 1]."""
    return to_signed(from_image(render(critter, SIDE)))[None]


@cache
def fresh(k: int) -> Tensor:
    """The picture of the fresh critter number k: (1, 3, 64, 64). The first `CROWD` make the mean latent."""
    return drawn(any_critter(EVALUATION_SEED + k))
