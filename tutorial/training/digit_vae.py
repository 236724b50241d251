"""Trains the variational autoencoders of digits: with codes in the plane, one for each β, and one with larger codes.

python -m tutorial.training.digit_vae

With --latent and --beta it trains only that one.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor

from tutorial import weights
from tutorial.data.digits import binarised, digits
from tutorial.families.digit_vae import BETAS, LARGE, PLANE, file_name, parts
from tutorial.networks.digit_vae import DigitVAE, DigitVAEConfig
from tutorial.training.fit import (
    RUNS,
    Clock,
    descend,
    fit,
    provenance,
    seeded_accelerator,
    shuffled,
    warm_cosine,
)

COMMAND = "python -m tutorial.training.digit_vae"
CONFIGS = {PLANE: DigitVAEConfig(latent=PLANE), LARGE: DigitVAEConfig(latent=LARGE, hidden=(512, 384))}
STEPS = {PLANE: 8_000, LARGE: 24_000}
SHIPPED = [(PLANE, beta) for beta in BETAS] + [(LARGE, 1.0)]
RATE, BATCH = 2e-3, 256


def train(
    latent: int,
    beta: float,
    steps: int,
    *,
    batch: int = BATCH,
    folder: Path | None = None,
    assets: Path = weights.FOLDER,
) -> DigitVAE:
    """Trains on digits binarised anew each time, or resumes in `folder`, and saves the result in `assets`."""
    name = file_name(latent, beta)
    accelerator = seeded_accelerator()
    model = DigitVAE(CONFIGS[latent])
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, fused=True)
    schedule = warm_cosine(optimizer, steps, warmup=min(200, steps))
    loader = shuffled(digits("training")[0], batch=batch)
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    accelerator.register_for_checkpointing(schedule)
    bare = accelerator.unwrap_model(model, keep_torch_compile=False)
    noise = torch.default_generator if accelerator.device.type == "cpu" else torch.cuda.default_generators[0]

    def update(rows: list[Tensor], step: int) -> dict[str, Tensor]:
        """One step down distortion + β · rate."""
        found = parts(bare, binarised(rows[0], noise), noise)
        distortion, rate = -found.reconstruction.mean(), found.kl.mean()
        descend(accelerator, distortion + beta * rate, model, optimizer, schedule)
        return {"distortion": distortion, "rate": rate}

    clock = Clock()
    for _ in fit(accelerator, update, loader, clock, steps=steps, folder=folder or RUNS / name, inputs={}):
        pass
    if accelerator.is_main_process:
        card = provenance(accelerator, f"{COMMAND} --latent {latent} --beta {beta:g}", clock) | {
            "beta": beta,
            "batch": batch,
            "trained_on": "MNIST's training digits, all 60,000, binarised anew each time",
        }
        weights.save(name, bare, card, assets)
    return bare.eval()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latent", type=int, choices=list(CONFIGS))
    parser.add_argument("--beta", type=float)
    parser.add_argument("--steps", type=int, help="other than as shipped")
    wanted = parser.parse_args()
    if (wanted.latent is None) != (wanted.beta is None):
        parser.error("--latent and --beta go together.")
    torch.set_num_threads(1)
    for latent, beta in SHIPPED if wanted.latent is None else [(wanted.latent, wanted.beta)]:
        train(latent, beta, wanted.steps or STEPS[latent])
