"""The chapter "Four families"."""

import gradio as gr

from apps import notebook
from apps.tabs.families import flow, gan, latent_codes, latent_gap, latent_rate, panel, pixels, slices

TITLE = "Four families"
LABS = {
    "panel": panel.lab,
    "gan": gan.lab,
    "flow": flow.lab,
    "slices": slices.lab,
    "pixels": pixels.lab,
    "codes": latent_codes.lab,
    "rate": latent_rate.lab,
    "gap": latent_gap.lab,
}


def build(page: gr.Blocks) -> None:
    """The chapter as part of a page."""
    notebook.chapter(page, "families", LABS)
