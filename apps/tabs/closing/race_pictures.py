"""What the lab "race" shows: six sheets of digits as they come, a film of it at the end, and the numbers."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from apps import player
from apps.tabs.closing import tables
from apps.tabs.closing.contenders import rgb, sheet
from apps.tabs.closing.race_work import Race, Runner, moments, numbers
from apps.tabs.closing.tables import NONE, Cell, Head
from tutorial.training.contest_recorded import COLUMNS, Board, Family

LOSSY = 60
"""Quality of the film's pictures, of 100."""
HEADS = (
    Head("family"),
    Head("parameters", sorts=True),
    Head("network passes\na picture", "lower", sorts=True),
    Head("seconds of\nprocessor time", "lower", sorts=True),
    Head("a picture,\nof those at once", "lower", sorts=True),
    Head("read as asked", "higher", sorts=True),
)


def present(race: Race, columns: int) -> str:
    """The sheets as they are now."""
    return player.clip([_panel(one, one.sheet(columns), _state(one)) for one in race.runners])


def film(race: Race, columns: int) -> Generator[str | None, None, None]:
    """The sheets after the same seconds of each family's own, from the first picture to the last: None after each
    family, and then the clip."""
    times = moments(race)
    panels = []
    for one in race.runners:
        frames = [sheet(one.at_second(when), columns) for when in times[:-1]] + [one.sheet(columns)]
        panels.append(_panel(one, np.concatenate(frames), _state(one), quality=LOSSY))
        yield None
    labels = [f"after {COLUMNS['seconds_alone'].text(when)}" for when in times]
    yield player.clip(panels, frames=len(times), labels=labels, rate=3)


def _panel(one: Runner, pictures: np.ndarray, state: str, quality: int | None = None) -> player.Panel:
    return player.panel(
        [player.image(pictures, quality=quality)],
        title=f"{one.model.label}: {state}",
        label=f"Digits drawn by the {one.model.label}, {state}",
    )


def _state(one: Runner) -> str:
    return f"{COLUMNS['seconds_alone'].text(one.seconds)}{'' if one.over else ' …'}"


def table(race: Race, accuracy: dict[str, float] | None = None) -> str:
    """The numbers so far, and how many digits are read as asked, if that is known."""
    found = []
    for one in race.runners:
        n = len(race.classes)
        share = None if accuracy is None else accuracy[one.name]
        found.append((one.model.label, _cells(one, n, share)))
    note = "Processor time of one core, of these digits alone, whoever else is served meanwhile." + (
        "" if accuracy is None else f" Read by the digit classifier, of {len(race.classes)}."
    )
    return tables.rows(HEADS, found, note)


def _cells(one: Runner, n: int, share: float | None) -> list[Cell]:
    known = numbers(one)
    each = f"{1000 * one.seconds / n:.3g} ms" if one.over else "…"
    return [
        Cell(f"{known['parameters']:,}", float(known["parameters"])),
        Cell(f"{known['evaluations']:,}", float(known["evaluations"])),
        Cell(f"{one.seconds:.3f}" + ("" if one.over else " …"), one.seconds),
        Cell(each, one.seconds / n if one.over else None),
        Cell("…" if share is None else f"{share:.0%}", share),
    ]


def recorded_film(board: Board) -> tuple[str, str]:
    """What the lab opens with: the sheets of the recorded runs, and their numbers."""
    panels, found = [], []
    for family in board.families.values():
        each = COLUMNS["seconds_a_picture"].text(family.mean("seconds_a_picture") or 0.0)
        panels.append(
            player.panel(
                [player.image(rgb(family.sheets[0])[None])],
                title=f"{family.label}: {each} a picture",
                label=f"A hundred digits of the {family.label}, a row for each class",
            )
        )
        found.append((family.label, _recorded(family)))
    seed = next(iter(board.families.values())).runs[0]["seed"]
    note = f"Recorded by {board.command}: a hundred digits of each, seed {seed}. The button draws yours."
    numbers = tables.rows(HEADS, found, f"Recorded by {board.command}: means over seeds, pictures 64 at once.")
    return player.clip(panels, note=note), numbers


def _recorded(family: Family) -> list[Cell]:
    def cell(name: str) -> Cell:
        value = family.mean(name)
        return Cell(NONE if value is None else COLUMNS[name].text(value), value)

    parameters, passes, each, read = (
        cell(name) for name in ("parameters", "evaluations", "seconds_a_picture", "accuracy")
    )
    return [parameters, passes, Cell(NONE), each, read]
