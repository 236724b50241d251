"""The question of the lab "through the autoencoder": which channel counts most, answered by trying all."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import gradio as gr
import numpy as np
import torch
from torch import Tensor

from apps import player
from apps.quantities import plain
from apps.tabs.latent.autoencode.pictures import LOUD, QUIET_ENOUGH, decoding, each_channel
from apps.tabs.latent.autoencode.scene import CHANNELS, Wish, encoded, staged
from apps.tabs.latent.source import fresh
from tutorial.diffusion.latent_space import without_each
from tutorial.metrics.similarity import psnr

ASKED = 32
QUESTION = f"Set one channel to zero, in {ASKED} fresh critters: which channel costs most PSNR?"
ANSWERS = tuple(f"channel {c + 1}" for c in range(CHANNELS))
HINT = "Say which, and all four are tried, now. What each channel costs this picture is drawn then as well."
BATCH = 4
"""Critters between two looks at the answer."""


def answering(chosen: tuple[Wish, str]) -> Generator[tuple[Any, ...] | None, None, None]:
    """Zeroes each channel of many critters; the tally grows, and then this picture's own curves are drawn."""
    wish, answer = chosen
    rows: list[Tensor] = []
    for k in range(ASKED):
        parts: list[Tensor] = []
        yield from decoding(without_each(encoded(k)), parts)
        rows.append(torch.tensor([psnr(fresh(k)[0], y) for y in torch.cat(parts)], dtype=torch.float64))
        due = len(rows) % BATCH == 0 and len(rows) < ASKED
        yield (f"{len(rows)} of {ASKED} critters", cost_of_zero(rows), gr.skip()) if due else None
    yield verdict(answer, rows), cost_of_zero(rows), gr.skip()
    for clip in each_channel(staged(wish), answered=True):
        yield None if clip is None else (verdict(answer, rows), gr.skip(), clip)


def verdict(answer: str, rows: list[Tensor]) -> str:
    """What is said to an answer, given the PSNR (1 + C,) of each critter."""
    heights = torch.stack(rows)
    lost = heights[:, :1] - heights[:, 1:]
    each = ", ".join(
        f"channel {c + 1} {plain(one.mean().item(), 1)} ± {plain(one.std().item(), 1)} dB"
        for c, one in enumerate(lost.T)
    )
    worst, most = int(lost.mean(0).argmax()), int((lost.argmax(1) == lost.mean(0).argmax()).sum())
    return (
        f"You said: {answer}. It is channel {worst + 1}, in {most} of {len(rows)} critters. Lost, mean and standard "
        f"deviation: {each}. With all channels, {plain(heights[:, 0].mean().item(), 1)} dB come back."
    )


def cost_of_zero(rows: Sequence[Tensor]) -> str:
    """Each critter a dot: the PSNR of what comes back with one channel set to zero, and with none; rows (1 + C,)."""
    heights = torch.stack(list(rows)).numpy()
    across = np.linspace(-0.25, 0.25, len(heights))
    places = np.arange(heights.shape[1])
    dots = np.stack([places + across[:, None], heights], axis=2).reshape(1, -1, 2)
    means = [np.array([[[k - 0.3, m], [k + 0.3, m]]]) for k, m in enumerate(heights.mean(axis=0))]
    panel = player.panel(
        [
            player.points(dots, "generated", "a critter", size=3),
            player.mesh(means, "exact", "mean", alpha=1),
        ],
        title="PSNR with this channel set to zero (0: none)",
        x=(-0.5, heights.shape[1] - 0.5, "channel"),
        y=(QUIET_ENOUGH, LOUD, "dB"),
        aspect=0.6,
    )
    return player.clip([panel], note=f"{len(heights)} fresh critters, decoded just now.")
