"""Gradient descent on a stack's one tensor of numbers, in place."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from tutorial.gans.networks import Stack

Optimiser = Literal["Adam", "SGD"]
BETAS = (0.5, 0.9)
"""Of Adam: GANs are commonly trained with less momentum than other networks (Radford et al. 2016)."""
EPSILON = 1e-8


class Descent:
    """Adam (Kingma & Ba 2015, algorithm 1) or plain descent, whichever is asked for at each step.

    PyTorch's own Adam takes twenty to forty microseconds more for its bookkeeping, about a tenth of a whole round of a
    small GAN.
    """

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.mean, self.square = torch.zeros_like(stack.flat), torch.zeros_like(stack.flat)
        self.steps = 0

    @torch.no_grad()
    def step(self, rate: float, optimiser: Optimiser = "Adam") -> None:
        """θ ← θ − rate · m̂ / (√v̂ + ε) with Adam's running means m̂ and v̂ of the gradient and its square, or
        θ ← θ − rate · gradient."""
        numbers, grad = self.stack.flat, self.stack.grad
        if optimiser == "SGD":
            numbers.add_(grad, alpha=-rate)
            return
        self.steps += 1
        self.mean.lerp_(grad, 1 - BETAS[0])
        self.square.mul_(BETAS[1]).addcmul_(grad, grad, value=1 - BETAS[1])
        first, second = (1 - beta**self.steps for beta in BETAS)
        numbers.addcdiv_(self.mean, self.square.div(second).sqrt_().add_(EPSILON), value=-rate / first)

    def state(self) -> tuple[int, Tensor, Tensor]:
        """Adam's steps so far, and copies of both running means, as flat as the stack's numbers."""
        return self.steps, self.mean.clone(), self.square.clone()

    def restore(self, state: tuple[int, Tensor, Tensor]) -> None:
        """Goes back to a `state`. The stack's numbers are not in it. Raises RuntimeError for another stack's sizes."""
        self.steps, mean, square = state
        self.mean.copy_(mean)
        self.square.copy_(square)
