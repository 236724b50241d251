"""The chapter "GANs"."""

import gradio as gr

from apps import notebook
from apps.tabs.gan import (
    ask,
    collapse,
    judge,
    lab,
    loss_tells,
    metrics,
    overtraining,
    timeline,
    vanishing,
    wall,
)

TITLE = "GANs"
LABS = {
    "diagram": lab.lab,
    "wall": wall.lab,
    "loss": loss_tells.lab,
    "ask": ask.lab,
    "overtraining": overtraining.lab,
    "collapse": collapse.lab,
    "vanishing": vanishing.lab,
    "timeline": timeline.lab,
    "metrics": metrics.lab,
    "judge": judge.lab,
}


def build(page: gr.Blocks) -> None:
    """The chapter as part of a page."""
    notebook.chapter(page, "gan", LABS)
