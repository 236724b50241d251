"""The closing chapter: why ditch GANs for diffusion? All six families on one data set, measured."""

import gradio as gr

from apps import notebook
from apps.tabs.closing import ledger, patch, race, scoreboard, stability, steps, tasks, verdict, ways

TITLE = "Why ditch GANs?"
LABS = {
    "race": race.lab,
    "scoreboard": scoreboard.lab,
    "tasks": tasks.lab,
    "stability": stability.lab,
    "steps": steps.lab,
    "patch": patch.lab,
    "verdict": verdict.lab,
    "ledger": ledger.lab,
}


def build(page: gr.Blocks) -> None:
    """The chapter as part of a page."""
    ways.follow(page)
    notebook.chapter(page, "closing", LABS)
