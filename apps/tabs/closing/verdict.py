"""The lab "verdict": what came out, worked out from the records, each sentence with a way to what measured it."""

from __future__ import annotations

from html import escape

import gradio as gr

from apps.tabs.closing import tables, ways
from tutorial import measurements
from tutorial.training.contest_recorded import board, patch, rates
from tutorial.training.contest_verdict import Finding, findings

TAB = "Why ditch GANs?"
LABS = {
    "race": ("contest-race", "the race"),
    "scoreboard": ("scoreboard", "the scoreboard"),
    "tasks": ("contest-tasks", "what else can it do"),
    "stability": ("stability", "stability"),
    "steps": ("contest-steps-chart", "one pass against many"),
    "patch": ("patch", "the patch discriminator"),
}
"""The element of each lab that is gone to, and what it is called."""


def html(found: list[Finding]) -> str:
    """The verdict as a list."""
    return f'<ol class="ledger">{"".join(map(_item, found))}</ol>'


def _item(one: Finding) -> str:
    element, name = LABS[one.lab]
    word = f" <strong>{escape(one.word.capitalize())}.</strong>" if one.word else ""
    return (
        f"<li><strong>{escape(tables.begun(one.about))}</strong>{'' if one.about.endswith('?') else '.'} "
        f"<em>Usually told: {escape(one.usual)}.</em> {escape(tables.begun(one.found))}{word} "
        f"Measured by {ways.link(TAB, element, name)}.</li>"
    )


def lab(page: gr.Blocks) -> None:
    """The verdict; without the records, a sentence that says how to get them back."""
    try:
        found = findings(board(), rates(), patch())
    except measurements.MeasurementsError as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    tables.prose(html(found), "closing-verdict")
