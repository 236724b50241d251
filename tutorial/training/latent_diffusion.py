"""Trains the latent U-Net together with its text encoder (Rombach et al. 2022, section 4.3.1).

    ACCELERATE_MIXED_PRECISION=bf16 python -m tutorial.training.latent_diffusion

The network predicts the velocity of latents noised by the cosine schedule. One caption in ten is replaced by
the empty prompt, so that the same network is the unconditional model that guidance needs (Ho & Salimans
2022). Train `tutorial.training.autoencoder` and make the tokenizer first.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset
from tqdm import tqdm

from tutorial import weights
from tutorial.data.critters import TRAINING_SEEDS, held_out_pairs
from tutorial.data.pixels import to_signed
from tutorial.diffusion.latent import as_denoiser, fit_preview
from tutorial.diffusion.objective import Kind, loss
from tutorial.diffusion.process import q_sample
from tutorial.diffusion.schedule import Schedule
from tutorial.networks.blocks import channels_last
from tutorial.networks.text import TextConfig, TextEncoder
from tutorial.networks.tokenizer import ClipTokenizer
from tutorial.networks.unet import UNet, UNetConfig
from tutorial.training.fit import RUNS, Clock, averaged, fit, provenance, trained_on, warm_cosine
from tutorial.training.latents import latents
from tutorial.training.pictures import pictures
from tutorial.training.tokenizer import captions

COMMAND = "ACCELERATE_MIXED_PRECISION=bf16 python -m tutorial.training.latent_diffusion"
UNET = UNetConfig(channels=(64, 128), attention=(True, True), layers=1, context=128, heads=4)
TEXT_WIDTH, TEXT_LAYERS, TEXT_HEADS, LENGTH = 128, 2, 4, 48
SCHEDULE, T, PREDICTS = "cosine", 1000, "v"
DROPOUT = 0.1
CAPTIONS_EACH = 8


class Conditional(nn.Module):
    """Text encoder and U-Net as one module, so that one optimiser, one average and one process group fit both."""

    def __init__(self, text: TextEncoder, unet: UNet) -> None:
        super().__init__()
        self.text, self.unet = text, unet

    def forward(self, x: Tensor, t: Tensor, tokens: Tensor) -> Tensor:
        return as_denoiser(self.unet)(x, t, self.text(tokens))


def tokenized(tokenizer: ClipTokenizer, seeds: range) -> Tensor:
    """Every critter's captions as tokens: (N, CAPTIONS_EACH, length) int16."""
    with ProcessPoolExecutor() as pool:
        texts = pool.map(partial(captions, count=CAPTIONS_EACH), seeds, chunksize=512)
        return torch.stack([tokenizer(some).short() for some in tqdm(texts, desc="captions", total=len(seeds))])


def train(
    steps: int,
    *,
    batch: int = 96,
    seeds: range = TRAINING_SEEDS,
    folder: Path = RUNS / "latent_diffusion",
    assets: Path = weights.FOLDER,
) -> Conditional:
    """Trains, or resumes in `folder`, and saves the averaged weights as "text_encoder" and "unet" in `assets`."""
    accelerator = Accelerator()
    set_seed(0, device_specific=True)  # each process draws its own noise
    autoencoder = weights.load("autoencoder", assets, accelerator.device)
    tokenizer: ClipTokenizer = weights.load_tokenizer(LENGTH, assets)
    text = TextEncoder(TextConfig(tokenizer.size, TEXT_WIDTH, TEXT_LAYERS, TEXT_HEADS, LENGTH))
    model = channels_last(Conditional(text, UNet(UNET)))
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, betas=(0.9, 0.99), weight_decay=0.01, fused=True)
    schedule = warm_cosine(optimizer, steps, warmup=min(300, steps))

    tokens = tokenized(tokenizer, seeds)
    x = pictures(seeds, training=True)
    means, deviations = latents(accelerator, autoencoder, x)
    empty = tokenizer([""]).to(accelerator.device)
    loader = DataLoader(TensorDataset(means, deviations, tokens), batch_size=batch, shuffle=True, drop_last=True)
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    bare = accelerator.unwrap_model(model)
    ema = averaged(bare, 0.999)
    accelerator.register_for_checkpointing(schedule, ema)
    noise_schedule = getattr(Schedule, SCHEDULE)(T)
    kind: Kind = PREDICTS

    def update(rows: list[Tensor], step: int) -> dict[str, Tensor]:
        mean, deviation, choices = rows
        n, device = len(mean), mean.device
        z = mean + deviation * torch.randn_like(mean)
        caption = choices[torch.arange(n), torch.randint(CAPTIONS_EACH, (n,))].long()
        caption = torch.where(torch.rand(n, 1, device=device) < DROPOUT, empty, caption)
        t = torch.randint(1, T + 1, (n,), device=device)
        eps = torch.randn_like(z)
        with accelerator.autocast():
            prediction = model(q_sample(noise_schedule, z, t, eps), t, caption)
        value = loss(kind, noise_schedule, prediction.float(), z, t, eps).mean()
        accelerator.backward(value)
        accelerator.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        ema.update_parameters(bare)
        return {"loss": value}

    clock = Clock()
    for _ in fit(accelerator, update, loader, clock, steps=steps, folder=folder):
        pass
    trained = ema.module.eval()
    assert isinstance(trained, Conditional)
    if accelerator.is_main_process:
        save(trained, provenance(accelerator, COMMAND, clock), seeds, means, x, assets)
    return trained


def save(trained: Conditional, origin: dict, seeds: range, means: Tensor, x: Tensor, folder: Path) -> None:
    """Writes the text encoder and the U-Net, the latter's card with all a sampler needs to know."""
    origin = origin | {
        "trained_on": f"{trained_on(seeds)}; {CAPTIONS_EACH} captions each",
        "never_seen_together": [f"{a} {b}, {c} {d}" for a, b, c, d in held_out_pairs()],
    }
    weights.save("text_encoder", trained.text, origin, folder)
    card = {
        "schedule": SCHEDULE,
        "T": T,
        "predicts": PREDICTS,
        "side": means.shape[-1],
        "caption_dropout": DROPOUT,
        "preview": fit_preview(means[:2048], to_signed(x[:2048])).tolist(),
    }
    weights.save("unet", trained.unet, origin | card, folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=8_000)
    train(parser.parse_args().steps)
