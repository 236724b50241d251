"""What the network is asked for: the noise, the clean data, or the velocity. Four views of one thing.

Given x_t and t, each of ε, x_0, v and the score determines the others (Salimans & Ho 2022, section 4), so a
network trained on one can be read as any. They differ in how training weighs the times, and in how
errors are magnified: x_0 from ε divides by √ᾱ_t, which is hopeless where all is noise.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from tutorial.diffusion.schedule import Schedule, at

Kind = Literal["eps", "x0", "v"]
KINDS: tuple[Kind, ...] = ("eps", "x0", "v")


def target(kind: Kind, schedule: Schedule, x0: Tensor, t: Tensor | int, eps: Tensor) -> Tensor:
    """What a network of this kind should answer for x_t = √ᾱ_t x_0 + √(1 − ᾱ_t) ε.

    v = √ᾱ_t ε − √(1 − ᾱ_t) x_0 (Salimans & Ho 2022, appendix D). All (B, …), t (B,) in 0…T.
    """
    if kind == "eps":
        return eps
    if kind == "x0":
        return x0
    if kind == "v":
        signal, noise = _weights(schedule, t, x0)
        return signal * eps - noise * x0
    raise ValueError(f"The kind of prediction must be one of {', '.join(KINDS)}; got {kind!r}.")


def read(kind: Kind, schedule: Schedule, prediction: Tensor, x_t: Tensor, t: Tensor | int) -> tuple[Tensor, Tensor]:
    """Reads a prediction as (ε̂, x̂_0), such that x_t = √ᾱ_t x̂_0 + √(1 − ᾱ_t) ε̂. t in 1…T."""
    signal, noise = _weights(schedule, t, x_t)
    if kind == "eps":
        return prediction, (x_t - noise * prediction) / signal
    if kind == "x0":
        return (x_t - signal * prediction) / noise, prediction
    if kind == "v":
        return noise * x_t + signal * prediction, signal * x_t - noise * prediction
    raise ValueError(f"The kind of prediction must be one of {', '.join(KINDS)}; got {kind!r}.")


def score(schedule: Schedule, eps: Tensor, t: Tensor | int) -> Tensor:
    """∇ log p(x_t) = −ε̂ / √(1 − ᾱ_t) (Song et al. 2021, "Score-based", section 3; Vincent 2011). t in 1…T."""
    return -eps / at((1 - schedule.abar).sqrt(), t, eps)


def loss(kind: Kind, schedule: Schedule, prediction: Tensor, x0: Tensor, t: Tensor | int, eps: Tensor) -> Tensor:
    """Squared error for each row, averaged over its numbers: (B,). The simple loss of Ho et al. 2020, eq. 14."""
    return (prediction - target(kind, schedule, x0, t, eps)).square().flatten(1).mean(1)


def _weights(schedule: Schedule, t: Tensor | int, x: Tensor) -> tuple[Tensor, Tensor]:
    return at(schedule.abar.sqrt(), t, x), at((1 - schedule.abar).sqrt(), t, x)
