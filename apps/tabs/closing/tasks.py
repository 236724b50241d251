"""The lab "tasks": what else can it do? The same four things asked of all six families."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, cast

import gradio as gr
import numpy as np
import torch

from apps import limits, links, models, player, wiring
from apps.tabs.closing import contenders, ink, tables, tasks_shown
from apps.tabs.closing.tasks_shown import NAMES
from apps.tabs.closing.tasks_work import HALVES, Asked, attempts, run
from apps.wiring import QUIET
from tutorial import measurements, weights
from tutorial.contest.contender import Task
from tutorial.data.digits import CLASSES, DataError, digits
from tutorial.data.pixels import to_signed
from tutorial.training.contest_recorded import board

TEST, OWN = SOURCES = ("a test digit", "draw your own")
AS_READ = "what it is read as"
TOLD = (AS_READ, *map(str, range(CLASSES)))
DEFAULTS: dict[str, Any] = {
    "task": "fill_in",
    "source": TEST,
    "number": 0,
    "half": HALVES[0],
    "told": AS_READ,
    "seed": 0,
}
REFUSED = (weights.WeightsError, measurements.MeasurementsError, DataError)


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked."""

    task: Task
    source: str
    number: int
    half: str
    told: str
    seed: int
    own: ink.Grid

    def asked(self) -> Asked:
        """What this comes to."""
        pictures, labels = digits("test")
        pixels = pictures[self.number : self.number + 1]
        digit = int(labels[self.number])
        if self.source == OWN:
            pixels = torch.tensor(self.own, dtype=torch.uint8)[None, None]
            with torch.no_grad():
                digit = int(models.digit_judge().classifier(to_signed(pixels)).argmax())
        if self.told != AS_READ:
            digit = int(self.told)
        alike = (labels == digit).nonzero()[:, 0]
        after = alike[alike > self.number]
        other = int(after[0] if len(after) else alike[0])
        return Asked(self.task, pixels, digit, self.half, pictures[other : other + 1], self.seed)


def check(task: Any, source: Any, number: Any, half: Any, told: Any, seed: Any, own: Any = ink.BLANK) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    return Wish(
        cast(Task, limits.choice("The task", task, tuple(NAMES))),
        limits.choice("The digit", source, SOURCES),
        limits.whole("The test digit", number, 0, 9999),
        limits.choice("What is missing", half, HALVES),
        limits.choice("What it is said to be", told, TOLD),
        limits.whole("The seed", seed, 0, 2**31 - 1),
        ink.grid(own if source == OWN else ink.BLANK),
    )


def work(wish: Wish) -> Generator[tuple[str, str] | None, None, None]:
    """A line on how far all are and the clip, every `wiring.FRAME` seconds and at the end; None in between."""
    asked = wish.asked()
    all_ = attempts(asked)
    shown = time.monotonic()
    for _ in run(all_):
        if time.monotonic() - shown < wiring.FRAME:
            yield None
            continue
        there = sum(one.over for one in all_)
        yield f"{there} of {len(all_)} have ended", tasks_shown.clip(asked, all_, "In fair turns.")
        shown = time.monotonic()
    done = [one for one in all_ if not one.refused]
    lines = [f"**{tables.begun(NAMES[asked.task])}**: {len(done)} of {len(all_)} can."]
    lines += [f"{tables.begun(one.model.label)}: {one.refused}" for one in all_ if one.refused]
    note = f"Computed here: {sum(one.seconds for one in all_):.1f} s in all."
    yield " ".join(lines), tasks_shown.clip(asked, all_, note)


def opening() -> Generator[str | None, None, None]:
    """The clip that the lab opens with, for `player.player`."""
    for found in work(check(**DEFAULTS)):
        yield None if found is None else found[1]


def stroke(own: list[list[int]], event: gr.EventData) -> tuple[list[list[int]], str]:
    """What a visitor has drawn so far, with one more stroke. Raises gr.Error for bad points."""
    data = event._data if isinstance(event._data, dict) else {}
    grey = np.maximum(np.array(ink.grid(own)), ink.stroke(data.get("points")))
    return grey.tolist(), OWN


def clear() -> tuple[list[list[int]], str]:
    """Back to the test digit."""
    return ink.BLANK, TEST


def lab(page: gr.Blocks) -> None:
    """The lab's pictures, table and controls; without what it needs, a sentence that says how to get it back."""
    try:
        beneath = tasks_shown.table(board())
        contenders.all_there()
        models.digit_judge()
        digits("test")
    except REFUSED as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    film = player.player(opening, elem_id="contest-tasks")
    settings, buttons = controls()
    said = gr.Markdown("Choose a task, or draw a digit of your own on the first picture.", elem_id="contest-tasks-said")
    tables.table(beneath, "contest-tasks-table", "What each family can do")
    own = gr.State(ink.BLANK)
    values, outputs = [*settings.values(), own], [said, film]
    handler = wiring.as_it_goes(work, check, "contest-tasks", afresh=True)
    latest: dict[str, Any] = QUIET | {"trigger_mode": "always_last"}
    moved = [wiring.moved(settings[name]) for name in ("task", "source", "number", "half", "told")]
    gr.on([buttons["run"].click, *moved], handler, values, outputs, js=links.write("contest-tasks", settings), **latest)
    film.input(stroke, own, [own, settings["source"]], **QUIET).success(handler, values, outputs, **latest)
    buttons["clear"].click(clear, None, [own, settings["source"]], **QUIET).success(handler, values, outputs, **latest)
    buttons["stop"].click(limits.stopper("contest-tasks"), queue=False, api_visibility="private")
    wiring.link(page, "contest-tasks", settings, buttons, check)


def controls() -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings in the order in which `check` takes them, and the buttons."""
    tasks = [(name, task) for task, name in NAMES.items()]
    task = gr.Radio(tasks, value=DEFAULTS["task"], label="Task", elem_id="contest-tasks-task")
    with gr.Row():
        source = gr.Radio(
            SOURCES, value=DEFAULTS["source"], label="Digit", elem_id="contest-tasks-source", min_width=280
        )
        number = gr.Slider(
            0, 9999, DEFAULTS["number"], step=1, label="Which test digit", elem_id="contest-tasks-number"
        )
    with gr.Row():
        buttons = {
            "run": gr.Button("Ask all six", variant="primary", elem_id="contest-tasks-ask", min_width=120),
            "stop": gr.Button("Stop", elem_id="contest-tasks-stop", min_width=80),
            "clear": gr.Button("Clear my digit", elem_id="contest-tasks-clear", min_width=120),
            "copy": gr.Button("Copy link", elem_id="copy-contest-tasks", min_width=110),
        }
    with gr.Accordion("More: which half, what it is said to be, seed", open=False), gr.Row():
        half = gr.Dropdown(list(HALVES), value=DEFAULTS["half"], label="What is missing", elem_id="contest-tasks-half")
        told = gr.Dropdown(list(TOLD), value=DEFAULTS["told"], label="It is said to be", elem_id="contest-tasks-told")
        seed = gr.Number(DEFAULTS["seed"], label="Seed", precision=0, elem_id="contest-tasks-seed")
    return {"task": task, "source": source, "number": number, "half": half, "told": told, "seed": seed}, buttons
