"""Trains the pixel-space U-Net that draws MNIST digits, told which digit (Ho et al. 2020; Ho & Salimans 2022).

    ACCELERATE_MIXED_PRECISION=bf16 python -m tutorial.training.pixel_diffusion

The network predicts the velocity of digits noised by the cosine schedule. One label in ten is replaced by "no class".
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor

from tutorial import weights
from tutorial.data.digits import CLASSES, digits
from tutorial.data.pixels import to_signed
from tutorial.diffusion.latent import as_denoiser
from tutorial.diffusion.objective import Kind, loss
from tutorial.diffusion.process import q_sample
from tutorial.diffusion.schedule import Schedule
from tutorial.networks.blocks import channels_last
from tutorial.networks.class_unet import ClassUNet, ClassUNetConfig
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

COMMAND = "ACCELERATE_MIXED_PRECISION=bf16 python -m tutorial.training.pixel_diffusion"
SCHEDULE, T, PREDICTS = "cosine", 1000, "v"
DROPOUT = 0.1
CONFIG = ClassUNetConfig(
    channels=(32, 64, 64),
    attention=(False, False, True),
    layers=1,
    context=64,
    heads=4,
    groups=8,
    latent_channels=1,
    classes=CLASSES,
)


def stratified_times(n: int) -> Tensor:
    """Times to train on, (n,) int64 in 1…T: one from each of n equal slices, so that every batch sees all noise levels.

    Kingma et al. 2021, "Variational diffusion models", section 5: the gradient becomes calmer.
    """
    return (T * (torch.arange(n) + torch.rand(n)) / n).ceil().long().clamp(1, T)


def train(
    steps: int, *, batch: int = 64, folder: Path = RUNS / "pixel_diffusion", assets: Path = weights.FOLDER
) -> ClassUNet:
    """Trains, or resumes in `folder`, and saves the averaged weights as "digit_unet" in `assets`."""
    accelerator = seeded_accelerator()
    model = channels_last(ClassUNet(CONFIG))
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, betas=(0.9, 0.99), weight_decay=0.01, fused=True)
    schedule = warm_cosine(optimizer, steps, warmup=min(300, steps))
    loader = shuffled(*digits("training"), batch=batch)
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    bare = accelerator.unwrap_model(model, keep_torch_compile=False)
    ema = averaged(bare, 0.999)
    accelerator.register_for_checkpointing(schedule, ema)
    noise_schedule = Schedule.named(SCHEDULE, T)
    kind: Kind = PREDICTS
    denoise = as_denoiser(model)

    def update(rows: list[Tensor], step: int) -> dict[str, Tensor]:
        """Denoises a batch of digits, each at a time of its own, told its class or none."""
        x, y = to_signed(rows[0]), rows[1]
        y = torch.where(torch.rand(len(y), device=y.device) < DROPOUT, CLASSES, y)
        t = stratified_times(len(x)).to(x.device)
        eps = torch.randn_like(x)
        with accelerator.autocast():
            prediction = denoise(q_sample(noise_schedule, x, t, eps), t, y)
        value = loss(kind, noise_schedule, prediction.float(), x, t, eps).mean()
        descend(accelerator, value, model, optimizer, schedule)
        ema.update_parameters(bare)
        return {"loss": value}

    clock = Clock()
    for _ in fit(accelerator, update, loader, clock, steps=steps, folder=folder, inputs={}):
        pass
    trained = ema.module.eval()
    assert isinstance(trained, ClassUNet)
    if accelerator.is_main_process:
        card = provenance(accelerator, COMMAND, clock) | {
            "schedule": SCHEDULE,
            "T": T,
            "predicts": PREDICTS,
            "label_dropout": DROPOUT,
            "trained_on": "MNIST's training digits, all 60,000",
        }
        weights.save("digit_unet", trained, card, assets)
    return trained


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=4000)
    train(parser.parse_args().steps)
