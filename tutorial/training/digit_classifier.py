"""Trains the digit classifier, on slightly moved digits.

python -m tutorial.training.digit_classifier
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from tutorial import weights
from tutorial.data.digits import SIDE, digits
from tutorial.data.pixels import to_signed
from tutorial.networks.blocks import channels_last
from tutorial.networks.digit_classifier import FEATURES, DigitClassifier, DigitClassifierConfig
from tutorial.training.fit import RUNS, Clock, fit, provenance, seeded_accelerator, shuffled, warm_cosine

COMMAND = "python -m tutorial.training.digit_classifier"
SHIFT = 2


def shifted(x: Tensor) -> Tensor:
    """The whole batch moved by up to `SHIFT` pixels, black coming in: (B, 1, 28, 28) in [−1, 1] → the same."""
    down, right = torch.randint(0, 2 * SHIFT + 1, (2,)).tolist()
    return F.pad(x, (SHIFT,) * 4, value=-1.0)[..., down : down + SIDE, right : right + SIDE]


def train(
    steps: int, *, batch: int = 128, folder: Path = RUNS / "digit_classifier", assets: Path = weights.FOLDER
) -> DigitClassifier:
    """Trains, or resumes in `folder`, and saves the result as "digit_classifier" in `assets`."""
    accelerator = seeded_accelerator()
    model = channels_last(DigitClassifier(DigitClassifierConfig()))
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.05)
    schedule = warm_cosine(optimizer, steps, warmup=min(200, steps))
    loader = shuffled(*digits("training"), batch=batch)
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    accelerator.register_for_checkpointing(schedule)

    def update(rows: list[Tensor], step: int) -> dict[str, Tensor]:
        """Names the digits of a batch."""
        x, y = rows
        logits = model(shifted(to_signed(x)))
        loss = F.cross_entropy(logits, y)
        accelerator.backward(loss)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        return {"loss": loss, "accuracy": (logits.argmax(1) == y).float().mean()}

    clock = Clock()
    for _ in fit(accelerator, update, loader, clock, steps=steps, folder=folder, inputs={}):
        pass
    classifier = accelerator.unwrap_model(model, keep_torch_compile=False).eval()
    if accelerator.is_main_process:
        card = provenance(accelerator, COMMAND, clock) | {
            "features": FEATURES,
            "trained_on": f"MNIST's training digits, moved by up to {SHIFT} pixels",
        }
        weights.save("digit_classifier", classifier, card, assets)
    return classifier


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=4000)
    train(parser.parse_args().steps)
