"""The question of the lab "compare": by which step is it decided what the picture will show?"""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any

import gradio as gr
import numpy as np
import torch
from torch import Tensor

from apps import limits, player, wiring
from apps.tabs.latent.studio import studio
from apps.wiring import QUIET
from tutorial.data.critters import ATTRIBUTES
from tutorial.data.pixels import to_arrays
from tutorial.diffusion.samplers import Step
from tutorial.metrics.decided import decided, share_decided
from tutorial.metrics.fidelity import read_labels

PROMPT, STEPS, SEEDS, FIRST = "a critter", 20, 8, 1
QUESTION = f"{SEEDS} seeds of “{PROMPT}”, {STEPS} steps of DDIM. By which step are most of the ears decided?"
ANSWERS = {"step 1–5": 5, "step 6–10": 10, "step 11–15": 15, "step 16–20, or at the very end": STEPS + 1}
"""Each with the last step that it speaks of."""
HINT = (
    "Answer, and it is run. After each step the attribute reader reads ẑ₀, what would be left without the noise; ears "
    "are decided from the step on from which it reads what it reads at the end."
)
SHOWN = {"background": "real", "colour": "generated", "ears": "boundary", "eyes": "field", "mood": "noise"}
"""Attributes that are drawn, each in its colour."""


def question(film: gr.HTML) -> None:
    """The question and its answers; once one is given it is run, and shown in the lab's film."""
    answer = gr.Radio(list(ANSWERS), label=QUESTION, elem_id="compare-answer")
    said = gr.Markdown(HINT, elem_id="compare-answered")
    answer.input(wiring.as_it_goes(work, check, "compare"), answer, [said, film], **QUIET)


def check(answer: Any) -> str:
    """Raises gr.Error for what is none of the answers."""
    return limits.choice("Your answer", answer, list(ANSWERS))


def work(answer: str) -> Generator[tuple[str, Any] | None, None, None]:
    """Walks all seeds, reads each step, and says what came out."""
    steps: list[Step] = []
    shown = time.monotonic()
    for step in studio().model.sample(PROMPT, steps=STEPS, sampler="ddim", seed=FIRST, n=SEEDS):
        steps.append(step)
        late = time.monotonic() - shown >= wiring.FRAME
        shown = time.monotonic() if late else shown
        yield (f"step {step.i + 1} of {step.n}", gr.skip()) if late else None
    pictures, labels = [], []
    for guess in [*(step.x0_hat for step in steps), steps[-1].x_next]:
        for some in guess.split(SEEDS // 2):
            pictures.append(studio().model.decode(some))
            labels.append(read_labels(studio().reader, pictures[-1]))
            yield None
    x = torch.cat(pictures)
    readings = torch.cat(labels).unflatten(0, (STEPS + 1, SEEDS))  # (steps + 1, seeds, attributes)
    yield verdict(answer, readings), film(x, readings)


def halves(readings: Tensor) -> dict[str, int]:
    """For each attribute the step, counted from 1, by which it is decided for half of the seeds or more; one more than
    there are steps where that is the finished picture only."""
    ends = decided(readings)  # (seeds, attributes)
    middle = ends.sort(0).values[(len(ends) - 1) // 2] + 1
    return dict(zip(ATTRIBUTES, middle.tolist(), strict=True))


def verdict(answer: str, readings: Tensor) -> str:
    """What is said to a visitor's answer."""
    steps = halves(readings)
    ears = steps["ears"]
    truth = next(name for name, end in ANSWERS.items() if ears <= end)
    order = ", ".join(f"{name} {_by(steps[name])}" for name in sorted(SHOWN, key=lambda name: steps[name]))
    return (
        f"You said: {answer}. {'So it is' if truth == answer else 'It is another'}: half of the {SEEDS} have their "
        f"ears decided {_by(ears)}. In order: {order}. Drag the slider of the film."
    )


def _by(step: int) -> str:
    return f"by step {step}" if step <= STEPS else "at the end"


def film(x: Tensor, readings: Tensor) -> str:
    """The pictures after each step, (steps + 1) · SEEDS of them, and how much of what is decided."""
    rows = to_arrays(x).reshape(STEPS + 1, 2, SEEDS // 2, *x.shape[2:], 3)
    sheets = rows.swapaxes(2, 3).reshape(STEPS + 1, 2 * x.shape[2], SEEDS // 2 * x.shape[3], 3)
    numbers = np.arange(1, STEPS + 2)
    columns = list(ATTRIBUTES)
    curves = [
        player.curve(
            numbers, share_decided(readings[..., columns.index(name)]).numpy(), colour, name, marker=range(STEPS + 1)
        )
        for name, colour in SHOWN.items()
    ]
    labels = [f"step {k} of {STEPS}" for k in numbers[:-1]] + ["done"]
    return player.clip(
        [
            player.panel([player.image(sheets, smooth=True, quality=85)], title="ẑ₀, decoded", width=2, aspect=0.5),
            player.panel(
                curves, title="what is decided", x=(1, STEPS + 1, "step"), y=(0, 1.02, "share of the seeds"), aspect=0.8
            ),
        ],
        frames=STEPS + 1,
        labels=labels,
        rate=5,
        note=f"“{PROMPT}”, seeds {FIRST} to {FIRST + SEEDS - 1}, computed just now.",
    )
