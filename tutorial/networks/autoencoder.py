"""Stable Diffusion's first stage: an autoencoder with a Gaussian latent (Rombach et al. 2022, section 3.1).

It squeezes a picture f-fold in height and width into a few latent channels, so that diffusion has f² times
fewer positions to work on. With `STABLE_DIFFUSION_V1` it has the 83,653,863 parameters of the original,
under diffusers' names (`AutoencoderKL`).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tutorial.networks.blocks import Downsample, ResnetBlock, Upsample


@dataclass(frozen=True)
class AutoencoderConfig:
    channels: tuple[int, ...] = (128, 256, 512, 512)
    """Width of each level; each but the last halves the resolution, so f = 2^(levels − 1)."""
    layers: int = 2
    latent_channels: int = 4
    groups: int = 32
    scaling_factor: float = 0.18215
    """What latents are multiplied by before diffusion, to give them unit variance (Rombach et al., app. G)."""

    @property
    def f(self) -> int:
        return 2 ** (len(self.channels) - 1)


STABLE_DIFFUSION_V1 = AutoencoderConfig()
EPS = 1e-6


class Attention(nn.Module):
    """Single-head self-attention over all pixels, with a skip connection. (B, C, H, W) → the same."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.group_norm = nn.GroupNorm(groups, channels, eps=EPS)
        self.to_q = nn.Linear(channels, channels)
        self.to_k = nn.Linear(channels, channels)
        self.to_v = nn.Linear(channels, channels)
        self.to_out = nn.ModuleList([nn.Linear(channels, channels)])

    def forward(self, x: Tensor) -> Tensor:
        h = self.group_norm(x).flatten(2).transpose(1, 2)  # (B, HW, C)
        q, k, v = (to(h).unsqueeze(1) for to in (self.to_q, self.to_k, self.to_v))  # (B, 1 head, HW, C)
        h = self.to_out[0](F.scaled_dot_product_attention(q, k, v).squeeze(1))
        return x + h.transpose(1, 2).unflatten(2, x.shape[2:])


class MidBlock(nn.Module):
    """Residual block, attention, residual block, at the lowest resolution."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.resnets = nn.ModuleList([ResnetBlock(channels, channels, groups=groups, eps=EPS) for _ in range(2)])
        self.attentions = nn.ModuleList([Attention(channels, groups)])

    def forward(self, x: Tensor) -> Tensor:
        return self.resnets[1](self.attentions[0](self.resnets[0](x)))


class Level(nn.Module):
    """Residual blocks at one resolution, then a change of resolution unless it is the last level."""

    def __init__(self, c_in: int, c_out: int, layers: int, groups: int, resample: str | None) -> None:
        super().__init__()
        widths = [c_in] + [c_out] * layers
        self.resnets = nn.ModuleList([ResnetBlock(a, b, groups=groups, eps=EPS) for a, b in itertools.pairwise(widths)])
        if resample == "down":
            self.downsamplers = nn.ModuleList([Downsample(c_out, symmetric=False)])
        elif resample == "up":
            self.upsamplers = nn.ModuleList([Upsample(c_out)])
        self.resample = resample

    def forward(self, x: Tensor) -> Tensor:
        for resnet in self.resnets:
            x = resnet(x)
        if self.resample == "down":
            return self.downsamplers[0](x)
        return self.upsamplers[0](x) if self.resample == "up" else x


class Encoder(nn.Module):
    """Picture (B, 3, H, W) → moments of the latent, before `quant_conv` (B, 2 · latent, H/f, W/f)."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        widths, last = config.channels, len(config.channels) - 1
        self.conv_in = nn.Conv2d(3, widths[0], 3, padding=1)
        self.down_blocks = nn.ModuleList(
            [
                Level(widths[max(i - 1, 0)], width, config.layers, config.groups, "down" if i < last else None)
                for i, width in enumerate(widths)
            ]
        )
        self.mid_block = MidBlock(widths[-1], config.groups)
        self.conv_norm_out = nn.GroupNorm(config.groups, widths[-1], eps=EPS)
        self.conv_out = nn.Conv2d(widths[-1], 2 * config.latent_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_in(x)
        for block in self.down_blocks:
            x = block(x)
        return self.conv_out(F.silu(self.conv_norm_out(self.mid_block(x))))


class Decoder(nn.Module):
    """Latent after `post_quant_conv` (B, latent, h, w) → picture (B, 3, f·h, f·w)."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        widths = config.channels[::-1]
        last = len(widths) - 1
        self.conv_in = nn.Conv2d(config.latent_channels, widths[0], 3, padding=1)
        self.mid_block = MidBlock(widths[0], config.groups)
        self.up_blocks = nn.ModuleList(
            [
                Level(widths[max(i - 1, 0)], width, config.layers + 1, config.groups, "up" if i < last else None)
                for i, width in enumerate(widths)
            ]
        )
        self.conv_norm_out = nn.GroupNorm(config.groups, widths[-1], eps=EPS)
        self.conv_out = nn.Conv2d(widths[-1], 3, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        x = self.mid_block(self.conv_in(z))
        for block in self.up_blocks:
            x = block(x)
        return self.conv_out(F.silu(self.conv_norm_out(x)))


class Autoencoder(nn.Module):
    """Pictures in [−1, 1] to Gaussian latents and back.

    `encode` gives the moments of q(z | x), unscaled; multiply latents by `config.scaling_factor` before
    diffusing them, and divide by it before `decode`.
    """

    def __init__(self, config: AutoencoderConfig = STABLE_DIFFUSION_V1) -> None:
        super().__init__()
        self.config = config
        c = config.latent_channels
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.quant_conv = nn.Conv2d(2 * c, 2 * c, 1)
        self.post_quant_conv = nn.Conv2d(c, c, 1)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x (B, 3, H, W) in [−1, 1] → mean and log-variance of q(z | x), each (B, latent, H/f, W/f).

        Raises ValueError if height or width is not a multiple of f.
        """
        if x.shape[2] % self.config.f or x.shape[3] % self.config.f:
            raise ValueError(f"Height and width must be multiples of {self.config.f}; got {tuple(x.shape[2:])}.")
        mean, logvar = self.quant_conv(self.encoder(x)).chunk(2, dim=1)
        return mean, logvar.clamp(-30, 20)

    def decode(self, z: Tensor) -> Tensor:
        """z (B, latent, h, w) → picture (B, 3, f·h, f·w), about [−1, 1]."""
        return self.decoder(self.post_quant_conv(z))

    def forward(self, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Encodes, draws z = mean + e^(logvar/2) · noise, decodes → (reconstruction, mean, logvar)."""
        mean, logvar = self.encode(x)
        return self.decode(mean + (0.5 * logvar).exp() * noise), mean, logvar


def gaussian_kl(mean: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mean, e^logvar) ‖ N(0, I)) in nats, summed over all but the batch: (B, …) → (B,).

    Kingma & Welling 2014, appendix B.
    """
    return 0.5 * (mean.square() + logvar.exp() - 1 - logvar).flatten(1).sum(1)


@torch.no_grad()
def reconstruct(autoencoder: Autoencoder, x: Tensor) -> Tensor:
    """Picture → posterior mean → picture, clipped to [−1, 1]; the noiseless round trip."""
    return autoencoder.decode(autoencoder.encode(x)[0]).clamp(-1, 1)
