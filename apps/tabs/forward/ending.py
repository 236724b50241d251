"""The lab "an end that is not the end": samples from N(0, I) under two schedules, by a denoiser that is exact."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np
import torch
from torch import Tensor

from apps import limits, player, worlds
from apps.tabs.forward import subjects
from apps.tabs.forward.wiring import connect, small_buttons
from tutorial.data import toy2d
from tutorial.diffusion.exact import exact_denoiser
from tutorial.diffusion.marginals import information
from tutorial.diffusion.samplers import ddim
from tutorial.metrics.energy import energy_distance, noise_floor

POINTS, PICTURES, SHOWN = 400, 64, 12
"""Samples of each arm, if they are points and if they are pictures, and pictures that are shown."""
DATA = 256
"""Draws of the data that they are compared to."""
DRAWS = 100
"""Draws of x_T from which the information in it is estimated."""
MOST = 30
"""Steps of the sampler; every other one is shown."""

DEFAULTS: dict[str, Any] = {
    "data": subjects.CRITTERS,
    "one": "scaled linear (Stable Diffusion)",
    "other": "cosine",
    "steps": 1000,
    "seed": 0,
}


@dataclass(frozen=True)
class Wish:
    """What to sample and under which two schedules, every value checked."""

    data: str
    one: str
    other: str
    steps: int
    seed: int
    drawn: worlds.Points


def check(data: Any, one: Any, other: Any, steps: Any, seed: Any, drawn: Any = ()) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    name = limits.choice("The data", data, subjects.NAMES)
    return Wish(
        data=name,
        one=subjects.schedule_name(one),
        other=subjects.schedule_name(other),
        steps=subjects.length(steps),
        seed=subjects.seed(seed),
        drawn=worlds.drawn(name, drawn),
    )


@dataclass(frozen=True)
class Arm:
    """What one schedule made of the noise, and the bits that an x_T of its own would tell about its x_0."""

    schedule: str
    estimates: Tensor
    """x̂_0 on the way, and the samples at last: (frames, N, D)."""
    bits: float

    @property
    def samples(self) -> Tensor:
        return self.estimates[-1]


def film(wish: Wish) -> Generator[str | None, None, None]:
    """Samples under both schedules from the same noise. Yields None at each step, and the clip in the end."""
    generator = torch.Generator().manual_seed(wish.seed)
    mixture, _ = subjects.mixture(wish.data, wish.drawn, generator)
    data = mixture.sample(DATA, generator)
    n = POINTS if data.shape[1] == 2 else PICTURES
    x_T = torch.randn(n, data.shape[1], generator=generator)
    arms = []
    for name in (wish.one, wish.other):
        schedule = subjects.SCHEDULES[name](wish.steps)
        times = subjects.moments(schedule, MOST)[::-1]
        denoise = exact_denoiser(mixture, schedule, "x0")
        shown = []
        for step in ddim(denoise, schedule, x_T, steps=times, predicts="x0"):
            if step.i % 2 == 0:
                shown.append(step.x0_hat)
            yield None
        shown.append(step.x_next)
        bits = information(mixture, schedule, schedule.T, DRAWS, generator).mean().item()
        arms.append(Arm(name, torch.stack(shown), bits))
        yield None
    yield player.clip(
        [*(way(wish.data, arm, data) for arm in arms), distributions(arms, data)],
        frames=len(shown),
        labels=[*(f"x̂₀ at t = {t}" for t in times[:-1:2]), "samples"],
        rate=8,
        note=told(arms, data),
    )


def way(subject: str, arm: Arm, data: Tensor) -> player.Panel:
    """An arm's x̂_0 at each step: points before the data's, (N, 2), or pictures."""
    frames, title = arm.estimates, arm.schedule
    if data.shape[1] > 2:
        frames = frames[:, :SHOWN].unflatten(2, subjects.pictures(subject).shape[1:])
    behind = [player.points(data[None, :, :2].numpy(), "exact", "data", alpha=0.25)]
    label = f"x̂₀ on the way from noise under {title}"
    colour = subjects.COLOURS[title]
    return subjects.panel(frames, colour, "samples", title=title, label=label, behind=behind, smooth=True)


def distributions(arms: list[Arm], data: Tensor) -> player.Panel:
    """How one number of each sample, of points the first and of pictures the mean, is spread beside the data's."""
    flat = data.shape[1] == 2
    name, reach = ("x₁", toy2d.REACH) if flat else ("brightness", 1.0)

    def curve(x: Tensor, colour: str, name: str, dashed: bool = False) -> player.Layer:
        rising = (x[:, 0] if flat else x.mean(1)).sort().values.numpy()
        return player.curve(rising, np.linspace(0, 1, len(rising)), colour, name, dashed=dashed)

    return player.panel(
        [
            curve(data, "exact", "the data", dashed=True),
            *(curve(arm.samples, subjects.COLOURS[arm.schedule], arm.schedule) for arm in arms),
        ],
        title=f"share of the samples with less {name}",
        x=(-reach, reach, name),
        y=(0.0, 1.0, ""),
        aspect=0.35,
    )


def told(arms: list[Arm], data: Tensor) -> str:
    """What the lab measures, arm by arm, in a few short sentences."""
    floor = noise_floor(data, len(data), len(arms[0].samples))
    said = [
        f"{arm.schedule}: mean {arm.samples.mean():+.3f}, energy distance to the data "
        f"{energy_distance(arm.samples, data):.2g}, an x_T of its own would tell {max(arm.bits, 0):.2f} bits"
        for arm in arms
    ]
    return f"{'; '.join(said)}. The data: mean {data.mean():+.3f}, other draws of it {floor:.2g} away."


def lab(page: gr.Blocks) -> None:
    """The lab's picture, and its controls beside it."""
    with gr.Row():
        with gr.Column(scale=13, min_width=320):
            shown = player.player(lambda: film(check(**DEFAULTS)), elem_id="ending")
        with gr.Column(scale=7, min_width=260):
            settings, buttons = controls()

    def show(*chosen: Any) -> Generator[str | None, None, None]:
        return film(check(*chosen))

    connect(page, "ending", shown, settings, buttons, check, show)


def controls() -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings in the order in which `check` takes them, and the buttons."""
    names = list(subjects.SCHEDULES)
    data = gr.Dropdown(list(subjects.NAMES), value=DEFAULTS["data"], label="Data", elem_id="ending-data")
    one = gr.Dropdown(names, value=DEFAULTS["one"], label="One schedule", elem_id="ending-one")
    other = gr.Dropdown(names, value=DEFAULTS["other"], label="Another", elem_id="ending-other")
    run = gr.Button("Sample under both", variant="primary", elem_id="run-ending")
    with gr.Accordion("More: T, seed", open=False):
        steps = gr.Slider(
            subjects.SHORTEST, subjects.LONGEST, DEFAULTS["steps"], step=1, label="Steps T", elem_id="ending-steps"
        )
        seed = gr.Number(DEFAULTS["seed"], label="Seed: the noise to start from", precision=0, elem_id="ending-seed")
        buttons = {"run": run} | small_buttons("ending")
    return {"data": data, "one": one, "other": other, "steps": steps, "seed": seed}, buttons
