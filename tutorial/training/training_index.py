"""Makes the index of training critters that samples are compared with.

    python -m tutorial.training.training_index

Reader features of every picture that the latent diffusion was trained on. Train the reader first.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from tutorial import weights
from tutorial.data.critters import EVALUATION_SEED, TRAINING_SEEDS
from tutorial.data.pixels import to_signed
from tutorial.metrics.frechet import features_of
from tutorial.metrics.nearest import TrainingIndex
from tutorial.networks.reader import AttributeReader
from tutorial.training.pictures import pictures

COMMAND = "python -m tutorial.training.training_index"


def make(seeds: range = TRAINING_SEEDS, assets: Path = weights.FOLDER) -> None:
    """Saves the features of these training critters as "training_index" in `assets`."""
    reader = weights.load("reader", assets)
    index = TrainingIndex(_features(reader, seeds, training=True), seeds.start)
    fresh = range(EVALUATION_SEED, EVALUATION_SEED + 2000)
    _, distances = index.nearest(_features(reader, fresh, training=False))
    card = {
        "command": COMMAND,
        "first_seed": seeds.start,
        "critters": len(seeds),
        "usual_distance": round(distances.median().item(), 3),
        "usual_distance_is": f"median distance to the closest, fresh critters {fresh.start}–{fresh.stop - 1}",
    }
    weights.save_tensors("training_index", {"features": index.features}, card, assets)


def _features(reader: AttributeReader, seeds: range, *, training: bool) -> Tensor:
    rows = [features_of(reader, to_signed(x)) for x in pictures(seeds, training=training).split(1024)]
    return torch.cat(rows)


if __name__ == "__main__":
    make()
