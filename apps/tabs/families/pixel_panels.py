"""What the lab "pixels" shows: digits as they come, how likely each pixel was, and the numbers beneath."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from apps import player
from apps.digit_input import AXIS, distance
from apps.pictures import channels
from tutorial.data.digits import SIDE
from tutorial.diffusion import pixel
from tutorial.families.pixel_cnn import PUBLISHED, Drawn, surprise

PEN = 1.4
"""Pixels of the pen's radius: strokes come out about as thick as MNIST's."""
BLACK, GIVEN, GENERATED, DROPPED, MISSING = np.array(
    [(0, 0, 0), (86, 180, 233), (240, 147, 74), (70, 74, 82), (128, 133, 142)], np.uint8
)
"""What is white on paper is here in the colours of "real" and "generated" that `player.css` has for dark ground; what
was given but not kept, and what is still to be drawn, are grey."""
MOST = 3.0
"""Nats at the upper end of the map of surprise: what a pixel has that was given 5 %."""


def inked(stroke: np.ndarray) -> np.ndarray:
    """The pixels under a stroke (N, 2), x and y in pixels from the lower left corner: (28, 28) bool."""
    return distance(stroke) <= PEN


def beginning(given: np.ndarray, kept: int) -> player.Panel:
    """The digit (28, 28) that is begun with, what is kept of it in colour, to be drawn on."""
    rgb = coloured(given, kept)
    rgb[kept:][given[kept:] > 0] = DROPPED
    edge = np.full(2, SIDE - kept, dtype=float)
    layers = [player.image(rgb[None])]
    if 0 < kept < SIDE:
        layers.append(player.curve(np.array([0.0, SIDE]), edge, "noise", "kept above this line", dashed=True))
    return player.panel(
        layers,
        title="draw here to begin another",
        label="The beginning, to draw on",
        x=AXIS,
        y=AXIS,
        width=0.2,
        takes="points",
    )


def coloured(x: np.ndarray, kept: int) -> np.ndarray:
    """Zeros and ones (…, 28, 28) → RGB (…, 28, 28, 3): the first rows as given, the others as generated."""
    rgb = np.where(x[..., None] > 0, GENERATED, BLACK)
    rgb[..., :kept, :, :] = np.where(x[..., :kept, :, None] > 0, GIVEN, BLACK)
    return rgb


def mosaic(rgb: np.ndarray, shown: list[int]) -> np.ndarray:
    """Pictures (N, 28, 28, 3) side by side, as they are after so many rows: (T, H, W, 3)."""
    frames = np.repeat(rgb[None], len(shown), axis=0)
    for frame, rows in zip(frames, shown, strict=True):
        frame[:, rows:] = MISSING
    tiles = np.stack([channels(frames[..., k].astype(np.float32)) for k in range(3)], axis=-1)
    return np.where(np.isnan(tiles), MISSING, tiles).astype(np.uint8)


def maps(values: Tensor, shown: list[int]) -> np.ndarray:
    """Numbers (N, 1, 28, 28) as maps side by side, as they are after so many rows; NaN in those below: (T, H, W)."""
    frames = values[:, 0].repeat(len(shown), 1, 1, 1)
    for frame, rows in zip(frames, shown, strict=True):
        frame[:, rows:] = torch.nan
    return channels(frames.numpy())


def panels(given: np.ndarray, kept: int, drawn: Drawn, shown: list[int]) -> list[player.Panel]:
    """The beginning (28, 28) beside what was drawn of it, how likely each pixel was, and how surprising."""
    surprises = surprise_of(drawn)
    likely = player.heat(maps(drawn.p, shown), "p(white)", low=0, high=1)
    nats = player.heat(maps(surprises, shown), "−log p", low=0, high=MOST, unit="nats")
    return [
        beginning(given, kept),
        player.panel(
            [player.image(mosaic(coloured(drawn.x[:, 0].numpy(), kept), shown))], title="given blue, drawn orange"
        ),
        player.panel([likely], title="what it expected"),
        player.panel([nats], title="where it was surprised"),
    ]


def surprise_of(drawn: Drawn) -> Tensor:
    """−log p(x_i | x_<i) of each pixel that is there, in nats, 0 in the others: (B, 1, 28, 28)."""
    return surprise(drawn.p.nan_to_num(0).clamp(1e-7, 1 - 1e-7).logit(), drawn.x).where(~drawn.p.isnan(), 0.0)


def numbers(name: str, whole: float | None, drawn: Drawn, kept: int, card: dict[str, Any]) -> str:
    """−log p as a Markdown table: of the digit begun with, of those drawn, of the test set, and what was published."""
    rows, measured = surprise_of(drawn).sum(dim=(1, 3)), card["measured"]  # (B, 28)
    lines = [] if whole is None else [f"| {name}, all of it | {whole:.1f} |"]
    if 0 < kept < SIDE:
        lines.append(f"| its first {kept} rows alone | {rows[0, :kept].sum():.1f} |")
    total = rows.sum(1)
    spread = f"{total.min():.1f}–{total.max():.1f}" if len(total) > 1 else f"{total[0]:.1f}"
    mean, error = measured["nats"]["mean"], measured["nats"]["standard_error"]
    return "\n".join(
        [
            "| −log p in nats | a digit |",
            "|---|---|",
            *lines,
            f"| each of those drawn here | {spread} |",
            f"| MNIST’s test set, {measured['digits']:,} digits | {mean:.2f} ± {error:.2f} |",
            f"| of which the dice alone | {measured['nats_of_the_dice']:.2f} |",
            f"\nThe last two were recorded by `{measured['command']}`. Published: {PUBLISHED}; most of it of digits "
            "that were binarised once for all, so not strictly comparable. The dice made grey pixels black or white.",
        ]
    )


def recorded(card: dict[str, Any], autoencoder: dict[str, Any]) -> str:
    """The times on the PixelCNN's card and the autoencoder's as a table that says where they come from."""
    known, other = card["measured"], autoencoder["measured"]
    rows = {int(rows): ms / 1000 for rows, ms in known["ms_of_rows"].items()}
    table = costs(rows, known["ms_learning"] / 1000, known["ms_diffusion"] / 1000, other["ms_alone"] / 1000)
    return f"{table} Recorded by `{known['command']}` and, of the autoencoder, `{other['command']}`."


def costs(rows: dict[int, float], taught: float, diffused: float, decoded: float) -> str:
    """Seconds as a Markdown table: of so many rows of one digit, of a pass of training, of diffusion among pixels, and
    of an autoencoder's draw."""
    drawn = [f"| PixelCNN draws {n} rows | {n * SIDE} | {1000 * rows[n]:,.0f} |" for n in rows]
    return "\n".join(
        [
            "| one digit, on one thread | in turn | ms |",
            "|---|---|---|",
            *drawn,
            f"| diffusion draws it, guided | {pixel.STEPS} | {1000 * diffused:,.0f} |",
            f"| variational autoencoder draws it | 1 | {1000 * decoded:.2f} |",
            f"| PixelCNN learns from all of it | 1 | {1000 * taught:,.0f} |",
            "\nIn turn: how many pixels, steps or passes must wait for one another.",
        ]
    )
