"""An autoregressive model of points in the plane: one coordinate at a time, each as a mixture of logistics.

    p(x₁, x₂) = p(x₁) p(x₂ | x₁)                                                        chain rule, exact
    p(x_i | ·) = Σ_k π_k Logistic(x_i; μ_k, s_k)                                        Salimans et al. 2017, eq. 2

The parameters π, μ, s of the second factor come from a network that sees the first coordinate. Training asks for both
factors at once; drawing a point must know x₁ before it can ask for x₂. Either coordinate may be the first.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tutorial.data.toy2d import REACH
from tutorial.networks.mlp import Perceptron, waves

NARROWEST = 5e-3
"""Smallest scale of a logistic; without one, a single repeated number would have an endless density."""
FARTHEST = 1e3
"""Quantiles are looked for up to here, on both sides."""


@dataclass(frozen=True)
class AutoregressiveConfig:
    first: int = 0
    """The coordinate that is drawn first, 0 or 1."""
    logistics: int = 24
    """Components of each mixture."""
    hidden: int = 64
    """Width of the two hidden layers."""
    waves: int = 8
    """Frequencies in which the network sees the first coordinate."""


class LogisticMixture:
    """B densities on the line: from raw parameters (B, 3K), or (1, 3K) for one that all share."""

    def __init__(self, raw: Tensor) -> None:
        logits, self.mean, scale = raw.unflatten(1, (3, -1)).unbind(1)  # (B, K) each
        self.log_weight = logits.log_softmax(1)
        self.scale = NARROWEST + F.softplus(scale)

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x) of one number for each density: (B,) → (B,). The logistic's density is σ(a) σ(−a) / s."""
        a = (x[:, None] - self.mean) / self.scale
        return (self.log_weight + F.logsigmoid(a) + F.logsigmoid(-a) - self.scale.log()).logsumexp(1)

    def cdf(self, x: Tensor) -> Tensor:
        """The share of each density below x: (B,) → (B,)."""
        return (self.log_weight.exp() * torch.sigmoid((x[:, None] - self.mean) / self.scale)).sum(1)

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """One number from each of n densities: (n,). A component by its weight, then noise through its inverse CDF."""
        weight = self.log_weight.exp().cpu().expand(n, -1)
        k = torch.multinomial(weight, 1, generator=generator).to(self.mean.device)
        u = torch.rand(n, 1, generator=generator).clamp(1e-6, 1 - 1e-6).to(self.mean)  # their logit is finite
        mean, scale = (part.expand(n, -1).gather(1, k) for part in (self.mean, self.scale))
        return (mean + scale * u.logit())[:, 0]

    def quantile(self, u: Tensor) -> Tensor:
        """Where each density has a share u in (0, 1) below it, by bisection: (B,) → (B,), `cdf` turned around."""
        low, high = torch.full_like(u, -FARTHEST), torch.full_like(u, FARTHEST)
        for _ in range(40):
            middle = (low + high) / 2
            below = self.cdf(middle) < u
            low, high = torch.where(below, middle, low), torch.where(below, high, middle)
        return (low + high) / 2


class Autoregressive(nn.Module):
    """The density of points (B, 2) as that of one coordinate times that of the other, given the first."""

    def __init__(self, config: AutoregressiveConfig, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.config = config
        spread = torch.linspace(-REACH, REACH, config.logistics)
        start = torch.cat([torch.zeros_like(spread), spread, torch.full_like(spread, -1.0)])  # means side by side
        self.of_first = nn.Parameter(start[None].clone())
        widths = [1 + 2 * config.waves, config.hidden, config.hidden, 3 * config.logistics]
        self.network = Perceptron(widths, generator)
        self.network.begin_at(start)

    def first(self) -> LogisticMixture:
        """p(x_first), one density."""
        return LogisticMixture(self.of_first)

    def second(self, x_first: Tensor) -> LogisticMixture:
        """p(x_second | x_first), a density for each of (B,) numbers."""
        return LogisticMixture(self.network(waves(x_first[:, None], self.config.waves)))

    def factors(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """log p(x_first) and log p(x_second | x_first) in nats: (B, 2) → (B,), (B,)."""
        x_first, x_second = self._in_order(x)
        return self.first().log_prob(x_first), self.second(x_first).log_prob(x_second)

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x) in nats: (B, 2) → (B,)."""
        first, second = self.factors(x)
        return first + second

    def slices(self, x_first: Tensor, at: Tensor) -> Tensor:
        """log p(x_second = at | x_first), for each first coordinate and each place: (T,), (N,) → (T, N)."""
        second = self.second(x_first.repeat_interleave(len(at)))
        return second.log_prob(at.repeat(len(x_first))).unflatten(0, (len(x_first), len(at)))

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """n points (n, 2), one coordinate after the other."""
        x_first = self.first().sample(n, generator)
        return self._placed(x_first, self.second(x_first).sample(n, generator))

    def code(self, x: Tensor) -> Tensor:
        """Points (B, 2) as the two numbers in (0, 1), independent and uniform for points of the model, behind them.

        u_first = P(X_first < x_first), u_second = P(X_second < x_second | x_first), in the coordinates' own places:
        the map that makes of an autoregressive model a flow (Rosenblatt 1952; Papamakarios et al. 2017).
        """
        x_first, x_second = self._in_order(x)
        return self._placed(self.first().cdf(x_first), self.second(x_first).cdf(x_second))

    @torch.no_grad()
    def decode(self, u: Tensor) -> Tensor:
        """The points behind two numbers in (0, 1) each, as `code` gives them: (B, 2) → (B, 2)."""
        u_first, u_second = self._in_order(u)
        x_first = self.first().quantile(u_first)
        return self._placed(x_first, self.second(x_first).quantile(u_second))

    def _in_order(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x[:, self.config.first], x[:, 1 - self.config.first]

    def _placed(self, first: Tensor, second: Tensor) -> Tensor:
        return torch.stack([first, second] if self.config.first == 0 else [second, first], dim=1)
