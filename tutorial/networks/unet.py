"""Stable Diffusion's denoiser: a U-Net whose pictures look words up by cross-attention.

Rombach et al. 2022, section 3.3 and appendix E.2.1; residual blocks and skips as in Ho et al. 2020. With
`STABLE_DIFFUSION_V1` it has the 859,520,964 parameters of the original, under diffusers' names
(`UNet2DConditionModel`); the miniature trained here is the same code with fewer and narrower levels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tutorial.networks.blocks import Downsample, ResnetBlock, Upsample


@dataclass(frozen=True)
class UNetConfig:
    channels: tuple[int, ...] = (320, 640, 1280, 1280)
    """Width of each level; each but the last halves the resolution."""
    attention: tuple[bool, ...] = (True, True, True, False)
    """Whether a level looks at the words; the middle always does."""
    layers: int = 2
    """Residual blocks of a level on the way down; one more on the way up."""
    context: int = 768
    """Width of the word vectors."""
    heads: int = 8
    """Attention heads at every level; published configurations call this `attention_head_dim`."""
    groups: int = 32
    latent_channels: int = 4


STABLE_DIFFUSION_V1 = UNetConfig()
EPS = 1e-5


def sinusoids(t: Tensor, dim: int) -> Tensor:
    """Time as a vector of waves of geometrically spaced frequencies: t (B,) → (B, dim).

    Vaswani et al. 2017, section 3.5, with all cosines before all sines.
    """
    frequencies = torch.exp(-math.log(10_000) * torch.arange(dim // 2, device=t.device) / (dim // 2))
    angles = t.float()[:, None] * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=1)


class TimeEmbedding(nn.Module):
    """Two linear layers that turn waves into what every residual block receives: (B, C) → (B, 4C)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(channels, 4 * channels)
        self.linear_2 = nn.Linear(4 * channels, 4 * channels)

    def forward(self, waves: Tensor) -> Tensor:
        return self.linear_2(F.silu(self.linear_1(waves)))


class Attention(nn.Module):
    """Multi-head attention (Vaswani et al. 2017, section 3.2): x (B, N, C) asks, source (B, M, S) answers."""

    def __init__(self, channels: int, source: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(channels, channels, bias=False)
        self.to_k = nn.Linear(source, channels, bias=False)
        self.to_v = nn.Linear(source, channels, bias=False)
        self.to_out = nn.ModuleList([nn.Linear(channels, channels)])

    def forward(self, x: Tensor, source: Tensor) -> Tensor:
        q, k, v = (
            h.unflatten(2, (self.heads, -1)).transpose(1, 2)  # (B, heads, N or M, C / heads)
            for h in (self.to_q(x), self.to_k(source), self.to_v(source))
        )
        return self.to_out[0](F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class GatedGELU(nn.Module):
    """A linear layer, half of whose outputs gate the other half (Shazeer 2020)."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.proj = nn.Linear(c_in, 2 * c_out)

    def forward(self, x: Tensor) -> Tensor:
        value, gate = self.proj(x).chunk(2, dim=-1)
        return value * F.gelu(gate)


class FeedForward(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        # The identity stands where the original has dropout, so that the names match.
        self.net = nn.Sequential(GatedGELU(channels, 4 * channels), nn.Identity(), nn.Linear(4 * channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class TransformerBlock(nn.Module):
    """Pixels look at each other (attn1), then at the words (attn2), then think (ff). (B, HW, C) → the same."""

    def __init__(self, channels: int, context: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attn1 = Attention(channels, channels, heads)
        self.norm2 = nn.LayerNorm(channels)
        self.attn2 = Attention(channels, context, heads)
        self.norm3 = nn.LayerNorm(channels)
        self.ff = FeedForward(channels)

    def forward(self, x: Tensor, words: Tensor) -> Tensor:
        h = self.norm1(x)
        x = x + self.attn1(h, h)
        x = x + self.attn2(self.norm2(x), words)
        return x + self.ff(self.norm3(x))


class SpatialTransformer(nn.Module):
    """A transformer block over the pixels of a feature map, with a skip around it. (B, C, H, W) → the same."""

    def __init__(self, channels: int, config: UNetConfig) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(config.groups, channels, eps=1e-6)
        self.proj_in = nn.Conv2d(channels, channels, 1)
        self.transformer_blocks = nn.ModuleList([TransformerBlock(channels, config.context, config.heads)])
        self.proj_out = _silent(nn.Conv2d(channels, channels, 1))

    def forward(self, x: Tensor, words: Tensor) -> Tensor:
        pixels = self.proj_in(self.norm(x)).flatten(2).transpose(1, 2)  # (B, HW, C)
        pixels = self.transformer_blocks[0](pixels, words)
        return x + self.proj_out(pixels.transpose(1, 2).unflatten(2, x.shape[2:]))


class DownBlock(nn.Module):
    """One level on the way down; returns its output and what the way up will want to see again."""

    def __init__(self, c_in: int, level: int, config: UNetConfig) -> None:
        super().__init__()
        c_out, last = config.channels[level], level == len(config.channels) - 1
        self.resnets = nn.ModuleList([_resnet(c_in if i == 0 else c_out, c_out, config) for i in range(config.layers)])
        if config.attention[level]:
            self.attentions = nn.ModuleList([SpatialTransformer(c_out, config) for _ in self.resnets])
        if not last:
            self.downsamplers = nn.ModuleList([Downsample(c_out, symmetric=True)])

    def forward(self, x: Tensor, time: Tensor, words: Tensor) -> tuple[Tensor, list[Tensor]]:
        """x (B, C_in, h, w), time (B, T), words (B, N, S) → (B, C_out, h / 2, w / 2) or, on the last level, h, w."""
        skips = []
        for i, resnet in enumerate(self.resnets):
            x = resnet(x, time)
            if hasattr(self, "attentions"):
                x = self.attentions[i](x, words)
            skips.append(x)
        if hasattr(self, "downsamplers"):
            x = self.downsamplers[0](x)
            skips.append(x)
        return x, skips


class MidBlock(nn.Module):
    """Residual block, transformer, residual block, at the lowest resolution."""

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        width = config.channels[-1]
        self.resnets = nn.ModuleList([_resnet(width, width, config) for _ in range(2)])
        self.attentions = nn.ModuleList([SpatialTransformer(width, config)])

    def forward(self, x: Tensor, time: Tensor, words: Tensor) -> Tensor:
        return self.resnets[1](self.attentions[0](self.resnets[0](x, time), words), time)


class UpBlock(nn.Module):
    """One level on the way up; each residual block sees one of the way down's outputs beside its own input."""

    def __init__(self, c_in: int, level: int, config: UNetConfig) -> None:
        super().__init__()
        c_out, c_below = config.channels[level], config.channels[max(level - 1, 0)]
        count = config.layers + 1
        self.resnets = nn.ModuleList(
            [
                _resnet((c_in if i == 0 else c_out) + (c_below if i == count - 1 else c_out), c_out, config)
                for i in range(count)
            ]
        )
        if config.attention[level]:
            self.attentions = nn.ModuleList([SpatialTransformer(c_out, config) for _ in self.resnets])
        if level > 0:
            self.upsamplers = nn.ModuleList([Upsample(c_out)])

    def forward(self, x: Tensor, skips: list[Tensor], time: Tensor, words: Tensor) -> Tensor:
        for i, resnet in enumerate(self.resnets):
            x = resnet(torch.cat([x, skips.pop()], dim=1), time)
            if hasattr(self, "attentions"):
                x = self.attentions[i](x, words)
        return self.upsamplers[0](x) if hasattr(self, "upsamplers") else x


class UNet(nn.Module):
    """Predicts the noise in a latent (or whatever it was trained to predict), given the time and the words."""

    def __init__(self, config: UNetConfig = STABLE_DIFFUSION_V1) -> None:
        super().__init__()
        self.config = config
        widths = config.channels
        levels = range(len(widths))
        self.conv_in = nn.Conv2d(config.latent_channels, widths[0], 3, padding=1)
        self.time_embedding = TimeEmbedding(widths[0])
        self.down_blocks = nn.ModuleList([DownBlock(widths[max(i - 1, 0)], i, config) for i in levels])
        self.mid_block = MidBlock(config)
        self.up_blocks = nn.ModuleList([UpBlock(widths[min(i + 1, levels[-1])], i, config) for i in reversed(levels)])
        self.conv_norm_out = nn.GroupNorm(config.groups, widths[0], eps=EPS)
        self.conv_out = _silent(nn.Conv2d(widths[0], config.latent_channels, 3, padding=1))

    def forward(self, x: Tensor, t: Tensor, words: Tensor, told: Tensor | None = None) -> Tensor:
        """x (B, latent, h, w) noisy latents, t (B,) counted from 0 at the first noisy level as the original
        does, words (B, N, context) → prediction shaped like x. h and w must divide by 2^(levels − 1). What is
        `told` (B, 4 · channels[0]), if anything, is added to the time's embedding."""
        time = self.time_embedding(sinusoids(t, self.config.channels[0]).to(x.dtype))
        time = time if told is None else time + told
        x = self.conv_in(x)
        skips = [x]
        for down in self.down_blocks:
            x, outputs = down(x, time, words)
            skips += outputs
        x = self.mid_block(x, time, words)
        for up in self.up_blocks:
            x = up(x, skips, time, words)
        return self.conv_out(F.silu(self.conv_norm_out(x)))


def _resnet(c_in: int, c_out: int, config: UNetConfig) -> ResnetBlock:
    block = ResnetBlock(c_in, c_out, groups=config.groups, eps=EPS, c_time=4 * config.channels[0])
    _silent(block.conv2)
    return block


def _silent(conv: nn.Conv2d) -> nn.Conv2d:
    """Starts a branch at zero, so that an untrained block passes its input on (Rombach et al. 2022, code)."""
    nn.init.zeros_(conv.weight)
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
    return conv
