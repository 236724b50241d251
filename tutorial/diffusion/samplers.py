"""Samplers: from noise back to data, one generator each, yielding every step.

All share a signature. `denoise(x, t, cond)` is the network, x (B, …), t (B,) int64; `predicts` says what its
answer means; `steps` is a number of steps or a falling list of times; `x_T` is the noise to start from. With
the same x_T and `generator` the result is the same. Symbols, everywhere:

    t → s        the time we are at and the earlier, less noisy time we step to
    abar_t       ᾱ_t, the share of the variance at time t that is signal
    eps, x0      ε̂ and x̂_0, the network's two readings of x (`objective.read`)

DDPM and DDIM walk the whole schedule. Euler, Heun and DPM-Solver++ solve an ordinary differential equation,
and start where σ is at most 80 (Karras et al. 2022, table 1), since some schedules climb without bound.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor

from tutorial.diffusion.objective import Kind, read
from tutorial.diffusion.process import gaussian, posterior
from tutorial.diffusion.schedule import Schedule

Denoiser = Callable[[Tensor, Tensor, Any], Tensor]
Noise = torch.Generator | list[torch.Generator] | None


@dataclass(frozen=True)
class Model:
    """A denoiser with what a sampler must know of it."""

    denoise: Denoiser
    schedule: Schedule
    predicts: Kind


SIGMA_MAX = 80.0


@dataclass(frozen=True)
class Step:
    """One step of a sampler: number `i` of `n` (from 0), going from time `t` to `t_next`.

    `x` is where it started, `eps` and `x0_hat` what the network made of that, `x_next` where it arrived;
    all (B, …).
    """

    i: int
    n: int
    t: int
    t_next: int
    x: Tensor
    eps: Tensor
    x0_hat: Tensor
    x_next: Tensor


@torch.no_grad()
def ddpm(
    denoise: Denoiser,
    schedule: Schedule,
    x_T: Tensor,
    *,
    steps: int | Sequence[int],
    variance: Literal["posterior", "beta"] = "posterior",
    predicts: Kind = "eps",
    cond: Any = None,
    generator: Noise = None,
) -> Iterator[Step]:
    """Ancestral sampling: draw x_s from q(x_s | x_t, x̂_0) (Ho et al. 2020, algorithm 2).

    The variance is that posterior's own, or the larger β = 1 − ᾱ_t / ᾱ_s (section 3.2: the two extremes).
    No noise is added on arrival at t = 0.
    """
    if variance not in ("posterior", "beta"):
        raise ValueError(f"variance must be 'posterior' or 'beta'; got {variance!r}.")
    x, times = x_T, schedule.grid(steps)
    for i, t, s in _pairs(times):
        eps, x0 = _ask(denoise, schedule, x, t, predicts, cond)
        mean, spread = posterior(schedule, x0, x, t, s)
        if variance == "beta":
            spread = (1 - schedule.abar[t] / schedule.abar[s]).to(x)
        x_next = mean + spread.sqrt() * gaussian(x, generator) if s > 0 else mean
        yield Step(i, len(times) - 1, t, s, x, eps, x0, x_next)
        x = x_next


@torch.no_grad()
def ddim(
    denoise: Denoiser,
    schedule: Schedule,
    x_T: Tensor,
    *,
    steps: int | Sequence[int],
    eta: float = 0.0,
    predicts: Kind = "eps",
    cond: Any = None,
    generator: Noise = None,
) -> Iterator[Step]:
    """Re-noise x̂_0 to the level of s, with the old noise instead of new (Song et al. 2021, equations 12, 16).

    η in [0, 1] mixes new noise in: 0 is deterministic, 1 is DDPM with the posterior variance.
    """
    if not 0 <= eta <= 1:
        raise ValueError(f"eta must be between 0 and 1; got {eta}.")
    x, times = x_T, schedule.grid(steps)
    for i, t, s in _pairs(times):
        eps, x0 = _ask(denoise, schedule, x, t, predicts, cond)
        abar_t, abar_s = schedule.abar[t], schedule.abar[s]
        sigma = eta * ((1 - abar_s) / (1 - abar_t) * (1 - abar_t / abar_s)).sqrt()
        x_next = abar_s.sqrt().to(x) * x0 + (1 - abar_s - sigma**2).clamp(min=0).sqrt().to(x) * eps
        if sigma > 0:
            x_next = x_next + sigma.to(x) * gaussian(x, generator)
        yield Step(i, len(times) - 1, t, s, x, eps, x0, x_next)
        x = x_next


@torch.no_grad()
def euler(
    denoise: Denoiser,
    schedule: Schedule,
    x_T: Tensor,
    *,
    steps: int | Sequence[int],
    predicts: Kind = "eps",
    cond: Any = None,
) -> Iterator[Step]:
    """Follow the tangent: in x̄ = x / √ᾱ the path obeys dx̄/dσ = ε̂ (Song et al. 2021, "DDIM", equation 14).

    Euler's method on that equation is DDIM with η = 0. First order: half the step, half the error.
    """
    x, times = x_T, schedule.grid(steps, SIGMA_MAX)
    for i, t, s in _pairs(times):
        eps, x0 = _ask(denoise, schedule, x, t, predicts, cond)
        x_next = _along(schedule, x, t, s, eps)
        yield Step(i, len(times) - 1, t, s, x, eps, x0, x_next)
        x = x_next


@torch.no_grad()
def heun(
    denoise: Denoiser,
    schedule: Schedule,
    x_T: Tensor,
    *,
    steps: int | Sequence[int],
    predicts: Kind = "eps",
    cond: Any = None,
) -> Iterator[Step]:
    """Step, look at the tangent there, and step again with the mean of both (Karras et al. 2022, algorithm 1).

    Second order, at two network evaluations a step; the last step, to t = 0, has no tangent to look at.
    """
    x, times = x_T, schedule.grid(steps, SIGMA_MAX)
    for i, t, s in _pairs(times):
        eps, x0 = _ask(denoise, schedule, x, t, predicts, cond)
        x_next = _along(schedule, x, t, s, eps)
        if s > 0:
            eps_next, _ = _ask(denoise, schedule, x_next, s, predicts, cond)
            x_next = _along(schedule, x, t, s, (eps + eps_next) / 2)
        yield Step(i, len(times) - 1, t, s, x, eps, x0, x_next)
        x = x_next


@torch.no_grad()
def dpm_solver_pp_2m(
    denoise: Denoiser,
    schedule: Schedule,
    x_T: Tensor,
    *,
    steps: int | Sequence[int],
    predicts: Kind = "eps",
    cond: Any = None,
) -> Iterator[Step]:
    """DPM-Solver++(2M): extrapolate x̂_0 in λ from this step and the last (Lu et al. 2022, algorithm 2).

    λ = ln(√ᾱ / √(1 − ᾱ)) = −ln σ. Second order at one evaluation a step. The first step has no past, and the
    last, to t = 0, no finite λ; both are first order.
    """
    x, times = x_T, schedule.grid(steps, SIGMA_MAX)
    lam = -schedule.sigma.log()  # (T + 1,), +∞ at t = 0
    past: tuple[Tensor, Tensor] | None = None  # x̂_0 of the last step and that step's h
    for i, t, s in _pairs(times):
        eps, x0 = _ask(denoise, schedule, x, t, predicts, cond)
        h = lam[s] - lam[t]
        if past is None or s == 0:
            D = x0
        else:
            r = past[1] / h
            D = x0 + ((x0 - past[0]) / (2 * r).to(x))
        shrink = ((1 - schedule.abar[s]) / (1 - schedule.abar[t])).sqrt()
        x_next = shrink.to(x) * x - (schedule.abar[s].sqrt() * torch.expm1(-h)).to(x) * D
        yield Step(i, len(times) - 1, t, s, x, eps, x0, x_next)
        x, past = x_next, (x0, h)


def _pairs(times: list[int]) -> Iterator[tuple[int, int, int]]:
    for i, (t, s) in enumerate(itertools.pairwise(times)):
        yield i, t, s


def _ask(denoise: Denoiser, schedule: Schedule, x: Tensor, t: int, kind: Kind, cond: Any) -> tuple[Tensor, Tensor]:
    """(ε̂, x̂_0) at one time for the whole batch."""
    return read(kind, schedule, denoise(x, torch.full((len(x),), t, device=x.device), cond), x, t)


def _along(schedule: Schedule, x: Tensor, t: int, s: int, slope: Tensor) -> Tensor:
    """x̄_s = x̄_t + (σ_s − σ_t) · slope, in terms of x = √ᾱ x̄."""
    ratio = (schedule.abar[s] / schedule.abar[t]).sqrt()
    return ratio.to(x) * x + (schedule.abar[s].sqrt() * (schedule.sigma[s] - schedule.sigma[t])).to(x) * slope


def evaluations(sampler: str, steps: int) -> int:
    """Network evaluations for each picture, without guidance; guidance between and beyond 0 and 1 doubles it."""
    return 2 * steps - 1 if sampler == "heun" else steps


SAMPLERS: dict[str, Callable[..., Iterator[Step]]] = {
    "ddim": ddim,
    "ddpm": ddpm,
    "euler": euler,
    "heun": heun,
    "dpm_solver_pp_2m": dpm_solver_pp_2m,
}
"""By the names the app uses."""


WHOLE_SCHEDULE = ("ddpm", "ddim")
"""The samplers that begin at T; the others begin where σ is `SIGMA_MAX`."""


def first_time(sampler: str, schedule: Schedule) -> int:
    """The time at which a sampler begins, which is also the most steps that it can make."""
    return schedule.T if sampler in WHOLE_SCHEDULE else schedule.timesteps(1, SIGMA_MAX)[0]


def named(
    name: str,
    *,
    eta: float = 0.0,
    variance: Literal["posterior", "beta"] = "posterior",
    generator: Noise = None,
) -> Callable[..., Iterator[Step]]:
    """A sampler by its name in `SAMPLERS`, given what only some of them take: DDIM η, DDPM a variance, both noise.

    Raises ValueError for a name that there is not.
    """
    if name not in SAMPLERS:
        raise ValueError(f"The sampler must be one of {', '.join(SAMPLERS)}; got {name!r}.")
    own = {"ddim": {"eta": eta, "generator": generator}, "ddpm": {"variance": variance, "generator": generator}}
    return partial(SAMPLERS[name], **own.get(name, {}))
