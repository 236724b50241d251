"""The chapter "Two kinds of models"."""

import gradio as gr

from apps import notebook
from apps.tabs.two_kinds import draws, effort, elsewhere, learners, letter, look, novelty, support

TITLE = "Two kinds"
LABS = {
    "look": look.lab,
    "support": support.lab,
    "draws": draws.lab,
    "elsewhere": elsewhere.lab,
    "letter": letter.lab,
    "novelty": novelty.lab,
    "learners": learners.lab,
    "effort": effort.lab,
}


def build(page: gr.Blocks) -> None:
    """The chapter as part of a page."""
    notebook.chapter(page, "two_kinds", LABS)
