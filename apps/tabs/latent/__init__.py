"""The chapter "Latent diffusion": the whole of Stable Diffusion in miniature."""

import gradio as gr

from apps import notebook
from apps.tabs.latent.autoencode import lab as autoencode
from apps.tabs.latent.compare import lab as compare
from apps.tabs.latent.draw import lab as draw
from apps.tabs.latent.edit import lab as edit
from apps.tabs.latent.guidance import curve, negative, plane, steps, strip
from apps.tabs.latent.words import lab as words

TITLE = "Latent diffusion"
LABS = {
    "draw": draw.lab,
    "autoencode": autoencode.lab,
    "words": words.lab,
    "guidance": strip.lab,
    "guidance-plane": plane.lab,
    "guidance-curve": curve.lab,
    "guidance-steps": steps.lab,
    "guidance-negative": negative.lab,
    "compare": compare.lab,
    "edit": edit.lab,
}


def build(page: gr.Blocks) -> None:
    """The chapter, with its labs in their places."""
    notebook.chapter(page, "latent", LABS)
