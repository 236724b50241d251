"""Latents and what is decoded from them, drawn: as they are, changed, mixed, and far from any critter's.

Each picture is a piece of work that yields None where others can have their turn, and in the end the clip.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from apps import player
from apps.pictures import channels
from apps.quantities import plain
from apps.tabs.latent.autoencode.scene import CHANNELS, LEAST, MOST, NONE, Scene, autoencoder, back, encoded
from apps.tabs.latent.source import CROWD
from apps.tabs.latent.studio import studio
from tutorial.data.pixels import to_arrays
from tutorial.diffusion.latent_space import astray, away, blends, confidence, decoded, each_scaled, kept
from tutorial.metrics.similarity import edge_energy, psnr

T = TypeVar("T")
Work = Generator[str | None, None, None]
WIDTHS_OF_POSTERIOR = (0, 1, 2, 4, 8, 16, 32)
"""How many σ from the mean the draws are."""
FACTORS = [LEAST + k / 4 for k in range(int(4 * (MOST - LEAST)) + 1)]
SHARES = [k / 16 for k in range(17)]
DISTANCES = [k / 5 for k in range(16)]
AT_A_TIME = 2
"""Latents that are decoded between two pauses; more take longer than `limits.SLICE`."""
REACH = 3.0
"""Latents are drawn in colours from −3 to 3."""
LARGEST_ERROR = 64.0
COLOURS = ("boundary", "generated", "real", "field")
"""Of the channels."""
MIXED, PIXELS = "latents mixed", "pixels mixed"
AWAY, ASTRAY = "away from the mean", "in a random direction"
HUES = {MIXED: "generated", PIXELS: "real", AWAY: "generated", ASTRAY: "noise"}
LOUD, QUIET_ENOUGH = 40.0, 5.0
"""Decibels between which PSNR is drawn."""


def pictures(x: Tensor, quality: int | None = 90) -> player.Layer:
    """Pictures (N, 3, H, W) in [−1, 1] as a layer; without a quality, without loss."""
    return player.image(to_arrays(x), smooth=True, quality=quality)


def all_of(parts: Iterable[T], into: list[T]) -> Iterator[None]:
    """Puts all parts into a list, with a pause after each."""
    for part in parts:
        into.append(part)
        yield None


def decoding(latents: Tensor, into: list[Tensor]) -> Iterator[None]:
    """Puts the pictures of latents (N, C, h, w) into a list, few at a time, with a pause after each."""
    for rows in latents.split(AT_A_TIME):
        yield from all_of(decoded(autoencoder(), rows), into)


def there_and_back(scene: Scene) -> Work:
    """The picture, its latent, what comes back and the error: for the mean, and for draws of more and more σ."""
    noise = torch.randn(scene.x.shape[0], *scene.found.mean.shape[1:], generator=_generator(scene))
    latents = torch.cat([scene.changed(scene.found.mean + k * scene.found.spread * noise) for k in WIDTHS_OF_POSTERIOR])
    parts: list[Tensor] = []
    yield from decoding(latents, parts)
    x_hat = torch.cat(parts)
    error = (x_hat - scene.x).abs().mean(1) * 127.5
    labels = [
        f"{_place(k)}: {plain(psnr(scene.x[0], one), 1)} dB" for k, one in zip(WIDTHS_OF_POSTERIOR, x_hat, strict=True)
    ]
    yield player.clip(
        [
            player.panel([pictures(scene.x, None)], title="picture, 64 × 64 × 3"),
            player.panel(
                [player.heat(channels(latents.numpy()), "z", low=-REACH, high=REACH, map="diverging")],
                title="latent, 8 × 8 × 4",
            ),
            player.panel([pictures(x_hat, None)], title="decoded"),
            player.panel(
                [player.heat(error.numpy(), "error", low=0, high=LARGEST_ERROR, unit="of 255")],
                title="error",
            ),
        ],
        frames=len(labels),
        labels=labels,
        rate=2,
        start=0,
        note=f"{scene.wish.source.told} {changes(scene)}Of the latent, channels 1 and 2 stand over 3 and 4; the error "
        "is the mean of the three colours. The slider goes from the mean of q(z | x) to draws that are 1, 2, 4 … of "
        "its standard deviations away, all with the same ξ.",
    )


def changes(scene: Scene) -> str:
    """What was done to the latent, as the beginning of a note."""
    wish = scene.wish
    if not wish.changes:
        return ""
    swap = [] if wish.swap == NONE else [f"swapped {wish.swap}"]
    scales = [f"channel {c + 1} × {plain(scale)}" for c, scale in enumerate(wish.scales) if scale != 1]
    return f"Changed: {', '.join(swap + scales)}. "


def each_channel(scene: Scene, answered: bool) -> Work:
    """Each channel alone times −2 to 3 and, once the question is answered, the PSNR of each."""
    factors = FACTORS
    latents = each_scaled(scene.found.mean, factors)
    parts: list[Tensor] = []
    yield from decoding(latents.flatten(0, 1), parts)
    shown = torch.cat(parts).unflatten(0, (len(factors), CHANNELS))
    panels = [
        player.panel([pictures(shown[:, c])], title=f"channel {c + 1} × factor", label=f"channel {c + 1} alone, scaled")
        for c in range(CHANNELS)
    ]
    if answered:
        heights = [[psnr(scene.x[0], one) for one in shown[:, c]] for c in range(CHANNELS)]
        curves = [
            player.curve(np.array(factors), np.array(row), COLOURS[c], f"channel {c + 1}", marker=range(len(factors)))
            for c, row in enumerate(heights)
        ]
        axes: dict[str, Any] = {"x": (LEAST, MOST, "factor"), "y": (QUIET_ENOUGH, LOUD, "PSNR, dB")}
        panels.append(player.panel(curves, title="what it costs", width=2, aspect=0.85, **axes))
    yield player.clip(
        panels,
        frames=len(factors),
        labels=[f"factor {plain(factor)}" for factor in factors],
        rate=6,
        start=factors.index(1),
        note="In each picture one channel is multiplied by the factor, and the three others are as encoded. "
        "At 1 nothing is changed, at 0 the channel is gone.",
    )


def chart(
    title: str, x: Sequence[float], rows: Mapping[str, Sequence[float]], ends: player.Axis, top: float = 1.02
) -> player.Panel:
    """A curve for each row over x, in the colours of `HUES`, with a marker where the present frame is."""
    curves = [
        player.curve(np.array(x), np.array(row), HUES[name], name, marker=range(len(x))) for name, row in rows.items()
    ]
    return player.panel(curves, title=title, x=ends, y=(0.0, top, ""), width=1.2, aspect=0.85)


def between(scene: Scene) -> Work:
    """From the picture to the other critter: latents mixed and then decoded, and decoded pictures mixed."""
    parts: list[Tensor] = []
    yield from decoding(blends(scene.found.mean, scene.other.mean, SHARES), parts)
    ends = torch.cat([parts[0][:1], parts[-1][-1:]])
    ways = {MIXED: torch.cat(parts), PIXELS: blends(ends[:1], ends[1:], SHARES)}
    edges = {name: [edge_energy(one).item() for one in way] for name, way in ways.items()}
    sure: dict[str, list[float]] = {}
    for name, way in ways.items():
        sure[name] = sure_of(way)
        yield None
    x = (0.0, 1.0, "share of the other critter")
    yield player.clip(
        [
            *(player.panel([pictures(way)], title=name) for name, way in ways.items()),
            chart("edge energy", SHARES, edges, x, top=1.1 * max(map(max, edges.values()))),
            chart("how sure the reader is", SHARES, sure, x),
        ],
        frames=len(SHARES),
        labels=[f"{share:.0%} of the other" for share in SHARES],
        rate=6,
        start=len(SHARES) // 2,
        note=half_way(edges, sure),
    )


def half_way(edges: Mapping[str, Sequence[float]], sure: Mapping[str, Sequence[float]]) -> str:
    """What is left of the edges and of the reader's certainty in the middle, in sentences."""
    middle = len(SHARES) // 2
    ends = (edges[PIXELS][0] + edges[PIXELS][-1]) / 2
    return (
        f"Half way, mixed latents have {edges[MIXED][middle] / ends:.0%} of the edge energy that the ends have on "
        f"average, mixed pixels {edges[PIXELS][middle] / ends:.0%}: where two outlines stand at half strength, their "
        f"squares add up to half. The reader is sure of the ends to {sure[PIXELS][0]:.0%} and {sure[PIXELS][-1]:.0%}, "
        f"and half way of mixed latents to {sure[MIXED][middle]:.0%} and of mixed pixels to {sure[PIXELS][middle]:.0%}."
    )


def off_the_map(scene: Scene) -> Work:
    """Further and further from where critters' latents are: away from their mean, and in a random direction."""
    z, crowd = scene.found.mean, []
    yield from all_of(map(encoded, range(CROWD)), crowd)
    mean = torch.cat(crowd).mean(0, keepdim=True)
    shown: dict[str, Tensor] = {}
    for name, path in (
        (AWAY, away(z, mean, DISTANCES)),
        (ASTRAY, astray(z, mean, DISTANCES, _generator(scene))),
    ):
        parts: list[Tensor] = []
        yield from decoding(path, parts)
        shown[name] = torch.cat(parts)
    sure: dict[str, list[float]] = {}
    same: dict[str, list[float]] = {}
    for name, x in shown.items():
        sure[name] = sure_of(x)
        yield None
        same[name] = kept(studio().reader, x, back(z)).tolist()
        yield None
    ends = (0.0, DISTANCES[-1], "distance, ‖z − mean‖ = 1")
    said = " and ".join(f"{sure[name][-1]:.0%} and {same[name][-1]:.0%} {name}" for name in shown)
    yield player.clip(
        [
            *(player.panel([pictures(x)], title=name) for name, x in shown.items()),
            chart("how sure the reader is", DISTANCES, sure, ends),
            chart("attributes read as at the start", DISTANCES, same, ends),
        ],
        frames=len(DISTANCES),
        labels=[f"distance {plain(d, 1)}" for d in DISTANCES],
        rate=6,
        start=len(DISTANCES) // 2,
        note="Both ways begin at this picture’s latent; their length is in units of its distance from the mean latent "
        "of fresh critters. At their ends the reader’s certainty, and the share of attributes that it reads as at the "
        f"start, are {said}. It was never taught to say that it sees no critter.",
    )


def sure_of(x: Tensor) -> list[float]:
    """How sure the reader is of each picture."""
    return confidence(studio().reader, x).tolist()


def _place(k: int) -> str:
    """A draw that is k standard deviations ξ from the mean."""
    return "z = μ" if k == 0 else f"z = μ + {'' if k == 1 else k} σ ξ".replace("  ", " ")


def _generator(scene: Scene) -> torch.Generator:
    return torch.Generator().manual_seed(scene.wish.source.seed)
