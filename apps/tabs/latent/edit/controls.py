"""The controls of the lab "edit": the source to draw a mask on, and what each kind of edit needs."""

from __future__ import annotations

from typing import Any

import gradio as gr

from apps import player, wiring
from apps.tabs.latent.draw.wish import SAMPLER_NAMES
from apps.tabs.latent.edit import pictures as edit_pictures
from apps.tabs.latent.edit.wish import (
    DEFAULTS,
    FIRST_MASK,
    INPAINT,
    KINDS,
    MASKS,
    MOST_ROUNDS,
    MOST_STEPS,
    PROMPTS,
    STRENGTH,
    VARIATIONS,
    check,
    ready,
    stroke,
)
from apps.tabs.latent.source import OWN, SOURCES
from apps.wiring import QUIET

LATEST: dict[str, Any] = QUIET | {"trigger_mode": "always_last"}


def controls() -> tuple[dict[str, Any], dict[str, gr.Button], gr.HTML, gr.File]:
    """The settings in the order in which `check` takes them, the buttons, the canvas, and where a file is dropped."""
    kind = gr.Radio(list(KINDS.items()), value=DEFAULTS["kind"], label="What to do", elem_id="edit-kind")
    with gr.Row():
        with gr.Column(scale=2, min_width=260, elem_id="edit-left") as left:
            canvas = player.player(edit_pictures.canvas(check(**DEFAULTS)), elem_id="edit-canvas")
        with gr.Column(scale=3, min_width=280):
            prompt = gr.Textbox(DEFAULTS["prompt"], label="Prompt", max_lines=3, elem_id="edit-prompt")
            other = gr.Textbox(
                DEFAULTS["other"], label="The other prompt", max_lines=3, elem_id="edit-other", visible="hidden"
            )
            ready_mask = gr.Dropdown(list(MASKS), value=FIRST_MASK, label="Or a ready mask", elem_id="edit-ready")
            source, description, critter, picture = _source()
            buttons = wiring.button_row("edit", "Run")
    with gr.Accordion("More: strength, rounds, seeds, steps", open=False) as more:
        own = _more()
    settings = {"kind": kind, "source": source, "description": description, "critter": critter}
    settings |= {"prompt": prompt, "other": other} | own
    shown = {left: (INPAINT, STRENGTH), ready_mask: (INPAINT,), other: (PROMPTS,)}
    shown |= dict.fromkeys((source, description, critter, picture), (INPAINT, STRENGTH))
    shown |= {own["other_seed"]: (VARIATIONS,)} | {own[name]: (INPAINT,) for name in ("strength", "rounds", "mask")}

    def needed(chosen: Any) -> list[dict[str, Any]]:
        return [gr.update(visible=True if chosen in kinds else "hidden") for kinds in shown.values()]

    # What stands in an accordion that was never opened is not there yet, and Gradio 6.31 forgets what it is told.
    gr.on([kind.change, more.expand], needed, kind, list(shown), **QUIET)
    _follow(settings, canvas, ready_mask, picture)
    return settings, buttons, canvas, picture


def _source() -> tuple[gr.Dropdown, gr.Textbox, gr.Number, gr.File]:
    with gr.Row():
        source = gr.Dropdown(
            list(SOURCES), value=DEFAULTS["source"], label="Source", elem_id="edit-source", min_width=200
        )
        critter = gr.Number(
            DEFAULTS["critter"], label="The critter’s seed", precision=0, elem_id="edit-critter", min_width=110
        )
    description = gr.Textbox(
        DEFAULTS["description"],
        label="What the source shows",
        info="What this does not name comes from the seed",
        max_lines=3,
        elem_id="edit-description",
    )
    picture = gr.File(label="Or a picture of yours", file_types=["image"], height=140, elem_id="edit-picture")
    return source, description, critter, picture


def _more() -> dict[str, Any]:
    """From the mask on, in order."""
    with gr.Row():
        mask = gr.Textbox(
            ready(FIRST_MASK),
            label="Mask, a bit for each cell in hexadecimal digits",
            elem_id="edit-mask",
            min_width=200,
        )
        strength = gr.Slider(0, 1, DEFAULTS["strength"], step=0.05, label="Strength", elem_id="edit-strength")
        rounds = gr.Slider(
            1,
            MOST_ROUNDS,
            DEFAULTS["rounds"],
            step=1,
            label="Rounds a step",
            info="2 or more: RePaint’s going back and forth",
            elem_id="edit-rounds",
        )
    with gr.Row():
        seed = gr.Number(DEFAULTS["seed"], label="Seed", precision=0, elem_id="edit-seed", min_width=110)
        other_seed = gr.Number(
            DEFAULTS["other_seed"],
            label="The other seed",
            precision=0,
            elem_id="edit-other-seed",
            min_width=110,
            visible="hidden",
        )
        steps = gr.Slider(1, MOST_STEPS, DEFAULTS["steps"], step=1, label="Steps", elem_id="edit-steps")
        guidance = gr.Slider(0, 15, DEFAULTS["guidance"], step=0.1, label="Guidance", elem_id="edit-guidance")
    with gr.Row():
        names = [(name, key) for key, name in SAMPLER_NAMES.items()]
        sampler = gr.Dropdown(
            names,
            value=DEFAULTS["sampler"],
            label="Sampler",
            info="A part is always redrawn by DDIM",
            elem_id="edit-sampler",
        )
        eta = gr.Slider(0, 1, DEFAULTS["eta"], step=0.05, label="η, of DDIM", elem_id="edit-eta")
    values = (mask, strength, rounds, seed, other_seed, steps, guidance, sampler, eta)
    return dict(zip(list(DEFAULTS)[6:], values, strict=True))


def _follow(settings: dict[str, Any], canvas: gr.HTML, ready_mask: gr.Dropdown, picture: gr.File) -> None:
    """Makes the canvas show the source and the mask as they are chosen, and a stroke on it change the mask."""
    names = ("kind", "source", "description", "critter", "mask")
    looked_at = [*(settings[name] for name in names), picture]

    def show(*values: Any) -> str:
        *chosen, path = values
        return edit_pictures.canvas(check(**DEFAULTS | dict(zip(names, chosen, strict=True)), picture=path))

    def drawn(mask: Any, event: gr.EventData) -> str:
        return stroke(mask, event._data.get("points") if isinstance(event._data, dict) else None)

    changed = [settings["kind"].change, settings["source"].input, settings["mask"].submit]
    changed += [settings["description"].submit, settings["description"].blur, settings["critter"].input]
    gr.on(changed, show, looked_at, canvas, **LATEST)
    mask = settings["mask"]
    canvas.input(drawn, mask, mask, **QUIET).success(show, looked_at, canvas, **LATEST)
    ready_mask.input(ready, ready_mask, mask, **QUIET).success(show, looked_at, canvas, **LATEST)
    picture.upload(lambda: OWN, None, settings["source"], queue=False, **QUIET).success(
        show, looked_at, canvas, **LATEST
    )
