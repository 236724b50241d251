"""Denoisers of points as samplers take them: the shipped ones, which learned, and the closed form, which knows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from tutorial import weights
from tutorial.data.toy2d import GaussianMixture
from tutorial.diffusion.exact import exact_denoiser
from tutorial.diffusion.objective import Kind, read
from tutorial.diffusion.samplers import Model, Step, heun
from tutorial.diffusion.schedule import Schedule
from tutorial.networks.mlp import PointDenoiser

SCHEDULE = Schedule.linear()
"""The noise of the shipped denoisers, and of those that a visitor trains."""

IN_THREE_WAYS = "eight Gaussians"
"""The world whose denoiser ships as trained on ε, on x_0 and on v: with the same start, data and batches."""
FINE = 250
"""Steps of Heun's method that count as exact."""


class PointModel(Model):
    """A denoiser of points (B, 2) with what a sampler must know of it."""

    @torch.no_grad()
    def read(self, x: Tensor, t: Tensor | int) -> tuple[Tensor, Tensor]:
        """(ε̂, x̂_0) at points (B, 2) and times (B,), or one time for all, in 1…T."""
        times = torch.full((len(x),), t) if isinstance(t, int) else t
        return read(self.predicts, self.schedule, self.denoise(x, times, None), x, times)


def file_name(world: str, predicts: Kind = "eps") -> str:
    """Under which name a world's denoiser is shipped."""
    name = f"points_{world.lower().replace(' ', '_')}"
    return name if predicts == "eps" else f"{name}_{predicts}"


def learned(world: str, predicts: Kind = "eps", folder: Path = weights.FOLDER) -> PointModel:
    """The shipped denoiser of a world; those of x_0 and v there are for `IN_THREE_WAYS` only.

    Raises weights.WeightsError if a file is missing or damaged.
    """
    network: PointDenoiser = weights.load(file_name(world, predicts), folder)

    def denoise(x: Tensor, t: Tensor, cond: None = None) -> Tensor:
        return network(x[None], t[None])[0]

    return PointModel(denoise, SCHEDULE, predicts)


def exact(mixture: GaussianMixture, schedule: Schedule) -> PointModel:
    """The perfect denoiser of a mixture of Gaussians."""
    return PointModel(exact_denoiser(mixture, schedule), schedule, "eps")


def flow(model: PointModel, x: Tensor, t: int) -> Iterator[Step]:
    """The steps in which a denoiser's probability flow carries points (B, 2) from time t down to 0, all but exactly.

    Heun's method in `FINE` steps, or in t if that is fewer; what another solver misses by is the solver's own error.
    """
    n = min(FINE, t)
    times = [round(t * (n - i) / n) for i in range(n + 1)]
    return heun(model.denoise, model.schedule, x, steps=times, predicts=model.predicts)
