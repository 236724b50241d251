"""The lab "steps": one pass against many. How few steps does diffusion need to draw as well as a GAN?"""

from __future__ import annotations

import statistics
import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, cast

import gradio as gr
import numpy as np
import torch
from torch import Tensor

from apps import limits, models, player, wiring
from apps.tabs.closing import contenders
from apps.tabs.closing.contenders import COLOURS, LABELS, contender, sheet
from tutorial import measurements, weights
from tutorial.contest.denoising import GUIDANCE, SAMPLER, Diffusion
from tutorial.data.digits import CLASSES, DataError
from tutorial.diffusion.samplers import evaluations
from tutorial.training.contest_recorded import COLUMNS, Board, board
from tutorial.training.contest_verdict import GAN, LATENT, PIXEL, few_steps

N, ROW = 20, 5
"""Digits that are drawn here, and in a row of their sheet."""
DIFFUSIONS = (PIXEL, LATENT)
EACH = 1 if GUIDANCE in (0, 1) else 2
"""Passes of the U-Net for an evaluation of its sampler: with guidance it is asked with the class and without."""
STEPS = (1, 2, 3, 5, 10, 20, 50)
DEFAULTS: dict[str, Any] = {"steps": 3, "seed": 0}
REFUSED = (weights.WeightsError, measurements.MeasurementsError, DataError)


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked."""

    steps: int
    seed: int


def check(steps: Any, seed: Any) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    count = limits.whole("The number of steps", steps, STEPS[0], STEPS[-1])
    if count not in STEPS:
        raise limits.refuse(f"The number of steps must be one of: {', '.join(map(str, STEPS))}.")
    return Wish(count, limits.whole("The seed", seed, 0, 2**31 - 1))


def chart(found: Board) -> str:
    """Quality by the number of steps, of both diffusions over seeds, and the GAN's, which has one pass."""
    gan = found.families[GAN].values("frechet_of_few")
    steps = np.array([row["steps"] for row in found.families[PIXEL].runs[0]["few_steps"]], dtype=float)
    curves = {
        (name, column): np.array([[row[column] for row in run["few_steps"]] for run in found.families[name].runs])
        for name in DIFFUSIONS
        for column in ("frechet", "accuracy")
    }
    x: player.Axis = (0.9, max(1.1 * float(steps.max()), 2.0), "steps", "log")
    few = float(found.real["frechet_of_few"])
    ends = player.decades(*(curves[name, "frechet"] for name in DIFFUSIONS), np.array(gan), np.array(few))
    lines = [
        _level(x, statistics.fmean(gan), "GAN, one pass", "generated"),
        _level(x, few, "other real digits", "exact"),
    ]
    read = [_level(x, found.families[GAN].mean("accuracy") or 0.0, "GAN, one pass", "generated")]
    for name in DIFFUSIONS:
        lines += _band(steps, curves[name, "frechet"], name)
        read += _band(steps, curves[name, "accuracy"], name)
    panels = [
        player.panel(lines, title=f"Fréchet distance, {found.of_few:,} digits", x=x, y=(*ends, "", "log")),
        player.panel(read, title="share read as asked", x=x, y=(0.0, 1.03, "")),
    ]
    note = (
        f"Recorded by {found.command}; the lines are means over seeds, the faint ones seeds. Sampler "
        f"{found.drawn_with['sampler']}, guidance {found.drawn_with['guidance']:g}; with guidance, the network is "
        "asked twice at each step."
    )
    return player.clip(panels, note=note)


def _level(x: player.Axis, height: float, name: str, colour: str) -> player.Layer:
    return player.curve(np.array(x[:2]), np.full(2, height), colour, name, dashed=True)


def _band(steps: np.ndarray, values: np.ndarray, name: str) -> list[player.Layer]:
    """Each seed (S, T) as a faint line, and their mean."""
    seeds = [np.stack([steps, seed], axis=1)[None] for seed in values]
    colour = COLOURS[name]
    return [
        player.mesh(seeds, colour, LABELS[name], alpha=0.3),
        player.curve(steps, values.mean(axis=0), colour, LABELS[name]),
    ]


def work(wish: Wish) -> Generator[tuple[str, str] | None, None, None]:
    """A line on how far it is and the sheets so far, after each family; None in between."""
    classes = torch.arange(N) % CLASSES
    panels: list[player.Panel] = []
    for name in (GAN, *DIFFUSIONS):
        x, seconds = yield from drawn(name, classes, wish)
        right = models.digit_judge().accuracy(x, classes)
        passes = 1 if name == GAN else evaluations(SAMPLER, wish.steps) * EACH
        title = (
            f"{LABELS[name]}, {passes} {'pass' if passes == 1 else 'passes'}: {COLUMNS['seconds_alone'].text(seconds)}"
        )
        panels.append(
            player.panel([player.image(sheet(x, ROW))], title=f"{title}, {right:.0%} read as asked", aspect=0.8)
        )
        note = f"{N} digits each, drawn here from seed {wish.seed}; seconds are processor time of one core for all {N}."
        yield f"Drawn with {wish.steps} steps.", player.clip(panels, note=note)


def drawn(name: str, classes: Tensor, wish: Wish) -> Generator[None, None, tuple[Tensor, float]]:
    """Returns a family's digits and its seconds of computing. Yields None at places to pause."""
    model, dice, spent = contender(name), torch.Generator().manual_seed(wish.seed), 0.0
    many = isinstance(model, Diffusion)
    parts = model.drawing(classes, dice, steps=wish.steps) if many else model.drawing(classes, dice)
    found: Tensor | None = None
    while True:
        begun = time.thread_time()
        part = next(parts, "over")
        spent += time.thread_time() - begun
        if isinstance(part, str):
            return cast(Tensor, found), spent
        found = found if part is None else part
        yield None


def opening() -> Generator[str | None, None, None]:
    """The sheets that the lab opens with, for `player.player`."""
    for found in work(check(**DEFAULTS)):
        yield None if found is None else found[1]


def lab(page: gr.Blocks) -> None:
    """The lab's curves, sheets and controls; without what it needs, a sentence that says how to get it back."""
    try:
        found = board()
        curves, told = chart(found), few_steps(found).found
        contenders.all_there()
        models.digit_judge()
    except REFUSED as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    player.player(curves, elem_id="contest-steps-chart")
    gr.Markdown(told, elem_id="contest-steps-told")
    sheets = player.player(opening, elem_id="contest-steps-sheets")
    with gr.Row():
        steps = gr.Radio(
            list(STEPS), value=DEFAULTS["steps"], label="Steps of diffusion", elem_id="contest-steps-steps", scale=3
        )
        seed = gr.Number(DEFAULTS["seed"], label="Seed", precision=0, elem_id="contest-steps-seed", min_width=100)
    settings = {"steps": steps, "seed": seed}
    buttons = wiring.button_row("contest-steps", "Draw beside the GAN", "draw")
    said = gr.Markdown(elem_id="contest-steps-said")
    draw = wiring.as_it_goes(work, check, "contest-steps")
    wiring.connect(page, "contest-steps", draw, settings, [said, sheets], buttons, check)
