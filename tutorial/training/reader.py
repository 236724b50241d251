"""Trains the attribute reader.

    ACCELERATE_MIXED_PRECISION=bf16 python -m tutorial.training.reader

It sees every combination of attributes, held-out pairs too, since it has to judge pictures of those fairly;
and it sees pictures blurred and noisy, since it will read reconstructions and samples.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from tutorial import weights
from tutorial.data.critters import ATTRIBUTES, critters
from tutorial.data.pixels import to_signed
from tutorial.networks.blocks import channels_last
from tutorial.networks.reader import FEATURES, AttributeReader, ReaderConfig
from tutorial.training.fit import RUNS, Clock, fit, provenance, seeded_accelerator, shuffled, warm_cosine
from tutorial.training.pictures import pictures

COMMAND = "ACCELERATE_MIXED_PRECISION=bf16 python -m tutorial.training.reader"
SEEDS = range(20_000_000, 20_060_000)


def labels(seeds: range) -> Tensor:
    """Value indices of each attribute: (N, 10) int64."""
    return torch.tensor([critter.labels for critter in critters(seeds, training=False)])


def blurred(x: Tensor) -> Tensor:
    """Each pixel replaced by the mean of itself and its eight neighbours: (N, 3, H, W) → the same."""
    return F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, stride=1)


def noisy(x: Tensor) -> Tensor:
    """Gaussian noise of a twentieth of the range from black to white."""
    return x + 0.1 * torch.randn_like(x)


def smear(x: Tensor) -> Tensor:
    """Half of the pictures get a light blur, half some noise (some both, some neither)."""
    shape = (len(x), 1, 1, 1)
    share = torch.rand(shape, device=x.device) * (torch.rand(shape, device=x.device) < 0.5)
    level = 0.15 * torch.rand(shape, device=x.device) * (torch.rand(shape, device=x.device) < 0.5)
    return torch.lerp(x, blurred(x), share) + level * torch.randn_like(x)


def train(
    steps: int, *, batch: int = 128, seeds: range = SEEDS, folder: Path = RUNS / "reader", assets: Path = weights.FOLDER
) -> AttributeReader:
    """Trains, or resumes in `folder`, and saves the result as "reader" in `assets`."""
    accelerator = seeded_accelerator()
    model = channels_last(AttributeReader(ReaderConfig()))
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.05)
    schedule = warm_cosine(optimizer, steps, warmup=min(200, steps))
    loader = shuffled(pictures(seeds, training=False), labels(seeds), batch=batch)
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    accelerator.register_for_checkpointing(schedule)

    def update(rows: list[Tensor], step: int) -> dict[str, Tensor]:
        """Reads the attributes of a batch."""
        x, y = rows
        with accelerator.autocast():
            logits = model(smear(to_signed(x)))
        losses = [F.cross_entropy(logits[name].float(), y[:, k]) for k, name in enumerate(ATTRIBUTES)]
        loss = torch.stack(losses).sum()
        accelerator.backward(loss)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        right = [(logits[name].argmax(1) == y[:, k]).float().mean() for k, name in enumerate(ATTRIBUTES)]
        return {"loss": loss, "accuracy": torch.stack(right).mean()}

    clock = Clock()
    for _ in fit(accelerator, update, loader, clock, steps=steps, folder=folder, inputs={}):
        pass
    reader = accelerator.unwrap_model(model, keep_torch_compile=False).eval()
    if accelerator.is_main_process:
        card = provenance(accelerator, COMMAND, clock) | {
            "features": FEATURES,
            "trained_on": f"critters of seeds {seeds.start}–{seeds.stop - 1}, all combinations, blurred and noisy",
        }
        weights.save("reader", reader, card, assets)
    return reader


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=3000)
    train(parser.parse_args().steps)
