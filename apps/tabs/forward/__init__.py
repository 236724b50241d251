"""The chapter "Forward diffusion": how data dissolves in noise."""

import gradio as gr

from apps import notebook
from apps.tabs.forward import dissolve, ending, jump, spend

TITLE = "Forward diffusion"
LABS = {"dissolve": dissolve.lab, "jump": jump.lab, "spend": spend.lab, "ending": ending.lab}


def build(page: gr.Blocks) -> None:
    """The chapter, with its labs in their places."""
    notebook.chapter(page, "forward", LABS)
