"""Fits the map that shows a latent roughly while it is being sampled.

    python -m tutorial.training.preview

Half a minute. Train `tutorial.training.autoencoder` first; with `--side 128` the one of that side.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from tutorial import weights
from tutorial.data.critters import EVALUATION_SEED, TRAINING_SEEDS
from tutorial.data.pixels import to_signed
from tutorial.diffusion.preview import explained_variance, fit_preview
from tutorial.networks.autoencoder import Autoencoder
from tutorial.training.autoencoder import of_side
from tutorial.training.pictures import LESSONS, pictures

COMMAND = "python -m tutorial.training.preview"
FRESH = 200
"""Fresh critters for the figure on the card."""


def make(seeds: range = TRAINING_SEEDS[:2000], assets: Path = weights.FOLDER, *, side: int = weights.SIDE) -> None:
    """Saves the map for a side as "preview" in `assets`, with the share of the colours' variance that it explains."""
    autoencoder = weights.load(weights.sized("autoencoder", side), assets)
    fitted = fit_preview(*_pairs(autoencoder, seeds, side))
    fresh = _pairs(autoencoder, range(EVALUATION_SEED, EVALUATION_SEED + FRESH), side)
    card = {
        "command": of_side(COMMAND, side),
        "fitted_on": f"training critters {seeds.start}–{seeds.stop - 1}",
        "explained_variance_of_fresh_critters": round(explained_variance(*fresh, fitted), 3),
    }
    weights.save_tensors(weights.sized("preview", side), {"map": fitted}, card, assets)


@torch.no_grad()
def _pairs(autoencoder: Autoencoder, seeds: range, side: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Scaled latents of training critters, and their pictures in [−1, 1]."""
    x = to_signed(pictures(seeds, training=True, size=side))
    z = torch.cat([autoencoder.encode(rows)[0] for rows in x.split(100)]) * autoencoder.config.scaling_factor
    return z, x


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, choices=LESSONS, default=weights.SIDE, help="of the pictures, in pixels")
    make(side=parser.parse_args().side)
