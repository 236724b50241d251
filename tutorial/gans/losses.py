"""What discriminator and generator minimise, as functions of the discriminator's answers.

r = D(x) for data and f = D(G(z)) for fakes are logits, high for "data"; σ is the logistic function.

                     D minimises                      G minimises
    minimax          −E log σ(r) − E log(1 − σ(f))    E log(1 − σ(f))     Goodfellow et al. 2014, eq. 1
    non-saturating   the same                         −E log σ(f)         the same, section 3
    least squares    ½ E(r − 1)² + ½ E f²             ½ E(f − 1)²         Mao et al. 2017, eq. 9
    Wasserstein      E f − E r + a penalty            −E f                Arjovsky et al. 2017; Gulrajani et al. 2017

All take answers (S, B) of S networks that know nothing of each other, and give S losses; those of a single network may
be (B,), and give a scalar.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Name = Literal["minimax", "non-saturating", "least squares", "Wasserstein"]


@dataclass(frozen=True)
class Loss:
    """What both sides minimise."""

    discriminator: Callable[[Tensor, Tensor], Tensor]
    """r (S, B), f (S, B) → (S,)."""
    generator: Callable[[Tensor], Tensor]
    """f (S, B) → (S,)."""
    boundary: float | None
    """The answer that is as much data as fake; a Wasserstein critic has none: only differences of its answers count."""
    guessing: float
    """The discriminator's loss if all its answers are the same."""


def _cross_entropy(r: Tensor, f: Tensor) -> Tensor:
    return F.softplus(-r).mean(-1) + F.softplus(f).mean(-1)


LOSSES: dict[str, Loss] = {
    "minimax": Loss(_cross_entropy, lambda f: -F.softplus(f).mean(-1), 0.0, 2 * math.log(2)),
    "non-saturating": Loss(_cross_entropy, lambda f: F.softplus(-f).mean(-1), 0.0, 2 * math.log(2)),
    "least squares": Loss(
        lambda r, f: 0.5 * (r - 1).square().mean(-1) + 0.5 * f.square().mean(-1),
        lambda f: 0.5 * (f - 1).square().mean(-1),
        0.5,
        0.25,
    ),
    "Wasserstein": Loss(lambda r, f: f.mean(-1) - r.mean(-1), lambda f: -f.mean(-1), None, 0.0),
}


def slopes(critic: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """∂D/∂x at points, or pictures, x (S, B, …): (S, B, …), differentiable, for the penalties."""
    x = x.detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return slope


def gradient_penalty(critic: Callable[[Tensor], Tensor], x: Tensor, fake: Tensor, share: Tensor) -> Tensor:
    """E(‖∇D(x̂)‖ − 1)² at x̂ = u x + (1 − u) G(z), with u from `share` (S, B, 1) in [0, 1]: (S,).

    Gulrajani et al. 2017, eq. 3, without its weight λ.
    """
    between = share * x + (1 - share) * fake.detach()
    return (slopes(critic, between).norm(dim=-1) - 1).square().mean(-1)


def r1(critic: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """½ E‖∇D(x)‖² at data x (S, B, …): (S,). Mescheder et al. 2018, eq. 9, without its weight γ."""
    return 0.5 * slopes(critic, x).square().flatten(2).sum(-1).mean(-1)
