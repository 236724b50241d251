"""A flow watched at work: points and densities on their way from data to noise, and layers that break it.

Between two layers nothing is defined, but it can be drawn: a share s of a layer's move, (1 − s) x + s f(x), rises
wherever f does. So it is a map with an inverse and a determinant of its own, and the density on the way is exact too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from tutorial.families.flow import Chain, log_normal

WIDE = 5.0
"""On its way the density is followed from −WIDE to WIDE."""
FAR = 64.0
"""Where a point came from is looked for from −FAR to FAR."""


class Fold(nn.Module):
    """Folds the plane along a line: what is below `at` in the coordinate that is not kept comes to lie above.

    |det| is 1 wherever there is a determinant (above the crease it is 1, below −1), so that nothing in the sum of
    log-determinants tells that it has no inverse.
    """

    def __init__(self, kept: int, at: float) -> None:
        super().__init__()
        self.kept, self.at = kept, at

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x (B, 2) → y (B, 2) and log |det ∂y/∂x| = 0, (B,)."""
        y = x.clone()
        y[:, 1 - self.kept] = self.at + (x[:, 1 - self.kept] - self.at).abs()
        return y, x.new_zeros(len(x))

    def inverse(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Two points were folded onto each y (B, 2); this is the upper one."""
        return y, y.new_zeros(len(y))

    def both(self, y: Tensor) -> Tensor:
        """All points that were folded onto one of y (B, 2): two for each that lies above the crease."""
        upper = y[y[:, 1 - self.kept] >= self.at]
        lower = upper.clone()
        lower[:, 1 - self.kept] = 2 * self.at - upper[:, 1 - self.kept]
        return torch.cat([upper, lower])


class Squash(nn.Module):
    """Multiplies the coordinate that is not kept by a number c: invertible for every c but 0, on paper."""

    def __init__(self, kept: int, by: float) -> None:
        super().__init__()
        self.kept, self.by = kept, by

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x (B, 2) → y (B, 2) and log |det ∂y/∂x| = log c, (B,)."""
        return self._stretched(x, self.by)

    def inverse(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """y (B, 2) → x (B, 2) and −log c, (B,)."""
        return self._stretched(y, 1 / self.by)

    def _stretched(self, x: Tensor, by: float) -> tuple[Tensor, Tensor]:
        y = x.clone()
        y[:, 1 - self.kept] *= by
        return y, torch.full_like(x[:, 0], by).log()


def with_layer(flow: Chain, layer: nn.Module) -> Chain:
    """The same flow with one more layer in its middle; the others stay as they were trained."""
    half = len(flow.layers) // 2
    return Chain([*flow.layers[:half], layer, *flow.layers[half:]])


@dataclass(frozen=True)
class Way:
    """B points on their way: at the start, and then at each share of each layer's move; T moments."""

    places: Tensor
    """(T, B, 2)."""
    logdets: Tensor
    """Of all that was done so far, (T, B)."""


@torch.no_grad()
def way(flow: Chain, x: Tensor, between: int) -> Way:
    """Points x (B, 2) through the flow, each layer's move in so many shares; a fold is made at once, in the last."""
    total = x.new_zeros(len(x))
    places, logdets = [x], [total]
    for layer in flow.layers:
        y, logdet = layer(x)
        for share in _shares(layer, between):
            places.append(torch.lerp(x, y, share))
            logdets.append(total + _partly(logdet, share))
        x, total = y, total + logdet
    return Way(torch.stack(places), torch.stack(logdets))


@torch.no_grad()
def densities(flow: Chain, at: Tensor, between: int) -> Iterator[np.ndarray]:
    """log p on the grid of numbers `at` (n,) at each moment of `way`: each (n, n), the highest x₂ in the first row.

    One coordinate of each layer stays, so that on each line along the other it is a rising curve: where its values
    fall is interpolated. Until a fold is made the density stays as it was.
    """
    before = _on_grid(flow.layers, at)
    yield before
    for k, layer in enumerate(flow.layers):
        after = _on_grid(flow.layers[k + 1 :], at)
        if isinstance(layer, Fold):
            yield from [before] * (between - 1)
        else:
            yield from _moving(flow.layers[k:], at, between)
        yield after
        before = after


def _moving(layers: nn.ModuleList, at: Tensor, between: int) -> Iterator[np.ndarray]:
    """log p on the grid while the first of these layers moves its coordinate, until it has: each (n, n)."""
    kept: int = layers[0].kept  # type: ignore[assignment]
    line = torch.linspace(-WIDE, WIDE, 3 * len(at), dtype=at.dtype)
    start = torch.cartesian_prod(at, line)  # on each line along the moved coordinate
    y, logdet = layers[0](start if kept == 0 else start.flip(1))
    after = _log_prob(layers[1:], y)
    end, logdet, after = (v.unflatten(0, (len(at), -1)) for v in (y[:, 1 - kept], logdet, after))
    for share in _shares(layers[0], between)[:-1]:
        places = (line + share * (end - line)).numpy()
        values = (after + logdet - _partly(logdet, share)).numpy()
        rows = [np.interp(at, *one, left=-np.inf, right=-np.inf) for one in zip(places, values, strict=True)]
        yield np.stack(rows, axis=1)[::-1] if kept == 0 else np.stack(rows)[::-1]


def _on_grid(layers: nn.ModuleList, at: Tensor) -> np.ndarray:
    """log p before these layers: (n, n)."""
    x2, x1 = torch.meshgrid(at.flip(0), at, indexing="ij")
    return _log_prob(layers, torch.stack([x1, x2], dim=2).flatten(0, 1)).reshape(len(at), -1).numpy()


def _log_prob(layers: nn.ModuleList, x: Tensor) -> Tensor:
    """log p of points x (B, 2) that these layers take to noise: (B,)."""
    total = x.new_zeros(len(x))
    for layer in layers:
        x, logdet = layer(x)
        total = total + logdet
    return log_normal(x) + total


def _shares(layer: nn.Module, between: int) -> list[float]:
    """How much of a layer's move is made at each moment. Half a fold has no determinant: all goes to one place."""
    if isinstance(layer, Fold):
        return [0.0] * (between - 1) + [1.0]
    return [k / between for k in range(1, between + 1)]


def _partly(logdet: Tensor, share: float) -> Tensor:
    """log of the slope 1 − s + s · exp(logdet) of a share s of a move."""
    return torch.log1p(share * torch.expm1(logdet)) if share < 1 else logdet


@torch.no_grad()
def origins(flow: Chain, place: Tensor, moment: int, between: int) -> Tensor:
    """All points that are at this place (1, 2) at a moment of `way`: (n, 2), n = 1, or after a fold 2 or 0."""
    k, step = divmod(moment, between)
    if step and (share := _shares(flow.layers[k], between)[step - 1]):
        place = _before(flow.layers[k], place, share)
    for layer in reversed(flow.layers[:k]):
        place = layer.both(place) if isinstance(layer, Fold) else layer.inverse(place)[0]  # type: ignore[operator]
    return place


def _before(layer: nn.Module, place: Tensor, share: float) -> Tensor:
    """The point that a share of a layer's move takes to this place, both (1, 2).

    There is no closed inverse, but such a move rises: halving the interval that must hold the answer finds it.
    """
    moved: int = 1 - layer.kept  # type: ignore[operator]
    wanted, place = place[0, moved].item(), place.clone()
    low, high = -FAR, FAR
    for _ in range(32):
        place[0, moved] = (low + high) / 2
        reached = torch.lerp(place, layer(place)[0], share)[0, moved]
        low, high = (place[0, moved].item(), high) if reached < wanted else (low, place[0, moved].item())
    return place


@torch.no_grad()
def round_trip(flow: Chain, x: Tensor) -> Tensor:
    """How far from themselves points x (B, 2) come back from their noise: (B,)."""
    return (flow.inverse(flow(x)[0])[0] - x).norm(dim=1)


@torch.no_grad()
def strips(log_prob: Callable[[Tensor], Tensor], reach: float = 5.0, width: float = 0.1) -> Iterator[float]:
    """How much of a density lies in each strip of the square from −reach to reach; their sum should be 1.

    The sum of p over a grid, times the area of its cells: for smooth p that vanishes at the rim this converges faster
    than any power of the width (Trefethen & Weideman 2014); a spline is smooth but for its knots.
    """
    line = torch.arange(-reach, reach, width) + width / 2
    for columns in line.split(25):
        yield log_prob(torch.cartesian_prod(columns, line)).exp().sum().item() * width**2
