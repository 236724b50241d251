"""The patch discriminator that sharpens the autoencoder: the GAN that lives on inside Stable Diffusion.

Isola et al. 2017 ("PatchGAN"), as used for a first stage by Esser et al. 2021 and Rombach et al. 2022.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class PatchDiscriminator(nn.Module):
    """Pictures (B, 3, H, W) → one logit for each overlapping patch (B, 1, H/8, W/8); high means real."""

    def __init__(self, width: int = 32, groups: int = 8) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, width, 4, 2, 1), nn.LeakyReLU(0.2)]
        for c in (width, 2 * width):
            layers += [nn.Conv2d(c, 2 * c, 4, 2, 1), nn.GroupNorm(groups, 2 * c), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(4 * width, 1, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def hinge_loss(real: Tensor, fake: Tensor) -> Tensor:
    """What the discriminator minimises: E[max(0, 1 − D(x))] + E[max(0, 1 + D(x̂))] (Lim & Ye 2017), halved."""
    return 0.5 * (F.relu(1 - real).mean() + F.relu(1 + fake).mean())


def balance(reconstruction: Tensor, adversarial: Tensor, last_layer: Tensor) -> Tensor:
    """Weight that makes both losses pull equally hard on the decoder's last layer.

    λ = ‖∇ reconstruction‖ / (‖∇ adversarial‖ + 10⁻⁴), at most 10⁴ (Esser et al. 2021, eq. 7;
    the 10⁻⁴ and the bound are from their code).
    """
    (pull,) = torch.autograd.grad(reconstruction, last_layer, retain_graph=True)
    (push,) = torch.autograd.grad(adversarial, last_layer, retain_graph=True)
    return (pull.norm() / (push.norm() + 1e-4)).clamp(max=1e4).detach()
