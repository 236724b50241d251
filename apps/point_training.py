"""What the labs that train denoisers of points in front of a visitor have in common: their settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from apps import limits, worlds
from tutorial.diffusion.objective import KINDS
from tutorial.diffusion.point_training import Knobs
from tutorial.networks.mlp import PointDenoiserConfig

AT_A_TIME = 30.0
"""Seconds of computing after which a training pauses by itself."""
RATES = [0.0001, 0.0005, 0.002, 0.005, 0.02, 0.1]
DEFAULTS: dict[str, Any] = {
    "world": "eight Gaussians",
    "rate": Knobs.rate,
    "batch": Knobs.batch,
    "hidden": PointDenoiserConfig.hidden,
    "layers": PointDenoiserConfig.layers,
    "seed": 0,
}


@dataclass(frozen=True)
class Setup:
    """What a training starts from: another one is another training."""

    world: str
    drawn: worlds.Points
    shape: PointDenoiserConfig
    seed: int


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked."""

    setup: Setup
    knobs: Knobs


def check(
    world: Any,
    rate: Any,
    batch: Any,
    hidden: Any,
    layers: Any,
    seed: Any,
    predicts: Any = Knobs.predicts,
    drawn: Any = (),
) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    name = limits.choice("The data", world, worlds.NAMES)
    shape = PointDenoiserConfig(
        hidden=limits.whole("The width", hidden, 8, 256),
        layers=limits.whole("The number of layers", layers, 1, 5),
    )
    knobs = Knobs(
        predicts=limits.choice("What is predicted", predicts, KINDS),  # type: ignore[arg-type]
        rate=limits.number("The learning rate", rate, 1e-5, 0.1),
        batch=limits.whole("The batch", batch, 16, 512),
    )
    return Wish(Setup(name, worlds.drawn(name, drawn), shape, limits.whole("The seed", seed, 0, 2**31 - 1)), knobs)


def rate(lab: str) -> gr.Dropdown:
    """The control of the learning rate."""
    return gr.Dropdown(RATES, value=DEFAULTS["rate"], label="Learning rate", elem_id=f"{lab}-rate", min_width=140)


def more(lab: str) -> dict[str, Any]:
    """The controls that stand under More: batch, hidden, layers and seed."""
    with gr.Row():
        controls: dict[str, Any] = {
            "batch": gr.Slider(16, 512, DEFAULTS["batch"], step=16, label="Batch", elem_id=f"{lab}-batch"),
            "hidden": gr.Slider(
                8, 256, DEFAULTS["hidden"], step=8, label="Width of the layers", elem_id=f"{lab}-hidden"
            ),
            "layers": gr.Slider(1, 5, DEFAULTS["layers"], step=1, label="Hidden layers", elem_id=f"{lab}-layers"),
        }
    label = "Seed: initialisation and noise"
    return controls | {"seed": gr.Number(DEFAULTS["seed"], label=label, precision=0, elem_id=f"{lab}-seed")}
