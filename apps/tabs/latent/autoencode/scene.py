"""What a visitor does with a latent: which picture it is of, how it is changed, and what comes back, in numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

from apps import limits
from apps.pictures import png_bytes
from apps.quantities import plain
from apps.tabs.latent import source as autoencode_source
from apps.tabs.latent.source import LAST_SEED, SEED, Source, drawn, fresh
from apps.tabs.latent.studio import studio
from tutorial.data.critters import EVALUATION_SEED, any_critter
from tutorial.data.pixels import to_arrays
from tutorial.diffusion.latent_space import FORMATS, Posterior, grafted, posterior, scaled, stored, swapped
from tutorial.metrics.similarity import psnr
from tutorial.networks.autoencoder import Autoencoder

CHANNELS = 4
LEAST, MOST = -2.0, 3.0
"""By what a channel can be multiplied."""
NONE = "none"
PAIRS = {f"channels {a + 1} and {b + 1}": (a, b) for a in range(CHANNELS) for b in range(a + 1, CHANNELS)}
GRAFTS = {f"channel {c + 1} with the other critter’s": c for c in range(CHANNELS)}
SWAPS = (NONE, *PAIRS, *GRAFTS)
DEFAULTS: dict[str, Any] = {
    "source": SEED,
    "seed": 4,
    "description": "a blue one with a crown",
    "other": 9,
    **{f"scale{c + 1}": 1.0 for c in range(CHANNELS)},
    "swap": NONE,
}


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked; `other` is the seed of a second critter."""

    source: Source
    other: int
    scales: tuple[float, ...]
    swap: str

    @property
    def changes(self) -> bool:
        """Whether the latent is changed at all."""
        return self.swap != NONE or any(scale != 1 for scale in self.scales)


def check(
    source: Any,
    seed: Any,
    description: Any,
    other: Any,
    scale1: Any,
    scale2: Any,
    scale3: Any,
    scale4: Any,
    swap: Any,
    picture: Any = None,
) -> Wish:
    """Raises gr.Error for the first value that is not as it should be; `picture` is the path of a file."""
    scales = enumerate((scale1, scale2, scale3, scale4))
    return Wish(
        autoencode_source.check(source, seed, description, picture),
        limits.whole("The other critter’s seed", other, 0, LAST_SEED),
        tuple(limits.number(f"The scale of channel {c + 1}", scale, LEAST, MOST) for c, scale in scales),
        limits.choice("The swap", swap, SWAPS),
    )


@dataclass(frozen=True)
class Scene:
    """A picture (1, 3, 64, 64), what the encoder makes of it, and the same of the other critter."""

    wish: Wish
    x: Tensor
    found: Posterior
    other: Posterior

    def changed(self, z: Tensor) -> Tensor:
        """A latent of the picture, swapped and then scaled as was wished."""
        swap = self.wish.swap
        if swap in PAIRS:
            z = swapped(z, *PAIRS[swap])
        elif swap in GRAFTS:
            z = grafted(z, self.other.mean, GRAFTS[swap])
        return scaled(z, self.wish.scales)


def autoencoder() -> Autoencoder:
    """The shipped one. Raises weights.WeightsError if a file is missing or damaged."""
    return studio().model.autoencoder


def staged(wish: Wish) -> Scene:
    """Encodes both pictures."""
    x = wish.source.picture
    other = drawn(any_critter(EVALUATION_SEED + wish.other))
    return Scene(wish, x, posterior(autoencoder(), x), posterior(autoencoder(), other))


@cache
def encoded(k: int) -> Tensor:
    """The mean latent of a fresh critter, (1, C, h, w)."""
    return posterior(autoencoder(), fresh(k)).mean


@torch.no_grad()
def back(z: Tensor) -> Tensor:
    """The picture of a latent, (1, 3, 64, 64) in [−1, 1]."""
    return autoencoder().decode(z).clamp(-1, 1)


def sizes(scene: Scene) -> Iterator[tuple[str, int, float]]:
    """Forms of the picture: name, bytes, and the PSNR in dB of what one gets back from it."""
    pixels = to_arrays(scene.x)[0]
    yield "the picture, 8 bits a number", pixels.size, float("inf")
    yield "the picture, as PNG", len(png_bytes(pixels)), float("inf")
    for form in FORMATS:
        z, taken = stored(scene.found.mean, form)
        yield f"the latent, in {form}", taken, psnr(scene.x, back(z))


def figures(scene: Scene, forms: Iterable[tuple[str, int, float]]) -> str:
    """Two tables: what the picture and its latent take, and the encoder's Gaussian, channel by channel."""
    rows = [
        f"| {name} | {taken:,} | {'nothing is lost' if decibels == float('inf') else f'{plain(decibels, 2)} dB'} |"
        for name, taken, decibels in forms
    ]
    mean, spread, kl = scene.found.mean[0], scene.found.spread[0], scene.found.kl
    channels = [
        f"| {c + 1} | {plain(mean[c].mean().item())} ± {plain(mean[c].std().item())} | "
        f"{plain(spread[c].mean().item(), 3)}, {plain(spread[c].min().item(), 3)} to "
        f"{plain(spread[c].max().item(), 3)} | {plain(kl[c].item(), 1)} |"
        for c in range(CHANNELS)
    ]
    whole = kl.sum().item()
    return "\n".join(
        [
            "| kept as | bytes | PSNR of what comes back |\n|---|--:|--:|",
            *rows,
            "",
            "| channel | μ, mean ± spread | σ, mean and range | KL, nats |\n|--:|--:|--:|--:|",
            *channels,
            "",
            f"KL(q(z | x) ‖ N(0, I)) of the whole latent: {plain(whole, 1)} nats, "
            f"{plain(whole / mean.numel(), 2)} a number. As encoded, before the scaling factor.",
        ]
    )
