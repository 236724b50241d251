"""What the words do, drawn: where each is looked up, step by step and on the whole, and the arms side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from apps import player
from apps.tabs.latent.studio import short
from tutorial.data.pixels import to_arrays
from tutorial.diffusion.looking import END, START, Maps, Word, averaged, of_word

ALL = "all together"
"""Instead of a resolution: the mean over all of them."""
TINT = (255, 122, 0)
"""The hue of the chosen word's curve, a little brighter, since it is mixed with grey."""
OPAQUE = 0.75
"""How much of the picture it covers where a word's share is largest."""
GAP = 2
"""Pixels between pictures."""
GAP_GREY = 148
SMALLEST = 1e-6
"""Least share in the picture of its course."""
LONGEST = 24
"""Letters of a word in a title."""


@dataclass(frozen=True)
class Looked:
    """One picture's way, and what was looked up on it."""

    words: list[Word]
    maps: list[Maps]
    """Of each step, of this picture alone: (1, tokens, side, side)."""
    times: list[int]
    pictures: np.ndarray
    """ẑ₀ of each step, decoded, and the picture: (steps + 1, H, W, 3) uint8."""
    note: str
    """What stands under its film."""

    def shares(self, word: Word, resolution: str) -> np.ndarray:
        """How much of the answer comes from a word, (steps + 1, side, side): of each step, and their mean."""
        steps = torch.cat([of_word(at(maps, resolution), word) for maps in self.maps])
        return torch.cat([steps, steps.mean(0, keepdim=True)]).numpy()


@dataclass(frozen=True)
class Drawn:
    """What came out of one arm."""

    name: str
    title: str
    prompt: str
    rough: Tensor
    """Previews of ẑ₀ of each step: (steps, n, 3, h, w) in [−1, 1]."""
    pictures: Tensor
    """(n, 3, H, W) in [−1, 1]."""
    sees: list[dict[str, str]]
    """What the reader sees in each: the value of every attribute."""


def at(maps: Maps, resolution: str) -> Tensor:
    """The maps of a resolution, such as "8×8", or of `ALL`: (rows, tokens, side, side)."""
    return averaged(maps) if resolution == ALL else maps[int(resolution.split("×")[0])]


def name_of(side: int) -> str:
    return f"{side}×{side}"


def called(word: Word) -> str:
    """A word as titles have it."""
    return short(word.name, LONGEST)


def film(looked: Looked, word: Word, resolution: str) -> str:
    """Where a word is looked up, in a frame for each step and one for their mean, as the player takes it."""
    shares, count = looked.shares(word, resolution), len(looked.times)
    labels = [f"step {k + 1}: t = {t}" for k, t in enumerate(looked.times)] + ["mean of all steps"]
    side = name_of(shares.shape[1])
    return player.clip(
        [
            player.panel([player.image(looked.pictures, smooth=True, quality=90)], title="ẑ₀, decoded"),
            player.panel([overlaid(looked.pictures, shares)], title=f"looked up: “{called(word)}”"),
            player.panel([player.heat(100 * shares, "share", unit="%")], title=f"its share, {side} positions"),
            _course(looked, word, resolution),
        ],
        frames=count + 1,
        labels=labels,
        rate=min(15, max(4, count / 4)),
        note=looked.note,
    )


def _course(looked: Looked, word: Word, resolution: str) -> player.Panel:
    """What share of all answers, the mean over the positions, comes from where, step by step."""
    of = {each.name: looked.shares(each, resolution)[:-1].mean((1, 2)) for each in looked.words}
    steps = np.arange(1, len(looked.times) + 1)
    marker = [*range(len(steps)), len(steps) - 1]
    colours = {START: "noise", END: "field"}
    lines = {f"“{called(word)}”": ("generated", of.pop(word.name))}
    lines |= {name: (colours[name], of.pop(name)) for name in (START, END) if name in of}
    if of:
        lines["the other words"] = "real", np.sum(list(of.values()), axis=0)
    layers = [player.curve(steps, 100 * y, colour, name, marker=marker) for name, (colour, y) in lines.items()]
    low, _ = player.decades(*(100 * y.clip(SMALLEST) for _, y in lines.values()))
    y_axis: player.Axis = (low, 100, "% of the answers", "log")
    return player.panel(layers, title="mean share, by step", x=(0, len(steps) + 1, "step"), y=y_axis)


def strip(looked: Looked) -> str:
    """All words at once, each on the finished picture: the mean over steps, heads and resolutions."""
    panels = []
    for word in looked.words:
        mean = looked.shares(word, ALL)[-1:]
        share = f"{called(word)} · {mean.mean():.1%}"
        picture = overlaid(looked.pictures[-1:], mean)
        panels.append(player.panel([picture], title=share, label=f"Where {share} is looked up", width=0))
    return player.clip(
        panels,
        note="The mean over all steps, heads and resolutions. The number is the share of all answers that comes from "
        "this word; they add up to 100\u00a0%. Orange is where its own share is largest, grey where it is smallest.",
    )


def overlaid(pictures: np.ndarray, shares: np.ndarray) -> player.Layer:
    """Pictures (T, H, W, 3) in grey, and on them from their smallest to their largest the shares (T, h, w)."""
    spread = float(np.ptp(shares)) or 1.0
    return player.image(tinted(pictures, (shares - shares.min()) / spread), smooth=True, quality=90)


def tinted(pictures: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Pictures (T, H, W, 3) uint8 in grey, under a tint that grows with the heat (T, h, w) in 0…1."""
    size = pictures.shape[1:3]
    wide = F.interpolate(torch.from_numpy(heat)[:, None].float(), size=size, mode="bilinear", align_corners=False)
    cover = OPAQUE * wide.numpy()[:, 0, :, :, None].clip(0, 1)
    grey = pictures.mean(3, keepdims=True)
    return (cover * np.array(TINT) + (1 - cover) * grey).round().astype(np.uint8)


def side_by_side(arms: Sequence[Drawn], seed: int, times: Sequence[int]) -> str:
    """The arms' pictures from the same noises: rough ones of each step, and the finished ones."""
    n = len(arms[0].pictures)
    across = n if len(arms) == 1 else math.ceil(math.sqrt(n))
    panels = []
    for arm in arms:
        size = arm.pictures.shape[2:]
        rough = F.interpolate(arm.rough.flatten(0, 1), size=size, mode="bilinear", align_corners=False)
        frames = [*rough.unflatten(0, arm.rough.shape[:2]), arm.pictures]
        sheets = np.stack([sheet(to_arrays(frame), across) for frame in frames])
        aspect = sheets.shape[1] / sheets.shape[2]
        panels.append(player.panel([player.image(sheets, smooth=True, quality=88)], title=arm.title, aspect=aspect))
    seeds = f"the noises of seeds {seed} to {seed + n - 1}" if n > 1 else f"the noise of seed {seed}"
    return player.clip(
        panels,
        frames=len(times) + 1,
        labels=[f"step {k + 1}: t = {t}" for k, t in enumerate(times)] + ["done"],
        rate=min(15, max(4, len(times) / 4)),
        note=f"All begin with {seeds}. On the way each ẑ₀ is shown roughly, by a linear map.",
    )


def sheet(pictures: np.ndarray, across: int) -> np.ndarray:
    """Pictures (n, H, W, 3) uint8 in rows of so many, with grey between them."""
    n, height, width, _ = pictures.shape
    down = -(-n // across)
    size = (down * (height + GAP) - GAP, across * (width + GAP) - GAP, 3)
    whole = np.full(size, GAP_GREY, np.uint8)
    for k, picture in enumerate(pictures):
        y, x = k // across * (height + GAP), k % across * (width + GAP)
        whole[y : y + height, x : x + width] = picture
    return whole
