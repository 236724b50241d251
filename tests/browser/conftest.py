"""A page with a player on it, served once for each module that looks at it."""

from __future__ import annotations

import json

import gradio as gr
import pytest

from apps import player
from tests.browser.stage import everything, stream


@pytest.fixture(scope="module")
def stage():
    """A page with a player, a box that says what was clicked or drawn, and buttons to stream, hide and show."""

    def heard(event: gr.EventData) -> str:
        return json.dumps(event._data)

    with gr.Blocks() as page:
        clip = player.player(everything(), elem_id="clip")
        said = gr.Textbox(elem_id="said")
        go, hide, show = gr.Button("Stream", elem_id="go"), gr.Button("Hide"), gr.Button("Show")
        clip.click(heard, None, said)
        clip.input(heard, None, said)
        go.click(stream, None, clip)
        hide.click(lambda: gr.update(visible=False), None, clip)
        show.click(lambda: gr.update(visible=True), None, clip)
    _, url, _ = page.launch(
        prevent_thread_lock=True,
        quiet=True,
        run_history=False,
        ssr_mode=False,
        head=player.HEAD,
        css_paths=[player.STYLE],
    )
    yield url
    page.close()


@pytest.fixture
def opened(watched, stage):
    """Opens the page in a browser of some kind, and waits for the player's last frame."""

    def go(**settings):
        page = watched(stage, **{"viewport": {"width": 1200, "height": 900}} | settings)
        page.wait_for_function("document.querySelectorAll('#clip canvas').length === 6")
        page.wait_for_function("document.querySelector('#clip output').textContent === 't = 19'")
        return page

    return go
