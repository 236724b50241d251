"""How likely a grey level is: a mixture of logistic distributions, cut into 256 levels.

    P(v) = Σ_k π_k [σ((v + ½ − m_k) / s_k) − σ((v − ½ − m_k) / s_k)],      v = 0 … 255

where the lowest level takes all that lies below it, and the highest all above (Salimans et al. 2017, "PixelCNN++",
equation 2). Most of a digit is exactly black or exactly white, and these two ends cost nothing. Here levels are in
units of [−1, 1], half a level being 1/255. Raw parameters come as 3K channels: K logits of π, K of m, K of log s.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from tutorial.data.pixels import to_signed

HALF = 1 / 255
NARROWEST = -7.0
"""Smallest log s, about a quarter of a level."""


def parts(raw: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """log π, m and log s, each (B, K, H, W), from raw parameters (B, 3K, H, W)."""
    weight, mean, scale = raw.float().chunk(3, dim=1)
    return weight.log_softmax(1), mean, (scale - 2).clamp(min=NARROWEST)


def log_probability(raw: Tensor, pixels: Tensor) -> Tensor:
    """log P of grey levels (B, 1, H, W) uint8, in nats: the same shape."""
    weight, mean, scale = parts(raw)
    x = to_signed(pixels)
    inverse = torch.exp(-scale)
    above, below = inverse * (x + HALF - mean), inverse * (x - HALF - mean)
    # log(σ(a) − σ(b)) = log σ(a) + log σ(−b) + log(1 − e^(b − a)), which does not cancel in the tails.
    between = F.logsigmoid(above) + F.logsigmoid(-below) + torch.log(-torch.expm1(-2 * HALF * inverse))
    level = torch.where(pixels == 0, F.logsigmoid(above), torch.where(pixels == 255, F.logsigmoid(-below), between))
    return torch.logsumexp(weight + level, dim=1, keepdim=True)


def draw(raw: Tensor, generator: torch.Generator) -> Tensor:
    """A grey level for each pixel, (B, 1, H, W) uint8: a component, then its logistic by the inverse of σ."""
    weight, mean, scale = parts(raw)
    dice = torch.rand(weight.shape, generator=generator).clamp(1e-9, 1 - 1e-7)
    chosen = (weight - (-dice.log()).log()).argmax(1, keepdim=True)  # Gumbel's way to draw from π
    m, s = mean.gather(1, chosen), scale.gather(1, chosen).exp()
    u = torch.rand(m.shape, generator=generator).clamp(1e-7, 1 - 1e-7)
    x = m + s * (u.log() - (-u).log1p())
    return ((x.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)


def mean(raw: Tensor) -> Tensor:
    """The mean grey, roughly: (B, 1, H, W) in [−1, 1]. A component counts by its middle, cut to the scale's ends."""
    weight, middle, _ = parts(raw)
    return (weight.exp() * middle.clamp(-1, 1)).sum(1, keepdim=True)
