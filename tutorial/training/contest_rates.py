"""How sure is it to work? A GAN and pixel diffusion trained with learning rates of three decades, three times each.

    OMP_NUM_THREADS=1 python -m tutorial.training.contest_rates

Each training has a tenth of the contest's budget: 42 minutes of one core in all, and a quarter of an hour to judge.
Interrupted, it goes on where it was. Two at a time: `--only 0/2` and `--only 1/2`; the last call writes the record.
"""

from __future__ import annotations

import argparse
import itertools
import json
from pathlib import Path
from typing import Any

import torch

from tutorial import measurements
from tutorial.contest.families import TRAININGS
from tutorial.contest.judging import real_variety, scored
from tutorial.contest.recipe import SEEDS
from tutorial.data.digits import digits
from tutorial.metrics import digits as judging
from tutorial.metrics.digits import others, reference
from tutorial.metrics.verdict import Reference, measured_reference
from tutorial.training import contest
from tutorial.training.cards import last, rounded
from tutorial.training.evaluate_contest import drawn

COMMAND = "OMP_NUM_THREADS=1 python -m tutorial.training.contest_rates"
NAME = "contest_rates"
FAMILIES = ("gan", "pixel_diffusion")
SECONDS, SAMPLES = 60.0, 500
FACTORS = tuple(10 ** (k / 2) for k in range(-3, 4))
"""What the family's own learning rate is multiplied by."""

Run = tuple[str, float, int]


def runs() -> list[Run]:
    """Family, learning rate and seed of each training, seed by seed."""
    return [
        (family, float(f"{TRAININGS[family].rate * factor:.3g}"), seed)
        for seed, factor, family in itertools.product(SEEDS, FACTORS, FAMILIES)
    ]


def run_folder(run: Run, folder: Path = contest.FOLDER) -> Path:
    """Where a training keeps its weights, and what was measured of them."""
    family, rate, seed = run
    return folder / "rates" / f"{family}-{rate:g}-{seed}"


def quality(
    known: Reference, run: Run, folder: Path, seconds: float = SECONDS, samples: int = SAMPLES
) -> dict[str, Any]:
    """Trains and measures, unless both were done. A model that draws what is no number has no scores."""
    family, rate, seed = run
    where = run_folder(run, folder)
    note = where / "measured.json"
    if note.exists():
        return json.loads(note.read_text())
    model = contest.train(family, seed, rate=rate, seconds=seconds, folder=where)
    card = contest.card_of(family, where)
    classes = digits("training")[1][others()[:samples]]
    found: dict[str, Any] = {
        name: card[name] for name in ("command", "family", "rate", "seed", "steps", "seconds_spent")
    }
    if all(parameter.isfinite().all() for parameter in model.parameters()):
        x = drawn(model, classes, seed)
        real = real_variety(known, digits("training")[1][reference()])
        scores = last(scored(known, real, x, classes))
        names = ("frechet", "precision", "recall", "accuracy", "variety")
        found |= {name: getattr(scores, name) for name in names}
    note.write_text(json.dumps(rounded(found), indent=1) + "\n")
    return json.loads(note.read_text())


def record(wanted: list[Run], folder: Path = contest.FOLDER, to: Path = measurements.FOLDER) -> None:
    """Trains and measures these; writes the record if all are there."""
    known = last(measured_reference(judging.load().classifier))
    for run in wanted:
        print(*run, flush=True)
        quality(known, run, folder)
    if all((run_folder(run, folder) / "measured.json").exists() for run in runs()):
        content = {"seconds": SECONDS, "samples": SAMPLES, "runs": [quality(known, run, folder) for run in runs()]}
        measurements.save(NAME, COMMAND, content, to)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="0/1", help="every n-th training beginning with number k: k/n")
    torch.set_num_threads(1)
    first, step = map(int, parser.parse_args().only.split("/"))
    record(runs()[first::step])
