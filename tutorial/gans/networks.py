"""Generators and discriminators of points in the plane, any number of them side by side.

S pairs of networks are one stack (`tutorial.networks.mlp`): a single game is a stack of one, a wall of nine seeds a
stack of nine. Each pair starts as its own seed says, whoever stands beside it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

SLOPE = 0.2
"""Of the leaky rectifiers, below 0."""


class Stack:
    """S perceptrons of one shape with leaky rectifiers: (S, B, widths[0]) → (S, B, widths[-1]).

    All their numbers lie in one tensor, so that an optimiser needs a few calls instead of a few for every layer; at
    this size, calls are what training costs.
    """

    def __init__(self, generators: Sequence[torch.Generator], widths: Sequence[int]) -> None:
        """Each of S generators draws its own perceptron's numbers."""
        shapes = [shape for a, b in itertools.pairwise(widths) for shape in ((a, b), (1, b))]
        drawn = [_initial(generator, widths) for generator in generators]
        self.flat = torch.cat([torch.stack(parts).flatten() for parts in zip(*drawn, strict=True)])
        self.grad = torch.zeros_like(self.flat)
        sizes = [len(generators) * a * b for a, b in shapes]
        parts = zip(self.flat.split(sizes), self.grad.split(sizes), shapes, strict=True)
        self.numbers = [_leaf(numbers, grad, (len(generators), *shape)) for numbers, grad, shape in parts]
        """Weight (S, c_in, c_out) and bias (S, 1, c_out) of each layer in turn, whose gradients add up in `grad`."""
        self.directions = [torch.ones(len(generators), 1, b) / b**0.5 for b in widths[1:]]
        """An estimate of each weight's first right singular vector, (S, 1, c_out), for `normalised`."""

    def __call__(self, x: Tensor, *, normalised: bool = False) -> Tensor:
        """With `normalised`, each weight is divided by its largest singular value (Miyato et al. 2018, eq. 8)."""
        layers = len(self.numbers) // 2
        for k in range(layers):
            weight, bias = self.numbers[2 * k], self.numbers[2 * k + 1]
            if normalised:
                weight = weight / self._norm(k)
            x = torch.baddbmm(bias, x, weight)
            if k < layers - 1:
                x = F.leaky_relu(x, SLOPE)
        return x

    def _norm(self, k: int) -> Tensor:
        """The k-th weight's largest singular value as its `directions` have it: (S, 1, 1), differentiable."""
        weight, right = self.numbers[2 * k], self.directions[k]
        left = F.normalize(right @ weight.detach().mT, dim=-1)
        return left @ weight @ right.mT

    def slope(self) -> Tensor:
        """The norm of each perceptron's last gradient: (S,)."""
        squares = [leaf.grad.square().sum((1, 2)) for leaf in self.numbers if leaf.grad is not None]
        return torch.stack(squares).sum(0).sqrt()

    @torch.no_grad()
    def turn_directions(self) -> None:
        """One power iteration for each weight (Miyato et al. 2018, algorithm 1)."""
        for k, right in enumerate(self.directions):
            weight = self.numbers[2 * k]
            self.directions[k] = F.normalize(F.normalize(right @ weight.mT, dim=-1) @ weight, dim=-1)


def _initial(generator: torch.Generator, widths: Sequence[int]) -> list[Tensor]:
    """Weights and biases of one perceptron, drawn as `nn.Linear` draws them: U(−1/√c_in, 1/√c_in)."""
    return [
        (2 * torch.rand(rows, b, generator=generator) - 1) / a**0.5
        for a, b in itertools.pairwise(widths)
        for rows in (a, 1)
    ]


def _leaf(numbers: Tensor, grad: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """Some of the numbers as a leaf of the graph, whose gradient collects in `grad`."""
    leaf = numbers.view(shape).requires_grad_()
    leaf.grad = grad.view(shape)
    return leaf


def packed(x: Tensor, pack: int) -> Tensor:
    """Groups of `pack` points as one: (S, B, D) → (S, B / pack, pack D). So a discriminator can see that all points of
    a group are alike, which no single point tells (Lin et al. 2018, "PacGAN")."""
    return x.reshape(x.shape[0], x.shape[1] // pack, pack * x.shape[2])
