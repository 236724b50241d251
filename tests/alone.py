"""A page with one lab alone, or with a few, for the tests that need no other."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import gradio as gr
import torch

from apps.shell import serve


@contextlib.contextmanager
def alone(*labs: Callable[[gr.Blocks], None]) -> Iterator[str]:
    """Serves a page with these labs in one tab, in the way of the whole page; gives its address."""

    def build(page: gr.Blocks) -> None:
        for lab in labs:
            lab(page)

    threads = torch.get_num_threads()
    page = serve([SimpleNamespace(TITLE="GANs", build=build)], prevent_thread_lock=True, quiet=True)  # type: ignore[list-item]
    try:
        yield str(page.local_url)
    finally:
        page.close()
        torch.set_num_threads(threads)
