"""Points of the data that no model learned from, and the distance of samples to them."""

from __future__ import annotations

import torch
from torch import Tensor

from tutorial.gans.streams import Draw
from tutorial.metrics.energy import noise_floor

SEED = 10_000
"""Of the points: none that a model learns from."""
POINTS = 2000
"""Many, since all samples of all models are compared with the same ones, and share what is peculiar to these."""


class Held:
    """What samples of one size are compared with. Its own distances are worked out once."""

    def __init__(self, draw: Draw, samples: int) -> None:
        self.draw, self.samples = draw, samples
        self.data = draw(POINTS, torch.Generator().manual_seed(SEED))
        self.floor = noise_floor(self.data, samples, POINTS)
        """Expected energy distance of so many points of the data."""
        self._within = _mean_distance(self.data, self.data)

    def distance(self, x: Tensor) -> float:
        """Energy distance (`tutorial.metrics.energy`) of samples (N, 2) to the points."""
        return 2 * _mean_distance(x, self.data) - _mean_distance(x, x) - self._within


def _mean_distance(x: Tensor, y: Tensor) -> float:
    return torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist").mean().item()
