"""Measures what samplers make of their evaluations, for the page to open with.

    python -m tutorial.training.sampler_quality
    python -m tutorial.training.sampler_quality --digits

The first measures on points, in a minute; the second on MNIST digits, in a quarter of an hour.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from tutorial import measurements
from tutorial.data.toy2d import WORLDS, ring
from tutorial.diffusion import pixel
from tutorial.diffusion.points import learned
from tutorial.diffusion.quality import BUDGETS, CONTENDERS, Result, against_budget, convergence
from tutorial.diffusion.samplers import Denoiser
from tutorial.metrics import digits as judging
from tutorial.metrics.energy import energy_distance, noise_floor

COMMAND = "python -m tutorial.training.sampler_quality"
SAMPLES, DIGITS = 1000, 250
DIGIT_BUDGETS = tuple(budget for budget in BUDGETS if budget <= 100)
BATCH = 50
"""Digits that go through the network together: with more, two cores are slower."""


def measure(folder: Path = measurements.FOLDER, budgets: tuple[int, ...] = BUDGETS, samples: int = SAMPLES) -> None:
    """Runs every contender at every budget on the shipped denoisers of points, and the solvers on the exact one."""
    torch.set_num_threads(1)
    worlds = {}
    for world in WORLDS:
        generator = torch.Generator().manual_seed(0)
        data, x_T = WORLDS[world](samples, generator), torch.randn(samples, 2, generator=generator)
        parts = against_budget(learned(world), x_T, partial(energy_distance, y=data), budgets)
        rows = [asdict(part) for part in parts if isinstance(part, Result)]
        worlds[world] = {"floor": noise_floor(data, samples, samples), "results": rows}
    content = {"samples": samples, "worlds": worlds, "convergence": convergence(ring())}
    measurements.save("sampler_quality", COMMAND, content, folder)


def in_batches(denoise: Denoiser) -> Denoiser:
    """The same denoiser, asked about `BATCH` rows at a time."""

    def denoise_in_batches(x: Tensor, t: Tensor, y: Tensor) -> Tensor:
        """x (B, …), t (B,), y (B,) → the prediction, shaped like x."""
        batches = zip(x.split(BATCH), t.split(BATCH), y.split(BATCH), strict=True)
        return torch.cat([denoise(*rows) for rows in batches])

    return denoise_in_batches


def measure_digits(
    folder: Path = measurements.FOLDER, budgets: tuple[int, ...] = DIGIT_BUDGETS, samples: int = DIGITS
) -> None:
    """The same for the shipped digit U-Net, without guidance; all digits in turn, judged by the classifier."""
    digits, judge = pixel.load(), judging.load()
    model = replace(digits.model, denoise=in_batches(digits.model.denoise))
    x_T, _ = digits.noise(range(samples))
    y = torch.arange(samples) % digits.nothing
    parts = against_budget(model, x_T, judge.frechet, budgets, cond=y)
    done = (part for part in parts if isinstance(part, Result))
    rows = [asdict(part) for part in tqdm(done, total=len(budgets) * len(CONTENDERS))]
    content = {"samples": samples, "floor": judge.floor(y), "results": rows}
    measurements.save("sampler_quality_digits", f"{COMMAND} --digits", content, folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--digits", action="store_true", help="measure on digits instead of points")
    (measure_digits if parser.parse_args().digits else measure)()
