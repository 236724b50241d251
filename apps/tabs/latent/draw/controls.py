"""The controls of the lab "draw a critter"."""

from __future__ import annotations

from typing import Any

import gradio as gr

from apps.tabs.latent.draw.wish import ANYTHING, FIRST_SEED, SAMPLER_NAMES, SETTINGS, SIDE, SIDES
from tutorial.data.critter_words import EXAMPLES
from tutorial.data.critters import ATTRIBUTES
from tutorial.diffusion import latent


def controls() -> tuple[dict[str, Any], dict[str, gr.Button], list[gr.Dropdown], gr.File]:
    """The settings in the order of `SETTINGS`, buttons, pickers of attributes, and where pictures are dropped."""
    prompt = gr.Textbox(
        EXAMPLES[0],
        label="What do you want to see?",
        placeholder="anything: without a prompt, the model draws what comes to it",
        max_lines=4,
        elem_id="prompt",
    )
    with gr.Row():
        buttons = {
            "draw": gr.Button("Draw", variant="primary", elem_id="draw", scale=2, min_width=120),
            "stop": gr.Button("Stop", elem_id="stop", scale=1, min_width=80),
        }
    with gr.Row():
        small = {"surprise": "Surprise me", "another": "Another one", "copy": "Copy link"}
        buttons |= {name: gr.Button(text, elem_id=name, size="sm", min_width=90) for name, text in small.items()}
    with gr.Accordion("Put a prompt together", open=False), gr.Row():
        pickers = [
            gr.Dropdown([ANYTHING, *values], value=ANYTHING, label=name, min_width=120, elem_id=f"pick-{name}")
            for name, values in ATTRIBUTES.items()
        ]
    guidance = gr.Slider(0, 15, latent.GUIDANCE, step=0.1, label="Guidance", elem_id="guidance")
    steps = gr.Slider(1, 100, latent.STEPS, step=1, label="Steps", elem_id="steps")
    n = gr.Slider(1, 9, 1, step=1, label="Pictures", elem_id="n")
    side = gr.Radio(
        [(f"{side} × {side} pixels", side) for side in SIDES],
        value=SIDE,
        label="Size",
        elem_id="side",
        visible=len(SIDES) > 1,
    )
    seed = gr.Number(FIRST_SEED, label="Seed: which noise to start from", precision=0, elem_id="seed")
    with gr.Accordion("More", open=False):
        negative = gr.Textbox(
            label="Negative prompt", info="What to steer away from; needs guidance above 1", elem_id="negative"
        )
        samplers = [(name, key) for key, name in SAMPLER_NAMES.items()]
        sampler = gr.Dropdown(samplers, value=latent.SAMPLER, label="Sampler", elem_id="sampler")
        eta = gr.Slider(0, 1, 0, step=0.05, label="η", info="New noise in each step of DDIM", elem_id="eta")
        dropped = gr.File(
            label="Drop a picture saved here to draw it again", file_types=[".png"], height=110, elem_id="dropped"
        )
    settings = dict(zip(SETTINGS, (prompt, negative, steps, guidance, sampler, eta, seed, n, side), strict=True))
    return settings, buttons, pickers, dropped
