"""What the strip shows: the pictures of one prompt and its noises at each scale, asked for, checked and computed."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

from apps import limits
from apps.tabs.latent.guidance.strip_pictures import Look
from apps.tabs.latent.studio import LONGEST_PROMPT, SEEDS, studio
from tutorial.data.pixels import to_arrays
from tutorial.diffusion import latent
from tutorial.diffusion.guidance_measured import spread
from tutorial.diffusion.guidance_study import Interval, drawn, evaluations, finished, times
from tutorial.diffusion.samplers import Step
from tutorial.metrics.frechet import features_of
from tutorial.training import guidance_curve
from tutorial.training.guidance_curve import PROMPT, SCALES

T = 1000
MOST = 4
DEFAULTS: dict[str, Any] = {
    "prompt": PROMPT,
    "first": T,
    "last": 0,
    "steps": latent.STEPS,
    "seed": guidance_curve.STRIP_SEED,
    "n": MOST,
}


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked."""

    prompt: str
    interval: Interval
    steps: int
    seed: int
    n: int


def check_interval(first: Any, last: Any) -> Interval:
    """Raises gr.Error if it is not one of times, the noisy end first."""
    begins, ends = (
        limits.whole("The time where guidance begins", first, 1, T),
        limits.whole("The time where guidance ends", last, 0, T - 1),
    )
    if begins <= ends:
        raise limits.refuse("Guidance must begin at a noisier, larger time than it ends at.")
    return Interval(begins, ends)


def check(prompt: Any, first: Any, last: Any, steps: Any, seed: Any, n: Any) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    return Wish(
        limits.text("The prompt", prompt, LONGEST_PROMPT),
        check_interval(first, last),
        limits.whole("Steps", steps, 1, 50),
        limits.whole("The seed", seed, 0, SEEDS - MOST),
        limits.whole("The number of noises", n, 1, MOST),
    )


def at_scale(wish: Wish, scale: float, negative: str = "") -> Generator[Step, None, None]:
    """The steps of a wish's pictures at one scale."""
    seeds = range(wish.seed, wish.seed + wish.n)
    prompts = [wish.prompt] * wish.n
    yield from drawn(studio().model, prompts, seeds, scale, negative=negative, interval=wish.interval, steps=wish.steps)


@torch.no_grad()
def looked_at(scale: float, latents: Tensor) -> Look:
    """What finished latents (n, …) show, how unlike each other they are, and how large their numbers."""
    shop = studio()
    x = shop.model.decode(latents)
    apart = spread(features_of(shop.reader, x)) if len(x) > 1 else None
    return Look(scale, to_arrays(x), apart, latents.std().item())


def looks(wish: Wish, scales: Sequence[float]) -> Generator[Look | None, None, None]:
    """Each scale's pictures when they are done; None between."""
    for scale in scales:
        yield looked_at(scale, (yield from finished(at_scale(wish, scale))))


def told(wish: Wish, seconds: float) -> str:
    """What a strip cost."""
    asked = times(studio().model, wish.steps)
    plain, twice = (evaluations(asked, scale, wish.interval) for scale in (1.0, 2.0))
    where = "" if plain + wish.steps == twice else f", guided for {wish.interval.last} < t ≤ {wish.interval.first} only"
    return f"{seconds:.1f} s · network evaluations a picture: {plain} at 0 and 1, {twice} at the other scales{where}"


@cache
def recorded() -> tuple[Look, ...]:
    """The strip that ships. Raises measurements.MeasurementsError if it is missing or damaged."""
    strip = guidance_curve.strip()
    return tuple(looked_at(scale, latents) for scale, latents in zip(SCALES, strip, strict=True))
