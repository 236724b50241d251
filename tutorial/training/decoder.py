"""Polishes the autoencoder's decoder, and leaves the encoder, so that latents keep their meaning.

    ACCELERATE_MIXED_PRECISION=bf16 python -m tutorial.training.decoder

What has been trained on the latents, the U-Net, stays valid, and its pictures get sharper. Stable Diffusion's
own decoder was improved after the fact in the same way (the "ft-MSE" autoencoder of Stability AI). Train
`tutorial.training.autoencoder` first; with `--side 128` the one of that side, here on whole pictures.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor, nn

from tutorial import weights
from tutorial.data.pixels import to_signed
from tutorial.metrics.similarity import edge_energy
from tutorial.networks.autoencoder import Autoencoder
from tutorial.training import autoencoder as first
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
from tutorial.training.latents import encoding_half, latents
from tutorial.training.pictures import LESSONS, pictures

COMMAND = "ACCELERATE_MIXED_PRECISION=bf16 python -m tutorial.training.decoder"
BATCHES = {weights.SIDE: 16, 128: 8}
"""Side of the pictures in pixels → examples of a step."""
SQUARED = 10.0
"""Weight of the squared error beside L1: it minds the few large errors, at outlines, that L1 leaves."""
EDGES = 0.05
"""Weight of the edge energy that is missing or too much, as a share: the squared error alone leaves outlines soft."""
LOSS = {"l1": 1.0, "squared": SQUARED, "perceptual": first.PERCEPTUAL, "edges": EDGES}


class Decoding(nn.Module):
    """The half of the autoencoder that is trained here: latents (B, C, h, w), unscaled → pictures."""

    def __init__(self, autoencoder: Autoencoder) -> None:
        super().__init__()
        self.post_quant_conv, self.decoder = autoencoder.post_quant_conv, autoencoder.decoder

    def forward(self, z: Tensor) -> Tensor:
        return self.decoder(self.post_quant_conv(z))


def train(
    steps: int,
    *,
    side: int = weights.SIDE,
    batch: int | None = None,
    seeds: range | None = None,
    folder: Path | None = None,
    assets: Path = weights.FOLDER,
) -> Autoencoder:
    """Trains, or resumes in `folder`, and replaces the autoencoder of this side in `assets` by the polished one."""
    accelerator, name = seeded_accelerator(), weights.sized("autoencoder", side)
    folder = folder or RUNS / weights.sized("decoder", side)
    autoencoder: Autoencoder = weights.load(name, assets, accelerator.device)
    reader = weights.load("reader", assets, accelerator.device)
    x = pictures(seeds or LESSONS[side], training=True, size=side)
    means, deviations = (moment / autoencoder.config.scaling_factor for moment in latents(accelerator, autoencoder, x))
    model = Decoding(autoencoder).train().requires_grad_()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.99), weight_decay=1e-4)
    schedule = warm_cosine(optimizer, steps, warmup=min(200, steps))
    loader = shuffled(x, means, deviations, batch=batch or BATCHES[side])
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    bare = accelerator.unwrap_model(model, keep_torch_compile=False)
    ema = averaged(bare, 0.998)
    accelerator.register_for_checkpointing(schedule, ema)

    def update(rows: list[Tensor], step: int) -> dict[str, Tensor]:
        """Decodes a batch of latents."""
        x, mean, deviation = to_signed(rows[0]), rows[1], rows[2]
        with accelerator.autocast():
            x_hat = model(mean + deviation * torch.randn_like(mean))
            perceptual = first.perceptual_distance(reader, x_hat, x).float()
        l1, mse = (x_hat.float() - x).abs().mean(), (x_hat.float() - x).square().mean()
        edges = (edge_energy(x_hat.float()) / edge_energy(x) - 1).abs()
        loss = l1 + SQUARED * mse + first.PERCEPTUAL * perceptual + EDGES * edges
        descend(accelerator, loss, model, optimizer, schedule)
        ema.update_parameters(bare)
        return {"l1": l1, "perceptual": perceptual, "mse": mse, "edges": edges}

    inputs = {"encoder": encoding_half(autoencoder), "reader": reader}
    clock = Clock()
    for _ in fit(accelerator, update, loader, clock, steps=steps, folder=folder, inputs=inputs):
        pass
    trained = ema.module
    assert isinstance(trained, Decoding)
    autoencoder.post_quant_conv, autoencoder.decoder = trained.post_quant_conv, trained.decoder
    if accelerator.is_main_process:
        card, command = weights.read_card(name, assets), first.of_side(COMMAND, side)
        card.pop("measured", None)  # the decoder that was measured is no more
        polish = [*card.get("polish", []), provenance(accelerator, command, clock) | {"loss": LOSS}]
        both = f"{first.of_side(first.COMMAND, side)} && {command}"
        weights.save(name, autoencoder, card | {"command": both, "polish": polish}, assets)
    return autoencoder


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--side", type=int, choices=LESSONS, default=weights.SIDE, help="of the pictures, in pixels")
    options = parser.parse_args()
    train(options.steps, side=options.side)
