"""Measures the contenders of the closing chapter, and makes the record that its page opens with.

    OMP_NUM_THREADS=1 python -m tutorial.training.evaluate_contest

after `python -m tutorial.training.contest`, in about forty minutes of one core; interrupted, it goes on where it was.
Each run's numbers stay beside its weights, and are measured again if those change. Also draws the contact sheet
assets/figures/contest.png, and writes on the cards of what ships.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from tutorial import measurements, weights
from tutorial.contest.contender import Contender, finished
from tutorial.contest.denoising import GUIDANCE, SAMPLER, STEPS, Diffusion
from tutorial.contest.families import TRAININGS, file_name
from tutorial.contest.flow import TEMPERATURE
from tutorial.contest.judging import real_variety, scored
from tutorial.contest.recipe import BUDGET, SEEDS
from tutorial.contest.tasks import filled, round_trip
from tutorial.data.digits import CLASSES, digits
from tutorial.data.pixels import to_pixels, to_signed
from tutorial.figures.contact_sheet import contact_sheet
from tutorial.gans.digits import COLUMNS, packed
from tutorial.metrics import digits as judging
from tutorial.metrics.digits import others, reference
from tutorial.metrics.frechet import features_of, frechet_distance, moments
from tutorial.metrics.verdict import Reference, measured_reference
from tutorial.training import contest
from tutorial.training.cards import last, rounded, with_error

COMMAND = "OMP_NUM_THREADS=1 python -m tutorial.training.evaluate_contest"
NAME = "contest"
FIGURE = measurements.FOLDER.parent / "figures" / "contest.png"
SAMPLES, FEW = 2000, 1000
"""Digits of a run, and those of them by which numbers of steps are compared."""
AT_ONCE = 100
WEIGHED, INVERTED, FILLED = 500, 32, 100
"""Test digits for each task."""
FEW_STEPS = (1, 2, 3, 5, 10, 20, 50)
TIMED, TRIES = 64, 3


def drawn(model: Contender, classes: Tensor, seed: int, **settings: Any) -> Tensor:
    """A digit of each class, `AT_ONCE` by one generator: (N, 1, 28, 28) in [−1, 1], as pixels store them."""
    parts = []
    for k, some in enumerate(tqdm(classes.split(AT_ONCE), desc="drawn", leave=False, mininterval=10)):
        generator = torch.Generator().manual_seed(seed * 10_000 + k)
        x = finished(model.drawing(some, generator, **settings))
        parts.append(to_signed(to_pixels(x)))
    return torch.cat(parts)


def seconds_a_picture(model: Contender, n: int) -> float:
    """Processor time of this thread for a picture, of n drawn at once: the fastest of `TRIES`."""
    classes, taken = torch.arange(n) % CLASSES, []
    for seed in range(TRIES):
        begun = time.process_time()
        model.draw(classes, torch.Generator().manual_seed(seed))
        taken.append(time.process_time() - begun)
    return min(taken) / n


def frechet(known: Reference, x: Tensor) -> float:
    """Distance of digits to the reference."""
    return frechet_distance(moments(features_of(known.classifier, x)), known.moments)


def few_steps(known: Reference, model: Diffusion, classes: Tensor, seed: int) -> list[dict[str, float]]:
    """Distance and accuracy by numbers of steps; the sampler and guidance stay."""
    rows = []
    for steps in FEW_STEPS:
        x = drawn(model, classes, seed, steps=steps)
        with torch.no_grad():
            read = torch.cat([known.classifier(some).argmax(1) for some in x.split(AT_ONCE)])
        rows.append({"steps": steps, "frechet": frechet(known, x), "accuracy": _share(read == classes)})
    return rows


def nats(model: Contender, seed: int) -> dict[str, float]:
    """−log p(x | class), or the bound on it, of the first test digits."""
    generator = torch.Generator().manual_seed(seed)
    parts = zip(*(rows[:WEIGHED].split(AT_ONCE) for rows in digits("test")), strict=True)
    return with_error(-torch.cat([model.log_likelihood(x, y, generator) for x, y in parts]).double())


def measure(known: Reference, model: Contender, seed: int) -> dict[str, Any]:
    """All that is measured of a run."""
    classes = digits("training")[1][others()[:SAMPLES]]
    real = real_variety(known, digits("training")[1][reference()])
    x = drawn(model, classes, seed)
    found: dict[str, Any] = asdict(last(scored(known, real, x, classes)))
    found["frechet_of_few"] = frechet(known, x[:FEW])
    found["seconds_alone"] = seconds_a_picture(model, 1)
    found["seconds_a_picture"] = seconds_a_picture(model, TIMED)
    pictures, labels = digits("test")
    signed = to_signed(pictures[: max(INVERTED, FILLED)])
    if model.answers["log_likelihood"].done:
        found["nats"] = nats(model, seed)
    if model.answers["invert"].done:
        trip = round_trip(model, known.classifier, signed[:INVERTED], labels[:INVERTED])
        found["round_trip"] = asdict(trip)
    if model.answers["fill_in"].done:
        dice = torch.Generator().manual_seed(seed)
        found["filled"] = asdict(filled(model, known.classifier, signed[:FILLED], labels[:FILLED], dice))
    if isinstance(model, Diffusion):
        found["few_steps"] = few_steps(known, model, classes[:FEW], seed)
    return rounded(found)


def sheet(model: Contender, seed: int) -> Tensor:
    """A row for each class: (100, 1, 28, 28) uint8."""
    classes = torch.arange(CLASSES).repeat_interleave(COLUMNS)
    return to_pixels(drawn(model, classes, seed))


def measured(known: Reference, family: str, seed: int, folder: Path) -> dict[str, Any]:
    """A run's numbers, measured now unless they were already, of these very weights."""
    where = contest.run_folder(family, seed, folder)
    card = contest.card_of(family, where)
    note, about = where / "measured.json", {name: card[name] for name in ("command", "steps", "seconds_spent")}
    if note.exists():
        found = json.loads(note.read_text())
        if found["of"] == about:
            return found["found"]
    print(f"{family}, seed {seed}", flush=True)
    found = measure(known, contest.trained(family, where), seed)
    note.write_text(json.dumps({"of": about, "found": found}, indent=1) + "\n")
    return found


def real_digits(known: Reference) -> dict[str, Any]:
    """The same of real digits, training digits that are not in the reference: the best that can be expected."""
    rows = others()[:SAMPLES]
    pictures, labels = (part[rows] for part in digits("training"))
    real = real_variety(known, digits("training")[1][reference()])
    found = asdict(last(scored(known, real, to_signed(pictures), labels)))
    return rounded(found | {"frechet_of_few": frechet(known, to_signed(pictures[:FEW]))})


def record(
    folder: Path = contest.FOLDER,
    to: Path = measurements.FOLDER,
    figure: Path = FIGURE,
    assets: Path | None = weights.FOLDER,
) -> None:
    """Measures all runs; writes the record, the contact sheet, and what was measured on the cards of what ships.

    Raises WeightsError if a run is missing.
    """
    known = last(measured_reference(judging.load().classifier))
    families, first = {}, []
    for family in TRAININGS:
        runs, sheets, model = [], [], None
        for seed in SEEDS:
            where = contest.run_folder(family, seed, folder)
            card, model = contest.card_of(family, where), contest.trained(family, where)
            told = ("command", "seed", "rate", "steps", "seconds_spent", "batch", "parameters")
            runs.append({name: card[name] for name in told} | measured(known, family, seed, folder))
            sheets.append(sheet(model, seed))
        assert model is not None  # there are seeds
        first.append(sheets[0])
        if assets is not None:
            _onto_card(file_name(family), runs[0], assets)
        families[family] = {
            "label": model.label,
            "likelihood": model.likelihood,
            "evaluations": model.evaluations,
            "answers": {task: asdict(answer) for task, answer in model.answers.items()},
            "runs": runs,
            "sheets": packed(sheets),
        }
    content = {
        "budget": BUDGET,
        "samples": SAMPLES,
        "of_few": FEW,
        "weighed": WEIGHED,
        "inverted": INVERTED,
        "filled": FILLED,
        "drawn_with": {"steps": STEPS, "guidance": GUIDANCE, "sampler": SAMPLER, "temperature": TEMPERATURE},
        "real": real_digits(known),
        "families": families,
    }
    measurements.save(NAME, COMMAND, content, to)
    draw_figure(first, figure)


def draw_figure(sheets: list[Tensor], path: Path) -> None:
    """A row for each family of two digits of each class."""
    rows = torch.stack(sheets).unflatten(1, (CLASSES, COLUMNS))[:, :, :2].flatten(0, 2)
    pictures = rows.expand(-1, 3, -1, -1).permute(0, 2, 3, 1).numpy()
    path.parent.mkdir(parents=True, exist_ok=True)
    contact_sheet(pictures, columns=2 * CLASSES, scale=2, gap=4).save(path, optimize=True)


def _onto_card(name: str, run: dict[str, Any], assets: Path) -> None:
    """Writes on the card of a shipped contender what was measured of it, unless it is another."""
    card = weights.read_card(name, assets)
    if all(card[key] == run[key] for key in ("command", "steps", "seconds_spent")):
        numbers = {key: value for key, value in run.items() if key not in card}
        weights.write_card(name, card | {"measured": {"command": COMMAND} | numbers}, assets)


def _share(values: Tensor) -> float:
    return values.double().mean().item()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    torch.set_num_threads(1)
    record()
