"""What a sampler's work buys: distance to data against network evaluations, and error against steps."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from tutorial.data.toy2d import GaussianMixture
from tutorial.diffusion.exact import exact_denoiser
from tutorial.diffusion.points import PointModel
from tutorial.diffusion.samplers import SIGMA_MAX, Step, ddim, ddpm, dpm_solver_pp_2m, euler, heun
from tutorial.diffusion.schedule import Schedule
from tutorial.metrics.energy import energy_distance

CONTENDERS = {
    "DDPM, variance β": partial(ddpm, variance="beta"),
    "DDPM": ddpm,
    "DDIM": ddim,
    "Heun": heun,
    "DPM-Solver++(2M)": dpm_solver_pp_2m,
}
"""Label → sampler."""
WITH_NOISE = ("DDPM, variance β", "DDPM")
BUDGETS = (2, 3, 5, 10, 20, 50, 100, 200, 500, 1000)
"""Network evaluations for each sample, about."""


@dataclass(frozen=True)
class Result:
    """One sampler at one budget; `seconds` is for all samples together."""

    sampler: str
    evaluations: int
    seconds: float
    distance: float


def steps_for(sampler: str, budget: int, schedule: Schedule) -> int:
    """The number of steps that this many evaluations allow; the solvers of the flow have fewer times to choose from."""
    steps = (budget + 1) // 2 if sampler == "Heun" else budget
    return steps if sampler.startswith("DD") else min(steps, schedule.timesteps(1, SIGMA_MAX)[0])


def walk(sampler: str, model: PointModel, x_T: Tensor, budget: int, seed: int) -> Iterator[Step]:
    """A contender's steps from x_T (N, 2) at a budget of evaluations."""
    noise = {"generator": torch.Generator().manual_seed(seed)} if sampler in WITH_NOISE else {}
    steps = steps_for(sampler, budget, model.schedule)
    return CONTENDERS[sampler](model.denoise, model.schedule, x_T, steps=steps, predicts=model.predicts, **noise)


def against_budget(
    model: PointModel, data: Tensor, x_T: Tensor, budgets: Sequence[int] = BUDGETS, seed: int = 0
) -> Iterator[Step | Result]:
    """Every contender at every budget, from the same noise x_T (N, 2), compared with data (M, 2).

    Yields the steps, so that whoever runs it can pause, and after each walk its result.
    """
    for budget in budgets:
        for sampler in CONTENDERS:
            seconds, begun = 0.0, time.monotonic()
            step = None
            for step in walk(sampler, model, x_T, budget, seed):
                seconds += time.monotonic() - begun
                yield step
                begun = time.monotonic()
            assert step is not None  # a budget is at least one step
            spent = 2 * step.n - 1 if sampler == "Heun" else step.n
            yield Result(sampler, spent, seconds, energy_distance(step.x_next, data))


SOLVERS = {"Euler": (euler, 1), "Heun": (heun, 2), "DPM-Solver++(2M)": (dpm_solver_pp_2m, 2)}
"""Label → a solver of the probability flow, and the order of its error."""
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
        for label, (solver, _) in SOLVERS.items()
    }


def order(errors: Sequence[tuple[int, float]]) -> float:
    """Minus the slope of log error over log steps, by least squares: 2 if halving the step divides the error by 4."""
    steps, error = torch.tensor(errors, dtype=torch.float64).log().T
    return -(torch.cov(torch.stack([steps, error]))[0, 1] / steps.var()).item()
