"""Measures what samplers make of their evaluations, for the page to open with.

python -m tutorial.training.sampler_quality
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import torch

from tutorial import measurements
from tutorial.data.toy2d import ring
from tutorial.diffusion.points import learned
from tutorial.diffusion.quality import BUDGETS, Result, against_budget, convergence
from tutorial.metrics.energy import noise_floor

COMMAND = "python -m tutorial.training.sampler_quality"
SAMPLES = 1000
WORLD = "eight Gaussians"


def measure(folder: Path = measurements.FOLDER, budgets: tuple[int, ...] = BUDGETS, samples: int = SAMPLES) -> None:
    """Runs every contender at every budget on the shipped denoiser, and the solvers on the exact one."""
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    data, x_T = ring().sample(samples, generator), torch.randn(samples, 2, generator=generator)
    results = [part for part in against_budget(learned(WORLD), data, x_T, budgets) if isinstance(part, Result)]
    content = {
        "world": WORLD,
        "samples": samples,
        "floor": noise_floor(data, samples, samples),
        "results": [asdict(result) for result in results],
        "convergence": convergence(ring()),
    }
    measurements.save("sampler_quality", COMMAND, content, folder)


if __name__ == "__main__":
    measure()
