"""The first tab: a picture being born, and the way through the course."""

from __future__ import annotations

from collections.abc import Generator

import gradio as gr
import numpy as np
import torch

from apps import models, notebook, player
from tutorial import chapters, weights
from tutorial.data.critter_words import EXAMPLES
from tutorial.data.pixels import to_arrays
from tutorial.diffusion.latent import LatentDiffusion

TITLE = "Start"
SEED, STEPS = 1, 40


def build(page: gr.Blocks) -> None:
    """The chapter, with its labs in their places."""
    notebook.chapter(page, "start", {"birth": birth, "chapters": contents})


def birth(page: gr.Blocks) -> None:
    """One picture, decoded at each of its steps since the app started, and played as the page opens."""
    try:
        model = models.latent_diffusion()
    except weights.WeightsError as error:
        gr.Markdown(f"### No picture yet\n{error}")
        return
    with gr.Column(elem_classes="birth"):
        player.player(lambda: film(model), elem_id="birth")


def film(model: LatentDiffusion) -> Generator[str | None, None, None]:
    """The noisy latent of each step, decoded; None until then, where others may have their turn."""
    steps, decoded = [], []
    for step in model.sample(EXAMPLES[0], seed=SEED, steps=STEPS):
        steps.append(step)
        yield None
    for rows in torch.cat([step.x for step in steps] + [steps[-1].x_next]).split(2):
        decoded.append(to_arrays(model.decode(rows)))
        yield None
    pictures = np.concatenate(decoded)
    share = [f"{model.schedule.abar[step.t]:.0%} signal" for step in steps] + ["done"]
    yield player.clip(
        [player.panel([player.image(pictures, smooth=True, quality=90)], label=EXAMPLES[0], width=1)],
        frames=len(pictures),
        labels=share,
        rate=8,
        play=True,
        note=f"“{EXAMPLES[0]}”, drawn since the app started, with weights made by “make weights”: "
        "the noisy latent of each step, decoded.",
    )


def contents(page: gr.Blocks) -> None:
    """The chapters that there are, each with what it promises."""
    lines = []
    for name in chapters.names():
        chapter = chapters.read(name)
        if name != "start":
            lines.append(f"- **{chapter.metadata['title']}.** {chapters.promise(chapter)}")
    gr.Markdown("\n".join(lines), elem_classes="prose-column")
