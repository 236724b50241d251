"""Trains the denoiser of the eight Gaussians on what else it can predict, all else being as in `point_denoisers`.

python -m tutorial.training.point_objectives

The same initialisation, the same data and the same batches, so that what differs between the shipped three is what
they were asked for.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict
from pathlib import Path

import torch

from tutorial import weights
from tutorial.data.toy2d import WORLDS
from tutorial.diffusion import points
from tutorial.diffusion.objective import KINDS, Kind
from tutorial.networks.mlp import PointDenoiserConfig
from tutorial.training.points import POINTS, Knobs, PointTraining

COMMAND = "python -m tutorial.training.point_objectives"
WORLD = "eight Gaussians"


def file_name(predicts: Kind) -> str:
    """Under which name the denoiser that predicts this is shipped."""
    name = points.file_name(WORLD)
    return name if predicts == "eps" else f"{name}_{predicts}"


def train(predicts: Kind, steps: int, assets: Path = weights.FOLDER) -> None:
    """Trains with the settings that the page opens with, and saves the weights."""
    data = WORLDS[WORLD](POINTS, torch.Generator().manual_seed(1))
    training, begun = PointTraining(data, PointDenoiserConfig()), time.monotonic()
    for step in training.run(lambda: Knobs(predicts=predicts)):
        if step.i == steps:
            break
    card = {
        "command": COMMAND,
        "world": WORLD,
        "steps": steps,
        "wall_time_minutes": round((time.monotonic() - begun) / 60, 2),
        "knobs": asdict(training.knobs),
        "schedule": "linear",
        "T": training.schedule.T,
    }
    weights.save(file_name(predicts), training.average, card, assets)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=24_000)
    torch.set_num_threads(1)
    for kind in KINDS:
        if kind != "eps":  # which `point_denoisers` trains
            train(kind, parser.parse_args().steps)
