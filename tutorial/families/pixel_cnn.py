"""A PixelCNN at work: how likely a picture is, all pixels at once; and pictures drawn, one pixel after the other.

p(x) = Π p(x_i | x_<i), pixels in reading order (van den Oord et al. 2016a, equation 1). Where x is known, one pass of
the network gives all factors. Where it is to be drawn, each factor must wait for the pixels before it; but nothing that
is known of those has to be computed again (Ramachandran et al. 2017, "Fast generation for convolutional autoregressive
models").
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from tutorial import weights
from tutorial.data.digits import SIDE
from tutorial.networks.pixel_cnn import GatedLayer, PixelCNN

PUBLISHED = "PixelCNN 81.3, MADE 86.6, VAEs of several papers 86–88"
"""Nats of MNIST's test digits. The first two are from van den Oord et al. 2016a, table 4, of one fixed binarisation.
VAEs have a range, by several ways to bound and to binarise (anew in Burda et al. 2016, table 1). Of all of it, none is
strictly comparable."""


def surprise(logits: Tensor, x: Tensor) -> Tensor:
    """−log p(x_i | x_<i) of each pixel, in nats, in the shape of both; their sum is −log p(x), by the chain rule."""
    return F.binary_cross_entropy_with_logits(logits, x, reduction="none")


@torch.no_grad()
def nats(model: PixelCNN, x: Tensor) -> Tensor:
    """−log p(x) in nats of pictures (B, 1, 28, 28) of zeros and ones: (B,)."""
    return surprise(model(x), x).flatten(1).sum(1)


@dataclass(frozen=True)
class Drawn:
    """The state of pictures (B, 1, 28, 28) just after their row number `row` was filled."""

    row: int
    x: Tensor
    """Zeros and ones; all zeros in the rows below."""
    p: Tensor
    """p(x_i = 1 | x_<i) of all pixels so far, those that were given too; NaN in the rows below."""


@torch.no_grad()
def draw(
    model: PixelCNN, given: Tensor, kept: int = 0, *, ways: int = 1, generator: torch.Generator | None = None
) -> Iterator[Drawn]:
    """Draws what is missing below the first `kept` rows of pictures (B, 1, 28, 28) of zeros and ones.

    Each is finished in so many ways, which stand one after the other: (B · ways, 1, 28, 28). Yields after each row,
    from row number `kept` on; with all 28 kept, once. Raises ValueError for a number of rows that is not from 0 to 28.
    """
    if not 0 <= kept <= SIDE:
        raise ValueError(f"The rows that are kept must be between 0 and {SIDE}; got {kept}.")
    x, p = given.clone(), torch.full_like(given, torch.nan)
    x[:, :, kept:] = 0
    p[:, :, :kept] = model(x).sigmoid()[:, :, :kept]  # what is known needs one pass only, however many the ways
    x, p = x.repeat_interleave(ways, 0), p.repeat_interleave(ways, 0)
    if kept == SIDE:
        yield Drawn(SIDE - 1, x, p)
        return
    for row, told in enumerate(from_above(model, x, kept, ways)):
        if row >= kept:
            draw_row(model, x, p, row, told, generator)
            yield Drawn(row, x.clone(), p.clone())


def from_above(model: PixelCNN, x: Tensor, kept: int = 0, ways: int = 1) -> Iterator[list[Tensor]]:
    """What the vertical stack says to each layer of the horizontal one, row by row: (B, 2C, 1, 28) each.

    Row i of x need not be there before row i + 1 is asked for. Each layer remembers the last rows of its input. In the
    first `kept` rows, so many pictures after one another are alike, and one of them is looked at.
    """
    first = x[::ways]
    memory = [x.new_zeros(len(first), model.config.channels, model.config.reach, SIDE) for _ in model.layers]
    row_above = torch.zeros_like(first[:, :, :1])
    for row in range(SIDE):
        if row == kept:  # from here on they differ
            memory = [rows.repeat_interleave(ways, 0) for rows in memory]
            row_above = row_above.repeat_interleave(ways, 0)
        v, told = model.above(row_above) + model.v_place[:, :, row : row + 1], []
        for k, layer in enumerate(_layers(model)):
            rows = torch.cat([memory[k], v], dim=2)
            v, memory[k] = v + layer.vertical(rows), rows[:, :, 1:]
            told.append(layer.link(v))
        yield told
        row_above = (first if row < kept else x)[:, :, row : row + 1]


def draw_row(
    model: PixelCNN, x: Tensor, p: Tensor, row: int, told: list[Tensor], generator: torch.Generator | None
) -> None:
    """Draws a row of x, pixel by pixel, and notes in p how likely each was to be 1.

    Each layer remembers the last pixels of its input.
    """
    memory = [x.new_zeros(len(x), model.config.channels, 1, model.config.reach) for _ in model.layers]
    pixel = torch.zeros_like(x[:, :, :1, :1])
    for i in range(SIDE):
        h = model.left(pixel) + model.h_place[:, :, row : row + 1, i : i + 1]
        for k, layer in enumerate(_layers(model)):
            pixels = torch.cat([memory[k], h], dim=3)
            h, memory[k] = h + layer.horizontal(pixels, told[k][..., i : i + 1]), pixels[..., 1:]
        likely = model.read(h).sigmoid()  # (B, 1, 1, 1)
        pixel = torch.bernoulli(likely.cpu(), generator=generator).to(x.device)
        p[:, :, row, i], x[:, :, row, i] = likely[:, :, 0, 0], pixel[:, :, 0, 0]


def _layers(model: PixelCNN) -> Iterator[GatedLayer]:
    for layer in model.layers:
        assert isinstance(layer, GatedLayer)
        yield layer


def load(folder: Path = weights.FOLDER, device: torch.device | str = "cpu") -> PixelCNN:
    """The model that is shipped. Raises weights.WeightsError if a file is missing or damaged."""
    return weights.load("pixel_cnn", folder, device)
