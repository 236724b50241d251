"""Training pictures, rendered once on all cores and kept in a cache file."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tutorial import weights
from tutorial.data.critter_art import render
from tutorial.data.critters import TRAINING_SEEDS, any_critter, training_critter
from tutorial.training.fit import RUNS

LESSONS: dict[int, range] = {weights.SIDE: TRAINING_SEEDS, 128: TRAINING_SEEDS[:30_000]}
"""Side of the pictures in pixels → seeds of the critters they show, for each size that a model is trained on. Half as
many large ones, since each takes four times the memory."""


def _pixels(seed: int, training: bool, size: int) -> np.ndarray:
    return np.asarray(render(training_critter(seed) if training else any_critter(seed), size))


def pictures(seeds: range, *, training: bool, size: int = weights.SIDE, cache: Path = RUNS / "pictures") -> Tensor:
    """Renders the critters of a range of seeds: (N, 3, size, size) uint8, channels last in memory."""
    file = cache / f"critters-{size}-{seeds.start}-{seeds.stop}-{'training' if training else 'any'}.npy"
    if not file.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with ProcessPoolExecutor() as pool:
            rows = pool.map(partial(_pixels, training=training, size=size), seeds, chunksize=256)
            array = np.stack(list(rows))
        partial_file = file.with_suffix(f".{os.getpid()}.npy")
        np.save(partial_file, array)
        partial_file.replace(file)  # a killed run leaves no half-written cache
    return torch.from_numpy(np.load(file)).permute(0, 3, 1, 2)
