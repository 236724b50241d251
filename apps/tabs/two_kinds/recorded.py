"""How a lab is wired that opens with what was measured ahead, and measures it again when it is asked."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from apps import limits, links, wiring
from apps.wiring import QUIET


@dataclass
class Asked:
    """What one visitor asked for last: the recording of a choice, or none of them but to measure again."""

    recording: str | None = None


def buttons(lab: str) -> dict[str, gr.Button]:
    """The buttons of a lab, in a row."""
    with gr.Row():
        return {
            "run": gr.Button("Measure again", variant="primary", elem_id=f"{lab}-go", min_width=150),
            "stop": gr.Button("Stop", elem_id=f"{lab}-stop", min_width=80),
            "recorded": gr.Button("The recording", elem_id=f"{lab}-recorded", min_width=120),
            "copy": gr.Button("Copy link", elem_id=f"copy-{lab}", min_width=100),
        }


def connect(
    page: gr.Blocks,
    lab: str,
    measured: Callable[..., Generator[Any, None, None]],
    films: Mapping[str, Any],
    settings: Mapping[str, Component],
    outputs: Sequence[Component],
    buttons: Mapping[str, gr.Button],
    check: Callable[..., Any],
) -> None:
    """Wires the `buttons` of a lab; the first of its settings is that which `films` has a recording of each choice for.

    Another choice shows its recording, and so does a link, which measures nothing; both end a measurement that runs.
    """
    values, asked, write = list(settings.values()), gr.State(Asked()), links.write(lab, settings)

    def measure(request: gr.Request, *chosen: Any) -> Iterator[Any]:
        *values, asked = chosen
        asked.recording = None
        with contextlib.closing(measured(request, *values)) as parts:
            for part in parts:
                if asked.recording is not None:
                    break
                yield part
        if asked.recording is not None:  # again, for a part of this may have reached the page after it
            yield films[asked.recording]

    def show(request: gr.Request, choice: Any, asked: Asked) -> Any:
        asked.recording = limits.choice("What is shown", choice, tuple(films))
        limits.stop(request, lab)
        return films[asked.recording]

    buttons["run"].click(measure, [*values, asked], outputs, js=write, trigger_mode="once", **QUIET)
    buttons["stop"].click(limits.stopper(lab), queue=False, api_visibility="private")
    choices = [wiring.moved(values[0]), buttons["recorded"].click]
    gr.on(choices, show, [values[0], asked], outputs, trigger_mode="always_last", **QUIET)
    wiring.link(page, lab, settings, {"run": buttons["recorded"], "copy": buttons["copy"]}, check)
