"""How a lab's buttons are wired: run, stop, and a link to what one sees."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import gradio as gr
from gradio.components import Component

from apps import limits, links
from tutorial.diffusion.samplers import Step

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
"""Options of an event whose handler shows its own progress, and which programs need not know of."""
FRAME = 1 / 10
"""Seconds between two reports of how far a run is."""

T = TypeVar("T")


def connect(
    page: gr.Blocks,
    lab: str,
    handler: Callable[..., Any],
    settings: Mapping[str, Component],
    outputs: Sequence[Component],
    buttons: Mapping[str, gr.Button],
    check: Callable[..., Any],
    unlinked: Sequence[Component] = (),
) -> None:
    """Wires the buttons "run", "stop" and "copy" of a lab whose handler gets all settings and fills the outputs.

    After the settings it gets what is `unlinked`, which no link carries. A click on "run" during a run is passed over.
    A link that brings the settings back runs the lab.
    """
    values, run = [*settings.values(), *unlinked], buttons["run"]
    run.click(handler, values, outputs, js=links.write(lab, settings), trigger_mode="once", **QUIET)
    buttons["stop"].click(limits.stopper(lab), queue=False, api_visibility="private")
    link(page, lab, settings, buttons, check)


def told_and_shown(
    work: Callable[[Any], Generator[tuple[str, str | None] | None, None, None]], check: Callable[..., Any], lab: str
) -> Callable[..., Iterator[tuple[str, Any]]]:
    """The handler of a lab whose work yields a line on how far it is, and at the end one with the clip to show."""

    def run(request: gr.Request, *chosen: Any) -> Iterator[tuple[str, Any]]:
        clip = None
        for text, clip in limits.run(request, work(check(*chosen)), lab):
            yield text, clip or gr.skip()
        if clip is None:
            yield "Stopped.", gr.skip()

    return run


def as_it_goes(
    work: Callable[[Any], Generator[tuple[Any, ...] | None, None, None]],
    check: Callable[..., Any],
    lab: str,
    pictures: int = 1,
    afresh: bool = False,
) -> Callable[..., Iterator[tuple[Any, ...]]]:
    """The handler of a lab whose work yields a line on how far it is and so many pictures or tables of it, as it goes.

    If it is stopped, the last line says so, and what is shown stays. With `afresh` it first ends what its visitor has
    running in this lab: both would write into one place.
    """

    def run(request: gr.Request, *chosen: Any) -> Iterator[tuple[Any, ...]]:
        wish, text, ended = check(*chosen), "", False
        if afresh:
            limits.stop(request, lab)

        def to_its_end() -> Generator[tuple[Any, ...] | None, None, None]:
            yield from work(wish)
            yield ()  # arrives only if what came before it did

        for found in limits.run(request, to_its_end(), lab):
            if not found:
                ended = True
                continue
            text, *shown = found
            yield text, *shown
        if not ended:
            yield f"{text}, then stopped." if text else "Stopped.", *[gr.skip()] * pictures

    return run


def growing(
    work: Callable[[Any], Generator[tuple[T, str] | None, None, None]],
    so_far: Callable[[T], str],
    whole: Callable[[Any, T], tuple[str, str]],
    check: Callable[..., Any],
    lab: str,
) -> Callable[..., Iterator[tuple[str, Any]]]:
    """The handler of a lab whose work yields what there is and its present picture, as it goes.

    `so_far` says how far it is; at the end, or where it was stopped, `whole` says and shows all that there is.
    """

    def run(request: gr.Request, *chosen: Any) -> Iterator[tuple[str, Any]]:
        wish, there = check(*chosen), None
        for there, clip in limits.run(request, work(wish), lab):
            yield so_far(there), clip
        if there is None:
            yield "Stopped.", gr.skip()
            return
        with limits.CPU.turn():
            ended = whole(wish, there)
        yield ended

    return run


def button_row(lab: str, run: str, verb: str = "run") -> dict[str, gr.Button]:
    """A row with what `connect` wires: a button that says `run`, whose id ends with the verb, Stop, and Copy link."""
    with gr.Row():
        return {
            "run": gr.Button(run, variant="primary", elem_id=f"{lab}-{verb}", min_width=150),
            "stop": gr.Button("Stop", elem_id=f"{lab}-stop", min_width=80),
            "copy": gr.Button("Copy link", elem_id=f"copy-{lab}", min_width=100),
        }


def link(
    page: gr.Blocks,
    lab: str,
    settings: Mapping[str, Component],
    buttons: Mapping[str, gr.Button],
    check: Callable[..., Any],
) -> None:
    """Makes "copy" copy a link to the settings, and such a link restore them and press "run"."""
    copy, run = buttons["copy"], buttons["run"]
    copy.click(None, list(settings.values()), js=links.copy(lab, settings, str(copy.elem_id)), queue=False, **QUIET)
    links.restore(page, lab, settings, check, button=str(run.elem_id))


def moved(control: Any) -> Any:
    """The event that a visitor has changed a control: of a slider, once it is let go.

    Of a dropdown that was changed with the mouse it comes twice, as the choice is made and as the list closes; Gradio
    6.31 has no other event for choices made by keys that is not one for changes made by the program too.
    """
    return control.release if isinstance(control, gr.Slider) else control.input


def now_and_then(parts: Iterable[Step | T | None]) -> Generator[Step | T | None, None, None]:
    """Of a sampler's steps, one every `FRAME` seconds, to report; None for the others. All else as it is."""
    shown = time.monotonic()
    for part in parts:
        if isinstance(part, Step):
            if time.monotonic() - shown < FRAME:
                yield None
                continue
            shown = time.monotonic()
        yield part
