"""Trains the GAN of digits three times: a healthy run, one that collapses, and one that goes on for too long.

    ACCELERATE_MIXED_PRECISION=bf16 python -m tutorial.training.digit_gan

With --run it trains only that one. The healthy run's generator ships as "digit_gan". All three leave snapshots of both
networks in runs/, which `python -m tutorial.training.evaluate_digit_gan` measures and makes a film of.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

import torch
from accelerate import Accelerator
from safetensors.torch import save_file
from torch import Tensor

from tutorial import weights
from tutorial.data.digits import digits
from tutorial.data.pixels import to_signed
from tutorial.gans.digits import EVERY, NAME, SETTINGS, Setting, snapshots
from tutorial.gans.losses import LOSSES, r1
from tutorial.networks.blocks import channels_last, held
from tutorial.networks.digit_gan import (
    DigitDiscriminator,
    DigitDiscriminatorConfig,
    DigitGenerator,
    DigitGeneratorConfig,
)
from tutorial.training.fit import RUNS, Clock, averaged, fit, provenance, seeded_accelerator, shuffled

COMMAND = "ACCELERATE_MIXED_PRECISION=bf16 python -m tutorial.training.digit_gan"
BATCH = 64
BETAS = (0.5, 0.99)
"""Of Adam: the first as Radford et al. 2016 have it, since an opponent that moves makes old gradients stale."""
LAZY = 16
"""Updates from one gradient penalty to the next, which then counts as often (Karras et al. 2020, appendix B)."""


def run_folder(run: str) -> Path:
    """Where a run keeps its checkpoint, log and snapshots."""
    return RUNS / f"{NAME}_{run.replace(' ', '_').replace('-', '_')}"


def snapshot_file(folder: Path, step: int) -> Path:
    """Where the networks after so many rounds are kept, in a run's folder."""
    return folder / "snapshots" / f"{step}.safetensors"


class Game:
    """Both networks, their optimisers, and one round: an update of D, then one of G."""

    def __init__(self, accelerator: Accelerator, setting: Setting) -> None:
        self.accelerator, self.setting, self.loss = accelerator, setting, LOSSES[setting.loss]
        self.generator = channels_last(DigitGenerator(DigitGeneratorConfig()))
        self.discriminator = channels_last(DigitDiscriminator(DigitDiscriminatorConfig()))
        self.optimizers = [
            torch.optim.Adam(network.parameters(), lr=rate, betas=BETAS, fused=True)
            for network, rate in ((self.generator, setting.generator_rate), (self.discriminator, setting.rate))
        ]
        self.generator, self.discriminator, *self.optimizers = accelerator.prepare(
            self.generator, self.discriminator, *self.optimizers
        )
        self.bare = accelerator.unwrap_model(self.generator, keep_torch_compile=False)
        self.critic = accelerator.unwrap_model(self.discriminator, keep_torch_compile=False)
        self.ema = averaged(self.bare, setting.ema)
        accelerator.register_for_checkpointing(self.ema)

    def round(self, rows: list[Tensor], step: int) -> dict[str, Tensor]:
        """One update of each network, by the same fakes."""
        x, y = to_signed(rows[0]), rows[1]
        z = torch.randn(len(y), self.bare.config.noise, device=x.device)
        fake = self.generator(z, y)
        real, made = self.discriminator(torch.cat([x, fake.detach()]), y.repeat(2)).float().chunk(2)
        loss = self.loss.discriminator(real, made)
        total = loss
        if self.setting.penalty and step % LAZY == 0:
            (penalty,) = r1(lambda pictures: self.critic(pictures[0], y), x[None])
            total = loss + LAZY * self.setting.penalty * penalty
        self._descend(total, self.optimizers[1])
        with held(self.critic):
            wanted = self.loss.generator(self.critic(fake, y).float())
            self._descend(wanted, self.optimizers[0])
        self.ema.update_parameters(self.bare)
        return {"loss_d": loss, "loss_g": wanted}

    def _descend(self, loss: Tensor, optimizer: torch.optim.Optimizer) -> None:
        self.accelerator.backward(loss)
        optimizer.step()
        optimizer.zero_grad()

    def keep(self, path: Path) -> None:
        """Writes the generator, its average and the discriminator, for measuring them later."""
        path.parent.mkdir(parents=True, exist_ok=True)
        networks = {"generator": self.bare, "average": self.ema.module, "discriminator": self.critic}
        tensors = {f"{who}.{k}": v for who, network in networks.items() for k, v in network.state_dict().items()}
        save_file({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, path)


def train(
    run: str,
    steps: int | None = None,
    *,
    batch: int = BATCH,
    folder: Path | None = None,
    assets: Path = weights.FOLDER,
) -> DigitGenerator:
    """Trains, or resumes in `folder`, leaving snapshots there; the healthy run is saved as "digit_gan" in `assets`."""
    setting, folder = SETTINGS[run], folder or run_folder(run)
    steps = steps or setting.steps
    accelerator = seeded_accelerator()
    game = Game(accelerator, setting)
    pictures, labels = digits("training")
    loader = accelerator.prepare(shuffled(pictures[: setting.digits], labels[: setting.digits], batch=batch))
    clock, wanted = Clock(), set(snapshots(steps))
    if accelerator.is_main_process and not snapshot_file(folder, 0).exists():
        game.keep(snapshot_file(folder, 0))
    for done in fit(accelerator, game.round, loader, clock, steps=steps, folder=folder, inputs={}, log_every=EVERY):
        if done.i in wanted and accelerator.is_main_process:
            game.keep(snapshot_file(folder, done.i))
    trained = game.ema.module.eval()
    assert isinstance(trained, DigitGenerator)
    if run == "healthy" and accelerator.is_main_process:
        card = provenance(accelerator, f"{COMMAND} --run {run}", clock) | {
            "batch": batch,
            "setting": asdict(setting),
            "trained_on": "MNIST's training digits, all 60,000",
        }
        weights.save(NAME, trained, card, assets)
    return trained


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", choices=list(SETTINGS))
    parser.add_argument("--steps", type=int, help="other than as shipped")
    wanted = parser.parse_args()
    torch.set_num_threads(1)
    for name in [wanted.run] if wanted.run else SETTINGS:
        train(name, wanted.steps)
