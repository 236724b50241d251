"""What was recorded of the contest, to be read: the scoreboard, how sure training is, and the patch discriminator.

The records are made by `tutorial.training.evaluate_contest`, `contest_rates` and `contest_patch`; each names its
command.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from tutorial import measurements
from tutorial.contest.contender import TASKS, Answer, Task
from tutorial.gans.digits import unpacked

FOLDER = measurements.FOLDER
NEAR_BEST = 2.0
"""A training has ended well if its Fréchet distance is at most so many times that of its family's best."""
Numbers = dict[str, Any]


@dataclass(frozen=True)
class Column:
    """A number that is measured of each run."""

    title: str
    better: Literal["lower", "higher", ""]
    """Which is better, if either."""
    text: Callable[[float], str]
    logarithmic: bool = False
    what: str = ""
    unit: str = ""
    """On an axis."""


def _share(value: float) -> str:
    return f"{value:.1%}"


def _seconds(value: float) -> str:
    return f"{1000 * value:.3g} ms" if value < 1 else f"{value:.3g} s"


def _distance(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def _count(value: float) -> str:
    return f"{value:,.0f}"


COLUMNS: dict[str, Column] = {
    "frechet": Column(
        "Fréchet distance", "lower", _distance, True, "to real digits, in the digit classifier’s features"
    ),
    "precision": Column("precision", "higher", _share, what="share of drawn digits that lie among real ones"),
    "recall": Column("recall", "higher", _share, what="share of real digits that lie among drawn ones"),
    "accuracy": Column(
        "read as asked", "higher", _share, what="share that the classifier reads as the digit asked for"
    ),
    "worst_class": Column("the worst digit", "higher", _share, what="the same, of the digit that comes out worst"),
    "variety": Column("variety in a class", "", lambda v: f"{v:.2f}", what="1 is that of real digits"),
    "copies": Column("copies", "lower", _share, what="share that are copies of training digits"),
    "seconds_a_picture": Column(
        "a picture, of 64", "lower", _seconds, True, "processor time of one core, 64 at once", "s"
    ),
    "seconds_alone": Column("a picture, alone", "lower", _seconds, True, "processor time of one core", "s"),
    "evaluations": Column("network passes", "lower", _count, True, "that a picture takes"),
    "nats": Column("−log p, nats", "lower", _count, what="of unseen digits; ≤: it is a bound that may be loose"),
    "steps": Column("training steps", "", _count, True, "updates that fit into the budget"),
    "seconds_spent": Column("training", "", _seconds, what="processor time of one core, the same for all", unit="s"),
    "parameters": Column("parameters", "", _count, what="numbers that were learned"),
}


@dataclass(frozen=True)
class Family:
    """A contender, trained from several seeds."""

    name: str
    label: str
    likelihood: Literal["exact", "bound"] | None
    answers: dict[Task, Answer]
    runs: list[Numbers]
    sheets: np.ndarray
    """What each seed draws, a row for each class: (S, 280, 280) uint8."""

    def values(self, column: str) -> list[float]:
        """A column's numbers, one for each seed; none at all if the family has no such number."""
        found = [run.get(column) for run in self.runs]
        numbers = [value["mean"] if isinstance(value, dict) else value for value in found if value is not None]
        return [float(value) for value in numbers]

    def mean(self, column: str) -> float | None:
        """Over the seeds."""
        values = self.values(column)
        return statistics.fmean(values) if values else None

    def spread(self, column: str) -> float:
        """Standard deviation over the seeds."""
        values = self.values(column)
        return statistics.stdev(values) if len(values) > 1 else 0.0


@dataclass(frozen=True)
class Board:
    """The scoreboard: families by name, and the same numbers of as many real digits."""

    command: str
    budget: float
    """Seconds of processor time for each training."""
    samples: int
    of_few: int
    """Samples of a number of steps, see `few_steps`."""
    weighed: int
    inverted: int
    filled: int
    drawn_with: dict[str, Any]
    real: Numbers
    families: dict[str, Family]

    def ranked(self, column: str) -> list[Family]:
        """Families that have the number, the best first. Raises ValueError if neither end of it is the better."""
        if not COLUMNS[column].better:
            raise ValueError(f"Nothing is better or worse about {COLUMNS[column].title}.")
        there = [family for family in self.families.values() if family.values(column)]
        sign = 1 if COLUMNS[column].better == "lower" else -1
        return sorted(there, key=lambda family: sign * (family.mean(column) or 0.0))


@dataclass(frozen=True)
class Rates:
    """Trainings with many learning rates: each run has family, rate, seed, and scores unless its numbers broke."""

    command: str
    seconds: float
    samples: int
    runs: list[Numbers]

    def ended_well(self, family: str) -> tuple[int, int, float]:
        """Trainings within `NEAR_BEST` of the family's best, all trainings, and that best Fréchet distance."""
        own = [run for run in self.runs if run["family"] == family]
        scores = [float(run["frechet"]) for run in own if "frechet" in run]
        best = min(scores, default=float("inf"))
        return sum(score <= NEAR_BEST * best for score in scores), len(own), best

    def broken(self, family: str) -> int:
        """Trainings whose numbers ran out of bounds, so that there is nothing to score."""
        return sum(run["family"] == family and "frechet" not in run for run in self.runs)


@dataclass(frozen=True)
class Patch:
    """An autoencoder without and with its patch discriminator."""

    command: str
    seconds: float
    digits: int
    real: Numbers
    runs: list[Numbers]
    sheets: np.ndarray
    """Real digits, and what comes back without and with it: (3, 280, 280) uint8."""

    def values(self, patch: str, name: str) -> list[float]:
        """A number of all seeds, with the discriminator "off" or "on"."""
        return [float(run[name]) for run in self.runs if run["patch"] == patch]


def apart(a: Sequence[float], b: Sequence[float]) -> int:
    """−1 if all of a are below all of b, 1 if above, 0 if they overlap, or one is empty."""
    if not a or not b:
        return 0
    return -1 if max(a) < min(b) else 1 if min(a) > max(b) else 0


def enough(family: Family, level: float) -> int | None:
    """Fewest steps with a mean Fréchet distance over seeds that is not above the level."""
    rows = zip(*(run["few_steps"] for run in family.runs), strict=True)
    means = [(row[0]["steps"], statistics.fmean(one["frechet"] for one in row)) for row in rows]
    return next((int(steps) for steps, mean in sorted(means) if mean <= level), None)


def board(folder: Path | None = None) -> Board:
    """Raises tutorial.measurements.MeasurementsError if the record is missing or damaged."""
    return measurements.read("contest", _board, ("families", "real"), folder or FOLDER)


def rates(folder: Path | None = None) -> Rates:
    """Raises tutorial.measurements.MeasurementsError as above."""
    return measurements.read("contest_rates", _rates, ("runs",), folder or FOLDER)


def patch(folder: Path | None = None) -> Patch:
    """Raises tutorial.measurements.MeasurementsError as above."""
    return measurements.read("contest_patch", _patch, ("runs", "sheets"), folder or FOLDER)


def _board(found: dict[str, Any]) -> Board:
    names = ("command", "budget", "samples", "of_few", "weighed", "inverted", "filled", "drawn_with", "real")
    families = {name: _family(name, one) for name, one in found["families"].items()}
    return Board(**{name: found[name] for name in names}, families=families)


def _family(name: str, found: dict[str, Any]) -> Family:
    runs = [run | {"evaluations": found["evaluations"]} for run in found["runs"]]
    answers: dict[Task, Answer] = {task: Answer(**found["answers"][task]) for task in TASKS}
    sheets = unpacked(found["sheets"])
    if not runs or len(sheets) != len(runs):
        raise ValueError(f"each run of {name} has a sheet")
    return Family(name, found["label"], found["likelihood"], answers, runs, sheets)


def _rates(found: dict[str, Any]) -> Rates:
    runs = [run | {"rate": float(run["rate"]), "family": str(run["family"])} for run in found["runs"]]
    return Rates(found["command"], found["seconds"], found["samples"], runs)


def _patch(found: dict[str, Any]) -> Patch:
    names = ("command", "seconds", "digits", "real", "runs")
    made = Patch(**{name: found[name] for name in names}, sheets=unpacked(found["sheets"]))
    if len(made.sheets) != 3 or not made.values("off", "frechet") or not made.values("on", "frechet"):
        raise ValueError("there are digits, and what comes back without and with the discriminator")
    return made
