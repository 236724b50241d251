"""The autoencoder in which latent diffusion works, of digits; and the patch discriminator that can sharpen it.

The networks are the tutorial's own, Stable Diffusion's in small (Rombach et al. 2022, section 3.1), with grey pictures
in all three channels.
"""

from __future__ import annotations

from typing import ClassVar, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tutorial.contest.recipe import Training, adam
from tutorial.data.pixels import to_signed
from tutorial.networks.autoencoder import Autoencoder, AutoencoderConfig, gaussian_kl
from tutorial.networks.blocks import channels_last, held
from tutorial.networks.discriminator import PatchDiscriminator, balance, hinge_loss

KL = 1e-5
"""Weight of a nat of the latent's KL, beside the mean squared error of a pixel.
The mean absolute error, whose best guess of a doubtful pixel is black, left all black in half a minute of training."""
ADVERSARIAL, BEGINS = 0.75, 0.25
"""Weight of the patch discriminator's opinion, after `balance`, and the share of the training at which it joins in."""


def autoencoder_config(channels: tuple[int, ...], numbers: int) -> AutoencoderConfig:
    return AutoencoderConfig(channels=channels, layers=1, latent_channels=numbers, groups=8, scaling_factor=1.0)


def coloured(x: Tensor) -> Tensor:
    """(N, 1, H, W) → (N, 3, H, W)."""
    return x.expand(-1, 3, -1, -1)


def grey(x: Tensor) -> Tensor:
    """(N, 3, H, W) → (N, 1, H, W)."""
    return x.mean(1, keepdim=True)


def reconstruction(
    autoencoder: Autoencoder, pixels: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Digits (B, 1, 28, 28) uint8 → their reconstructions, the mean squared error, and the KL's mean in nats."""
    x = to_signed(pixels)
    mean, logvar = autoencoder.encode(coloured(x))
    noise = torch.randn(mean.shape, generator=generator)
    again = grey(autoencoder.decode(mean + (0.5 * logvar).exp() * noise)).float()
    return again, F.mse_loss(again, x), gaussian_kl(mean.float(), logvar.float()).mean()


def adversarial(critic: PatchDiscriminator, again: Tensor, error: Tensor, last_layer: Tensor) -> Tensor:
    """What the autoencoder minimises of the critic's opinion, weighed so that it pulls as hard as the error does."""
    opinion = -critic(coloured(again)).float().mean()
    return ADVERSARIAL * balance(error, opinion, last_layer) * opinion


def critics_loss(critic: PatchDiscriminator, pixels: Tensor, again: Tensor) -> Tensor:
    """What the critic minimises, from real digits and reconstructions."""
    x = to_signed(pixels)
    real, fake = critic(coloured(torch.cat([x, again.detach()]))).float().chunk(2)
    return hinge_loss(real, fake)


class Blurred(Training):
    """The autoencoder alone, with one number for each 4 × 4 pixels: it must leave something out."""

    batch = 32
    rate = 2e-3
    bf16 = False
    sharpened: ClassVar[bool] = False

    def begin(self) -> Autoencoder:
        return Autoencoder(autoencoder_config((16, 32, 32), 1))

    def equip(self) -> None:
        """Besides the optimisers, the critic: whether it is asked or not, so that both kinds begin alike."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.generator.initial_seed() + 1)
            self.critic = channels_last(PatchDiscriminator())
        self.modules["critic"] = self.critic
        self.optimizers["model"] = adam(self.model)
        self.optimizers["critic"] = adam(self.critic, betas=(0.5, 0.9), decay=0.0)

    def update(self, rows: Tensor, share: float) -> dict[str, Tensor]:
        """One of the autoencoder and, if there is an opponent by now, one of the critic."""
        model, critic = cast(Autoencoder, self.model), cast(PatchDiscriminator, self.critic)
        again, error, kl = reconstruction(model, self.pictures[rows], self.generator)
        total, opponent = error + KL * kl, self.sharpened and share >= BEGINS
        if opponent:
            last_layer = cast(nn.Conv2d, model.decoder.conv_out).weight
            with held(critic):
                total = total + adversarial(critic, again, error, last_layer)
        self.descend(total, "model", model.parameters())
        self.follow()
        found = {"error": error, "kl": kl}
        if opponent:
            found["critic"] = critics_loss(critic, self.pictures[rows], again)
            self.descend(found["critic"], "critic", critic.parameters())
        return found


class Sharpened(Blurred):
    """The same, against the patch discriminator."""

    sharpened = True
