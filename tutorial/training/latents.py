"""The latents of training pictures, which recipes that leave the encoder alone compute once."""

from __future__ import annotations

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from tqdm import tqdm

from tutorial.data.pixels import to_signed
from tutorial.networks.autoencoder import Autoencoder


def encoding_half(autoencoder: Autoencoder) -> nn.Module:
    """All that latents depend on."""
    return nn.ModuleList([autoencoder.encoder, autoencoder.quant_conv])


@torch.no_grad()
def latents(accelerator: Accelerator, autoencoder: Autoencoder, x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of q(z | x), both scaled for diffusion: uint8 (N, 3, H, W) → (N, C, h, w) each."""
    moments = []
    for rows in tqdm(x.split(256), desc="latents", disable=not accelerator.is_main_process):
        with accelerator.autocast():
            mean, logvar = autoencoder.encode(to_signed(rows.to(accelerator.device)))
        moments.append(torch.stack([mean.float(), (0.5 * logvar.float()).exp()]).cpu())
    mean, deviation = torch.cat(moments, dim=1) * autoencoder.config.scaling_factor
    return mean, deviation
