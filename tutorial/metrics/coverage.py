"""Does it draw every mode, and does it draw them well? The counting rule of Lin et al. 2018 (PacGAN), section 4.1."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from tutorial.data.toy2d import GaussianMixture

NEAR = 3.0
"""Standard deviations from the closest centre within which a sample is of high quality."""


@dataclass(frozen=True)
class Coverage:
    modes: int
    """Modes to which at least one high-quality sample is closest."""
    high_quality: float
    """Share of samples that are of high quality."""
    rarest: float
    """Share of samples, of high quality, that the least visited mode got."""


def coverage(mixture: GaussianMixture, samples: Tensor) -> Coverage:
    """Counts samples (N, D), N > 0, by the mode of the mixture they are closest to."""
    distance, closest = torch.cdist(samples.to(mixture.means), mixture.means).min(1)
    good = closest[distance <= NEAR * mixture.spread]
    visits = torch.bincount(good, minlength=len(mixture.means))
    return Coverage(
        modes=int((visits > 0).sum()),
        high_quality=len(good) / len(samples),
        rarest=visits.min().item() / len(samples),
    )
