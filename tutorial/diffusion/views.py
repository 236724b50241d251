"""One answer of a network seen four ways, and what an error in one of them is in another.

Given x_t and t, each of ε̂, x̂_0, v̂ and the score is a linear function of each other (Salimans & Ho 2022, section 4),
so an error of one is an error of all: in the same direction, of another size.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from tutorial.diffusion.objective import Kind, read, score, target
from tutorial.diffusion.schedule import Schedule

View = Kind | Literal["score"]
VIEWS: tuple[View, ...] = ("eps", "x0", "v", "score")


def views(predicts: Kind, schedule: Schedule, prediction: Tensor, x_t: Tensor, t: Tensor | int) -> dict[View, Tensor]:
    """A network's answer as each of the four: all (B, …), t (B,) in 1…T."""
    eps, x0 = read(predicts, schedule, prediction, x_t, t)
    return {"eps": eps, "x0": x0, "v": target("v", schedule, x0, t, eps), "score": score(schedule, eps, t)}


def magnification(view: View, schedule: Schedule) -> Tensor:
    """How many times larger an error of ε̂ is in another view, at every time: (T + 1,).

    |∂x̂_0 / ∂ε̂| = √(1 − ᾱ) / √ᾱ, |∂v̂ / ∂ε̂| = 1 / √ᾱ and, for the score, 1 / √(1 − ᾱ), infinite at t = 0.
    """
    abar = schedule.abar
    if view == "eps":
        return torch.ones_like(abar)
    if view == "x0":
        return schedule.sigma
    if view == "v":
        return abar.rsqrt()
    if view == "score":
        return (1 - abar).rsqrt()
    raise ValueError(f"The view must be one of {', '.join(VIEWS)}; got {view!r}.")
