"""What the chapter's labs do alike: run when something changes, take strokes, and have their settings in a link."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.events import Dependency

from apps import limits, links, wiring, worlds
from apps.wiring import QUIET, moved

Film = Callable[..., Generator[str | None, None, None]]
"""Checks what it is given and computes; yields None where it can pause, and its clip in the end."""


def small_buttons(lab: str) -> dict[str, gr.Button]:
    """What every lab has under More."""
    with gr.Row():
        return {
            "clear": gr.Button("Clear my points", elem_id=f"clear-{lab}", size="sm", min_width=110),
            "copy": gr.Button("Copy link", elem_id=f"copy-{lab}", size="sm", min_width=90),
        }


def connect(
    page: gr.Blocks,
    lab: str,
    shown: gr.HTML,
    settings: Mapping[str, Component],
    buttons: Mapping[str, gr.Button],
    check: Callable[..., Any],
    film: Film,
    *,
    pressed: Film | None = None,
    more: Sequence[Component] = (),
) -> Dependency:
    """Runs `film` when a setting changes or a stroke is drawn, and `pressed`, if it is another, by the button "run".

    Both get the settings, of which the first is the data's name, then `more`, and then the points drawn so far; `check`
    gets the settings alone, by name. Returns the event of a change.
    """
    strokes = gr.State([])
    values = [*settings.values(), *more, strokes]

    def runs(work: Film) -> Callable[..., Iterator[str]]:
        def run(request: gr.Request, *chosen: Any) -> Iterator[str]:
            name, drawn = chosen[0], chosen[-1]
            if empty := worlds.unfinished(name, drawn):
                yield empty
            else:
                yield from limits.run(request, work(*chosen), lab)

        return run

    options: dict[str, Any] = QUIET | {"trigger_mode": "always_last"}
    write = links.write(lab, settings)
    buttons["run"].click(runs(pressed or film), values, shown, js=write, **options)
    changed = gr.on([moved(one) for one in settings.values()], runs(film), values, shown, js=write, **options)
    shown.input(worlds.stroke, strokes, [strokes, settings["data"]], **QUIET).success(
        runs(film), values, shown, **options
    )
    buttons["clear"].click(lambda: [], None, strokes, **QUIET)
    wiring.link(page, lab, settings, buttons, check)
    return changed
