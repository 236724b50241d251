"""What the games are about: points in the plane, in worlds on which GANs are commonly tried."""

from __future__ import annotations

import torch
from torch import Tensor

from tutorial.data.toy2d import GaussianMixture, ring, spiral, two_moons
from tutorial.families.truth import moons
from tutorial.gans.streams import Draw


def grid(side: int = 5, reach: float = 2.4, spread: float = 0.05) -> GaussianMixture:
    """side² equal Gaussians on a square lattice from −reach to reach."""
    places = torch.linspace(-reach, reach, side)
    means = torch.cartesian_prod(places, places)
    return GaussianMixture(torch.full((len(means),), 1 / len(means)), means, spread)


def line(n: int, generator: torch.Generator | None = None) -> Tensor:
    """n points (n, 2) of a straight line from (−2.4, −1.2) to (2.4, 1.2), blurred by 0.05."""
    along = 2 * torch.rand(n, 1, generator=generator) - 1
    return along * torch.tensor([2.4, 1.2]) + 0.05 * torch.randn(n, 2, generator=generator)


WORLDS: dict[str, Draw] = {
    "eight Gaussians": ring().sample,
    "grid of 25": grid().sample,
    "line": line,
    "two moons": two_moons,
    "spiral": spiral,
}
MODES: dict[str, GaussianMixture] = {"eight Gaussians": ring(), "grid of 25": grid()}
"""The worlds whose modes can be counted."""
DENSITIES: dict[str, GaussianMixture] = MODES | {"two moons": moons()}
"""The worlds whose density is known, as mixtures of Gaussians."""
