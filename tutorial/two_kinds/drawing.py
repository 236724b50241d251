"""What each kind of model can draw: samples of p(x, y), and what climbing p(y | x) ends in."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from tutorial.data.principal import PrincipalComponents
from tutorial.metrics.digits import DigitJudge
from tutorial.two_kinds.generative import Generative

TRIES = 20
"""Draws of both classes, each of as many points as are wanted, after which drawing one class gives up."""


def draw(model: Generative, y: int, n: int, generator: torch.Generator) -> Tensor:
    """n points (n, d) of one class: of draws from p(x, y), those with this y.

    Raises ValueError if the class is so rare that they do not come.
    """
    found: list[Tensor] = []
    for _ in range(TRIES):
        x, classes = model.sample(2 * n, generator)
        found.append(x[classes == y])
        if sum(map(len, found)) >= n:
            return torch.cat(found)[:n]
    raise ValueError(f"Class {y} is too rare in what was learned to be drawn {n} times.")


def read_as(judge: DigitJudge, components: PrincipalComponents, x: Tensor, y: Tensor) -> float:
    """Share of points (N, d) whose pictures the judge, who knows all ten digits, reads as their classes (N,)."""
    return judge.accuracy(2 * components.picture(x) - 1, y)


def climb(
    decision: Callable[[Tensor], Tensor], x: Tensor, y: int, steps: int = 80, stride: float = 0.25
) -> Iterator[Tensor]:
    """From points x (N, d) along the gradient of the log-odds of class y: each state (N, d), the start first.

    Every step is `stride` long, since the slope says nothing about how far to go: for a linear model it is the same
    everywhere. The gradient of log p(y | x) points the same way.
    """
    x, sign = x.double(), 2 * y - 1
    yield x
    for _ in range(steps):
        slope = sign * gradient(decision, x)
        x = x + stride * slope / slope.norm(dim=1, keepdim=True).clamp(min=1e-12)
        yield x


def gradient(f: Callable[[Tensor], Tensor], x: Tensor, apart: float = 0.02) -> Tensor:
    """∇f at points (N, d) by central differences, for models that autograd does not see into: (N, d)."""
    n, d = x.shape
    aside = apart / 2 * torch.eye(d, dtype=x.dtype)
    ahead, behind = ((x[:, None] + way * aside).reshape(n * d, d) for way in (1, -1))
    return ((f(ahead) - f(behind)) / apart).reshape(n, d)
