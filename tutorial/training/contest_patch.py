"""What the GAN inside latent diffusion is for: an autoencoder of digits, with and without its patch discriminator.

    OMP_NUM_THREADS=1 python -m tutorial.training.contest_patch

Both are trained three times within the same processor time, 18 minutes of one core in all.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from tutorial import measurements, weights
from tutorial.contest.first_stage import Blurred, Sharpened, coloured, grey
from tutorial.contest.recipe import SEEDS
from tutorial.data.digits import CLASSES, digits
from tutorial.data.pixels import to_pixels, to_signed
from tutorial.gans.digits import packed
from tutorial.metrics import digits as judging
from tutorial.metrics.verdict import measured_reference
from tutorial.networks.autoencoder import Autoencoder, reconstruct
from tutorial.training import contest
from tutorial.training.cards import last, rounded
from tutorial.training.evaluate_contest import AT_ONCE, frechet

COMMAND = "OMP_NUM_THREADS=1 python -m tutorial.training.contest_patch"
NAME = "contest_patch"
SECONDS = 180.0
TRAININGS = {"off": Blurred, "on": Sharpened}
JUDGED = 2000
"""Test digits that are encoded and decoded."""


def run_folder(which: str, seed: int, folder: Path = contest.FOLDER) -> Path:
    """Where a training keeps its weights."""
    return folder / "patch" / f"{which}-{seed}"


def train(which: str, seed: int, seconds: float = SECONDS, folder: Path = contest.FOLDER) -> Autoencoder:
    """Trains the autoencoder, or loads the one that was; resumes."""
    where = run_folder(which, seed, folder)
    where.mkdir(parents=True, exist_ok=True)
    if not (where / "autoencoder.json").exists():
        training = TRAININGS[which](seed, *digits("training"))
        spent = contest.spend(training, where, seconds)
        model = cast(Autoencoder, training.trained())
        card = {"command": COMMAND, "steps": training.updates, "seconds_spent": round(spent, 2)}
        weights.save("autoencoder", model, card, where)
    return weights.load("autoencoder", where)


def edges(x: Tensor) -> Tensor:
    """Edge energy of pictures (N, 1, H, W): the mean squared difference of neighbouring pixels, (N,)."""
    across, down = x.diff(dim=3).square().mean((1, 2, 3)), x.diff(dim=2).square().mean((1, 2, 3))
    return (across + down) / 2


def psnr(x: Tensor, again: Tensor) -> float:
    """Peak signal-to-noise ratio in dB, for pixels in [−1, 1]."""
    return (10 * torch.log10(4 / (x - again).square().mean())).item()


def round_trip(model: Autoencoder, pixels: Tensor) -> Tensor:
    """Digits (N, 1, 28, 28) uint8, encoded and decoded without noise: the same shape, in [−1, 1]."""
    parts = [grey(reconstruct(model, coloured(to_signed(some)))) for some in pixels.split(AT_ONCE)]
    return torch.cat(parts)


def shown() -> Tensor:
    """The first ten test digits of each class, class by class: (100,) int64."""
    labels = digits("test")[1]
    return torch.cat([(labels == k).nonzero()[:10, 0] for k in range(CLASSES)])


def record(seconds: float = SECONDS, folder: Path = contest.FOLDER, to: Path = measurements.FOLDER) -> None:
    """Trains all that is missing, measures, and writes the record: numbers, and sheets of the real digits and both."""
    known = last(measured_reference(judging.load().classifier))
    pictures = digits("test")[0]
    x = to_signed(pictures[:JUDGED])
    real: dict[str, Any] = {"edges": edges(x).mean().item(), "frechet": frechet(known, x)}
    runs, sheets = [], [pictures[shown()]]
    for which in TRAININGS:
        for seed in SEEDS:
            model = train(which, seed, seconds, folder)
            again = round_trip(model, pictures[:JUDGED])
            card = json.loads((run_folder(which, seed, folder) / "autoencoder.json").read_text())
            found = {"patch": which, "seed": seed, "steps": card["steps"], "seconds_spent": card["seconds_spent"]}
            found |= {"psnr": psnr(x, again), "edges": edges(again).mean().item(), "frechet": frechet(known, again)}
            runs.append(found)
            if seed == SEEDS[0]:
                sheets.append(to_pixels(round_trip(model, pictures[shown()])))
    content = {"seconds": seconds, "digits": JUDGED, "real": real, "runs": runs, "sheets": packed(sheets)}
    measurements.save(NAME, COMMAND, rounded(content), to)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    torch.set_num_threads(1)
    record()
