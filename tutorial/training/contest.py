"""Trains the contenders of the closing chapter, each within the same budget of processor time.

    OMP_NUM_THREADS=1 python -m tutorial.training.contest

trains all that are missing, every family from each of three seeds: three hours of one core. Two at a time, on two
cores: `--only 0/2` in one shell, and `--only 1/2` in another. A single one, also with other settings:

    OMP_NUM_THREADS=1 python -m tutorial.training.contest --family gan --seed 0

Interrupted, it goes on where it was. Seconds are those of the process on its processor, whatever else the machine does;
checkpoints and logs are not counted. Seed 0 ships, as contest_<family>.
"""

from __future__ import annotations

import argparse
import itertools
import json
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from tutorial import weights
from tutorial.contest.contender import Contender
from tutorial.contest.families import ARCHITECTURES, TRAININGS, file_name
from tutorial.contest.recipe import BUDGET, SEEDS, Training
from tutorial.data.digits import digits
from tutorial.networks.blocks import parameter_count
from tutorial.training.fit import RUNS

COMMAND = "OMP_NUM_THREADS=1 python -m tutorial.training.contest"
FOLDER = RUNS / "contest"
SAVED_EVERY, LOGGED_EVERY = 30.0, 5.0
"""Seconds of the budget between two checkpoints, and between two lines of the log."""
SHIPS = SEEDS[0]

Clock = Callable[[], float]


def run_folder(family: str, seed: int, folder: Path = FOLDER) -> Path:
    """Where a run keeps its checkpoint, its log, and in the end its weights."""
    return folder / f"{family}-{seed}"


def command(family: str, seed: int, rate: float | None = None, seconds: float = BUDGET) -> str:
    """What trains this one again."""
    other = [] if rate is None else [f"--rate {rate:g}"]
    other += [] if seconds == BUDGET else [f"--seconds {seconds:g}"]
    return " ".join([f"{COMMAND} --family {family} --seed {seed}", *other])


def train(
    family: str,
    seed: int,
    *,
    rate: float | None = None,
    seconds: float = BUDGET,
    folder: Path | None = None,
    assets: Path | None = None,
    clock: Clock = time.process_time,
    saved_every: float = SAVED_EVERY,
) -> Contender:
    """Trains, or resumes in `folder`, until the budget is spent; the weights stay there as <file_name>.safetensors.

    With `assets` they are saved there as well. A run that is done is not done again. Raises ValueError if the folder
    holds a run with another rate or budget.
    """
    folder = folder or run_folder(family, seed)
    run = {"family": family, "seed": seed, "rate": rate or TRAININGS[family].rate, "seconds": seconds}
    _same_run(folder, run)
    if not (folder / f"{file_name(family)}.json").exists():
        training = TRAININGS[family](seed, *digits("training"), rate)
        spent = spend(training, folder, seconds, clock, saved_every)
        model = training.trained()
        card = {
            "command": command(family, seed, rate, seconds),
            **run,
            "steps": training.updates,
            "seconds_spent": round(spent, 2),
            "batch": training.batch,
            "parameters": parameter_count(model),
            "hardware": f"{torch.get_num_threads()} thread, cpu, {platform.machine()}, "
            f"{'bfloat16' if training.bf16 else 'float32'} networks",
            "torch": torch.__version__,
            "trained_on": "MNIST's training digits, all 60,000, batches drawn with replacement",
        }
        weights.save(file_name(family), model, card, folder)
        (folder / "checkpoint.pt").unlink(missing_ok=True)
    model = trained(family, folder)
    if assets is not None:
        weights.save(file_name(family), model, card_of(family, folder), assets)
    return model


def trained(family: str, folder: Path) -> Contender:
    """The contender of a run that is done. Raises tutorial.weights.WeightsError if it is not."""
    return weights.load(file_name(family), folder, architectures=ARCHITECTURES)


def card_of(family: str, folder: Path) -> dict[str, Any]:
    """The card of a run that is done. Raises tutorial.weights.WeightsError if it is not."""
    return weights.read_card(file_name(family), folder)


def spend(
    training: Training,
    folder: Path,
    seconds: float,
    clock: Clock = time.process_time,
    saved_every: float = SAVED_EVERY,
) -> float:
    """Trains, or resumes, until the budget is spent; returns what was spent: less than an update more than that."""
    checkpoint, spent = folder / "checkpoint.pt", 0.0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        training.load_state_dict(state["training"])
        spent = state["spent"]
    saved = logged = spent
    while spent < seconds:
        begun = clock()
        values = training.step(spent / seconds)
        spent += clock() - begun
        if spent - logged >= LOGGED_EVERY or spent >= seconds:
            logged = spent
            with (folder / "log.jsonl").open("a") as lines:
                lines.write(json.dumps({"step": training.updates, "seconds": round(spent, 1)} | values) + "\n")
        if spent - saved >= saved_every:
            saved = spent
            new = checkpoint.with_suffix(".new")
            torch.save({"training": training.state_dict(), "spent": spent}, new)
            new.replace(checkpoint)
    return spent


def _same_run(folder: Path, run: dict[str, Any]) -> None:
    note = folder / "run.json"
    if note.exists() and json.loads(note.read_text()) != run:
        raise ValueError(f"{folder} holds another run: {note.read_text().strip()}. Delete that folder to start anew.")
    folder.mkdir(parents=True, exist_ok=True)
    note.write_text(json.dumps(run) + "\n")


def wanted(share: int = 0, of: int = 1) -> list[tuple[str, int]]:
    """Families and seeds, every `of`-th beginning with number `share`; seed by seed, so that all families have one."""
    pairs = [(family, seed) for seed, family in itertools.product(SEEDS, TRAININGS)]
    return pairs[share::of]


def main(pairs: list[tuple[str, int]], rate: float | None, seconds: float, *, ship: bool) -> None:
    """Trains these one after the other."""
    for family, seed in pairs:
        print(f"{family}, seed {seed}", flush=True)
        train(family, seed, rate=rate, seconds=seconds, assets=weights.FOLDER if ship and seed == SHIPS else None)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--family", choices=list(TRAININGS))
    parser.add_argument("--seed", type=int, default=SHIPS)
    parser.add_argument("--rate", type=float, help="learning rate, other than the family's own")
    parser.add_argument("--seconds", type=float, default=BUDGET, help="budget, other than what ships")
    parser.add_argument("--only", default="0/1", help="of all, every n-th beginning with number k: k/n")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    pairs = [(asked.family, asked.seed)] if asked.family else wanted(*map(int, asked.only.split("/")))
    main(pairs, asked.rate, asked.seconds, ship=asked.rate is None and asked.seconds == BUDGET)
