"""The lab "working harder": numbers learned, time to learn them, and accuracy, of both kinds on the same digits."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
from collections.abc import Generator, Sequence
from dataclasses import asdict
from typing import Any

import gradio as gr
import numpy as np

from apps import limits, player
from apps.tabs.two_kinds import missing, recorded
from tutorial import measurements
from tutorial.data.digits import DataError
from tutorial.data.principal import FITTED, zeros_and_ones
from tutorial.two_kinds import kinds
from tutorial.two_kinds.effort import FITS, SIDES, Effort, efforts

COLOURS = dict(zip(SIDES, ("field", "generated"), strict=True))
SPACES = [str(d) for d in kinds.SPACES]
TIME: player.Axis = (1e-4, 30.0, "seconds to learn", "log")
NUMBERS: player.Axis = (1.0, 1e6, "numbers learned", "log")
DEFAULTS: dict[str, Any] = {"space": "50"}


def check(space: Any) -> int:
    """How many components. Raises gr.Error for anything but one of `SPACES`."""
    return int(limits.choice("The components", str(space), SPACES))


def work(space: int) -> Generator[tuple[str, Sequence[Effort]] | None, None, None]:
    """Fits every model `FITS` times: (how far, rows so far), after each model."""
    rows: list[Effort] = []
    models = len(kinds.DISCRIMINATIVE) + len(kinds.GENERATIVE)
    for row in efforts(space):
        if row is None:
            yield None
            continue
        rows.append(row)
        yield f"{len(rows)} of {models} models done", rows
    yield f"{space} components, measured just now, on this machine", rows


def picture(rows: Sequence[Effort], note: str) -> str:
    """Wrong answers against seconds and against numbers learned, as the player takes them."""
    wrong = np.array([_wrong(row) for row in rows])
    height: player.Axis = (0.0, 1.15 * max(0.01, wrong.max()), "")
    panels = []
    for title, axis, field in (
        ("share told wrong, by the clock", TIME, "seconds"),
        ("the same, by numbers learned", NUMBERS, "parameters"),
    ):
        layers = []
        for side in SIDES:
            ours = [row for row in rows if row.side == side]
            at = np.array([[getattr(row, field), _wrong(row)] for row in ours]).reshape(1, -1, 2)
            notes = [row.model for row in ours]
            layers.append(player.points(at, COLOURS[side], side, size=6, alpha=0.9, notes=notes))
        panels.append(player.panel(layers, title=title, x=axis, y=height, aspect=0.7))
    return player.clip(panels, note=note)


def _wrong(row: Effort) -> float:
    return 1 - row.accuracy


def table(rows: Sequence[Effort], space: int) -> str:
    """The rows as a Markdown table, the two sides one after the other, each under its name: so it fits on a phone."""
    test = len(zeros_and_ones("test", space).labels)
    lines = [
        f"{FITTED:,} training digits in {space} components; {test:,} test digits; of {FITS} fits the median, and the "
        "fastest to the slowest.",
        "",
        "| model | numbers learned | to learn them, ms | test digits told right |",
        "|---|--:|--:|--:|",
    ]
    side = None
    for row in rows:
        if row.side != side:
            side = row.side
            lines.append(f"| **{side}** | | | |")
        fastest, middle, slowest = (1e3 * seconds for seconds in (row.fastest, row.seconds, row.slowest))
        lines.append(
            f"| {row.model} | {row.parameters:,} | {middle:,.1f} ({fastest:,.1f}–{slowest:,.1f}) | {row.accuracy:.2%} |"
        )
    return "\n".join(lines)


def recordings() -> dict[str, tuple[str, str]]:
    """Picture and table of what was measured ahead in each space.

    Raises measurements.MeasurementsError if it is missing or damaged.
    """
    content = measurements.load("two_kinds", needs=("spaces",))
    try:
        each = {space: [Effort(**row) for row in content["spaces"][space]["effort"]] for space in SPACES}
    except (KeyError, TypeError) as error:
        raise measurements.MeasurementsError(
            f"The measurement of who works harder is damaged. Make it again: `{content['command']}`"
        ) from error
    made = f"recorded by {content['command']}. “Measure again” does it here. Point at a dot to read its model."
    return {
        space: (picture(rows, f"{space} components, {made}"), table(rows, int(space))) for space, rows in each.items()
    }


def working_harder(request: gr.Request, space: int = 50):
    """Fits each model of both kinds to 3,000 zeros and ones of MNIST. Yields (progress, rows so far).

    space 2, 10 or 50 components. A row has model, side, parameters, seconds (the median of its fits), fastest, slowest
    and accuracy on all zeros and ones of the test set.
    """
    for text, rows in limits.run(request, missing.told(work(check(space)))):
        yield text, [asdict(row) for row in rows]


working_harder.__annotations__["return"] = tuple[str, list[dict[str, Any]]]


def lab(page: gr.Blocks) -> None:
    """The lab's picture, table and controls; it opens with what was recorded."""
    gr.api(working_harder, api_name="working_harder")
    try:
        films = recordings()
    except (measurements.MeasurementsError, DataError) as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    first, said = films[DEFAULTS["space"]]
    film = player.player(first, elem_id="effort")
    with gr.Row():
        space = gr.Radio(
            SPACES, value=DEFAULTS["space"], label="Among how many components", elem_id="effort-space", min_width=220
        )
    buttons = recorded.buttons("effort")
    rows = gr.Markdown(said, elem_id="effort-table")

    def measured(request: gr.Request, chosen: Any) -> Generator[tuple[str, str], None, None]:
        space, text, found = check(chosen), "", []
        for text, found in limits.run(request, missing.told(work(space)), "effort"):
            yield picture(found, text), table(found, space)
        if found and text.endswith("done"):
            yield picture(found, f"{text}, then stopped"), table(found, space)

    recorded.connect(page, "effort", measured, films, {"space": space}, [film, rows], buttons, check)
