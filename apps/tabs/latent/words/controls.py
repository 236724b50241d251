"""The controls of the lab "what the words do", and what they say at first."""

from __future__ import annotations

from typing import Any

import gradio as gr

from apps import wiring
from apps.tabs.latent.words.pictures import ALL
from apps.tabs.latent.words.work import LEAST, MOST, MOST_PICTURES, MOST_STEPS, resolutions, words_of
from tutorial.data.critter_words import EXAMPLES
from tutorial.diffusion import latent

LAB = "words"
DEFAULTS: dict[str, Any] = {
    "prompt": EXAMPLES[1],
    "word": "crown",
    "weight": 0.0,
    "resolution": ALL,
    "steps": latent.STEPS,
    "guidance": latent.GUIDANCE,
    "seed": 1,
    "n": MOST_PICTURES,
}


def pickers() -> tuple[gr.Textbox, gr.Dropdown, gr.Dropdown]:
    """The prompt, and what of it the film shows."""
    with gr.Row():
        prompt = gr.Textbox(DEFAULTS["prompt"], label="Prompt", max_lines=3, elem_id="words-prompt", min_width=260)
        word = gr.Dropdown(
            [each.name for each in words_of(DEFAULTS["prompt"])],
            value=DEFAULTS["word"],
            allow_custom_value=True,  # a link brings prompt and word together; the word is checked here
            label="Word",
            elem_id="words-word",
            min_width=130,
        )
        resolution = gr.Dropdown(
            resolutions(), value=ALL, label="Positions of the map", elem_id="words-resolution", min_width=130
        )
    return prompt, word, resolution


def below() -> tuple[gr.Slider, dict[str, gr.Button], gr.Markdown, dict[str, Any]]:
    """The weight, the buttons, what the reader sees, and the other settings in the order in which `check` has them."""
    label = "What the word counts in the attention: 0 switches it off, 1 leaves it as it is"
    weight = gr.Slider(LEAST, MOST, DEFAULTS["weight"], step=0.25, label=label, elem_id="words-weight")
    buttons = wiring.button_row(LAB, "Draw side by side", "draw")
    table = gr.Markdown(elem_id="words-table")
    with gr.Accordion("More: steps, guidance, seed, pictures", open=False), gr.Row():
        steps = gr.Slider(1, MOST_STEPS, DEFAULTS["steps"], step=1, label="Steps", elem_id="words-steps", min_width=160)
        guidance = gr.Slider(
            1, 15, DEFAULTS["guidance"], step=0.1, label="Guidance", elem_id="words-guidance", min_width=160
        )
        seed = gr.Number(DEFAULTS["seed"], label="First seed", precision=0, elem_id="words-seed", min_width=120)
        n = gr.Slider(
            1, MOST_PICTURES, DEFAULTS["n"], step=1, label="Pictures an arm", elem_id="words-n", min_width=160
        )
    return weight, buttons, table, {"steps": steps, "guidance": guidance, "seed": seed, "n": n}
