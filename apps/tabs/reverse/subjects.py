"""What the chapter's pictures are of: digits, drawn among pixels, and critters, drawn as latents."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from apps import models
from tutorial.data.critter_art import render
from tutorial.data.critter_words import describe
from tutorial.data.critters import EVALUATION_SEED, any_critter
from tutorial.data.digits import CLASSES, SIDE, digits
from tutorial.data.pixels import from_image, to_arrays, to_signed
from tutorial.diffusion.guidance import guided
from tutorial.diffusion.inversion import invert
from tutorial.diffusion.samplers import Model, Step, named

ANY = "any digit"
DIGITS = {f"the digit {k}": k for k in range(CLASSES)} | {ANY: CLASSES}
"""Name → the class that the network is told."""
CRITTERS = {
    describe(wanted): wanted
    for wanted in (
        {"colour": "yellow", "mood": "smiling", "ears": "long"},
        {"colour": "blue", "hat": "crown"},
        {"colour": "pink", "eyes": "single", "background": "sea"},
    )
}
"""Prompt → the attributes that it asks for."""
NAMES = (*CRITTERS, *DIGITS)
AT_ONCE = 4
"""Pictures that are decoded before there is a place to pause."""


@dataclass(frozen=True)
class Subject:
    """A shipped model that is told what to draw."""

    model: Model
    nothing: Tensor
    """What it is told when it is told nothing: (1, …), like `cond`."""
    cond: Tensor
    shape: tuple[int, int, int]
    """Of a state, without the batch."""
    decode: Callable[[Tensor], Tensor]
    """From states to pictures in [−1, 1]."""
    smooth: bool
    """Whether its pictures are shown smooth; of those of 28 × 28 each pixel is to be seen."""

    def walk(self, x_T: Tensor, sampler: str, steps: int, guidance: float, **own: Any) -> Iterator[Step]:
        """A sampler's steps from x_T (B, …)."""
        walk, model, cond = named(sampler, **own), self.model, self.cond.expand(len(x_T), *self.cond.shape[1:])
        denoise = guided(model.denoise, self.nothing, guidance)
        return walk(denoise, model.schedule, x_T, steps=steps, predicts=model.predicts, cond=cond)

    def invert(self, x0: Tensor, steps: int) -> Iterator[Step]:
        """The steps from data x0 (1, …) up to its noise, without guidance: exaggeration has no way back."""
        model = self.model
        return invert(model.denoise, model.schedule, x0, steps=steps, predicts=model.predicts, cond=self.cond)

    def pixels(self, x: Tensor) -> Iterator[Tensor]:
        """States (N, …) as pictures (·, 1 or 3, H, W) in [−1, 1], a few at a time."""
        return map(self.decode, x.split(AT_ONCE))


def subject(name: str) -> Subject:
    """The model that draws one of `NAMES`. Raises weights.WeightsError if its weights are missing."""
    if name in DIGITS:
        scribe, decode = models.digit_diffusion(), partial(torch.clamp, min=-1, max=1)
        nothing, told = torch.tensor([scribe.nothing]), torch.tensor([DIGITS[name]])
        return Subject(scribe.model, nothing, told, (1, SIDE, SIDE), decode, smooth=False)
    artist = models.latent_diffusion()
    nothing, told = artist.words([""]), artist.words([name])
    return Subject(artist.model, nothing, told, artist.shape, artist.decode, smooth=True)


@torch.no_grad()
def original(name: str, seed: int) -> tuple[Tensor, Tensor]:
    """A picture of it that no model has seen: pixels (1, C, H, W) in [−1, 1], and the same as a state (1, …).

    A digit is one of MNIST's test digits, a critter is drawn afresh. Raises data.digits.DataError if there are none.
    """
    if name in DIGITS:
        x, y = digits("test")
        rows = x if name == ANY else x[y == DIGITS[name]]
        picture = to_signed(rows[seed % len(rows)][None])
        return picture, picture
    picture = to_signed(from_image(render(any_critter(EVALUATION_SEED + seed, **CRITTERS[name])))[None])
    autoencoder = models.latent_diffusion().autoencoder
    return picture, autoencoder.encode(picture)[0] * autoencoder.config.scaling_factor


def rgb(x: Tensor) -> np.ndarray:
    """Pictures (N, 1 or 3, H, W) in [−1, 1] → (N, H, W, 3) uint8."""
    return to_arrays(x.expand(-1, 3, -1, -1))
