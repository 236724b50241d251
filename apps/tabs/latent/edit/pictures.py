"""What is edited and what came out, drawn: the source with its mask, and the films of the four edits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from apps import player
from apps.pictures import channels
from apps.quantities import plain
from apps.tabs.latent.draw.work import SPREAD
from apps.tabs.latent.edit.wish import INPAINT, PROMPTS, STRENGTH, WAYS, Wish, labels
from apps.tabs.latent.edit.work import Look, Painting
from apps.tabs.latent.studio import short, studio
from tutorial.data.critters import ATTRIBUTES
from tutorial.data.described import attributes
from tutorial.data.pixels import to_arrays
from tutorial.metrics.fidelity import read_labels
from tutorial.metrics.similarity import psnr

LARGE = 320
"""Pixels of the source's side, where one draws on it."""
INK, SHARE = (192, 38, 211), 0.55
"""The colour of cells that are drawn anew, and how much of it covers them."""
PALE = 0.12
"""How much white is on the lines between cells."""


def canvas(wish: Wish) -> str:
    """The source; for inpainting with its mask on it, to be drawn on."""
    large = np.array(Image.fromarray(wish.pixels).resize((LARGE, LARGE), Image.Resampling.BICUBIC), float)
    if wish.kind != INPAINT:
        shown = player.panel([player.image(large.astype(np.uint8)[None], quality=90)], title="the source")
        return player.clip([shown])
    each = LARGE // len(wish.mask)
    masked = wish.mask.repeat(each, 0).repeat(each, 1)
    large[masked] = (1 - SHARE) * large[masked] + SHARE * np.array(INK)
    for line in range(0, LARGE, each):
        large[line] += PALE * (255 - large[line])
        large[:, line] += PALE * (255 - large[:, line])
    anew = int(wish.mask.sum())
    wide = wish.pixels.shape[0] // len(wish.mask)
    note = (
        f"{anew} of {wish.mask.size} cells of the latent are drawn anew, each {wide} pixels wide. A stroke that begins "
        "on one of them takes cells out. By keys: arrows, and Enter."
    )
    paper = player.panel(
        [player.image(large.round().astype(np.uint8)[None], quality=90)],
        title="the source: draw where it is to be redrawn",
        label="The source picture, to draw the mask on",
        takes="points",
    )
    return player.clip([paper], note=note)


def film(wish: Wish, looks: Sequence[Look]) -> str:
    """A strip so far."""
    if wish.kind == STRENGTH:
        return strengths(wish, looks)
    return prompts(wish, looks) if wish.kind == PROMPTS else variations(wish, looks)


# --- strength ---
def source_labels(wish: Wish) -> Tensor:
    """What the reader reads in the source itself: (attributes,)."""
    return read_labels(studio().reader, wish.x)[0]


def contested(wish: Wish) -> dict[str, tuple[int, int]]:
    """Attributes that the prompt names otherwise than the reader reads the source: their values there, and as asked."""
    has, columns = source_labels(wish), list(ATTRIBUTES)
    pairs = {
        name: (int(has[columns.index(name)]), ATTRIBUTES[name].index(value))
        for name, value in attributes(wish.prompt).items()
    }
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def kept(wish: Wish, looks: Sequence[Look]) -> list[tuple[str, str, np.ndarray]]:
    """Curves over the strengths: the share of all attributes read as in the source and, of those that source and prompt
    want otherwise, the shares read as the one and as the other; each with its colour."""
    read = torch.stack([look.labels for look in looks])  # (strengths, pictures, attributes)
    found = [("all ten as in the source", "noise", (read == source_labels(wish)).double().mean((1, 2)).numpy())]
    apart = contested(wish)
    if apart:
        some = read[..., [list(ATTRIBUTES).index(name) for name in apart]]
        names = ", ".join(apart)
        for k, (whose, colour) in enumerate((("as in the source", "real"), ("as asked", "generated"))):
            wanted = torch.tensor([pair[k] for pair in apart.values()])
            found.append((f"{names}: {whose}", colour, (some == wanted).double().mean((1, 2)).numpy()))
    return found


def strengths(wish: Wish, looks: Sequence[Look]) -> str:
    """The pictures at each strength, the latent where the first begins, and what is left of the source."""
    at = np.array([look.at for look in looks])
    curves = [_moving(at, y, colour, name) for name, colour, y in kept(wish, looks)]
    names = [f"strength {text}" for text in labels(at.tolist())]
    signal = [f"{psnr(look.x, wish.x.expand_as(look.x)):.1f} dB" for look in looks]
    panels = [
        _still(wish.pixels, "the source"),
        player.panel([_latent(torch.cat([look.start[:1] for look in looks]))], title="the latent, noised"),
        _pictures(np.stack([_tiled(look.x) for look in looks]), "drawn from there"),
        player.panel(
            curves,
            title="what the reader reads",
            x=(0, 1, "strength"),
            y=(0, 1.02, "share of the attributes"),
            aspect=0.8,
        ),
    ]
    steps = looks[-1].steps
    note = (
        f"At strength {labels([looks[-1].at])[0]} the last {steps} of {wish.settings.steps} steps are walked, from the "
        "latent noised up to there. The decibels compare with the source."
    )
    return player.clip(
        panels,
        frames=len(looks),
        labels=[f"{name}: {db}" for name, db in zip(names, signal, strict=True)],
        rate=4,
        note=note,
    )


# --- inpainting ---
def inpainting(wish: Wish, found: Painting) -> str:
    """Step by step: what is decoded, the same with the kept pixels put back, and how far the latent is from the
    source's."""
    frames = len(found.z)
    moved = (found.z - found.z0).abs().mean(1).numpy()
    panels = [
        _still(wish.pixels, "the source"),
        _pictures(to_arrays(found.x), "ẑ₀, decoded"),
        _pictures(to_arrays(found.mended), "kept pixels put back"),
        player.panel(
            [player.heat(moved, "|ẑ₀ − z₀|", low=0, high=max(float(moved.max()), 0.1))],
            title="moved in the latent",
        ),
    ]
    names = [f"step {k + 1} of {frames - 1}" for k in range(frames - 1)] + ["done"]
    return player.clip(panels, frames=frames, labels=names, rate=6, note=mended(wish, found))


def mended(wish: Wish, found: Painting) -> str:
    """How exactly what is to be kept was kept."""
    keep = torch.from_numpy(~wish.mask)
    if not keep.any():
        return "No cell is kept."
    largest = (found.z[-1:] - found.z0)[..., keep].abs().max().item()
    f = wish.pixels.shape[0] // len(wish.mask)
    wide = keep.repeat_interleave(f, 0).repeat_interleave(f, 1)
    source = wish.x[..., wide]
    after, alone = psnr(found.x[-1:][..., wide], source), psnr(found.again[..., wide], source)
    return (
        f"The latent of the cells that are kept is the source’s: the largest difference is {largest:g}. Their pixels "
        f"come out at {after:.1f} dB to the source’s, since the decoder looks beyond a cell; the autoencoder alone "
        f"gives {alone:.1f} dB. Put back, they are the source’s own."
    )


# --- ways ---
def variations(wish: Wish, looks: Sequence[Look]) -> str:
    """Both ways between two noises, and how loud the noise is on each."""
    at = np.array([look.at for look in looks])
    loud = np.array([look.loudness for look in looks])
    curves = [
        _moving(at, loud[:, k], colour, name)
        for k, (name, colour) in enumerate(zip(WAYS, ("generated", "noise"), strict=True))
    ]
    curves.append(player.curve(np.array([0, 1]), np.ones(2), "exact", "what noise has on average", dashed=True))
    x = torch.stack([look.x for look in looks], 1)  # (ways, shares, 3, H, W)
    panels = [
        *(_pictures(to_arrays(rows), f"on the {name}") for name, rows in zip(WAYS, x, strict=True)),
        player.panel(
            curves, title="how loud the noise is", x=(0, 1, "share of the way"), y=(0, 1.3, "‖x‖ / √d"), aspect=0.8
        ),
    ]
    middle = looks[int(np.abs(at - 0.5).argmin())]
    arc, line = (plain(value) for value in middle.loudness)
    note = (
        f"From seed {wish.seed} to seed {wish.other_seed}, with one prompt. At {labels([middle.at])[0]} of the way the "
        f"noise has a length of {arc} √d on the arc and {line} √d on the line."
    )
    return player.clip(panels, frames=len(looks), labels=_ways(looks), rate=4, note=note)


def prompts(wish: Wish, looks: Sequence[Look]) -> str:
    """Pictures of one noise, and how much of each prompt the reader finds in them."""
    at, columns = np.array([look.at for look in looks]), list(ATTRIBUTES)
    curves = []
    for prompt, colour, name in ((wish.prompt, "real", "the first prompt"), (wish.other, "generated", "the other")):
        asked = attributes(prompt)
        if asked:
            wanted = torch.tensor([ATTRIBUTES[one].index(value) for one, value in asked.items()])
            some = torch.cat([look.labels for look in looks])[:, [columns.index(one) for one in asked]]
            curves.append(_moving(at, (some == wanted).double().mean(1).numpy(), colour, name))
    panels = [_pictures(np.concatenate([to_arrays(look.x) for look in looks]), "one noise")]
    if curves:
        y: player.Axis = (0, 1.02, "share of what is asked for")
        panels.append(
            player.panel(curves, title="what the reader finds", x=(0, 1, "share of the way"), y=y, aspect=0.8)
        )
    note = f"Word vectors on a line from “{short(wish.prompt)}” to “{short(wish.other)}”, seed {wish.seed}."
    return player.clip(panels, frames=len(looks), labels=_ways(looks), rate=4, note=note)


def _ways(looks: Sequence[Look]) -> list[str]:
    return [f"{text} of the way" for text in labels([look.at for look in looks])]


def _moving(x: np.ndarray, y: np.ndarray, colour: str, name: str) -> player.Layer:
    """A curve with a marker where one is; of a single point, that point."""
    if len(x) == 1:
        return player.points(np.stack([x, y], 1)[None], colour, name, size=4, alpha=1)
    return player.curve(x, y, colour, name, marker=range(len(x)))


def _still(pixels: np.ndarray, title: str) -> player.Panel:
    return player.panel([player.image(pixels[None], smooth=True)], title=title)


def _pictures(rows: np.ndarray, title: str) -> player.Panel:
    return player.panel([player.image(rows, smooth=True, quality=90)], title=title)


def _latent(z: Tensor) -> player.Layer:
    """The four channels of (T, 4, h, w) in colours."""
    return player.heat(channels(z.numpy()), "z", low=-SPREAD, high=SPREAD, map="diverging")


def _tiled(x: Tensor) -> np.ndarray:
    """Four pictures as one, two by two: (2 H, 2 W, 3) uint8."""
    n, height, width, _ = (rows := to_arrays(x)).shape
    pairs = rows.reshape(n // 2, 2, height, width, 3).swapaxes(1, 2)
    return pairs.reshape(n // 2 * height, 2 * width, 3)
