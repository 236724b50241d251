"""The controls of the lab "diagram", each on the node that it belongs to: noise → G → fakes → D ← data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, get_args

import gradio as gr
from gradio.components import Component

from apps import player
from apps.tabs.gan import data
from apps.tabs.gan.settings import DEFAULTS, FASTER, LAYERS, R1, RATES, UPDATES, WIDTHS
from tutorial.gans.descent import Optimiser
from tutorial.gans.game import Shape
from tutorial.gans.losses import LOSSES

MOST_TURNS = 20_000


@dataclass
class Lab:
    """What `lab` wires up: settings by name in the order of `settings.check`, buttons, pictures."""

    settings: dict[str, Any] = field(default_factory=dict)
    buttons: dict[str, gr.Button] = field(default_factory=dict)
    pictures: dict[str, gr.HTML] = field(default_factory=dict)
    turns: Any = None
    rewind: Any = None

    def ordered(self) -> dict[str, Component]:
        """The settings in the order of `DEFAULTS`, as `check` takes them."""
        return {name: self.settings[name] for name in DEFAULTS}


def build(opening: dict[str, str]) -> Lab:
    """The whole diagram, with these pictures: "frame", "codes", "warp", "fakes", "opinion", "real", "gauges"."""
    lab = Lab()
    with gr.Column(elem_id="diagram"):
        for area, fill in (
            ("plane", _plane),
            ("clock", _clock),
            ("noise", _noise),
            ("generator", _generator),
            ("fakes", _fakes),
            ("judge", _discriminator),
            ("data", _data),
        ):
            with gr.Column(elem_classes=["node", area], min_width=0):
                fill(lab, opening)
    lab.pictures["gauges"] = player.player(opening["gauges"], elem_id="diagram-gauges")
    return lab


def _title(name: str, said: str = "") -> None:
    gr.Markdown(f"**{name}** {said}", elem_classes="node-title")


def _picture(lab: Lab, name: str, opening: dict[str, str]) -> None:
    lab.pictures[name] = player.player(opening[name], elem_id=f"diagram-{name}")


def _dropdown(lab: Lab, name: str, choices: Any, label: str) -> None:
    lab.settings[name] = gr.Dropdown(
        list(choices),
        value=DEFAULTS[name],
        label=label,
        elem_id=f"diagram-set-{name}",
        elem_classes="slim",
        min_width=60,
    )


def _switch(lab: Lab, name: str, label: str) -> None:
    lab.settings[name] = gr.Checkbox(
        DEFAULTS[name], label=label, elem_id=f"diagram-set-{name}", elem_classes="switch", min_width=60, container=False
    )


def _button(lab: Lab, name: str, label: str, **options: Any) -> None:
    lab.buttons[name] = gr.Button(label, elem_id=f"diagram-{name}", min_width=60, size="sm", **options)


def _plane(lab: Lab, opening: dict[str, str]) -> None:
    _picture(lab, "frame", opening)


def _clock(lab: Lab, opening: dict[str, str]) -> None:
    _title("The game")
    with gr.Row():
        _button(lab, "run", "▶ Run", variant="primary")
        _button(lab, "pause", "❚❚ Pause")
    with gr.Row():
        _button(lab, "step_d", "One step of D")
        _button(lab, "step_g", "One step of G")
    with gr.Row():
        _button(lab, "step", "One turn")
        _button(lab, "slow", "Slow motion")
    with gr.Row(elem_classes="count"):
        lab.turns = gr.Number(
            200,
            label="n",
            precision=0,
            minimum=1,
            maximum=MOST_TURNS,
            elem_id="diagram-n",
            elem_classes="slim",
            min_width=60,
        )
        _button(lab, "many", "n turns")
    lab.rewind = gr.Slider(
        0, 1, 0, step=1, label="Rewind: moments kept", elem_id="diagram-rewind", interactive=True, min_width=60
    )
    with gr.Row():
        _button(lab, "reset", "Reset")
        lab.buttons["copy"] = gr.Button("Copy link", elem_id="copy-diagram", min_width=60, size="sm")
    _dropdown(lab, "loss", LOSSES, "Loss")
    with gr.Row():
        _dropdown(lab, "optimiser", get_args(Optimiser), "Optimiser")
        _dropdown(lab, "batch", (16, 32, 64, 150, 256, 512), "Batch")


def _noise(lab: Lab, opening: dict[str, str]) -> None:
    _title("Noise", "z")
    _picture(lab, "codes", opening)
    with gr.Column(elem_classes="knobs", min_width=0):
        _dropdown(lab, "shape", get_args(Shape), "Kind")
        _dropdown(lab, "noise", [("1-D", 1), ("2-D", 2)], "Numbers")


def _network(lab: Lab, letter: str) -> None:
    with gr.Row(elem_classes="size"):
        _dropdown(lab, f"{letter}_layers", LAYERS, "Layers")
        _dropdown(lab, f"{letter}_width", WIDTHS, "Neurons")
    with gr.Row(elem_classes="pace"):
        _dropdown(lab, f"rate_{letter}", RATES, "Learning rate")
        _dropdown(lab, f"k_{letter}", UPDATES, "Steps a turn")


def _generator(lab: Lab, opening: dict[str, str]) -> None:
    _title("Generator", "G")
    _picture(lab, "warp", opening)
    with gr.Column(elem_classes="knobs", min_width=0):
        _network(lab, "g")
        _switch(lab, "averaged", "Show its average (EMA)")


def _fakes(lab: Lab, opening: dict[str, str]) -> None:
    _title("Fakes", "G(z)")
    _picture(lab, "fakes", opening)


def _discriminator(lab: Lab, opening: dict[str, str]) -> None:
    _title("Discriminator", "D")
    _picture(lab, "opinion", opening)
    with gr.Column(elem_classes="knobs", min_width=0):
        _network(lab, "d")
    with gr.Column(elem_classes="remedies", min_width=0):
        _switch(lab, "spectral", "Spectral norm")
        _switch(lab, "pack", "PacGAN: judge pairs")
        _dropdown(lab, "r1", R1, "R1 penalty, weight γ")
        _button(lab, "two_scales", f"Two time scales: {FASTER} × G’s rate")


def _data(lab: Lab, opening: dict[str, str]) -> None:
    _title("Data", "x")
    _picture(lab, "real", opening)
    with gr.Column(elem_classes="knobs", min_width=0):
        lab.settings["seed"] = gr.Number(
            DEFAULTS["seed"], label="Seed", precision=0, elem_id="diagram-set-seed", elem_classes="slim", min_width=60
        )
        _button(lab, "clear", "Clear my points")
    with gr.Column(elem_classes="whole", min_width=0):
        _dropdown(lab, "world", data.NAMES, "Points, or draw on the picture")
