"""Trains the autoencoder with the latent-diffusion paper's loss (Rombach et al. 2022, appendix G).

    ACCELERATE_MIXED_PRECISION=bf16 python -m tutorial.training.autoencoder

L1, a perceptual term (differences between the attribute reader's feature maps), a tiny KL, and, once the
pictures are good, a patch discriminator. Train `tutorial.training.reader` first.
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
from tutorial.data.critters import TRAINING_SEEDS
from tutorial.data.pixels import to_signed
from tutorial.networks.autoencoder import Autoencoder, AutoencoderConfig, gaussian_kl
from tutorial.networks.blocks import channels_last
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
from tutorial.training.pictures import pictures

COMMAND = "ACCELERATE_MIXED_PRECISION=bf16 python -m tutorial.training.autoencoder"
CONFIG = AutoencoderConfig(channels=(32, 64, 96, 128), layers=1, latent_channels=4, groups=8)

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
    judge.requires_grad_(False)
    with accelerator.autocast():
        value = -judge(x_hat).float().mean()
    judge.requires_grad_(True)
    return value


def teach(accelerator: Accelerator, critic: PatchDiscriminator, x: Tensor, x_hat: Tensor) -> Tensor:
    """The discriminator's hinge loss on real and reconstructed pictures, with its gradient computed."""
    with accelerator.autocast():
        real, fake = critic(torch.cat([x, x_hat])).float().chunk(2)
    value = hinge_loss(real, fake)
    accelerator.backward(value)
    return value


def train(
    steps: int,
    *,
    batch: int = 16,
    seeds: range = TRAINING_SEEDS,
    folder: Path = RUNS / "autoencoder",
    assets: Path = weights.FOLDER,
) -> Autoencoder:
    """Trains, or resumes in `folder`, and saves the averaged weights as "autoencoder" in `assets`."""
    accelerator = seeded_accelerator()
    model, critic = channels_last(Autoencoder(CONFIG)), channels_last(PatchDiscriminator())
    reader = weights.load("reader", assets, accelerator.device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.99), weight_decay=1e-4)
    critic_optimizer = torch.optim.AdamW(critic.parameters(), lr=2e-4, betas=(0.5, 0.9))
    schedule = warm_cosine(optimizer, steps, warmup=min(200, steps))
    loader = shuffled(pictures(seeds, training=True), batch=batch)
    model, critic, optimizer, critic_optimizer, loader = accelerator.prepare(
        model, critic, optimizer, critic_optimizer, loader
    )
    bare, judge = (accelerator.unwrap_model(one, keep_torch_compile=False) for one in (model, critic))
    ema = averaged(bare, 0.998)
    accelerator.register_for_checkpointing(schedule, ema)

    def update(rows: list[Tensor], step: int) -> dict[str, Tensor]:
        """Reconstructs a batch; once it is time, the discriminator learns from it too."""
        x = to_signed(rows[0])
        side = x.shape[-1] // CONFIG.f
        noise = torch.randn(len(x), CONFIG.latent_channels, side, side, device=x.device)
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
        trained.config = scaled(trained, pictures(seeds, training=True)[:2048].to(accelerator.device))
        origin = provenance(accelerator, COMMAND, clock)
        weights.save("autoencoder", trained, origin | {"loss": LOSS, "trained_on": trained_on(seeds)}, assets)
    return trained


@torch.no_grad()
def scaled(autoencoder: Autoencoder, x: Tensor) -> AutoencoderConfig:
    """The configuration with the scaling factor that gives latents of these pictures unit variance."""
    latents = torch.cat([autoencoder.encode(to_signed(rows))[0] for rows in x.split(128)])
    return replace(autoencoder.config, scaling_factor=1 / latents.std().item())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=8000)
    train(parser.parse_args().steps)
