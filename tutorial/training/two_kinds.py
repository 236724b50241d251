"""Measures what the chapter “Two kinds of models” opens with: who learns faster, who notices what is strange, and
who works harder.

    python -m tutorial.training.two_kinds

A few minutes on two cores.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from tutorial import measurements
from tutorial.data.principal import FITTED
from tutorial.two_kinds import effort, kinds, learning_curves, novelty
from tutorial.two_kinds.learning_curves import CONTENDERS, LOGISTIC, MIXTURE, NAIVE, bands, leads

COMMAND = "python -m tutorial.training.two_kinds"


def learned(repeats: int) -> dict[str, Any]:
    """Every contender on each pair of digits, as bands over the repeats."""
    found, which = {}, range(repeats)
    for first, second in tqdm(learning_curves.PAIRS, desc="who learns faster"):
        data = learning_curves.pair(first, second)
        labelled = list(learning_curves.with_labels(data, repeats=which))
        more = [one for one in learning_curves.without_labels(data, repeats=which) if one is not None]
        found[f"{first} and {second}"] = {
            "labelled": {name: [asdict(band) for band in bands(labelled, name)] for name in CONTENDERS},
            "lead": [asdict(band) for band in leads(labelled, NAIVE, LOGISTIC)],
            "unlabelled": {name: [asdict(band) for band in bands(more, name)] for name in (MIXTURE, LOGISTIC)},
        }
    return found


def noticed(d: int) -> dict[str, Any]:
    """The curve of each score among d components, and the area under it."""
    found = (part for part in novelty.curves(d) if part is not None)
    return {name: {"area": curve.area, **novelty.thinned(curve)} for name, curve in found}


def measure(
    folder: Path = measurements.FOLDER, repeats: int = learning_curves.REPEATS, fits: int = effort.FITS
) -> None:
    """Measures everything, and writes it as one file."""
    torch.set_num_threads(1)
    threadpool_limits(1)  # as in the app: on busy cores several threads mostly wait for each other
    spaces = tqdm(kinds.SPACES, desc="who notices, who works")
    each = {str(d): {"novelty": noticed(d), "effort": _rows(d, fits)} for d in spaces}
    content = {"repeats": repeats, "fitted": FITTED, "fits": fits, "learning": learned(repeats), "spaces": each}
    measurements.save("two_kinds", COMMAND, content, folder)


def _rows(d: int, fits: int) -> list[dict[str, Any]]:
    return [asdict(row) for row in effort.efforts(d, fits) if row is not None]


if __name__ == "__main__":
    measure()
