"""What guidance buys and what it costs, in numbers: does a picture show what the prompt says, and are pictures of one
prompt still unlike each other?

Both are read by the attribute reader: the share of the mentioned attributes that it sees (prompt fidelity), and the
mean distance between two pictures of a prompt in its last hidden layer (diversity).
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tutorial.data.critter_art import render
from tutorial.data.critter_words import Caption, caption
from tutorial.data.critters import EVALUATION_SEED, Critter, any_critter
from tutorial.data.pixels import from_image, to_signed
from tutorial.diffusion.guidance_study import Interval, drawn, finished
from tutorial.diffusion.latent import STEPS, LatentDiffusion
from tutorial.metrics.fidelity import marks, read_labels
from tutorial.metrics.frechet import features_of
from tutorial.networks.reader import AttributeReader

TOGETHER = 4
"""Pictures drawn as one batch; guidance makes it twice as many rows for the network."""


@dataclass(frozen=True)
class Topic:
    """A prompt, and the critter and the attributes that it speaks of."""

    critter: Critter
    caption: Caption


def topics(n: int, offset: int = 600_000) -> list[Topic]:
    """n prompts that mention at least four attributes of critters that no training has seen."""
    seeds = range(EVALUATION_SEED + offset, EVALUATION_SEED + offset + n)
    critters = [(any_critter(seed), np.random.default_rng(seed)) for seed in seeds]
    return [Topic(critter, caption(critter, rng, at_least=4)) for critter, rng in critters]


def spread(features: Tensor) -> float:
    """Mean distance between two different ones of N > 1 rows (N, D): how unlike each other they are."""
    if len(features) < 2:
        raise ValueError("A spread needs at least two pictures.")
    return torch.pdist(features.double()).mean().item()


@dataclass(frozen=True)
class Judged:
    """Of each of P prompts: the share of its attributes that its pictures show, (P,), and how far these are apart,
    (P,), in the reader's features."""

    fidelity: Tensor
    spread: Tensor


def judge(reader: AttributeReader, topic: Topic, pictures: Tensor) -> tuple[float, float]:
    """Fidelity and spread of pictures (N, 3, H, W) in [−1, 1] of one prompt."""
    n, names = len(pictures), topic.caption.mentioned
    found = marks(read_labels(reader, pictures), [topic.critter] * n, [names] * n)
    return float(np.mean(found)), spread(features_of(reader, pictures))


def measured(
    model: LatentDiffusion,
    reader: AttributeReader,
    subjects: Sequence[Topic],
    each: int,
    scale: float,
    *,
    interval: Interval | None = None,
    steps: int = STEPS,
) -> Generator[Judged | None, None, None]:
    """Draws `each` > 1 pictures of each prompt and judges them: None after each piece of the work, then what came out.

    Picture k of any prompt begins at the noise of seed k, whatever the scale, so that scales are compared on the same
    noises.
    """
    found = []
    for topic in subjects:
        latents = []
        for k in range(0, each, TOGETHER):
            seeds = range(k, min(k + TOGETHER, each))
            prompts = [topic.caption.text] * len(seeds)
            steps_of = drawn(model, prompts, seeds, scale, interval=interval, steps=steps)
            latents.append((yield from finished(steps_of)))
        pictures = []
        for rows in latents:
            pictures.append(model.decode(rows).cpu())
            yield None
        found.append(judge(reader, topic, torch.cat(pictures)))
        yield None
    fidelity, apart = torch.tensor(found, dtype=torch.float64).T
    yield Judged(fidelity, apart)


def of_drawings(reader: AttributeReader, subjects: Sequence[Topic], each: int) -> Judged:
    """The same for drawings by the program that drew the training data: what a prompt mentions is as it says, and all
    else is drawn at random."""
    found = []
    for k, topic in enumerate(subjects):
        fixed = {name: getattr(topic.critter, name) for name in topic.caption.mentioned}
        seeds = range(EVALUATION_SEED + 700_000 + k * each, EVALUATION_SEED + 700_000 + (k + 1) * each)
        drawings = [from_image(render(any_critter(seed, **fixed), reader.config.size)) for seed in seeds]
        found.append(judge(reader, topic, to_signed(torch.stack(drawings))))
    fidelity, apart = torch.tensor(found, dtype=torch.float64).T
    return Judged(fidelity, apart)
