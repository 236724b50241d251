"""What the page's shell takes of Gradio that Gradio does not promise."""

from __future__ import annotations

import inspect

import gradio as gr
from gradio import queueing

from apps import shell


def test_the_queue_waits_as_long_as_it_is_told_to():
    """The name is Gradio's own: one that it no longer read would be set in vain."""
    with gr.Blocks() as page:
        gr.Markdown("A page.")
    assert hasattr(page.queue()._queue, "sleep_when_free")
    assert shell.queued(page)._queue.sleep_when_free == shell.GLANCE
    assert "asyncio.sleep(self.sleep_when_free)" in inspect.getsource(queueing.Queue)
