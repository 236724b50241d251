"""Measures the shipped digit U-Net, and writes the figures to its card. About half an hour on two cores.

python -m tutorial.training.evaluate_digits
"""

from __future__ import annotations

import argparse

import torch
from torch import Tensor
from tqdm import tqdm

from tutorial import weights
from tutorial.data.digits import digits
from tutorial.diffusion import pixel
from tutorial.diffusion.pixel import DigitDiffusion
from tutorial.metrics import digits as judging
from tutorial.metrics.digits import REFERENCE, DigitJudge

COMMAND = "python -m tutorial.training.evaluate_digits"
GUIDANCE = (1.0, 2.0)
BATCH = 50


def draw(model: DigitDiffusion, classes: Tensor, guidance: float) -> Tensor:
    """One digit of each class, with the default sampler and steps, of seeds 0, 1, 2, …: (N, 1, 28, 28) in [−1, 1]."""
    parts = tqdm(classes.split(BATCH), desc=f"guidance {guidance:g}")
    return torch.cat([model.draw(y.tolist(), guidance=guidance, seed=BATCH * k).cpu() for k, y in enumerate(parts)])


def measure(model: DigitDiffusion, judge: DigitJudge, count: int) -> dict[str, float]:
    """Accuracy and Fréchet distance of digits whose classes are those of real ones, with and without guidance."""
    classes = digits("training")[1][judging.others()[:count]]
    found: dict[str, float] = {"frechet_real": judge.floor(classes)}
    for guidance in GUIDANCE:
        x = draw(model, classes, guidance)
        found[f"accuracy_{guidance:g}"] = judge.accuracy(x, classes)
        found[f"frechet_{guidance:g}"] = judge.frechet(x)
    return found | {"samples": count, "steps": pixel.STEPS}


def main(count: int) -> None:
    """Measures, and writes the card of "digit_unet"."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    found = measure(pixel.load(device=device), judging.load(device=device), count)
    command = COMMAND if count == REFERENCE else f"{COMMAND} --count {count}"
    figures = {name: float(f"{v:.6g}") if isinstance(v, float) else v for name, v in found.items()}
    card = {"measured": {"command": command} | figures | {"sampler": pixel.SAMPLER}}
    weights.write_card("digit_unet", weights.read_card("digit_unet") | card)
    print(card["measured"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=REFERENCE, help="digits drawn at each guidance")
    main(parser.parse_args().count)
