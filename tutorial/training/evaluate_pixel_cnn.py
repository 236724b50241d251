"""Measures the shipped PixelCNN on MNIST's test set, and how long it draws. Writes the figures to its card.

    python -m tutorial.training.evaluate_pixel_cnn

A few minutes on one thread.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import torch
from tqdm import tqdm

from tutorial import weights
from tutorial.data.digits import SIDE, binarised, digits
from tutorial.diffusion import pixel
from tutorial.families import pixel_cnn
from tutorial.families.pixel_cnn import nats
from tutorial.families.pixel_cnn_speed import drawing, learning
from tutorial.networks.pixel_cnn import PixelCNN
from tutorial.training.cards import called, rounded, with_error

COMMAND = "python -m tutorial.training.evaluate_pixel_cnn"
DEFAULTS = {"digits": 10_000, "binarisations": 3}
BATCH = 50
TOGETHER = 16
LENGTHS = (7, 14, SIDE)
"""Rows after which the time is read."""
TRIES = 5


def likelihood(model: PixelCNN, count: int, times: int) -> dict[str, Any]:
    """−log p(x) of the first test digits in nats, each binarised so many times, of seeds 0, 1, …

    The standard error is over the digits, of each of which the mean of its binarisations is taken. The entropy of the
    binarisation itself, given the grey digits, is less than any model can have on average.
    """
    pictures, rows = digits("test")[0], []
    for seed in range(times):
        x = binarised(pictures, torch.Generator().manual_seed(seed))[:count]
        rows.append(torch.cat([nats(model, some) for some in tqdm(x.split(BATCH), desc=f"binarisation {seed}")]))
    found = torch.stack(rows)
    dice = torch.distributions.Bernoulli(pictures[:count].double() / 255).entropy()
    return {
        "digits": count,
        "binarisations": times,
        "nats": with_error(found.mean(dim=0)),
        "nats_of_each_binarisation": found.mean(dim=1).tolist(),
        "nats_of_the_dice": dice.flatten(1).sum(1).mean().item(),
    }


def speed(model: PixelCNN) -> dict[str, Any]:
    """Milliseconds of drawing and learning on one thread, and of the shipped diffusion among pixels. Best of a few."""
    diffusion, waited = pixel.load(), []
    for _ in range(TRIES):
        begun = time.perf_counter()
        diffusion.draw([diffusion.nothing])
        waited.append(time.perf_counter() - begun)
    alone = torch.tensor([list(drawing(model)) for _ in range(TRIES)]).amin(0)
    together = torch.tensor([list(drawing(model, TOGETHER)) for _ in range(TRIES)]).amin(0)
    return {
        "ms_of_rows": {str(rows): 1000 * alone[rows - 1].item() for rows in LENGTHS},
        f"ms_among_{TOGETHER}": 1000 * together[-1].item() / TOGETHER,
        "ms_learning": 1000 * min(learning(model, tries=TRIES)),
        "ms_diffusion": 1000 * min(waited),
        "diffusion_steps": pixel.STEPS,
        "diffusion_guidance": pixel.GUIDANCE,
    }


def main(count: int, times: int) -> None:
    """Measures, writes the card, and prints it."""
    asked = {"digits": count, "binarisations": times}
    model = pixel_cnn.load()
    found = {"command": called(COMMAND, asked, DEFAULTS)} | rounded(likelihood(model, count, times) | speed(model))
    weights.write_card("pixel_cnn", weights.read_card("pixel_cnn") | {"measured": found})
    print(found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--digits", type=int, default=DEFAULTS["digits"], help="test digits, at most 10,000")
    parser.add_argument("--binarisations", type=int, default=DEFAULTS["binarisations"], help="of each digit")
    wanted = parser.parse_args()
    torch.set_num_threads(1)
    main(wanted.digits, wanted.binarisations)
