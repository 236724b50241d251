"""Trains the latent U-Net together with its text encoder (Rombach et al. 2022, section 4.3.1).

    ACCELERATE_MIXED_PRECISION=bf16 python -m tutorial.training.latent_diffusion

The network predicts the velocity of latents noised by the cosine schedule. The text encoder starts with what
`tutorial.training.contrastive` taught it. One caption in ten is replaced by the empty prompt, so that the same
network is the unconditional model that guidance needs (Ho & Salimans 2022). Train
`tutorial.training.autoencoder` and `tutorial.training.contrastive` first.

With `--side 128` the same networks learn the latents of larger pictures. They start from those for 64, whose words
mean the same there.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tutorial import weights
from tutorial.data.critters import held_out_pairs
from tutorial.diffusion.latent import as_denoiser
from tutorial.diffusion.objective import Kind, loss
from tutorial.diffusion.process import q_sample
from tutorial.diffusion.schedule import Schedule
from tutorial.networks.blocks import channels_last
from tutorial.networks.text import TextEncoder
from tutorial.networks.tokenizer import ClipTokenizer
from tutorial.networks.unet import UNet, UNetConfig
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
    trained_on,
    warm_cosine,
)
from tutorial.training.latents import encoding_half, latents
from tutorial.training.pictures import LESSONS, pictures
from tutorial.training.tokenizer import CAPTIONS_EACH, any_caption, tokenized

COMMAND = "ACCELERATE_MIXED_PRECISION=bf16 python -m tutorial.training.latent_diffusion"
CONFIG = UNetConfig(channels=(64, 128), attention=(True, True), layers=1, heads=4)
"""The miniature; its words are as wide as the text encoder's."""
SCHEDULES = {weights.SIDE: "cosine", 128: "shifted_cosine"}
"""Side of the pictures in pixels → noise schedule."""
T, PREDICTS = 1000, "v"
BATCHES = {weights.SIDE: 96, 128: 48}
"""Side of the pictures → examples of a step."""
DROPOUT = 0.1
RATE, TEXT_RATE = 2e-3, 0.01
"""Learning rate of the U-Net, and the text encoder's as a share of it. At the full rate the text encoder forgets what
moods mean before the U-Net has found a use for it."""
HISTORY = ("command", "steps", "wall_time_minutes", "went_on_from")
"""What a card keeps of the run that this one went on from, and of the one before that."""
TIMES_CENTRE, TIMES_SPREAD = 0.8, 1.4
"""Logit of the median of t / T in training, and its standard deviation. Another mouth moves a latent of norm 16 by
about 3, so which mouth it is to be is settled while SNR ≈ 1/9, t ≈ 0.8 T. A third of these times lie within 0.1 T of
that, against a fifth of uniform ones."""


class Conditional(nn.Module):
    """Text encoder and U-Net as one module, so that one optimiser, one average and one process group fit both."""

    def __init__(self, text: TextEncoder, unet: UNet) -> None:
        super().__init__()
        self.text, self.unet = text, unet

    def forward(self, x: Tensor, t: Tensor, tokens: Tensor) -> Tensor:
        return as_denoiser(self.unet)(x, t, self.text(tokens))


def lesson_times(n: int) -> Tensor:
    """Times to train on, (n,) int64 in 1…T, logit-normal (Esser et al. 2024, section 3.1).

    One from each of n equally likely slices, so that every batch sees all noise levels, which calms the gradient:
    stratified sampling, for the reason that Kingma et al. 2021, "Variational diffusion models", spread theirs evenly.
    """
    u = (torch.arange(n) + torch.rand(n)) / n
    share = torch.sigmoid(TIMES_CENTRE + TIMES_SPREAD * torch.special.ndtri(u))
    return (T * share).ceil().long().clamp(1, T)


def begun(side: int, go_on: bool, assets: Path) -> tuple[TextEncoder, UNet, dict[str, Any]]:
    """The networks that a run starts from, and what its card will say of where they come from.

    The miniature starts from nothing but what the text encoder knows; with `go_on` from what is shipped; and networks
    for larger pictures from the miniature.
    """
    if side == weights.SIDE and not go_on:
        text: TextEncoder = weights.load("clip_text", assets)
        return text, UNet(replace(CONFIG, context=text.config.width)), {}
    text_name, unet_name = (weights.sized(name, side if go_on else weights.SIDE) for name in ("text_encoder", "unet"))
    card = weights.read_card(unet_name, assets)
    history = {key: card[key] for key in HISTORY if key in card}
    return weights.load(text_name, assets), weights.load(unet_name, assets), {"went_on_from": history}


def train(
    steps: int,
    *,
    side: int = weights.SIDE,
    go_on: bool = False,
    batch: int | None = None,
    seeds: range | None = None,
    folder: Path | None = None,
    assets: Path = weights.FOLDER,
) -> Conditional:
    """Trains, or resumes in `folder`, and saves the averaged weights as "text_encoder" and "unet" in `assets`.

    For pictures of another side than the miniature's the names end in "_<side>". With `go_on` it starts from what is
    saved under these names, whose history then stands on the new card.
    """
    accelerator, command = seeded_accelerator(), first.of_side(COMMAND, side) + (" --go-on" if go_on else "")
    seeds = seeds or LESSONS[side]
    folder = folder or RUNS / (weights.sized("latent_diffusion", side) + ("_on" if go_on else ""))
    autoencoder = weights.load(weights.sized("autoencoder", side), assets, accelerator.device)
    text, unet, before = begun(side, go_on, assets)
    tokenizer: ClipTokenizer = weights.load_tokenizer(text.config.length, assets)
    model = channels_last(Conditional(text, unet).train().requires_grad_())
    groups = [{"params": unet.parameters()}, {"params": text.parameters(), "lr": RATE * TEXT_RATE}]
    optimizer = torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.99), weight_decay=0.01, fused=True)
    schedule = warm_cosine(optimizer, steps, warmup=min(300, steps))

    tokens = tokenized(tokenizer, seeds)
    means, deviations = latents(accelerator, autoencoder, pictures(seeds, training=True, size=side))
    empty = tokenizer([""]).to(accelerator.device)
    loader = shuffled(means, deviations, tokens, batch=batch or BATCHES[side])
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    bare = accelerator.unwrap_model(model, keep_torch_compile=False)
    ema = averaged(bare, 0.999)
    accelerator.register_for_checkpointing(schedule, ema)
    noise_schedule = Schedule.named(SCHEDULES[side], T)
    kind: Kind = PREDICTS

    def update(rows: list[Tensor], step: int) -> dict[str, Tensor]:
        """Denoises a batch of latents, each at a time of its own, told a caption of its own or none."""
        mean, deviation, choices = rows
        n, device = len(mean), mean.device
        z = mean + deviation * torch.randn_like(mean)
        caption = torch.where(torch.rand(n, 1, device=device) < DROPOUT, empty, any_caption(choices))
        t = lesson_times(n).to(device)
        eps = torch.randn_like(z)
        with accelerator.autocast():
            prediction = model(q_sample(noise_schedule, z, t, eps), t, caption)
        value = loss(kind, noise_schedule, prediction.float(), z, t, eps).mean()
        descend(accelerator, value, model, optimizer, schedule)
        ema.update_parameters(bare)
        return {"loss": value}

    inputs = {"encoder": encoding_half(autoencoder), "text encoder": text, "U-Net": unet, "captions": tokens}
    clock = Clock()
    for _ in fit(accelerator, update, loader, clock, steps=steps, folder=folder, inputs=inputs):
        pass
    trained = ema.module.eval()
    assert isinstance(trained, Conditional)
    if accelerator.is_main_process:
        save(trained, provenance(accelerator, command, clock) | before, seeds, side, assets)
    return trained


def save(trained: Conditional, origin: dict, seeds: range, side: int, folder: Path) -> None:
    """Writes the text encoder and the U-Net for a side of pictures, its card with all a sampler needs to know."""
    origin = origin | {
        "trained_on": f"{trained_on(seeds)}; {CAPTIONS_EACH} captions each",
        "never_seen_together": [f"{a} {b}, {c} {d}" for a, b, c, d in held_out_pairs()],
    }
    weights.save(weights.sized("text_encoder", side), trained.text, origin, folder)
    card = {
        "schedule": SCHEDULES[side],
        "T": T,
        "predicts": PREDICTS,
        "side": side // first.CONFIG.f,
        "caption_dropout": DROPOUT,
    }
    weights.save(weights.sized("unet", side), trained.unet, origin | card, folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=7_000)
    parser.add_argument("--side", type=int, choices=LESSONS, default=weights.SIDE, help="of the pictures, in pixels")
    parser.add_argument("--go-on", action="store_true", help="start from the shipped U-Net instead of from nothing")
    options = parser.parse_args()
    train(options.steps, side=options.side, go_on=options.go_on)
