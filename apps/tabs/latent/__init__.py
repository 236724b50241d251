"""The chapter "Latent diffusion": the whole of Stable Diffusion in miniature."""

import gradio as gr

from apps import notebook
from apps.tabs.latent import draw

TITLE = "Latent diffusion"


def build(page: gr.Blocks) -> None:
    """The chapter, with its labs in their places."""
    notebook.chapter(page, "latent", {"draw": draw.lab})
