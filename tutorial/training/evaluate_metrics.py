"""Judges sets of digits that fool a metric, of every size, for the page to open with.

    python -m tutorial.training.evaluate_metrics --draw
    python -m tutorial.training.evaluate_metrics

The first draws digits by diffusion, in ten minutes on two cores that have nothing else to do; the second judges them
and the others, in five.
"""

from __future__ import annotations

import argparse
import base64
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from tutorial import measurements, weights
from tutorial.data.digits import digits
from tutorial.data.pixels import to_pixels
from tutorial.diffusion import pixel
from tutorial.gans import breaking, drawn_ahead
from tutorial.gans.breaking import REAL, TRICKS, Trick, models
from tutorial.gans.drawn_ahead import Drawn, sheet
from tutorial.metrics.digits import others
from tutorial.metrics.sample_size import REPEATS, SIZES, Curve, Distances, curve
from tutorial.metrics.verdict import Part, Reference, Verdict, judged, measured_reference, seen
from tutorial.training.cards import called, last, rounded

COMMAND = "python -m tutorial.training.evaluate_metrics"
NAME = "digit_metrics"
COUNT, BATCH = 1500, 25
STEPS, SAMPLER, GUIDANCE = 20, "dpm_solver_pp_2m", 1.0
"""Of the digits that are drawn ahead."""
DRAWN = 20_000
"""Digits of a kind, at most, out of which the sets of its curve are taken."""
SHOWN = 6
"""Digits of a set that are shown."""


@dataclass(frozen=True)
class Judged:
    """A set of digits, and what was said of it at each size that it has."""

    name: str
    png: str
    """Base64 of a picture of its first digits, side by side."""
    verdicts: dict[int, Verdict]


@dataclass(frozen=True)
class Record:
    """All that was measured ahead."""

    sets: tuple[Judged, ...]
    worst: dict[int, dict[str, float]]
    """For each size the worst value of each metric that one of `REPEATS` sets of real digits has."""
    curves: dict[str, Curve]
    """Of real digits, and of what each model draws, by name."""


def draw(count: int = COUNT, folder: Path = measurements.FOLDER) -> None:
    """Draws digits of the same classes as the first unseen real ones, digit k from seed k, and keeps them."""
    model, classes = pixel.load(), digits("training")[1][others()[:count]]
    settings: dict[str, Any] = {"steps": STEPS, "guidance": GUIDANCE, "sampler": SAMPLER}
    parts = [
        to_pixels(model.draw(some.tolist(), seed=BATCH * k, **settings))
        for k, some in enumerate(tqdm(classes.split(BATCH), desc="digits drawn by diffusion", mininterval=10))
    ]
    made = f"digit_unet, {STEPS} steps of DPM-Solver++(2M), no guidance"
    command = called(drawn_ahead.COMMAND, {"count": count}, {"count": COUNT})
    drawn_ahead.save(Drawn(torch.cat(parts), classes, made), command, folder)


def measure(sizes: Sequence[int] = SIZES, folder: Path = measurements.FOLDER) -> None:
    """Judges every set at every size with seed 0, and keeps what was found."""
    torch.set_num_threads(1)
    known = last(measured_reference(weights.load("digit_classifier")))
    content = {
        "sets": [_judged(known, trick, sizes) for trick in (REAL, *TRICKS, *models())],
        "worst": _limits(known, sizes),
        "curves": {name: asdict(found) for name, found in _curves(known, sizes).items()},
    }
    measurements.save(NAME, COMMAND, rounded(content), folder)


def recorded(folder: Path = measurements.FOLDER) -> Record:
    """What was found. Raises measurements.MeasurementsError if the record is missing or damaged."""
    return measurements.read(NAME, _record, ("sets", "worst", "curves"), folder)


def strip(parts: Iterable[Part]) -> str:
    """The first digits of a set, side by side, as base64 of a PNG file."""
    x = torch.cat([x for x, _ in islice(parts, 1)])[:SHOWN]
    return base64.b64encode(sheet(to_pixels(x), across=SHOWN)).decode()


def _judged(known: Reference, trick: Trick, sizes: Sequence[int]) -> dict[str, Any]:
    found: dict[int, Verdict] = {}
    for n in tqdm(sizes, desc=trick.name):
        one = last(judged(known, trick.draw(known, n, 0)))
        found[one.n] = one  # of fewer, where there are not as many
    verdicts = {str(n): asdict(one) for n, one in found.items()}
    return {"name": trick.name, "png": strip(trick.draw(known, SHOWN, 0)), "verdicts": verdicts}


def _limits(known: Reference, sizes: Sequence[int]) -> dict[str, dict[str, float]]:
    parts = list(breaking.many_unseen())
    x, y = torch.cat([x for x, _ in parts]), torch.cat([y for _, y in parts if y is not None])
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(0))
    found = {}
    for n in tqdm(sizes, desc="real digits"):
        sets = order.split(n)[:REPEATS]
        found[str(n)] = breaking.worst([last(judged(known, _parts(x[rows], y[rows]))) for rows in sets])
    return found


def _parts(x: Tensor, y: Tensor) -> Iterable[Part]:
    return zip(x.split(breaking.PART), y.split(breaking.PART), strict=True)


def _curves(known: Reference, sizes: Sequence[int]) -> dict[str, Curve]:
    kinds = {REAL.name: breaking.many_unseen(DRAWN)} | {one.name: one.draw(known, DRAWN, 0) for one in models()}
    return {
        name: last(curve(last(seen(known.classifier, parts)), known.moments, sizes)) for name, parts in kinds.items()
    }


def _record(found: dict[str, Any]) -> Record:
    return Record(
        tuple(Judged(one["name"], one["png"], _verdicts(one["verdicts"])) for one in found["sets"]),
        {int(n): {name: float(limit[name]) for name in breaking.METRICS} for n, limit in found["worst"].items()},
        {name: _curve(**one) for name, one in found["curves"].items()},
    )


def _verdicts(rows: dict[str, dict[str, Any]]) -> dict[int, Verdict]:
    return {int(n): Verdict(**row) for n, row in rows.items()}


def _curve(sizes: list[dict[str, Any]], total: int, whole: float) -> Curve:
    return Curve(tuple(Distances(one["n"], tuple(one["found"])) for one in sizes), total, whole)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draw", action="store_true", help="draw digits by diffusion")
    parser.add_argument("--count", type=int, default=COUNT, help="how many of them, at most 5,000")
    wanted = parser.parse_args()
    if wanted.draw:
        draw(wanted.count)
    else:
        measure()
