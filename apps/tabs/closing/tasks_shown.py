"""What the lab "tasks" shows: the digit that is given, what all six make of it, and who can do what."""

from __future__ import annotations

import numpy as np
import torch

from apps import player
from apps.digit_input import AXIS
from apps.tabs.closing import tables
from apps.tabs.closing.contenders import COLOURS, rgb, sheet
from apps.tabs.closing.tables import Cell, Head
from apps.tabs.closing.tasks_work import FRAMES, WAYS, Asked, Attempt, off
from tutorial.contest.contender import Task
from tutorial.data.digits import CLASSES, SIDE
from tutorial.data.pixels import to_pixels
from tutorial.training.contest_recorded import Board, Family

NAMES: dict[Task, str] = {
    "fill_in": "fill in half a digit",
    "invert": "invert it, and draw it again",
    "interpolate": "walk to another",
    "log_likelihood": "say how likely it is",
}
MISSING = np.array([90, 96, 106], np.uint8)
"""The grey-blue of pixels that are not given, and of what cannot be done."""


def clip(asked: Asked, all_: list[Attempt], note: str) -> str:
    """The digit, and beside it what each family has come to."""
    walk = asked.task == "interpolate" and all(one.over for one in all_)
    frames = FRAMES if walk else 1
    labels = [f"{k / (FRAMES - 1):.0%} of the way" for k in range(frames)] if walk else None
    panels = [given(asked), *(panel(asked, one, frames) for one in all_)]
    return player.clip(panels, frames=frames, labels=labels, rate=4, note=note)


def given(asked: Asked) -> player.Panel:
    """The digit; if a half is to be filled in, only what is given of it."""
    picture = rgb(asked.pixels[0, 0].numpy())
    if asked.task == "fill_in":
        picture[asked.mask.numpy()] = MISSING
    return player.panel(
        [player.image(picture[None])],
        title=f"given, as a {asked.digit}: draw here",
        label=f"The digit that is given, said to be a {asked.digit}; draw on it for one of your own",
        x=AXIS,
        y=AXIS,
        takes="points",
    )


def panel(asked: Asked, one: Attempt, frames: int) -> player.Panel:
    """What a family has come to, what is said of it above it."""
    label = f"{one.model.label}: {NAMES[asked.task]}"
    title = f"{one.model.label}: {said(asked, one)}"
    if asked.task == "log_likelihood" and one.found is not None:
        return _classes(one, title, label)
    if one.found is None or one.refused:
        blank = np.broadcast_to(MISSING, (1, SIDE, SIDE, 3)).copy()
        return player.panel([player.image(blank)], title=title, label=f"{label}: {said(asked, one)}")
    return player.panel([player.image(_pictures(asked, one.found, frames))], title=title, label=label)


def _pictures(asked: Asked, found: torch.Tensor, frames: int) -> np.ndarray:
    if asked.task == "fill_in":
        return sheet(found, int(WAYS**0.5))
    if asked.task == "interpolate":
        shown = found[-1:] if frames == 1 else found
        return rgb(to_pixels(shown)[:, 0, 0].numpy())
    return rgb(to_pixels(found)[:, 0].numpy())


def said(asked: Asked, one: Attempt) -> str:
    """How far a family is, or what came out."""
    if one.refused:
        return "impossible"
    time = f"{one.seconds:.2f} s"
    if not one.over:
        return f"{time} …"
    assert one.found is not None  # it has ended, and did not refuse
    if asked.task == "invert":
        return f"{off(one.found, asked.x):.3f} off, {time}"
    if asked.task == "log_likelihood":
        nats = -one.found.double()
        return f"{nats[asked.digit].item():,.0f} nats; least as a {int(nats.argmin())}; {time}"
    if asked.task == "interpolate":
        ends = (off(one.found[0], asked.x), off(one.found[-1], asked.other.float() / 127.5 - 1))
        return f"ends {ends[0]:.2f}, {ends[1]:.2f} off; {time}"
    return time


def _classes(one: Attempt, title: str, label: str) -> player.Panel:
    """−log p as each of the ten classes."""
    assert one.found is not None  # the caller looked
    nats = -one.found.double().numpy()
    low, high = float(nats.min()), float(nats.max())
    room = 0.1 * max(high - low, 1.0)
    x = np.arange(CLASSES, dtype=float)
    notes = [f"as a {k}: {nats[k]:,.0f} nats" for k in range(CLASSES)]
    colour = COLOURS[one.name]
    layers = [
        player.curve(x, nats, colour, "", told=False),
        player.points(np.stack([x, nats], axis=1)[None], colour, size=4, alpha=1, notes=notes),
    ]
    y: player.Axis = (low - room, high + room, "−log p, nats")
    return player.panel(layers, title=title, label=label, x=(-0.5, CLASSES - 0.5, "as which digit"), y=y)


def table(board: Board) -> str:
    """Who can do what, in each family's own words, with what was measured of it ahead."""
    heads = [Head("family"), *(Head(name) for name in NAMES.values())]
    found = [(family.label, [_answer(family, task) for task in NAMES]) for family in board.families.values()]
    note = (
        f"Recorded by {board.command}, means over seeds: of {board.inverted} test digits that were inverted, the root "
        f"mean square error of a range of 2; of {board.filled} with the lower half drawn anew, the share read as what "
        f"they were; −log p of {board.weighed} test digits."
    )
    return tables.rows(heads, found, note)


def _answer(family: Family, task: Task) -> Cell:
    answer = family.answers[task]
    word = "Done: " if answer.done else "Impossible. "
    return Cell(f"{word}{answer.how}{_measured(family, task)}", wide=True)


def _measured(family: Family, task: Task) -> str:
    if task == "fill_in" and all("filled" in run for run in family.runs):
        return f"\n{_mean([run['filled']['accuracy'] for run in family.runs]):.0%} read right"
    if task == "invert" and all("round_trip" in run for run in family.runs):
        return f"\n{_mean([run['round_trip']['error'] for run in family.runs]):.3f} off"
    if task == "log_likelihood" and (nats := family.mean("nats")) is not None:
        return f"\n{'=' if family.likelihood == 'exact' else '≤'} {nats:,.0f} nats"
    return ""


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
