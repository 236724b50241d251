"""The lab "ledger": every claim of the course, a way to where it is tested, and what came out."""

from __future__ import annotations

from html import escape

import gradio as gr

from apps.tabs.closing import tables, ways
from tutorial.chapters.ledger import Claim, Place, read

TITLES = {
    "two_kinds": "Two kinds",
    "families": "Four families",
    "gan": "GANs",
    "forward": "Forward diffusion",
    "reverse": "Reverse diffusion",
    "objectives": "Objectives",
    "latent": "Latent diffusion",
    "closing": "Why ditch GANs?",
}
"""The tab of each chapter."""


def html(claims: list[Claim]) -> str:
    """The ledger: a fold for each claim, open at what came out."""
    return f'<ol class="ledger">{"".join(map(_item, claims))}</ol>'


def _item(one: Claim) -> str:
    links = ", ".join(map(_way, one.places))
    care = f" <em>{escape(one.care)}</em>" if one.care else ""
    tests = "".join(f"<li><code>{escape(test)}</code></li>" for test in one.tests)
    return (
        f"<li><strong>{escape(one.claim)}</strong>{care}<br>{escape(one.came_out)} Test it: {links}."
        f"<details><summary>Held by {len(one.tests)} {'test' if len(one.tests) == 1 else 'tests'}</summary>"
        f"<ul>{tests}</ul></details></li>"
    )


def _way(place: Place) -> str:
    return ways.link(TITLES[place.chapter], place.element, f"{TITLES[place.chapter]}, “{place.lab}”")


def lab(page: gr.Blocks) -> None:
    """The ledger."""
    tables.prose(html(read()), "ledger")
