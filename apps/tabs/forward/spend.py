"""The lab "how to spend the steps": what each schedule's steps cost, and when what is known of the data goes."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np
import torch

from apps import limits, player, worlds
from apps.tabs.forward import subjects
from apps.tabs.forward.wiring import connect, small_buttons
from tutorial.diffusion.marginals import decibels, information, one_step_to

MOMENTS = 50
"""Times at which the curves are told."""
DRAWS = 40
"""Draws of x_t from which the information in it is estimated, at each of `LEVELS`."""
LEVELS = np.linspace(-50.0, 40.0, 31)
"""Signal-to-noise ratios in decibels; between them the information is interpolated."""
LITTLE = 0.05
"""Share of the bits, below which a step works on what is noise already."""

DEFAULTS: dict[str, Any] = {"data": subjects.CRITTERS, "steps": 1000, "seed": 0}


@dataclass(frozen=True)
class Wish:
    """Of which data, and for how many steps, every value checked."""

    data: str
    steps: int
    seed: int
    drawn: worlds.Points


def check(data: Any, steps: Any, seed: Any, drawn: Any = ()) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    name = limits.choice("The data", data, subjects.NAMES)
    return Wish(
        data=name,
        steps=subjects.length(steps),
        seed=subjects.seed(seed),
        drawn=worlds.drawn(name, drawn),
    )


def film(wish: Wish) -> Generator[str | None, None, None]:
    """Yields None while it computes, and in the end all schedules' curves at equal T."""
    generator = torch.Generator().manual_seed(wish.seed)
    mixture, _ = subjects.mixture(wish.data, wish.drawn, generator)
    bits = []
    for level in LEVELS:
        bits.append(information(mixture, one_step_to(level), 1, DRAWS, generator).mean().item())
        yield None
    times = np.unique(np.linspace(1, wish.steps, MOMENTS).round().astype(int))
    ratio, cost, known, idle = [], [], [], []
    for name, make in subjects.SCHEDULES.items():
        levels = decibels(make(wish.steps))[1:].numpy()  # at t = 1 … T
        told = np.interp(levels, LEVELS, bits)
        colour = subjects.COLOURS[name]
        ratio.append(player.curve(times, levels[times - 1], colour, name))
        cost.append(player.curve(times[1:], -np.diff(levels)[times[1:] - 2], colour, name))
        known.append(player.curve(times, told[times - 1], colour, name))
        idle.append(f"{name} {np.mean(told < LITTLE * bits[-1]):.0%}")
    ends = (0.0, float(wish.steps), "t")
    components = len(mixture.means)
    yield player.clip(
        [
            player.panel(ratio, title="signal-to-noise ratio", x=ends, y=(-60.0, 40.0, "dB"), aspect=0.8),
            player.panel(
                cost,
                title="what each step costs of it",
                x=ends,
                y=(3 / wish.steps, 10_000 / wish.steps, "dB a step", "log"),
                aspect=0.8,
            ),
            player.panel(
                known,
                title=f"what x_t still tells of which of {components:,} it was",
                x=ends,
                y=(0.0, 1.05 * float(np.log2(components)), "bits, estimated"),
                aspect=0.8,
            ),
        ],
        note=f"Steps spent where less than {LITTLE:.0%} of the bits is left: {', '.join(idle)}.",
    )


def lab(page: gr.Blocks) -> None:
    """The lab's picture, and its controls under it."""
    shown = player.player(lambda: film(check(**DEFAULTS)), elem_id="spend")
    with gr.Row():
        data = gr.Dropdown(list(subjects.NAMES), value=DEFAULTS["data"], label="Data", elem_id="spend-data")
        steps = gr.Slider(
            subjects.SHORTEST, subjects.LONGEST, DEFAULTS["steps"], step=1, label="Steps T", elem_id="spend-steps"
        )
    run = gr.Button("Compare the schedules", variant="primary", elem_id="run-spend")
    with gr.Accordion("More: seed", open=False):
        seed = gr.Number(
            DEFAULTS["seed"], label="Seed: draws that the bits are estimated from", precision=0, elem_id="spend-seed"
        )
        buttons = {"run": run} | small_buttons("spend")
    settings = {"data": data, "steps": steps, "seed": seed}

    def show(*chosen: Any) -> Generator[str | None, None, None]:
        return film(check(*chosen))

    connect(page, "spend", shown, settings, buttons, check, show)
