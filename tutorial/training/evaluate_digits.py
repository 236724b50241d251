"""Measures the shipped digit U-Net. Writes the figures to its card and to the README. Half an hour on two cores.

python -m tutorial.training.evaluate_digits
"""

from __future__ import annotations

import argparse
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from tutorial import weights
from tutorial.data.digits import digits
from tutorial.data.pixels import to_signed
from tutorial.diffusion import pixel
from tutorial.diffusion.pixel import DigitDiffusion
from tutorial.metrics import digits as judging
from tutorial.metrics.digits import REFERENCE, DigitJudge
from tutorial.training.evaluate import Row, at_least, at_most, markdown, write_readme

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
    unseen = to_signed(digits("test")[0][:count])
    found: dict[str, float] = {"frechet_real": judge.floor(classes), "frechet_test": judge.frechet(unseen)}
    for guidance in GUIDANCE:
        x = draw(model, classes, guidance)
        found[f"accuracy_{guidance:g}"] = judge.accuracy(x, classes)
        found[f"frechet_{guidance:g}"] = judge.frechet(x)
    return found | {"samples": count, "steps": pixel.STEPS}


def table(m: dict[str, Any]) -> str:
    """The README's figures of the digits, from what is "measured" on the card, as a Markdown table."""
    real = m["frechet_real"]
    rows = [
        at_least("digits read as asked, without guidance", m["accuracy_1"], 0.90, ".1%"),
        at_least("the same, guidance 2", m["accuracy_2"], 0.97, ".1%"),
        at_most("Fréchet distance without guidance, classifier's features", m["frechet_1"], 15 * real, ".1f"),
        Row("the same, guidance 2", f"{m['frechet_2']:.1f}"),
        Row(
            "the same, real digits: others of the training set; of the test set", f"{real:.1f}; {m['frechet_test']:.1f}"
        ),
    ]
    return markdown(f"`{m['command']}`: {m['samples']:,} digits each, {m['steps']} steps of DDIM", rows)


def main(count: int) -> None:
    """Measures, and writes the card of "digit_unet" and the README's table."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    found = measure(pixel.load(device=device), judging.load(device=device), count)
    command = COMMAND if count == REFERENCE else f"{COMMAND} --count {count}"
    figures = {name: float(f"{v:.6g}") if isinstance(v, float) else v for name, v in found.items()}
    card = {"measured": {"command": command} | figures | {"sampler": pixel.SAMPLER}}
    weights.write_card("digit_unet", weights.read_card("digit_unet") | card)
    write_readme("digits", f"\n{table(card['measured'])}\n")
    print(table(card["measured"]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=REFERENCE, help="digits drawn at each guidance")
    count = parser.parse_args().count
    if not 2 <= count <= REFERENCE:
        parser.error(f"--count must be between 2 and {REFERENCE}; got {count}.")
    main(count)
