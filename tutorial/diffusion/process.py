"""The forward process: data dissolves into an isotropic Gaussian (Ho et al. 2020, section 2)."""

from __future__ import annotations

import torch
from torch import Tensor

from tutorial.diffusion.schedule import Schedule, at


def q_sample(schedule: Schedule, x0: Tensor, t: Tensor | int, eps: Tensor) -> Tensor:
    """Jumps from x_0 to x_t: √ᾱ_t x_0 + √(1 − ᾱ_t) ε (Ho et al. 2020, eq. 4). x0, eps (B, …), t (B,) in 0…T."""
    abar = schedule.abar
    return at(abar.sqrt(), t, x0) * x0 + at((1 - abar).sqrt(), t, x0) * eps


def q_step(schedule: Schedule, x: Tensor, t: int, eps: Tensor) -> Tensor:
    """One step of the chain, x_{t−1} → x_t: √(1 − β_t) x + √β_t ε (Ho et al. 2020, eq. 2). t in 1…T."""
    if not 1 <= t <= schedule.T:
        raise ValueError(f"t must be between 1 and {schedule.T}; got {t}.")
    keep = schedule.abar[t] / schedule.abar[t - 1]  # 1 − β_t
    return keep.sqrt().to(x) * x + (1 - keep).sqrt().to(x) * eps


def posterior(schedule: Schedule, x0: Tensor, x_t: Tensor, t: int, s: int) -> tuple[Tensor, Tensor]:
    """q(x_s | x_t, x_0) for s < t: its mean (B, …) and its variance, a scalar.

    Ho et al. 2020, equations 6 and 7, for any pair of times: β_t there is 1 − ᾱ_t / ᾱ_s here.
    """
    a_t, a_s = schedule.abar[t], schedule.abar[s]
    beta = 1 - a_t / a_s
    from_x0 = a_s.sqrt() * beta / (1 - a_t)
    from_x_t = (a_t / a_s).sqrt() * (1 - a_s) / (1 - a_t)
    return from_x0.to(x0) * x0 + from_x_t.to(x_t) * x_t, (beta * (1 - a_s) / (1 - a_t)).to(x_t)


def gaussian(like: Tensor, generator: torch.Generator | list[torch.Generator] | None = None) -> Tensor:
    """Standard normal noise shaped like a tensor, drawn on the CPU so that a seed means the same on any device.

    With a list of generators, one for each row, a row's noise does not depend on who else is in the batch.
    """
    shape, kind = like.shape, like.dtype
    if isinstance(generator, list):
        rows = [torch.randn(shape[1:], generator=one, dtype=kind) for one in generator]
        return torch.stack(rows).to(like.device)
    return torch.randn(shape, generator=generator, dtype=kind).to(like.device)
