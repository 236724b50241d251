"""Normalising flows of points in the plane: a chain of invertible maps from data x to noise z ~ N(0, I).

    log p(x) = log N(z; 0, I) + Σ_k log |det ∂f_k / ∂x|,     z = f_K(… f_1(x))          change of variables

Each map is a *coupling* (Dinh et al. 2015, 2017): one coordinate is kept, and decides how the other is moved. Then the
Jacobian is triangular, its determinant one derivative, and the inverse as cheap as the map itself, however complicated
the decision is. A move is affine (RealNVP, Dinh et al. 2017) or a monotone rational-quadratic spline (Durkan et al.
2019).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tutorial.diffusion.process import gaussian
from tutorial.networks.mlp import Perceptron, waves

Kind = Literal["affine", "spline"]
KINDS: tuple[Kind, ...] = ("affine", "spline")
BOX = 3.5
"""A spline bends what lies in [−BOX, BOX] and leaves the rest as it is."""
NARROWEST = 1e-3
"""Smallest width and height of a bin, as a share of the box, and smallest slope at a knot."""
STEEPEST = 3.0
"""An affine move stretches by exp(±STEEPEST) at most, so that its inverse stays accurate."""


@dataclass(frozen=True)
class FlowConfig:
    kind: Kind = "spline"
    layers: int = 4
    """Couplings; the kept coordinate changes from each to the next."""
    hidden: int = 64
    """Width of the two hidden layers of the network that decides."""
    waves: int = 8
    """Frequencies in which it sees the kept coordinate."""
    bins: int = 12
    """Pieces of a spline."""


SHAPES: dict[Kind, FlowConfig] = {"affine": FlowConfig("affine", layers=8, waves=3), "spline": FlowConfig("spline")}
"""A good shape for each kind. An affine move does less than a spline, so there are more. Measured by the recipe of
`tutorial.training.point_likelihoods`, one seed, in nats above the floor on eight Gaussians and on two moons: 8 layers
without waves 0.85 and 0.04, with 3 waves 0.16 and 0.08, with 8 waves 0.24 and 0.05; 4 layers with 8 waves 0.26 and
0.12. With 8 waves and 8 layers single points of the eight Gaussians fly far out: a standard error of 0.05."""


class Affine:
    """y = exp(s) x + t, one for each of B numbers: from raw parameters (B, 2)."""

    def __init__(self, raw: Tensor) -> None:
        self.s, self.t = STEEPEST * torch.tanh(raw[:, 0] / STEEPEST), raw[:, 1]

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x (B,) → y (B,) and log dy/dx (B,)."""
        return x * self.s.exp() + self.t, self.s

    def inverse(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """y (B,) → x (B,) and log dx/dy (B,)."""
        return (y - self.t) * (-self.s).exp(), -self.s


class Spline:
    """A rising curve for each of B numbers, through knots (x, y) with these slopes: each (B, K + 1).

    The first knot and the last are corners of the box, outside of which y = x. Between two knots it is a quotient of
    quadratic polynomials of ξ, the share of the way from the left knot to the right one (Gregory & Delbourgo 1982;
    Durkan et al. 2019, eq. 4).
    """

    def __init__(self, x: Tensor, y: Tensor, slope: Tensor) -> None:
        self.x, self.y, self.slope = x, y, slope

    @classmethod
    def of(cls, raw: Tensor) -> Spline:
        """From raw parameters (B, 3K − 1), any numbers. At the ends of the box the slope is 1."""
        bins = (raw.shape[1] + 1) // 3
        widths, heights, slopes = raw.split([bins, bins, bins - 1], dim=1)
        rest = math.log(math.expm1(1 - NARROWEST))  # raw slopes of 0 are slopes of 1
        return cls(_knots(widths), _knots(heights), F.pad(NARROWEST + F.softplus(slopes + rest), (1, 1), value=1.0))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x (B,) → y (B,) and log dy/dx (B,)."""
        at, inside = self._piece(self.x, x), x.abs() < BOX
        xi = (x.clamp(-BOX, BOX) - at.x) / at.width
        between = xi * (1 - xi)
        y = at.y + at.height * (at.mean * xi**2 + at.left * between) / (at.mean + at.bend * between)
        return torch.where(inside, y, x), torch.where(inside, at.log_slope(xi), 0)

    def inverse(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """y (B,) → x (B,) and log dx/dy (B,): a quadratic equation for ξ (Durkan et al. 2019, eq. 6–8)."""
        at, inside = self._piece(self.y, y), y.abs() < BOX
        above = y.clamp(-BOX, BOX) - at.y
        a = at.height * (at.mean - at.left) + above * at.bend
        b = at.height * at.left - above * at.bend
        c = -at.mean * above
        xi = 2 * c / (-b - (b**2 - 4 * a * c).clamp(min=0).sqrt())  # this form of the root holds for a = 0 as well
        return torch.where(inside, at.x + xi * at.width, y), torch.where(inside, -at.log_slope(xi), 0)

    def _piece(self, knots: Tensor, value: Tensor) -> _Piece:
        """Which bin each value (B,) falls into, on the axis of these knots."""
        k = torch.searchsorted(knots[:, 1:-1].detach().contiguous(), value.detach()[:, None].contiguous())  # (B, 1)
        ends = torch.cat([k, k + 1], dim=1)
        (x, x_right), (y, y_right), (left, right) = (
            array.gather(1, ends).unbind(1) for array in (self.x, self.y, self.slope)
        )
        return _Piece(x, y, x_right - x, y_right - y, left, right)


@dataclass(frozen=True)
class _Piece:
    """Bins of a spline: the left knots, the sizes, and the slopes at both ends, each (B,)."""

    x: Tensor
    y: Tensor
    width: Tensor
    height: Tensor
    left: Tensor
    right: Tensor

    @property
    def mean(self) -> Tensor:
        """The slope of the straight line through the bin."""
        return self.height / self.width

    @property
    def bend(self) -> Tensor:
        """How far the slopes at the ends are from that line's."""
        return self.left + self.right - 2 * self.mean

    def log_slope(self, xi: Tensor) -> Tensor:
        """log dy/dx at a share ξ of the way (Durkan et al. 2019, eq. 5)."""
        between = xi * (1 - xi)
        above = self.right * xi**2 + 2 * self.mean * between + self.left * (1 - xi) ** 2
        return 2 * self.mean.log() + above.log() - 2 * (self.mean + self.bend * between).log()


def _knots(raw: Tensor) -> Tensor:
    """Ends of bins that fill the box: (B, K) → (B, K + 1), rising from −BOX to BOX."""
    share = NARROWEST + (1 - NARROWEST * raw.shape[1]) * raw.softmax(1)
    inner = 2 * BOX * share.cumsum(1)[:, :-1] - BOX
    return F.pad(F.pad(inner, (1, 0), value=-BOX), (0, 1), value=BOX)


MOVES: dict[Kind, Callable[[Tensor], Affine | Spline]] = {"affine": Affine, "spline": Spline.of}


class Coupling(nn.Module):
    """Keeps coordinate `kept` (0 or 1) of points (B, 2), and moves the other as a network of the kept one decides."""

    def __init__(self, kept: int, config: FlowConfig, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.kept, self.config = kept, config
        wanted = 2 if config.kind == "affine" else 3 * config.bins - 1
        self.network = Perceptron([1 + 2 * config.waves, config.hidden, config.hidden, wanted], generator)
        self.network.begin_at(torch.zeros(wanted))  # the identity

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x (B, 2) → y (B, 2) and log |det ∂y/∂x| (B,)."""
        kept, moved = x[:, self.kept], x[:, 1 - self.kept]
        return self._join(kept, *self._move(kept).forward(moved))

    def inverse(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """y (B, 2) → x (B, 2) and log |det ∂x/∂y| (B,)."""
        kept, moved = y[:, self.kept], y[:, 1 - self.kept]
        return self._join(kept, *self._move(kept).inverse(moved))

    def _move(self, kept: Tensor) -> Affine | Spline:
        return MOVES[self.config.kind](self.network(waves(kept[:, None], self.config.waves)))

    def _join(self, kept: Tensor, moved: Tensor, logdet: Tensor) -> tuple[Tensor, Tensor]:
        return torch.stack([kept, moved] if self.kept == 0 else [moved, kept], dim=1), logdet


class Chain(nn.Module):
    """Layers one after the other, from points x (B, 2) to noise z (B, 2); each tells its log-determinant."""

    def __init__(self, layers: Iterable[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x (B, 2) → z (B, 2) and log |det ∂z/∂x| (B,)."""
        total = x.new_zeros(len(x))
        for layer in self.layers:
            x, logdet = layer(x)
            total = total + logdet
        return x, total

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """z (B, 2) → x (B, 2) and log |det ∂x/∂z| (B,)."""
        total = z.new_zeros(len(z))
        for layer in reversed(self.layers):
            z, logdet = layer.inverse(z)  # type: ignore[operator]
            total = total + logdet
        return z, total

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x) in nats: (B, 2) → (B,)."""
        z, logdet = self(x)
        return log_normal(z) + logdet

    @torch.no_grad()
    def stages(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Where points x (B, 2) are before, between and after K layers, (K + 1, B, 2), and the layers' log-dets (K, B).

        The sum of the log-dets and of log N(z; 0, I) at the last place is log p(x).
        """
        places, logdets = [x], []
        for layer in self.layers:
            x, logdet = layer(x)
            places.append(x)
            logdets.append(logdet)
        return torch.stack(places), torch.stack(logdets)


class Flow(Chain):
    """A chain of couplings; the kept coordinate changes from each to the next."""

    def __init__(self, config: FlowConfig, generator: torch.Generator | None = None) -> None:
        super().__init__(Coupling(k % 2, config, generator) for k in range(config.layers))
        self.config = config

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """n points (n, 2): noise, taken through the inverse."""
        like = next(self.parameters())
        return self.inverse(gaussian(like.new_empty(n, 2), generator))[0]


def log_normal(z: Tensor) -> Tensor:
    """log N(z; 0, I) in nats, summed over the last dimension: (…, D) → (…)."""
    return -(z.square().sum(-1) + z.shape[-1] * math.log(2 * math.pi)) / 2
