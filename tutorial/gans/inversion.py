"""How likely is a point, as a GAN has it? What has to be tried, since nothing leads from points back to noise.

A generator G of two numbers can be searched for a code: from some z, descend on

    ‖G(z) − x‖²                                                     (Creswell & Bharath 2018; Zhu et al. 2016)

with nothing to say that there is a code, or only one. Where G is one-to-one its density would be a flow's,
p(G(z)) = N(z; 0, I) / |det ∂G/∂z|. But nothing keeps it so: where the determinant changes its sign G folds the plane of
noise, and several codes make the same point. Each adds to its density,

    p(x) = Σ N(z; 0, I) / |det ∂G/∂z|   over all z with G(z) = x,

so that codes which were found bound it from below.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tutorial.data.toy2d import lattice
from tutorial.gans.networks import Stack

Generate = Callable[[Tensor], Tensor]
"""Codes (B, 2) → points (B, 2), differentiable."""
STARTS = 16
"""Codes from which the search begins, drawn as noise is."""
STEPS = 250
RATE = 0.1
"""Of Adam, falling along half a cosine to 0."""
FOUND = 0.01
"""A code has been found if it makes a point as near as this."""
APART = 0.02
"""Codes nearer to each other are counted as one."""
SIDE = 30
"""Fields in a row of a map, and rows."""


@dataclass(frozen=True)
class Search:
    """The way of B searches for the codes of B points, (T, B, …), from the start to the last of T − 1 steps."""

    z: Tensor
    """(T, B, 2)."""
    made: Tensor
    """G(z), (T, B, 2)."""
    off: Tensor
    """‖G(z) − x‖, (T, B)."""

    @property
    def best(self) -> int:
        """The search that ended nearest."""
        return int(self.off[-1].argmin())


def generator(numbers: Tensor, hidden: Sequence[int]) -> Generate:
    """A generator with hidden layers of these widths, from the numbers of one of a stack: weight and bias of each layer
    in turn, (N,)."""
    stack = Stack([torch.Generator()], [2, *hidden, 2])
    with torch.no_grad():
        stack.flat.copy_(numbers)
    return lambda z: stack(z[None])[0]


def starts(n: int = STARTS, seed: int = 0) -> Tensor:
    """n codes as noise is drawn: (n, 2)."""
    return torch.randn(n, 2, generator=torch.Generator().manual_seed(seed))


def search(generate: Generate, x: Tensor, z: Tensor, steps: int = STEPS) -> Generator[Search | None, None, None]:
    """Descends on ‖G(z) − x‖² from z (B, 2) to points x (B, 2), each for itself; None after each step, then the way."""
    z = z.clone().requires_grad_()
    adam = torch.optim.Adam([z], RATE)
    codes, made = [], []
    for step in range(steps + 1):
        point = generate(z)
        codes.append(z.detach().clone())
        made.append(point.detach())
        if step < steps:
            adam.param_groups[0]["lr"] = RATE * (1 + math.cos(math.pi * step / steps)) / 2
            (z.grad,) = torch.autograd.grad((point - x).square().sum(), z)
            adam.step()
        yield None
    way = torch.stack(made)
    yield Search(torch.stack(codes), way, (way - x).norm(dim=-1))


def nearest(generate: Generate, *, each: int = 12, steps: int = 150) -> Generator[Tensor | None, None, None]:
    """How near to the middles of `SIDE` × `SIDE` fields of the plane the best of `each` searches comes: None after each
    step, then (SIDE, SIDE), the highest row first."""
    x = lattice(SIDE)
    for way in search(generate, x.repeat(each, 1), starts(each * len(x), seed=2), steps):
        yield None if way is None else way.off[-1].reshape(each, SIDE, SIDE).amin(0)


def beyond(z: Tensor) -> Tensor:
    """How much of the noise N(0, I) lies as far out as z or farther: (…, D) → (…), in [0, 1].

    ‖z‖² is χ² with D degrees of freedom; for two numbers the share is exp(−‖z‖² / 2).
    """
    return torch.special.gammaincc(torch.tensor(z.shape[-1] / 2), z.square().sum(-1) / 2)


def determinants(generate: Generate, z: Tensor) -> Tensor:
    """det ∂G/∂z at codes (B, 2): (B,)."""
    z = z.detach().requires_grad_()
    x = generate(z)
    rows = [torch.autograd.grad(x[:, k].sum(), z, retain_graph=True)[0] for k in (0, 1)]
    return torch.linalg.det(torch.stack(rows, dim=1))


def folded(generate: Generate, n: int = 20_000, seed: int = 1) -> float:
    """Share of noise at which the determinant's sign is not its more common one: 0 for a map that is one-to-one."""
    negative = (determinants(generate, starts(n, seed)) < 0).double().mean().item()
    return min(negative, 1 - negative)


def distinct(found: Search) -> Tensor:
    """The codes (K, 2) that were found, those closer than `APART` as one."""
    kept: list[Tensor] = []
    for k in found.off[-1].argsort().tolist():
        z = found.z[-1, k]
        if found.off[-1, k] <= FOUND and all((z - other).norm() > APART for other in kept):
            kept.append(z)
    return torch.stack(kept) if kept else found.z.new_zeros(0, 2)


def density_of(generate: Generate, codes: Tensor) -> float:
    """Σ N(z; 0, I) / |det ∂G/∂z| over codes (K, 2), a bound from below of the density of what they make."""
    if not len(codes):
        return 0.0
    normal = torch.exp(-codes.square().sum(1) / 2) / (2 * math.pi)
    return (normal / determinants(generate, codes).abs()).sum().item()
