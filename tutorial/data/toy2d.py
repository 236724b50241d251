"""Points in the plane: small worlds in which everything about a generative model can be seen, and much is known.

Each world fits the square from −3 to 3. Two are mixtures of Gaussians, so that their density, their score at every
noise level and the perfect denoiser have closed forms (`tutorial.diffusion.exact`): the eight Gaussians, and whatever
a visitor draws, where each drawn point is the centre of one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Noise = torch.Generator | None
REACH = 3.0
"""Half the side of the square that holds (nearly) all points."""


@dataclass(frozen=True)
class GaussianMixture:
    """Σ_k w_k N(μ_k, s² I): weights (K,) summing to 1, means (K, D), one spread s > 0."""

    weights: Tensor
    means: Tensor
    spread: float

    def sample(self, n: int, generator: Noise = None) -> Tensor:
        """n independent draws: (n, D)."""
        k = torch.multinomial(self.weights, n, replacement=True, generator=generator)
        return self.means[k] + self.spread * torch.randn(n, self.means.shape[1], generator=generator).to(self.means)


def ring(modes: int = 8, radius: float = 2.0, spread: float = 0.1) -> GaussianMixture:
    """Equal Gaussians on a circle."""
    angle = torch.arange(modes) * (2 * math.pi / modes)
    means = radius * torch.stack([angle.cos(), angle.sin()], dim=1)
    return GaussianMixture(torch.full((modes,), 1 / modes), means, spread)


def drawn(points: Tensor, spread: float = 0.1) -> GaussianMixture:
    """What a visitor drew, (N, 2): each point an equally likely Gaussian. Raises ValueError for no points."""
    if not len(points):
        raise ValueError("There are no points.")
    return GaussianMixture(torch.full((len(points),), 1 / len(points)), points, spread)


def two_moons(n: int, generator: Noise = None) -> Tensor:
    """Two half circles of radius 1.4 that reach into each other, blurred by 0.1."""
    angle = math.pi * torch.rand(n, generator=generator)
    lower = (torch.rand(n, generator=generator) < 0.5).float()
    turn = 1 - 2 * lower
    x = 1.4 * (turn * angle.cos() + lower) - 0.7
    y = 1.4 * (turn * angle.sin() + 0.5 * lower) - 0.35
    return torch.stack([x, y], dim=1) + 0.1 * torch.randn(n, 2, generator=generator)


def spiral(n: int, generator: Noise = None) -> Tensor:
    """Two turns of a spiral, blurred by 0.08, with the same number of points for each piece of its length."""
    angle = 4 * math.pi * torch.rand(n, generator=generator).sqrt()  # length grows as the square of the angle
    radius = 2.6 * angle / (4 * math.pi)
    curve = torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)
    return curve + 0.08 * torch.randn(n, 2, generator=generator)


def checkerboard(n: int, generator: Noise = None) -> Tensor:
    """The eight dark fields of a 4×4 board with sides of 1.2."""
    column = torch.randint(0, 4, (n,), generator=generator)
    row = 2 * torch.randint(0, 2, (n,), generator=generator) + column % 2
    corner = torch.stack([column, row], dim=1) - 2.0
    return 1.2 * (corner + torch.rand(n, 2, generator=generator))


def pinwheel(n: int, generator: Noise = None) -> Tensor:
    """Five bent arms (Johnson et al. 2016)."""
    arm = torch.randint(0, 5, (n,), generator=generator)
    along = 1.3 + 0.4 * torch.randn(n, generator=generator)
    across = 0.12 * torch.randn(n, generator=generator)
    angle = 2 * math.pi * arm / 5 + 0.5 * along.exp() / 2
    x = along * angle.cos() - across * angle.sin()
    y = along * angle.sin() + across * angle.cos()
    return torch.stack([x, y], dim=1)


WORLDS: dict[str, Callable[[int, Noise], Tensor]] = {
    "eight Gaussians": ring().sample,
    "two moons": two_moons,
    "spiral": spiral,
    "checkerboard": checkerboard,
    "pinwheel": pinwheel,
}
"""Name → a function of the number of points, and of the generator that draws them: (n, 2) float32."""


def mixture_of(world: str) -> GaussianMixture | None:
    """The world as a mixture of Gaussians, if it is one."""
    return ring() if world == "eight Gaussians" else None


def lattice(side: int, reach: float = REACH) -> Tensor:
    """The middles of side × side squares over −reach … reach in both directions, row by row from the top (side², 2)."""
    z = reach * (2 * torch.arange(side) + 1 - side) / side
    return torch.stack(torch.meshgrid(z.flip(0), z, indexing="ij")[::-1], dim=-1).reshape(-1, 2)
