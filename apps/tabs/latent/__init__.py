"""The chapter "Latent diffusion": the whole of Stable Diffusion in miniature."""

import gradio as gr

from apps import notebook
from apps.tabs.latent import (
    autoencode,
    compare,
    draw,
    edit,
    guidance_curve,
    guidance_negative,
    guidance_plane,
    guidance_steps,
    guidance_strip,
    words,
)

TITLE = "Latent diffusion"
LABS = {
    "draw": draw.lab,
    "autoencode": autoencode.lab,
    "words": words.lab,
    "guidance": guidance_strip.lab,
    "guidance-plane": guidance_plane.lab,
    "guidance-curve": guidance_curve.lab,
    "guidance-steps": guidance_steps.lab,
    "guidance-negative": guidance_negative.lab,
    "compare": compare.lab,
    "edit": edit.lab,
}


def build(page: gr.Blocks) -> None:
    """The chapter, with its labs in their places."""
    notebook.chapter(page, "latent", LABS)
