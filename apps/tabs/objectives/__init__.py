"""The chapter "Objectives": what a denoiser is asked for, and the bound that this comes from."""

import gradio as gr

from apps import notebook
from apps.tabs.objectives import bound, train, views

TITLE = "Objectives"
LABS = {"views": views.lab, "objectives": train.lab, "bound": bound.lab}


def build(page: gr.Blocks) -> None:
    """The chapter, with its labs in their places."""
    notebook.chapter(page, "objectives", LABS)
