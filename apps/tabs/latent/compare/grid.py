"""What is compared: the requests of a grid's cells, checked, and the cells computed one after the other."""

from __future__ import annotations

import re
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from apps import limits
from apps.tabs.latent.draw.wish import SAMPLER_NAMES
from apps.tabs.latent.studio import LONGEST_PROMPT, Request, short, studio
from apps.tabs.latent.studio import check as checked
from tutorial.data.critters import any_critter
from tutorial.data.described import attributes
from tutorial.diffusion.samplers import Step, evaluations
from tutorial.metrics.fidelity import marks, read_labels

FIELDS = {"sampler": "sampler", "steps": "steps", "guidance": "guidance", "η": "eta", "seed": "seed", "word": "prompt"}
"""What an axis may go along, and the field of a request that it sets."""
AXES, NOTHING = tuple(FIELDS), "nothing"
SUGGESTED = {
    "sampler": "DDIM, Heun, DPM-Solver++(2M)",
    "steps": "1, 2, 5, 20",
    "guidance": "0, 1, 2, 6",
    "η": "0, 0.5, 1",
    "seed": "1, 2, 3",
    "word": "red, blue, purple",
    NOTHING: "",
}
"""Values that an axis is given with its name. Of words, the first is the one of the prompt that the others replace."""
MOST_VALUES = 5
MOST_EVALUATIONS = 1600
"""Network evaluations of one grid, those of guidance counted: about fifteen seconds on one core."""
LONGEST = 500
"""Characters of an axis' values."""


@dataclass(frozen=True)
class Axis:
    """A setting and the values that it takes, as they are written; `NOTHING` has a single one, without a name."""

    name: str
    values: tuple[str, ...]

    @property
    def shown(self) -> tuple[str, ...]:
        """The values as the page writes them: samplers by their names, and a visitor's text cut."""
        return tuple(short_name(value) if self.name == "sampler" else short(value) for value in self.values)


@dataclass(frozen=True)
class Wish:
    """A grid, every cell's request checked: rows along y, columns along x."""

    x: Axis
    y: Axis
    cells: tuple[tuple[Request, ...], ...]

    @property
    def each(self) -> list[Request]:
        """All cells, row by row."""
        return [request for row in self.cells for request in row]

    def called(self, k: int) -> str:
        """What sets cell k, row by row, apart: its values along both axes."""
        places = zip((self.y, self.x), divmod(k, len(self.x.values)), strict=True)
        named = [(axis.name, axis.shown[place]) for axis, place in places if axis.name != NOTHING]
        return ", ".join(value if name in ("sampler", "word") else f"{name} {value}" for name, value in named)


@dataclass(frozen=True)
class Cell:
    """A finished cell: its picture (1, 3, H, W) in [−1, 1], and of what its prompt names what is read as asked."""

    request: Request
    x: Tensor
    asked: dict[str, str]
    right: tuple[str, ...]


@dataclass
class Grid:
    """A grid so far; of its first and last cell all steps are kept, on the CPU."""

    wish: Wish
    cells: list[Cell] = field(default_factory=list)
    walks: dict[int, list[Step]] = field(default_factory=dict)
    seconds: float = 0.0


def check(
    prompt: Any,
    x: Any,
    x_values: Any,
    y: Any,
    y_values: Any,
    negative: Any,
    steps: Any,
    guidance: Any,
    sampler: Any,
    eta: Any,
    seed: Any,
) -> Wish:
    """Raises gr.Error for the first value that is not as it should be, and for a grid that would take too long."""
    base = checked(prompt, negative, steps, guidance, sampler, eta, seed, 1)
    across, down = axis("x", x, x_values), axis("y", y, y_values)
    if across.name == down.name != "word":
        raise limits.refuse(f"Both axes go along {across.name}. Choose another setting for one of them, or nothing.")
    cells = tuple(tuple(_request(base, {across: k, down: j}) for k in range(len(across.values))) for j in _rows(down))
    wish = Wish(across, down, cells)
    total = sum(map(cost, wish.each))
    if total > MOST_EVALUATIONS:
        raise limits.refuse(
            f"This grid takes {total:,} network evaluations; at most {MOST_EVALUATIONS:,} are computed at a time. "
            "Choose fewer values, or fewer steps."
        )
    return wish


def _rows(down: Axis) -> range:
    return range(len(down.values))


def axis(which: str, name: Any, values: Any) -> Axis:
    """An axis; its values are a text with commas, or a list, or `SUGGESTED` for None. Raises gr.Error for bad ones."""
    name = limits.choice(f"The setting along {which}", name, (*AXES, NOTHING))
    if name == NOTHING:
        return Axis(name, ("",))
    values = SUGGESTED[name] if values is None else values
    given = values if isinstance(values, list) else limits.text(f"The values along {which}", values, LONGEST).split(",")
    parts = tuple(part for one in given[: MOST_VALUES + LONGEST] if (part := _text(which, one)))
    if not parts:
        raise limits.refuse(f"Give the values along {which}, with commas between them, such as: {SUGGESTED[name]}.")
    if len(parts) > MOST_VALUES:
        raise limits.refuse(f"An axis may have at most {MOST_VALUES} values; along {which} there are {len(parts)}.")
    return Axis(name, tuple(map(_sampler, parts)) if name == "sampler" else parts)


def _text(which: str, value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{limits.number(f'A value along {which}', value, -1e12, 1e12):.10g}"
    return limits.text(f"A value along {which}", value, LONGEST).strip()


def short_name(sampler: str) -> str:
    """A sampler's name, of its key, without what is said about it."""
    return SAMPLER_NAMES[sampler].split(" (")[0]


def _sampler(text: str) -> str:
    """A sampler's key, of its key or of its name, however they are written. Raises gr.Error for what is neither."""
    names = {short_name(key).lower(): key for key in SAMPLER_NAMES}
    key = names.get(text.lower(), text.lower())
    if key not in SAMPLER_NAMES:
        there = ", ".join(map(short_name, SAMPLER_NAMES))
        raise limits.refuse(f"“{short(text)}” is none of the samplers; there are: {there}.")
    return key


def _request(base: Request, chosen: dict[Axis, int]) -> Request:
    """The request of one cell. Raises gr.Error for a value that its setting does not take."""
    wanted: dict[str, Any] = dict(vars(base))
    for along, k in chosen.items():
        if along.name == "word":
            wanted["prompt"] = swapped(wanted["prompt"], along.values[0], along.values[k])
        elif along.name != NOTHING:
            value = along.values[k]
            wanted[FIELDS[along.name]] = value if along.name == "sampler" else _number(value)
    return checked(**wanted)


def _number(text: str) -> float | str:
    """A number or, to be refused by what it should be, the text itself."""
    try:
        return float(text)
    except ValueError:
        return text


def swapped(prompt: str, old: str, new: str) -> str:
    """The prompt with one word, or several together, replaced by others. Raises gr.Error if it lacks them."""
    found, count = re.subn(rf"(?<!\w){re.escape(old)}(?!\w)", lambda _: new, prompt, flags=re.IGNORECASE)
    if not count:
        raise limits.refuse(
            f"“{short(old)}” is not in the prompt. Of words, the first is the one to be replaced by the others."
        )
    return limits.text("The prompt", found, LONGEST_PROMPT)


def cost(request: Request) -> int:
    """Network evaluations of one cell; guidance takes two each."""
    return evaluations(request.sampler, request.steps) * (1 if request.guidance in (0, 1) else 2)


def filled(wish: Wish) -> Generator[tuple[Grid, Step | None], None, None]:
    """Computes cell by cell: the grid so far, with the step of a cell under way or, once one is finished, None."""
    grid, last = Grid(wish), len(wish.each) - 1
    begun = time.monotonic()
    for k, request in enumerate(wish.each):
        steps = []
        for step in studio().model.sample(**vars(request)):
            grid.seconds += time.monotonic() - begun
            steps.append(step)
            yield grid, step
            begun = time.monotonic()
        if k in (0, last):
            grid.walks[k] = steps
        grid.cells.append(marked(request, studio().model.decode(steps[-1].x_next)))
        grid.seconds += time.monotonic() - begun
        yield grid, None
        begun = time.monotonic()


def marked(request: Request, x: Tensor) -> Cell:
    """A picture with the marks that the attribute reader gives it for what its prompt names."""
    asked = attributes(request.prompt)
    (row,) = marks(read_labels(studio().reader, x), [any_critter(0, **asked)], [list(asked)])
    return Cell(request, x, asked, tuple(name for name, good in zip(asked, row, strict=True) if good))
