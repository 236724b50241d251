"""What the scaling factor is for, drawn: the schedule that other scales would mean, and a sampler told wrong."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from apps import player
from apps.quantities import plain
from apps.tabs.latent.autoencode.pictures import Work, all_of, decoding, pictures
from apps.tabs.latent.autoencode.scene import Scene, autoencoder, back
from apps.tabs.latent.studio import studio
from tutorial.diffusion.latent_space import decibels, kept, octaves, overtaken, redrawn
from tutorial.diffusion.samplers import Step
from tutorial.networks.autoencoder import STABLE_DIFFUSION_V1

SPREADS = octaves(3, 2)
"""Standard deviations that latents might have where the sampler expects 1."""
MOMENTS = 101
MIDDLE = len(SPREADS) // 2
"""Where the spread is 1."""
HALF = 500
"""The time up to which a latent is noised and from which it is redrawn: half of the schedule."""
STEPS = 10
LOUDEST = 60.0
THEIRS = 1 / STABLE_DIFFUSION_V1.scaling_factor
"""The spread of Stable Diffusion's latents before they are rescaled."""
RATIOS = torch.tensor(SPREADS)[:, None, None, None]
DECODED, REDRAWN = "decoded at this scale", "begun at this scale"
HUES = {DECODED: "generated", REDRAWN: "real"}
NOTE = (
    "The network has learned from latents of spread 1. Left, in closed form, what the schedule would mean for others. "
    "Then what breaks if the autoencoder does not keep to the agreement, always with the same noise: what was sampled "
    f"is decoded at another scale, or a latent enters at another, is noised up to t = {HALF} and redrawn in {STEPS} "
    f"DDIM steps without a prompt. To forget Stable Diffusion’s factor would be a scale of "
    f"{plain(1 / THEIRS)} at the end, and of {plain(THEIRS)} at the beginning."
)


def rescaling(scene: Scene) -> Work:
    """The signal-to-noise ratio for latents of each spread, and what comes of it where the network expects 1."""
    ways: dict[str, Tensor] = {}
    yield from finished(scene, ways)
    yield from begun(scene, ways)
    expected = {DECODED: ways[DECODED][MIDDLE : MIDDLE + 1], REDRAWN: back(scene.found.mean)}
    same = {name: kept(studio().reader, x, expected[name]).tolist() for name, x in ways.items()}
    yield None
    curves = [
        player.curve(np.array(SPREADS), np.array(same[name]), HUES[name], name, marker=range(len(SPREADS)))
        for name in ways
    ]
    share = player.panel(
        curves,
        title="attributes read as they should be",
        x=(SPREADS[0], SPREADS[-1], "scale of the latents", "log"),
        y=(0.0, 1.02, ""),
        width=1.3,
        aspect=0.85,
    )
    yield player.clip(
        [ratios(), *(player.panel([pictures(x)], title=name) for name, x in ways.items()), share],
        frames=len(SPREADS),
        labels=[label(spread) for spread in SPREADS],
        rate=3,
        start=MIDDLE - 5,
        note=NOTE,
    )


def finished(scene: Scene, into: dict[str, Tensor]) -> Iterator[None]:
    """What is sampled from the picture's description, decoded as if the latents had these spreads."""
    steps: list[Step] = []
    yield from all_of(studio().model.sample(scene.wish.source.prompt, seed=scene.wish.source.seed), steps)
    parts: list[Tensor] = []
    yield from decoding(RATIOS * steps[-1].x_next / factor(), parts)
    into[DECODED] = torch.cat(parts)


def begun(scene: Scene, into: dict[str, Tensor]) -> Iterator[None]:
    """The picture's latent, made to have these spreads, noised and redrawn, and divided by them again."""
    model, z = studio().model, factor() * scene.found.mean
    noise, _ = model.noise([scene.wish.source.seed])
    ends: list[Tensor] = []
    for some in (SPREADS[:MIDDLE], SPREADS[MIDDLE:]):  # all at once take longer than `limits.SLICE`
        steps: list[Step] = []
        yield from all_of(redrawn(model, z, some, HALF, noise, STEPS), steps)
        ends.append(steps[-1].x_next)
    parts: list[Tensor] = []
    yield from decoding(torch.cat(ends) / RATIOS / factor(), parts)
    into[REDRAWN] = torch.cat(parts)


def factor() -> float:
    """By what latents are multiplied before diffusion."""
    return autoencoder().config.scaling_factor


def ratios() -> player.Panel:
    """Signal to noise over time: of unit spread, as this autoencoder and Stable Diffusion's encode, and of each."""
    schedule = studio().model.schedule
    times = np.linspace(1, schedule.T, MOMENTS).round().astype(int)

    def row(spread: float) -> np.ndarray:
        return decibels(schedule, spread)[times].numpy()

    return player.panel(
        [
            player.curve(times, row(THEIRS), "noise", f"Stable Diffusion’s, not rescaled: {plain(THEIRS)}"),
            player.curve(times, row(1 / factor()), "field", f"ours, not rescaled: {plain(1 / factor())}"),
            player.curve(times, row(1), "exact", "spread 1", dashed=True),
            player.curve(times, np.stack([row(spread) for spread in SPREADS]), "generated", "this spread"),
        ],
        title="signal to noise",
        label="Signal to noise over time, for latents of several spreads",
        x=(0.0, float(schedule.T), "t"),
        y=(-LOUDEST, LOUDEST, "dB"),
        width=1.6,
        aspect=0.8,
    )


def label(spread: float) -> str:
    """A spread, and when noise overtakes it."""
    t = overtaken(studio().model.schedule, spread)
    return f"spread {plain(spread)}: noise is stronger from t = {t}" if t else f"spread {plain(spread)}: never noise"
