"""The chapter "Reverse diffusion": a model learns to walk back from noise."""

import gradio as gr

from apps import notebook
from apps.tabs.reverse import field, pictures, quality, train, walk

TITLE = "Reverse diffusion"
LABS = {"train": train.lab, "field": field.lab, "walk": walk.lab, "pictures": pictures.lab, "quality": quality.lab}


def build(page: gr.Blocks) -> None:
    """The chapter, with its labs in their places."""
    notebook.chapter(page, "reverse", LABS)
