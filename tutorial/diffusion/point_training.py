"""Trains a denoiser of points while you watch: no recipe, but the loop that the page runs.

A perceptron this small spends its time in calls, not in sums. So noise, times and features are made for `CHUNK`
updates at once, the optimiser is fused, and several seeds train as one stack of networks.
"""

from __future__ import annotations

import copy
import math
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from tutorial.data.toy2d import GaussianMixture
from tutorial.diffusion.objective import Kind, target
from tutorial.diffusion.points import SCHEDULE
from tutorial.diffusion.process import q_sample
from tutorial.diffusion.samplers import Step, ddim
from tutorial.diffusion.schedule import Schedule
from tutorial.metrics.coverage import Coverage, coverage
from tutorial.metrics.energy import energy_distance
from tutorial.networks.mlp import PointDenoiser, PointDenoiserConfig

CHUNK = 32
"""Updates between two looks at the knobs; a few hundredths of a second."""
AVERAGE = 0.995
"""Decay of the moving average of the weights, which is what samples are drawn with."""
POINTS = 20_000
"""Points of a world that a denoiser learns from."""


@dataclass(frozen=True)
class Knobs:
    """What may change while a training runs."""

    predicts: Kind = "eps"
    rate: float = 2e-3
    batch: int = 128


@dataclass(frozen=True)
class Update:
    """An update of the weights: its number, counted from 1, and the loss it was made for."""

    i: int
    loss: float


class PointTraining:
    """A stack of denoisers on their way, each with its own initialisation, its own noise and its own batches.

    `data` (N, 2) is what they learn from. The same seed gives the same initialisation and the same run.
    """

    def __init__(
        self,
        data: Tensor,
        config: PointDenoiserConfig,
        *,
        schedule: Schedule = SCHEDULE,
        seed: int = 0,
    ) -> None:
        self.data, self.schedule = data, schedule
        self.generator = torch.Generator().manual_seed(seed)
        self.network = PointDenoiser(config, self.generator)
        self.average = copy.deepcopy(self.network).requires_grad_(False)
        self.optimizer = torch.optim.Adam(self.network.parameters(), betas=(0.9, 0.99), fused=True)
        self.knobs = Knobs()
        self.step = 0
        self._ahead: deque[tuple[Tensor, Tensor]] = deque()  # lessons drawn and not yet learned from

    def run(self, knobs: Callable[[], Knobs]) -> Generator[Update, None, None]:
        """Trains until it is closed, and yields after each update; a later `run` goes on from there.

        Between chunks of `CHUNK` updates it asks for the knobs, so that they can be turned while it runs. The
        loss it yields is the mean squared error of what is predicted, over the stack.
        """
        while True:
            if not self._ahead:
                self.knobs = knobs()
                for group in self.optimizer.param_groups:
                    group["lr"] = self.knobs.rate
                self._ahead.extend(zip(*self._lessons(self.knobs), strict=True))
            self.step += 1
            yield Update(self.step, self._update(*self._ahead.popleft()))

    def _lessons(self, knobs: Knobs) -> tuple[Tensor, Tensor]:
        """Features (CHUNK, S, B, F) and targets (CHUNK, S, B, 2) of as many updates."""
        shape = (CHUNK * self.network.config.stack * knobs.batch,)
        x0 = self.data[torch.randint(len(self.data), shape, generator=self.generator)]
        t = torch.randint(1, self.schedule.T + 1, shape, generator=self.generator)
        eps = torch.randn(x0.shape, generator=self.generator)
        seen = self.network.features(q_sample(self.schedule, x0, t, eps), t)
        wanted = target(knobs.predicts, self.schedule, x0, t, eps)
        stacked = (CHUNK, self.network.config.stack, knobs.batch)
        return seen.unflatten(0, stacked), wanted.unflatten(0, stacked)

    def _update(self, seen: Tensor, wanted: Tensor) -> float:
        loss = (self.network.mlp(seen) - wanted).square().mean()
        (self.network.config.stack * loss).backward()  # so that each network learns as if it were alone
        self.optimizer.step()
        self.optimizer.zero_grad()
        follow(self.average, self.network, self.step)
        return loss.item()

    def denoise(self, x: Tensor, t: Tensor, cond: Any = None) -> Tensor:
        """The averaged networks as a `Denoiser`: x (S, B, 2), t (S,) or (S, B)."""
        return self.average(x, t)

    def sample(self, n: int, *, steps: int = 20, seed: int = 0) -> Iterator[Step]:
        """Draws n points with each network by DDIM, from the same noise for all: x is (S, n, 2)."""
        noise = torch.randn(n, 2, generator=torch.Generator().manual_seed(seed))
        x_T = noise.expand(self.network.config.stack, n, 2)
        return ddim(self.denoise, self.schedule, x_T, steps=steps, predicts=self.knobs.predicts)


def follow(average: nn.Module, model: nn.Module, step: int) -> None:
    """Moves averaged weights towards those after so many updates; the beginning is soon forgotten."""
    decay = min(AVERAGE, step / (step + 10))
    get_ema_multi_avg_fn(decay)(list(average.parameters()), list(model.parameters()), step)


@dataclass(frozen=True)
class Progress:
    """How a training stands: samples (n, 2) of its first network, and what can be said of them."""

    step: int
    loss: float
    samples: Tensor
    energy: float
    """Energy distance to as many points of the data."""
    coverage: Coverage | None
    """Where the data is a known mixture."""

    @property
    def finite(self) -> bool:
        """Whether the training still deals in numbers: too high a learning rate can end that."""
        return math.isfinite(self.loss) and math.isfinite(self.energy)


def progress(training: PointTraining, loss: float, reference: Tensor, mixture: GaussianMixture | None) -> Progress:
    """Draws as many samples as `reference` (n, 2) has points, always from the same noise, and compares."""
    *_, last = training.sample(len(reference))
    samples = last.x_next[0]
    seen = coverage(mixture, samples) if mixture is not None else None
    return Progress(training.step, loss, samples, energy_distance(samples, reference), seen)
