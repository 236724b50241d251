"""The page around the chapters: the list of tabs, the theme, the header, and how it is all served."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import gradio as gr
import torch
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from threadpoolctl import threadpool_limits

from apps import limits, player
from apps.player import promises
from apps.tabs import families, forward, gan, latent, objectives, reverse, start, two_kinds

TABS = (start, two_kinds, families, gan, forward, reverse, objectives, latent)
"""The chapters in the order of the course; each module has a TITLE and a build(page)."""

GLANCE = 0.01
"""Seconds from one look of the queue for new events to the next. Gradio's own thousandth interrupts what is being
computed so often that a small GAN trains a fifth slower, and keeps an idle page busy."""
STYLE = Path(__file__).with_name("style.css")
KEYS = f"<script>(() => {{\n{Path(__file__).with_name('keys.js').read_text(encoding='utf-8')}}})();</script>"
HEADER = """
# Latent Diffusion, Hands On
From “what is a generative model?” to the real Stable Diffusion architecture, small enough to run on two CPU
cores, with every claim measured in front of you.
"""


class PackedPage:
    """ASGI middleware: the page, a description of its hundreds of components, is packed to a sixth on its way.

    Its scripts are not: browsers keep them, and packing them costs as much as building the page.
    """

    def __init__(self, app: Any) -> None:
        self.app, self.packing = app, GZipMiddleware(app, minimum_size=10_000, compresslevel=4)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        await (self.packing if scope.get("path") == "/" else self.app)(scope, receive, send)


def theme() -> gr.themes.Base:
    """Gradio's default with one accent colour, and with contrasts that reach WCAG's AA."""
    return gr.themes.Default(
        primary_hue="indigo", neutral_hue="slate", font=["system-ui", "sans-serif"], font_mono=["monospace"]
    ).set(
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_600",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_700",
        button_primary_text_color="white",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_title_text_color="*neutral_700",
        block_title_text_color_dark="*neutral_200",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_400",
    )


def build(tabs: Sequence[ModuleType] = TABS) -> gr.Blocks:
    """A fresh page with these chapters; rendering one twice is an error in Gradio."""
    with gr.Blocks(title="Latent Diffusion, Hands On", delete_cache=(600, 3600)) as page:
        gr.Markdown(HEADER, elem_id="header")
        with gr.Tabs():
            for chapter in tabs:
                with gr.Tab(chapter.TITLE):
                    chapter.build(page)
    for block in page.blocks.values():
        if isinstance(block, gr.Slider):
            block.preprocess = partial(_number, block.preprocess)
    return page


def _number(preprocess: Callable[[float], float], payload: Any) -> Any:
    """What a slider makes of a number; all else as it was sent, such as the None of an emptied box.

    Gradio 6.31 compares even that with the slider's ends, and the visitor reads "Error". The labs' checks say more.
    """
    return preprocess(payload) if isinstance(payload, int | float) else payload


def choose(names: Sequence[str]) -> Sequence[ModuleType]:
    """The chapters of these names, all for none. Ends the program with a sentence for a name that there is not."""
    known = {chapter.__name__.rsplit(".", 1)[1]: chapter for chapter in TABS}
    if strange := [name for name in names if name not in known]:
        raise SystemExit(f"There is no chapter {', '.join(strange)}; there are: {', '.join(known)}.")
    return [known[name] for name in names] or TABS


def queued(page: gr.Blocks) -> gr.Blocks:
    """The page with a queue in which no event waits for another of its kind: what is heavy is counted by `limits.run`,
    and the rest is quick."""
    page.queue(max_size=limits.WAITING, default_concurrency_limit=None)
    page._queue.sleep_when_free = GLANCE
    return page


def serve(tabs: Sequence[ModuleType] = TABS, **options) -> gr.Blocks:
    """Launches the page with these chapters; GRADIO_SERVER_NAME and GRADIO_SERVER_PORT choose the address."""
    torch.set_num_threads(limits.THREADS)
    # Of NumPy and of scikit-learn, which is loaded when it is first needed: several threads mostly wait for each other.
    threadpool_limits(limits.THREADS, "blas")
    os.environ["OPENBLAS_NUM_THREADS"] = str(limits.THREADS)
    page = queued(build(tabs))
    settings = {
        "theme": theme(),
        "css_paths": [STYLE, player.STYLE],
        "head": player.HEAD + KEYS,
        "run_history": False,  # it would keep every picture in the browser's storage, and slow each event down
        "ssr_mode": False,
        "max_threads": 2 * limits.AT_ONCE,  # each run waits in one; the others are for what is quick
        "footer_links": ["api", "settings"],
        "max_file_size": "2mb",
        "app_kwargs": {
            "middleware": [Middleware(limits.BodyCap), Middleware(promises.Promises), Middleware(PackedPage)]
        },
    }
    page.launch(**settings | options)
    return page
