"""Trains a denoiser of points for each world, as the page does live, and keeps how it went.

python -m tutorial.training.point_denoisers
"""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict
from pathlib import Path

import torch

from tutorial import weights
from tutorial.data.toy2d import WORLDS, mixture_of
from tutorial.diffusion.objective import KINDS, Kind
from tutorial.diffusion.point_training import POINTS, Knobs, PointTraining, progress
from tutorial.diffusion.points import IN_THREE_WAYS, file_name
from tutorial.networks.mlp import PointDenoiserConfig

COMMAND = "python -m tutorial.training.point_denoisers"
LOOKS = 60
"""How often a run is measured."""
COMPARED = 500
"""Points of the data, and samples, in each measurement."""


def train(world: str, steps: int, predicts: Kind = "eps", assets: Path = weights.FOLDER) -> None:
    """Trains with the settings that the page opens with, and saves weights and history."""
    draw, generator = WORLDS[world], torch.Generator().manual_seed(1)
    training = PointTraining(draw(POINTS, generator), PointDenoiserConfig())
    reference, mixture = draw(COMPARED, generator), mixture_of(world)
    history, losses, begun = [], [], time.monotonic()
    for step in training.run(lambda: Knobs(predicts=predicts)):
        losses.append(step.loss)
        if step.i % max(1, steps // LOOKS) == 0:
            now = progress(training, sum(losses) / len(losses), reference, mixture)
            history.append([now.step, round(now.loss, 5), round(now.energy, 5)])
            losses.clear()
        if step.i == steps:
            break
    card = {
        "command": COMMAND,
        "world": world,
        "steps": steps,
        "wall_time_minutes": round((time.monotonic() - begun) / 60, 2),
        "knobs": asdict(training.knobs),
        "schedule": "linear",
        "T": training.schedule.T,
        "history": {"columns": ["step", "loss", "energy distance"], "points": COMPARED, "rows": history},
    }
    weights.save(file_name(world, predicts), training.average, card, assets)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=24_000)
    torch.set_num_threads(1)
    for name in WORLDS:
        for kind in KINDS if name == IN_THREE_WAYS else KINDS[:1]:
            train(name, parser.parse_args().steps, kind)
