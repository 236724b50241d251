"""Teaches the text encoder what the words mean, before any picture is drawn: the idea of CLIP.

    ACCELERATE_MIXED_PRECISION=bf16 python -m tutorial.training.contrastive

Captions and pictures of a batch are matched with each other (Radford et al. 2021, figure 3). The picture's side
is the attribute reader, frozen (Zhai et al. 2022, "locked-image tuning"), whose features the training index
holds. Stable Diffusion's own text encoder was made so, and then frozen; here it goes on learning together with
the U-Net (`tutorial.training.latent_diffusion`). Make the tokenizer and the training index first.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributed.nn.functional import all_gather

from tutorial import weights
from tutorial.data.critters import EVALUATION_SEED, TRAINING_SEEDS
from tutorial.data.pixels import to_signed
from tutorial.metrics import nearest
from tutorial.metrics.frechet import features_of
from tutorial.networks.text import TextConfig, TextEncoder
from tutorial.networks.tokenizer import ClipTokenizer
from tutorial.training.fit import (
    RUNS,
    Clock,
    descend,
    fit,
    provenance,
    seeded_accelerator,
    shuffled,
    trained_on,
    warm_cosine,
)
from tutorial.training.pictures import pictures
from tutorial.training.tokenizer import CAPTIONS_EACH, any_caption, tokenized

COMMAND = "ACCELERATE_MIXED_PRECISION=bf16 python -m tutorial.training.contrastive"
WIDTH, LAYERS, HEADS, LENGTH = 128, 2, 4, 48
CROWD = 100
"""Fresh pictures among which a caption has to find its own, for the card."""


class Matcher(nn.Module):
    """Puts captions and pictures into one space, where those that belong together come to lie side by side."""

    mean: Tensor
    spread: Tensor

    def __init__(self, text: TextEncoder, features: Tensor) -> None:
        """`features` (N, D) are the reader's, to be scaled to zero mean and unit variance."""
        super().__init__()
        width = features.shape[1]
        self.text = text
        self.from_text = nn.Linear(text.config.width, width, bias=False)
        self.from_picture = nn.Linear(width, width, bias=False)
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))  # CLIP's start, and its bound below
        self.register_buffer("mean", features.mean(0))
        self.register_buffer("spread", features.std(0).clamp(min=1e-6))

    def forward(self, tokens: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        """tokens (B, N), reader features (B, D) → caption vectors (B, D), as long as the learned scale, and picture
        vectors (B, D) of length 1: their products are the logits that a caption belongs to a picture."""
        ends = (tokens == tokens[:, -1:]).int().argmax(1)  # the first end token has read the whole caption
        words = self.text(tokens)[torch.arange(len(tokens)), ends]
        captions = F.normalize(self.from_text(words).float(), dim=1)
        seen = F.normalize(self.from_picture((features - self.mean) / self.spread).float(), dim=1)
        return self.log_scale.clamp(max=math.log(100)).exp() * captions, seen


def matching_loss(captions: Tensor, pictures: Tensor) -> Tensor:
    """Each caption has to find its picture, and each picture its caption: mean cross-entropy of both, a scalar.

    Takes `Matcher`'s vectors, (B, D) each. On several processes a caption looks for its picture among those of all
    processes, as in CLIP, and this is the mean over the process's own.
    """
    own = torch.arange(len(captions), device=captions.device)
    if torch.distributed.is_initialized():
        own = own + torch.distributed.get_rank() * len(captions)
    found = F.cross_entropy(captions @ _from_all(pictures).T, own)
    return 0.5 * (found + F.cross_entropy(pictures @ _from_all(captions).T, own))


def _from_all(rows: Tensor) -> Tensor:
    """The rows of all processes, through which gradients flow back."""
    return torch.cat(all_gather(rows)) if torch.distributed.is_initialized() else rows


def train(
    steps: int,
    *,
    batch: int = 512,
    seeds: range = TRAINING_SEEDS,
    folder: Path = RUNS / "contrastive",
    assets: Path = weights.FOLDER,
) -> TextEncoder:
    """Trains, or resumes in `folder`, and saves the text encoder as "clip_text" in `assets`."""
    accelerator = seeded_accelerator()
    tokenizer: ClipTokenizer = weights.load_tokenizer(LENGTH, assets)
    features = nearest.load(assets).of(seeds)
    model = Matcher(TextEncoder(TextConfig(tokenizer.size, WIDTH, LAYERS, HEADS, LENGTH)), features)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, betas=(0.9, 0.98), weight_decay=0.01)
    schedule = warm_cosine(optimizer, steps, warmup=min(200, steps))
    tokens = tokenized(tokenizer, seeds)
    loader = shuffled(tokens, features, batch=batch)
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    accelerator.register_for_checkpointing(schedule)

    def update(rows: list[Tensor], step: int) -> dict[str, Tensor]:
        """Matches the captions of a batch with its pictures."""
        choices, features = rows
        with accelerator.autocast():
            captions, seen = model(any_caption(choices), features)
        loss = matching_loss(captions.float(), seen.float())
        descend(accelerator, loss, model, optimizer, schedule)
        return {"loss": loss}

    clock = Clock()
    inputs = {"captions": tokens, "features": features}
    for _ in fit(accelerator, update, loader, clock, steps=steps, folder=folder, inputs=inputs):
        pass
    matcher = accelerator.unwrap_model(model, keep_fp32_wrapper=False, keep_torch_compile=False).eval()
    if accelerator.is_main_process:
        origin = provenance(accelerator, COMMAND, clock) | {
            "trained_on": f"{trained_on(seeds)}; {CAPTIONS_EACH} captions each",
            "captions_that_find_their_picture": found(matcher, tokenizer, assets),
            "among": f"{CROWD} fresh critters at a time",
        }
        weights.save("clip_text", matcher.text, origin, assets)
    return matcher.text


@torch.no_grad()
def found(matcher: Matcher, tokenizer: ClipTokenizer, assets: Path, crowds: int = 10) -> float:
    """Share of captions of fresh critters whose best match, in a crowd of `CROWD`, is their own picture."""
    device = matcher.log_scale.device
    reader = weights.load("reader", assets, device)
    right = 0
    for first in range(EVALUATION_SEED, EVALUATION_SEED + crowds * CROWD, CROWD):
        seeds = range(first, first + CROWD)
        x = to_signed(pictures(seeds, training=True).to(device))
        tokens = tokenized(tokenizer, seeds)[:, 0].long().to(device)
        captions, seen = matcher(tokens, features_of(reader, x).to(device))
        right += int(((captions @ seen.T).argmax(1).cpu() == torch.arange(CROWD)).sum())
    return right / (crowds * CROWD)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=400)
    train(parser.parse_args().steps)
