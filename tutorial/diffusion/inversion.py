"""There and back: the noise that a picture would have been drawn from, and ways between two noises."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from tutorial.diffusion.objective import Kind, read
from tutorial.diffusion.samplers import Denoiser, Step
from tutorial.diffusion.schedule import Schedule


@torch.no_grad()
def invert(
    denoise: Denoiser,
    schedule: Schedule,
    x0: Tensor,
    *,
    steps: int | Sequence[int],
    predicts: Kind = "eps",
    cond: Any = None,
) -> Iterator[Step]:
    """DDIM backwards: from data x0 (B, …) up to the noise that leads to it (Song et al. 2021, "DDIM", section 5.4).

    The same equation as downwards, with ε̂ taken where the step begins, as Euler's method does; so it comes back to
    x0 only as closely as the steps are short. The first step begins at t = 0, where networks are not defined, and asks
    at t = 1. Yields steps from `t` up to `t_next`; the last `x_next` is x_T.
    """
    times = schedule.grid(steps)[::-1]
    x = x0
    for i, (s, t) in enumerate(itertools.pairwise(times)):
        asked = max(s, 1)
        answer = denoise(x, torch.full((len(x),), asked, device=x.device), cond)
        eps, _ = read(predicts, schedule, answer, x, asked)
        abar_s, abar_t = schedule.abar[s], schedule.abar[t]
        x0_hat = (x - (1 - abar_s).sqrt().to(x) * eps) / abar_s.sqrt().to(x)
        x_next = abar_t.sqrt().to(x) * x0_hat + (1 - abar_t).sqrt().to(x) * eps
        yield Step(i, len(times) - 1, s, t, x, eps, x0_hat, x_next)
        x = x_next


def lerp(a: Tensor, b: Tensor, share: float) -> Tensor:
    """A straight line from a (share 0) to b (share 1). Between two noises it leads through the too quiet middle:
    a sum of independent standard normals with weights 1 − s and s has the variance (1 − s)² + s² < 1."""
    return torch.lerp(a, b, share)


def slerp(a: Tensor, b: Tensor, share: float) -> Tensor:
    """An arc from a to b (Shoemake 1985), which keeps the length that noise of this many numbers nearly always has.

    The angle is that between the two as long vectors.
    """
    angle = torch.acos(((a * b).sum() / (a.norm() * b.norm())).clamp(-1, 1))
    if angle < 1e-4:  # all but the same direction
        return torch.lerp(a, b, share)
    return (torch.sin((1 - share) * angle) * a + torch.sin(share * angle) * b) / torch.sin(angle)
