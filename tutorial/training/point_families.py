"""Trains the five families side by side on the eight Gaussians, as the page does live, and keeps how it went.

python -m tutorial.training.point_families
"""

from __future__ import annotations

import time
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tutorial import measurements
from tutorial.data.toy2d import ring
from tutorial.families.comparison import Comparison, Estimate, Quick, Standing, State, Thorough
from tutorial.metrics.coverage import Coverage

COMMAND = "python -m tutorial.training.point_families"
NAME = "point_families"
SECONDS = 30.0
"""Of computing, as after a click on the page."""


def record(seconds: float = SECONDS, folder: Path = measurements.FOLDER) -> None:
    """Trains with the settings that the page opens with for so long, and saves how all stand then.

    Only seconds in which this thread computed are counted, whatever else the machine has to do.
    """
    torch.set_num_threads(1)
    comparison = Comparison(ring().sample, density=ring(), modes=ring(), clock=time.thread_time)
    for _ in comparison.train():
        if comparison.seconds >= seconds:
            break
    for _ in comparison.measure():
        pass
    measurements.save(NAME, COMMAND, {"state": _plain(comparison.state())}, folder)


def recorded(folder: Path = measurements.FOLDER) -> State:
    """How all stood. Raises measurements.MeasurementsError if the record is missing or damaged."""
    return measurements.read(NAME, lambda found: _state(found["state"]), ("state",), folder)


def _state(found: dict[str, Any]) -> State:
    return State(
        **found
        | {
            "test": torch.tensor(found["test"]),
            "entropy": Estimate(**found["entropy"]),
            "standings": [_standing(row) for row in found["standings"]],
        }
    )


def _standing(row: dict[str, Any]) -> Standing:
    quick, thorough = row["quick"], row["thorough"]
    estimates = {key: Estimate(**thorough[key]) for key in ("nll", "excess") if thorough[key] is not None}
    return Standing(
        **row
        | {
            "quick": Quick(torch.tensor(quick["samples"]), quick["energy"], Coverage(**quick["coverage"])),
            "thorough": Thorough(**thorough | estimates | {"way": torch.tensor(thorough["way"])}),
        }
    )


def _plain(value: Any) -> Any:
    """What JSON can hold of a dataclass: points to a thousandth, numbers to six digits."""
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Tensor):
        return [[round(x, 3) for x in row] for row in value.tolist()]
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


if __name__ == "__main__":
    record()
