"""Guidance, taken apart: at some of the steps only, one step at a time, and against a negative prompt.

The formula itself is `guidance.guided`. Scales are as there: 0 is the unconditional model, 1 the plain conditional one.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from tutorial.diffusion.guidance import guided
from tutorial.diffusion.latent import STEPS, LatentDiffusion
from tutorial.diffusion.objective import read
from tutorial.diffusion.samplers import SIGMA_MAX, Denoiser, Model, Step, ddim


@dataclass(frozen=True)
class Interval:
    """The times t, `last` < t ≤ `first`, at which a prompt is exaggerated."""

    first: int
    last: int

    def __contains__(self, t: int) -> bool:
        return self.last < t <= self.first


def limited(denoise: Denoiser, null: Tensor, scale: float, interval: Interval) -> Denoiser:
    """`guided` within the interval, and the plain conditional model, one evaluation, outside of it.

    Kynkäänniemi et al. 2024, whose interval is one of σ. All rows of a batch must be at the same time, as samplers have
    them.
    """
    inside, outside = guided(denoise, null, scale), guided(denoise, null, 1.0)

    def denoise_limited(x: Tensor, t: Tensor, cond: Tensor) -> Tensor:
        return (inside if int(t[0]) in interval else outside)(x, t, cond)

    return denoise_limited


def evaluations(times: Sequence[int], scale: float, interval: Interval) -> int:
    """Network evaluations for each picture, of a sampler that asks once at each of these falling times but the last."""
    twice = 0 if scale in (0, 1) else sum(t in interval for t in times[:-1])
    return len(times) - 1 + twice


def everywhere(model: LatentDiffusion) -> Interval:
    """The interval that covers all times."""
    return Interval(model.schedule.T, 0)


def times(model: LatentDiffusion, steps: int, sigma_max: float = SIGMA_MAX) -> list[int]:
    """The times that `drawn` asks the network at, and 0; without a bound on σ, those of a `Walk`."""
    return model.schedule.grid(steps if model.spacing is None else model.spacing(steps), sigma_max)


def drawn(
    model: LatentDiffusion,
    prompts: Sequence[str],
    seeds: Sequence[int],
    scale: float,
    *,
    negative: str = "",
    interval: Interval | None = None,
    steps: int = STEPS,
) -> Iterator[Step]:
    """One picture for each prompt and seed, by DPM-Solver++ as `LatentDiffusion.sample` has it: its steps."""
    x_T, _ = model.noise(seeds)
    denoise = limited(model.denoiser, model.words([negative]), scale, interval or everywhere(model))
    return model.walk(denoise, x_T, model.words(prompts), steps=steps, sampler="dpm_solver_pp_2m")


def finished(steps: Iterable[Step]) -> Generator[None, None, Tensor]:
    """Takes a sampler's steps, with a pause after each, and returns the latents that they end with.

    Raises ValueError if there is no step.
    """
    x = None
    for step in steps:
        x = step.x_next
        yield None
    if x is None:
        raise ValueError("There is no step.")
    return x


@torch.no_grad()
def answers(model: Model, x: Tensor, t: int, conds: Tensor) -> Tensor:
    """ε̂ of one noisy x (1, …) at time t under each of the conditions (K, …): (K, …)."""
    rows = x.expand(len(conds), *x.shape[1:])
    asked = model.denoise(rows, torch.full((len(conds),), t, device=x.device), conds)
    return read(model.predicts, model.schedule, asked, rows, t)[0]


def in_their_plane(origin: Tensor, one: Tensor, other: Tensor, points: Sequence[Tensor]) -> Tensor:
    """Coordinates of points in the plane through three others, all of the same shape: (N, 2).

    The origin is at (0, 0), `one` lies on the first axis, and `other` is above it. Any sum of the three whose
    coefficients add up to 1 lies in that plane, so nothing is lost; of other points it is the shadow.
    """
    a, b = (one - origin).flatten().double(), (other - origin).flatten().double()
    u = a / a.norm().clamp(min=1e-12)
    rest = b - (b @ u) * u
    v = rest / rest.norm().clamp(min=1e-12)
    rows = torch.stack([(point - origin).flatten().double() for point in points])
    return rows @ torch.stack([u, v], dim=1)


@dataclass(frozen=True)
class Taken:
    """A step that was taken, and the scale it was taken with."""

    step: Step
    scale: float


@dataclass(frozen=True)
class Walk:
    """One picture on its way by DDIM, whose steps can be taken back, and taken again with another scale.

    DDIM's step depends on where it begins and on nothing before, so a walk can be taken up anywhere.
    """

    cond: Tensor
    null: Tensor
    x_T: Tensor
    times: tuple[int, ...]
    taken: tuple[Taken, ...] = ()

    @property
    def x(self) -> Tensor:
        """The latent where it stands, (1, …)."""
        return self.taken[-1].step.x_next if self.taken else self.x_T

    @property
    def over(self) -> bool:
        """Whether it has arrived at t = 0."""
        return len(self.taken) == len(self.times) - 1

    def back(self, n: int) -> Walk:
        """As it stood after its first n steps."""
        return replace(self, taken=self.taken[:n])


def begin(model: LatentDiffusion, prompt: str, negative: str, seed: int, steps: int) -> Walk:
    """Pure noise of this seed, and the words."""
    return Walk(
        cond=model.words([prompt]),
        null=model.words([negative]),
        x_T=model.noise([seed])[0],
        times=tuple(times(model, steps, math.inf)),
    )


def onwards(model: LatentDiffusion, walk: Walk, scale: float) -> Walk:
    """One step further, with this scale. Raises ValueError for a walk that is over."""
    if walk.over:
        raise ValueError("The walk has arrived at t = 0.")
    here = len(walk.taken)
    denoise = guided(model.denoiser, walk.null, scale)
    pair = walk.times[here : here + 2]
    (step,) = ddim(denoise, model.schedule, walk.x, steps=pair, predicts=model.predicts, cond=walk.cond)
    return replace(walk, taken=(*walk.taken, Taken(replace(step, i=here, n=len(walk.times) - 1), scale)))
