"""What a sampler's work buys: distance to data against network evaluations, and error against steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from tutorial.data.toy2d import GaussianMixture
from tutorial.diffusion.exact import exact_denoiser
from tutorial.diffusion.samplers import Model, Step, dpm_solver_pp_2m, euler, evaluations, first_time, heun, named
from tutorial.diffusion.schedule import Schedule


@dataclass(frozen=True)
class Contender:
    """A sampler that is compared with others, by its name in `SAMPLERS`."""

    label: str
    sampler: str
    variance: Literal["posterior", "beta"] = "posterior"

    def walk(self, model: Model, x_T: Tensor, budget: int, seed: int, cond: Any = None) -> Iterator[Step]:
        """Its steps from x_T (N, …), as many as a budget of evaluations allows, or as there are times."""
        steps = (budget + 1) // 2 if self.sampler == "heun" else budget
        steps = min(steps, first_time(self.sampler, model.schedule))
        walk = named(self.sampler, variance=self.variance, generator=torch.Generator().manual_seed(seed))
        return walk(model.denoise, model.schedule, x_T, steps=steps, predicts=model.predicts, cond=cond)


CONTENDERS = (
    Contender("DDPM, variance β", "ddpm", "beta"),
    Contender("DDPM", "ddpm"),
    Contender("DDIM", "ddim"),
    Contender("Heun", "heun"),
    Contender("DPM-Solver++(2M)", "dpm_solver_pp_2m"),
)
BUDGETS = (2, 3, 5, 10, 20, 50, 100, 200, 500, 1000)
"""Network evaluations for each sample, about."""


@dataclass(frozen=True)
class Result:
    """One sampler at one budget; `seconds` is for all samples together."""

    sampler: str
    evaluations: int
    seconds: float
    distance: float


def against_budget(
    model: Model,
    x_T: Tensor,
    distance: Callable[[Tensor], float],
    budgets: Sequence[int] = BUDGETS,
    seed: int = 0,
    cond: Any = None,
) -> Iterator[Step | Result]:
    """Every contender at every budget, from the same noise x_T (N, …); `distance` tells how far samples are from data.

    Yields the steps, so that whoever runs it can pause, and after each walk its result.
    """
    for budget in budgets:
        for contender in CONTENDERS:
            seconds, begun = 0.0, time.monotonic()
            step = None
            for step in contender.walk(model, x_T, budget, seed, cond):
                seconds += time.monotonic() - begun
                yield step
                begun = time.monotonic()
            assert step is not None  # a budget is at least one step
            spent = evaluations(contender.sampler, step.n)
            yield Result(contender.label, spent, seconds, distance(step.x_next))


SOLVERS = {"Euler": euler, "Heun": heun, "DPM-Solver++(2M)": dpm_solver_pp_2m}
"""Label → a solver of the probability flow."""
FROM, TO, STRIDES = 6144, 1024, (512, 256, 128, 64, 32)


def convergence(mixture: GaussianMixture, strides: Sequence[int] = STRIDES) -> dict[str, list[tuple[int, float]]]:
    """Mean error of each solver between two fixed noise levels, as (steps, error) for each stride.

    Both ends are noisy: at t = 0, where λ is infinite, no solver keeps its order. In float64, with the exact denoiser;
    the truth is Heun's answer with a stride of 4 in a schedule of 8,192.
    """
    schedule = Schedule.scaled_linear(8192)
    double = GaussianMixture(mixture.weights.double(), mixture.means.double(), mixture.spread)
    denoise = exact_denoiser(double, schedule)
    x = torch.randn(64, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def arrive(solver, stride: int) -> Tensor:
        *_, last = solver(denoise, schedule, x, steps=range(FROM, TO - 1, -stride))
        return last.x_next

    truth = arrive(heun, 4)
    return {
        label: [((FROM - TO) // s, (arrive(solver, s) - truth).abs().mean().item()) for s in strides]
        for label, solver in SOLVERS.items()
    }


def order(errors: Sequence[tuple[int, float]]) -> float:
    """Minus the slope of log error over log steps, by least squares: 2 if halving the step divides the error by 4."""
    steps, error = torch.tensor(errors, dtype=torch.float64).log().T
    return -(torch.cov(torch.stack([steps, error]))[0, 1] / steps.var()).item()
