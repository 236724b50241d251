"""What several labs ask for: the data, and the seed, or the first of several, of what is run on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from apps import limits, wiring
from tutorial.gans.worlds import WORLDS

SEED = 100
"""Of a run in front of the visitor: none of the recorded seeds."""


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked."""

    world: str
    seed: int


def check(world: Any, seed: Any) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    return Wish(
        limits.choice("The data", world, tuple(WORLDS)),
        limits.whole("The seed", seed, 0, 2**31 - 10),
    )


def controls(
    lab: str, world: str, run_label: str, seed_label: str = "Seed"
) -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings in the order in which `check` takes them, beginning with this world, and the buttons."""
    with gr.Row():
        data = gr.Dropdown(list(WORLDS), value=world, label="Data", elem_id=f"{lab}-world", min_width=160)
        number = gr.Number(SEED, label=seed_label, precision=0, elem_id=f"{lab}-seed", min_width=100)
    return {"world": data, "seed": number}, wiring.button_row(lab, run_label)
