"""The generative adversarial network: from noise and class to a picture in one pass.

Its networks are those of `tutorial.networks.digit_gan`.
"""

from __future__ import annotations

from typing import ClassVar, cast

import torch
from torch import Tensor

from tutorial.contest.contender import Answer, Answers, Contender, Work
from tutorial.contest.recipe import Training, adam
from tutorial.contest.search import STEPS, completing, searching
from tutorial.data.pixels import to_signed
from tutorial.gans.losses import LOSSES, r1
from tutorial.networks.blocks import channels_last, held
from tutorial.networks.digit_gan import (
    DigitDiscriminator,
    DigitDiscriminatorConfig,
    DigitGenerator,
    DigitGeneratorConfig,
)

PENALTY, LAZY = 0.1, 16
"""γ of the gradient penalty R1, and updates from one to the next, which then counts as often (Karras et al. 2020)."""


class ContestGAN(Contender):
    label = "GAN"
    answers: ClassVar[Answers] = {
        "log_likelihood": Answer(
            False, "It has no density to read off: pictures fill a thin sheet among all pictures, and others have none."
        ),
        "fill_in": Answer(True, f"by search for the code that fits the known part, {STEPS} gradient steps"),
        "invert": Answer(True, f"by search for the code, {STEPS} gradient steps; it may end anywhere"),
        "interpolate": Answer(True, "along an arc between two codes that were searched for"),
    }

    def __init__(self, config: DigitGeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.generator = DigitGenerator(config)

    @property
    def evaluations(self) -> int:
        return 1

    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        return torch.randn(n, self.config.noise, generator=generator)

    def decoding(self, code: Tensor, classes: Tensor) -> Work:
        yield self.generator(code, classes)

    def filling(self, known: Tensor, mask: Tensor, classes: Tensor, generator: torch.Generator) -> Work:
        """Yeh et al. 2017, "Semantic image inpainting", with the code's prior in the place of a discriminator."""
        start = self.noise(len(known), generator)
        yield from completing(lambda z: self.generator(z, classes), known, mask, start)

    def inverting(self, x: Tensor, classes: Tensor) -> Work:
        """From the middle of the codes, which is the same for all."""
        start = torch.zeros(len(x), self.config.noise)
        yield from searching(lambda z: self.generator(z, classes), x, torch.ones_like(x), start)


class GANTraining(Training):
    """The non-saturating game with R1, as in `tutorial.training.digit_gan`."""

    rate = 1e-3

    def begin(self) -> ContestGAN:
        return ContestGAN(DigitGeneratorConfig())

    def equip(self) -> None:
        """Brings the discriminator, and an optimiser for each of the two."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.generator.initial_seed() + 1)
            self.critic = channels_last(DigitDiscriminator(DigitDiscriminatorConfig()))
        self.modules["critic"] = self.critic
        self.optimizers |= {
            name: adam(network, betas=(0.5, 0.99), decay=0.0)
            for name, network in (("model", self.model), ("critic", self.critic))
        }

    def update(self, rows: Tensor, share: float) -> dict[str, Tensor]:
        """A round: an update of the discriminator, and one of the generator by the same fakes."""
        x, y = to_signed(self.pictures[rows]), self.labels[rows]
        loss, model = LOSSES["non-saturating"], cast(ContestGAN, self.model)
        with self.precision():
            fake = model.generator(self.randn(len(rows), model.config.noise), y)
            real, made = self.critic(torch.cat([x, fake.detach()]), y.repeat(2)).float().chunk(2)
            loss_d = total = loss.discriminator(real, made)
            if self.updates % LAZY == 0:
                (penalty,) = r1(lambda pictures: self.critic(pictures[0], y).float(), x[None])
                total = loss_d + LAZY * PENALTY * penalty
        self.descend(total, "critic", self.critic.parameters(), clip=None)
        with held(self.critic), self.precision():
            loss_g = loss.generator(self.critic(fake, y).float())
        self.descend(loss_g, "model", model.parameters(), clip=None)
        self.follow()
        return {"loss_d": loss_d, "loss_g": loss_g}
