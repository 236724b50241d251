"""The question of the lab "through the autoencoder": which channel counts most, answered by trying all."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import gradio as gr
import torch
from torch import Tensor

from apps.quantities import plain
from apps.tabs.latent.autoencode.pictures import cost_of_zero, each_channel
from apps.tabs.latent.autoencode.scene import CHANNELS, Wish, autoencoder, staged
from apps.tabs.latent.source import CROWD, crowd
from tutorial.diffusion.latent_space import zeroing

QUESTION = f"Set one channel to zero, in {CROWD} fresh critters: which channel costs most PSNR?"
ANSWERS = tuple(f"channel {c + 1}" for c in range(CHANNELS))
HINT = "Say which, and all four are tried, now. What each channel costs this picture is drawn then as well."
BATCH = 4
"""Critters between two looks at the answer."""


def answering(chosen: tuple[Wish, str]) -> Generator[tuple[Any, ...] | None, None, None]:
    """Zeroes each channel of many critters; the tally grows, and then this picture's own curves are drawn."""
    wish, answer = chosen
    x, rows = crowd(), []
    for row in zeroing(autoencoder(), x):
        rows.append(row)
        due = len(rows) % BATCH == 0 and len(rows) < len(x)
        yield (f"{len(rows)} of {len(x)} critters", cost_of_zero(rows), gr.skip()) if due else None
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
