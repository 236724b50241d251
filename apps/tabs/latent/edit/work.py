"""The edits computed: pictures at rising strengths, a part redrawn step by step, pictures on ways between ends."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from apps.tabs.latent.edit.wish import PICTURES, PROMPTS, STRENGTH, WAYS, Wish
from apps.tabs.latent.studio import studio
from tutorial.diffusion.editing import composite, img2img, inpaint, last_part, latent_of, loudness, times_of, walk
from tutorial.diffusion.inversion import lerp
from tutorial.diffusion.process import q_sample
from tutorial.diffusion.samplers import Step
from tutorial.metrics.fidelity import read_labels


@dataclass(frozen=True)
class Look:
    """Pictures at one strength, or at one share of a way."""

    at: float
    steps: int
    """Steps that were walked."""
    start: Tensor
    """The latents where the walk began, (N, latent, side, side); N pictures or, of two ways, one for each."""
    z: Tensor
    """The latents where it ended."""
    x: Tensor
    """The same decoded, (N, 3, H, W) in [−1, 1]."""
    labels: Tensor
    """What the attribute reader reads in them, (N, attributes)."""

    @property
    def loudness(self) -> list[float]:
        """‖x_T‖ / √d of each."""
        return loudness(self.start).tolist()


Looking = Generator[Look | None, None, None]
"""Yields None after each step, where others can have their turn."""


def strip(wish: Wish, at: Sequence[float]) -> Looking:
    """The strip of a wish that is no inpainting, at these strengths or shares."""
    if wish.kind == STRENGTH:
        return strengths(wish, at)
    return prompts(wish, at) if wish.kind == PROMPTS else variations(wish, at)


def strengths(wish: Wish, at: Sequence[float]) -> Looking:
    """The source, changed at each strength, `PICTURES` times from as many noises that stay the same."""
    model = studio().model
    z0 = latent_of(model, wish.x)
    eps, _ = model.noise(range(wish.seed, wish.seed + PICTURES))
    for strength in at:
        times = last_part(times_of(model, wish.settings), strength)
        z, start = z0.expand_as(eps), q_sample(model.schedule, z0.expand_as(eps), times[0], eps)
        walked = img2img(model, z0, wish.prompt, wish.settings, strength=strength, seed=wish.seed, n=PICTURES)
        for step in walked:
            z = step.x_next
            yield None
        yield looked(strength, len(times) - 1, start, z)


def variations(wish: Wish, at: Sequence[float]) -> Looking:
    """The prompt from noises between those of two seeds: at each share one on the arc, and one on the line."""
    model = studio().model
    a, b = (model.noise([seed])[0] for seed in (wish.seed, wish.other_seed))
    words = model.words([wish.prompt] * len(WAYS))
    for share in at:
        start = torch.cat([way(a, b, share) for way in WAYS.values()])
        yield from _walked(wish, share, start, words)


def prompts(wish: Wish, at: Sequence[float]) -> Looking:
    """Pictures from one noise under word vectors on the line between two prompts."""
    model = studio().model
    a, b = model.words([wish.prompt, wish.other]).split(1)
    start, _ = model.noise([wish.seed])
    for share in at:
        yield from _walked(wish, share, start, lerp(a, b, share))


def _walked(wish: Wish, share: float, start: Tensor, words: Tensor) -> Looking:
    """From this noise under these words; what a sampler draws on its way is the same for every share."""
    model = studio().model
    generators = model.noise([wish.seed] * len(start))[1]
    z = start
    for step in walk(model, start, words, wish.settings, generator=generators):
        z = step.x_next
        yield None
    yield looked(share, wish.settings.steps, start, z)


def looked(at: float, steps: int, start: Tensor, z: Tensor) -> Look:
    """A look at finished latents."""
    x = studio().model.decode(z)
    return Look(at, steps, start, z, x, read_labels(studio().reader, x))


@dataclass(frozen=True)
class Painting:
    """A part redrawn: the source's latent, each step's ẑ₀ and at last what came out, and all of them decoded."""

    z0: Tensor
    """(1, latent, side, side)."""
    z: Tensor
    """(steps + 1, latent, side, side)."""
    x: Tensor
    """(steps + 1, 3, H, W) in [−1, 1]."""
    mended: Tensor
    """The same with the source's own pixels in the cells that are kept."""
    again: Tensor
    """The source through the autoencoder alone, (1, 3, H, W)."""


def stepped(wish: Wish) -> Iterator[Step]:
    """The steps of an inpainting, every round."""
    model = studio().model
    mask, z0 = torch.from_numpy(wish.mask), latent_of(model, wish.x)
    yield from inpaint(
        model, z0, mask, wish.prompt, wish.settings, strength=wish.strength, rounds=wish.rounds, seed=wish.seed
    )


def painted(wish: Wish, steps: Sequence[Step]) -> Generator[Painting | None, None, None]:
    """Decodes what the steps saw, one picture for each step's last round; yields None between."""
    model = studio().model
    z0 = latent_of(model, wish.x)
    ends = {step.i: step for step in steps}
    z = torch.cat([*(step.x0_hat for step in ends.values()), ends[max(ends)].x_next if ends else z0])
    decoded = []
    for some in z.split(4):
        decoded.append(model.decode(some))
        yield None
    x = torch.cat(decoded)
    mended = composite(x, wish.x, torch.from_numpy(wish.mask))
    yield Painting(z0, z, x, mended, model.decode(z0))
