"""Fits the map that shows a latent roughly while it is being sampled.

    python -m tutorial.training.preview

Half a minute. Train `tutorial.training.autoencoder` first.
"""

from __future__ import annotations

from pathlib import Path

import torch

from tutorial import weights
from tutorial.data.critters import EVALUATION_SEED, TRAINING_SEEDS
from tutorial.data.pixels import to_signed
from tutorial.diffusion.preview import explained_variance, fit_preview
from tutorial.networks.autoencoder import Autoencoder
from tutorial.training.pictures import pictures

COMMAND = "python -m tutorial.training.preview"
FRESH = 200
"""Fresh critters for the figure on the card."""


def make(seeds: range = TRAINING_SEEDS[:2000], assets: Path = weights.FOLDER) -> None:
    """Saves the map as "preview" in `assets`, with the share of the colours' variance that it explains."""
    autoencoder = weights.load("autoencoder", assets)
    fitted = fit_preview(*_pairs(autoencoder, seeds))
    fresh = _pairs(autoencoder, range(EVALUATION_SEED, EVALUATION_SEED + FRESH))
    card = {
        "command": COMMAND,
        "fitted_on": f"training critters {seeds.start}–{seeds.stop - 1}",
        "explained_variance_of_fresh_critters": round(explained_variance(*fresh, fitted), 3),
    }
    weights.save_tensors("preview", {"map": fitted}, card, assets)


@torch.no_grad()
def _pairs(autoencoder: Autoencoder, seeds: range) -> tuple[torch.Tensor, torch.Tensor]:
    """Scaled latents of training critters, and their pictures in [−1, 1]."""
    x = to_signed(pictures(seeds, training=True))
    z = torch.cat([autoencoder.encode(rows)[0] for rows in x.split(100)]) * autoencoder.config.scaling_factor
    return z, x


if __name__ == "__main__":
    make()
