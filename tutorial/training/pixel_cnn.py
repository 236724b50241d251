"""Trains the PixelCNN on digits whose pixels are black or white.

    ACCELERATE_MIXED_PRECISION=bf16 python -m tutorial.training.pixel_cnn

Each pixel is white with the probability that its grey value says, drawn anew each time the digit is seen.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor

from tutorial import weights
from tutorial.data.digits import SIDE, binarised, digits
from tutorial.families.pixel_cnn import surprise
from tutorial.networks.blocks import channels_last
from tutorial.networks.pixel_cnn import PixelCNN, PixelCNNConfig
from tutorial.training.fit import (
    RUNS,
    Clock,
    averaged,
    descend,
    fit,
    provenance,
    seeded_accelerator,
    shuffled,
    warm_cosine,
)

COMMAND = "ACCELERATE_MIXED_PRECISION=bf16 python -m tutorial.training.pixel_cnn"


def train(steps: int, *, batch: int = 16, folder: Path = RUNS / "pixel_cnn", assets: Path = weights.FOLDER) -> PixelCNN:
    """Trains, or resumes in `folder`, and saves the averaged weights as "pixel_cnn" in `assets`."""
    accelerator = seeded_accelerator()
    model = channels_last(PixelCNN(PixelCNNConfig()))
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, betas=(0.9, 0.99), weight_decay=0.01, fused=True)
    schedule = warm_cosine(optimizer, steps, warmup=min(200, steps))
    loader = shuffled(*digits("training"), batch=batch)
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    bare = accelerator.unwrap_model(model, keep_torch_compile=False)
    ema = averaged(bare, 0.995)
    accelerator.register_for_checkpointing(schedule, ema)
    noise = torch.default_generator if accelerator.device.type == "cpu" else torch.cuda.default_generators[0]

    def update(rows: list[Tensor], step: int) -> dict[str, Tensor]:
        """Guesses all pixels of a batch of digits at once, each from the true ones before it."""
        x = binarised(rows[0], noise)
        with accelerator.autocast():
            logits = model(x)
        nats = surprise(logits.float(), x).flatten(1).sum(1).mean()
        descend(accelerator, nats / SIDE**2, model, optimizer, schedule)
        ema.update_parameters(bare)
        return {"nats": nats}

    clock = Clock()
    for _ in fit(accelerator, update, loader, clock, steps=steps, folder=folder, inputs={}):
        pass
    trained = ema.module.eval()
    assert isinstance(trained, PixelCNN)
    if accelerator.is_main_process:
        card = provenance(accelerator, COMMAND, clock) | {
            "trained_on": "MNIST's training digits, all 60,000, binarised anew each time they were seen",
        }
        weights.save("pixel_cnn", trained, card, assets)
    return trained


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=4000)
    train(parser.parse_args().steps)
