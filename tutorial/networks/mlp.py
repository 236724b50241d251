"""Multilayer perceptrons for points in the plane, any number of them trained at once.

At this size a network costs less than the calls that run it. So the weights of S networks are stacked, and one batched
matrix product serves them all: nine seeds, a whole wall of experiments, for much less than nine times the time of one.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tutorial.networks.unet import sinusoids


class StackedLinear(nn.Module):
    """S linear layers side by side: (S, B, c_in) → (S, B, c_out). Each starts as `nn.Linear` does."""

    def __init__(self, stack: int, c_in: int, c_out: int, generator: torch.Generator | None = None) -> None:
        super().__init__()
        bound = c_in**-0.5

        def uniform(*shape: int) -> nn.Parameter:
            return nn.Parameter(bound * (2 * torch.rand(*shape, generator=generator) - 1))

        self.weight, self.bias = uniform(stack, c_in, c_out), uniform(stack, 1, c_out)

    def forward(self, x: Tensor) -> Tensor:
        return torch.baddbmm(self.bias, x, self.weight)


class StackedMLP(nn.Module):
    """S perceptrons of the same shape: (S, B, widths[0]) → (S, B, widths[-1]), SiLU between the layers."""

    def __init__(self, stack: int, widths: Sequence[int], generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.layers = nn.ModuleList(StackedLinear(stack, a, b, generator) for a, b in itertools.pairwise(widths))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers[:-1]:
            x = F.silu(layer(x))
        return self.layers[-1](x)


class Perceptron(StackedMLP):
    """One perceptron: (B, widths[0]) → (B, widths[-1])."""

    def __init__(self, widths: Sequence[int], generator: torch.Generator | None = None) -> None:
        super().__init__(1, widths, generator)

    @torch.no_grad()
    def begin_at(self, output: Tensor) -> None:
        """Makes it answer nearly this, (widths[-1],), to whatever it is asked."""
        last = self.layers[-1]
        assert isinstance(last, StackedLinear)
        last.weight.mul_(0.1)
        last.bias.copy_(output)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x[None])[0]


FINEST = 8.0
"""Radians a unit of the finest wave in which a coordinate is seen."""


def waves(x: Tensor, n: int) -> Tensor:
    """Coordinates as themselves and as sines and cosines of n frequencies: (…, D) → (…, D (1 + 2n)).

    With x alone a perceptron is slow to learn details finer than a unit (Tancik et al. 2020).
    """
    frequencies = torch.linspace(0.5, FINEST, n, device=x.device)
    angles = (x[..., None] * frequencies).flatten(-2)
    return torch.cat([x, angles.sin(), angles.cos()], dim=-1)


@dataclass(frozen=True)
class PointDenoiserConfig:
    hidden: int = 128
    """Width of each hidden layer."""
    layers: int = 3
    """Hidden layers."""
    waves: int = 15
    """Frequencies in which each coordinate is seen."""
    time_waves: int = 66
    stack: int = 1
    """Networks side by side."""


class PointDenoiser(nn.Module):
    """x (S, B, 2), t (S, B) or (S,) → prediction (S, B, 2), by S networks that know nothing of each other.

    Coordinates are seen as `waves`, the time as in the U-Net.
    """

    def __init__(self, config: PointDenoiserConfig, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.config = config
        seen = 2 * (1 + 2 * config.waves) + config.time_waves
        self.mlp = StackedMLP(config.stack, [seen, *[config.hidden] * config.layers, 2], generator)

    def features(self, x: Tensor, t: Tensor) -> Tensor:
        """What the first layer sees: x (…, 2), t (…) → (…, features)."""
        time = sinusoids(t.flatten(), self.config.time_waves).unflatten(0, t.shape)
        return torch.cat([waves(x, self.config.waves), time], dim=-1)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return self.mlp(self.features(x, t if t.ndim == 2 else t[:, None].expand(x.shape[:2])))
