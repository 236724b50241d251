"""Trains the autoencoder with the latent-diffusion paper's loss (Rombach et al. 2022, appendix G).

    ACCELERATE_MIXED_PRECISION=bf16 python -m tutorial.training.autoencoder

L1, a perceptual term (differences between the attribute reader's feature maps), a tiny KL, and, once the
pictures are good, a patch discriminator. Train `tutorial.training.reader` first.

With `--side 128` the same network learns pictures of 128 pixels, from crops of 64: it is a convolutional one, and runs
on whole pictures all the same, as the paper's does. It starts from the one for 64.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from torch import Tensor

from tutorial import weights
from tutorial.data.pixels import to_signed
from tutorial.networks.autoencoder import Autoencoder, AutoencoderConfig, gaussian_kl
from tutorial.networks.blocks import channels_last, held
from tutorial.networks.discriminator import PatchDiscriminator, balance, hinge_loss
from tutorial.networks.reader import AttributeReader
from tutorial.training.fit import (
    RUNS,
    Clock,
    averaged,
    descend,
    fit,
    provenance,
    seeded_accelerator,
    shuffled,
    trained_on,
    warm_cosine,
)
from tutorial.training.pictures import LESSONS, pictures

COMMAND = "ACCELERATE_MIXED_PRECISION=bf16 python -m tutorial.training.autoencoder"
CONFIG = AutoencoderConfig(channels=(32, 64, 96, 128), layers=1, latent_channels=4, groups=8)
CROP = weights.SIDE
"""Height and width, in pixels, of what it learns from: a whole picture of the miniature, a part of a larger one."""

PERCEPTUAL, ADVERSARIAL = 0.1, 0.2
"""Weights of these loss terms beside L1."""
KL_FIRST, KL_THEN, RELAX_AFTER = 3e-5, 1e-6, 0.5
"""Weight of the KL, in nats summed over a picture's latent. It starts strong enough to give the latent its
shape, and is relaxed half-way, since the noise it keeps in the latent blurs the picture."""
DISCRIMINATE_AFTER = 0.75
"""Share of the steps after which the discriminator joins in."""
LOSS = {"l1": 1.0, "perceptual": PERCEPTUAL, "kl": [KL_FIRST, KL_THEN], "adversarial": ADVERSARIAL}


def perceptual_distance(reader: AttributeReader, x: Tensor, y: Tensor) -> Tensor:
    """Mean squared distance between unit-length feature columns, summed over stages: scalar.

    LPIPS without learned weights (Zhang et al. 2018, eq. 1), on the attribute reader's feature maps.
    """
    both = zip(reader.feature_maps(x), reader.feature_maps(y), strict=True)
    return torch.stack([(F.normalize(a) - F.normalize(b)).square().sum(1).mean() for a, b in both]).sum()


def unconvinced(accelerator: Accelerator, judge: PatchDiscriminator, x_hat: Tensor) -> Tensor:
    """The decoder's adversarial loss −E[D(x̂)], a scalar that leaves no gradient in the discriminator."""
    with held(judge), accelerator.autocast():
        return -judge(x_hat).float().mean()


def teach(accelerator: Accelerator, critic: PatchDiscriminator, x: Tensor, x_hat: Tensor) -> Tensor:
    """The discriminator's hinge loss on real and reconstructed pictures, with its gradient computed."""
    with accelerator.autocast():
        real, fake = critic(torch.cat([x, x_hat])).float().chunk(2)
    value = hinge_loss(real, fake)
    accelerator.backward(value)
    return value


def begun(side: int, assets: Path) -> Autoencoder:
    """What a training starts from: the miniature from nothing, one for larger pictures from the miniature."""
    return Autoencoder(CONFIG) if side == weights.SIDE else weights.load("autoencoder", assets).train().requires_grad_()


def train(
    steps: int,
    *,
    side: int = weights.SIDE,
    batch: int = 16,
    seeds: range | None = None,
    folder: Path | None = None,
    assets: Path = weights.FOLDER,
) -> Autoencoder:
    """Trains, or resumes in `folder`, and saves the averaged weights as "autoencoder" in `assets`.

    For pictures of another side they are saved as "autoencoder_<side>", and start from "autoencoder".
    """
    accelerator, name = seeded_accelerator(), weights.sized("autoencoder", side)
    seeds, folder = seeds or LESSONS[side], folder or RUNS / name
    model, critic = channels_last(begun(side, assets)), channels_last(PatchDiscriminator())
    reader = weights.load("reader", assets, accelerator.device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.99), weight_decay=1e-4)
    critic_optimizer = torch.optim.AdamW(critic.parameters(), lr=2e-4, betas=(0.5, 0.9))
    schedule = warm_cosine(optimizer, steps, warmup=min(200, steps))
    whole = pictures(seeds, training=True, size=side)
    loader = shuffled(whole, batch=batch)
    model, critic, optimizer, critic_optimizer, loader = accelerator.prepare(
        model, critic, optimizer, critic_optimizer, loader
    )
    bare, judge = (accelerator.unwrap_model(one, keep_torch_compile=False) for one in (model, critic))
    ema = averaged(bare, 0.998)
    accelerator.register_for_checkpointing(schedule, ema)

    def update(rows: list[Tensor], step: int) -> dict[str, Tensor]:
        """Reconstructs a batch; once it is time, the discriminator learns from it too."""
        x = to_signed(cropped(rows[0]))
        noise = torch.randn(len(x), CONFIG.latent_channels, CROP // CONFIG.f, CROP // CONFIG.f, device=x.device)
        with accelerator.autocast():
            x_hat, mean, logvar = model(x, noise)
            perceptual = perceptual_distance(reader, x_hat, x)
        l1, kl = (x_hat.float() - x).abs().mean(), gaussian_kl(mean.float(), logvar.float()).mean()
        values = {"l1": l1, "perceptual": perceptual, "kl": kl, "mse": (x_hat.float() - x).square().mean()}
        loss = reconstruction = l1 + PERCEPTUAL * perceptual.float()
        adversarial_now = step >= DISCRIMINATE_AFTER * steps
        if adversarial_now:
            fooled = unconvinced(accelerator, judge, x_hat)
            loss = loss + ADVERSARIAL * balance(reconstruction, fooled, bare.decoder.conv_out.weight) * fooled
        kl_weight = KL_FIRST if step < RELAX_AFTER * steps else KL_THEN
        descend(accelerator, loss + kl_weight * kl, model, optimizer, schedule)
        ema.update_parameters(bare)
        if adversarial_now:
            critic_loss = teach(accelerator, critic, x, x_hat.detach().to(x.dtype))
            critic_optimizer.step()
            critic_optimizer.zero_grad()
            values |= {"critic": critic_loss, "fooled": fooled}
        return values

    clock = Clock()
    for _ in fit(accelerator, update, loader, clock, steps=steps, folder=folder, inputs={"reader": reader}):
        pass
    trained = ema.module.eval()
    assert isinstance(trained, Autoencoder)
    if accelerator.is_main_process:
        trained.config = scaled(trained, whole[:2048].to(accelerator.device))
        origin = provenance(accelerator, of_side(COMMAND, side), clock)
        weights.save(name, trained, origin | {"loss": LOSS, "trained_on": trained_on(seeds)}, assets)
    return trained


def cropped(x: Tensor) -> Tensor:
    """A part of each picture, anywhere in it: (B, 3, H, W) → (B, 3, CROP, CROP)."""
    corners = [torch.randint(side - CROP + 1, (len(x),)).tolist() for side in x.shape[2:]]
    return torch.stack([one[:, i : i + CROP, j : j + CROP] for one, i, j in zip(x, *corners, strict=True)])


def of_side(command: str, side: int) -> str:
    """A recipe's command for pictures of a side."""
    return command if side == weights.SIDE else f"{command} --side {side}"


@torch.no_grad()
def scaled(autoencoder: Autoencoder, x: Tensor) -> AutoencoderConfig:
    """The configuration with the scaling factor that gives latents of these pictures unit variance."""
    latents = torch.cat([autoencoder.encode(to_signed(rows))[0] for rows in x.split(128)])
    return replace(autoencoder.config, scaling_factor=1 / latents.std().item())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=8000)
    parser.add_argument("--side", type=int, choices=LESSONS, default=weights.SIDE, help="of the pictures, in pixels")
    options = parser.parse_args()
    train(options.steps, side=options.side)
