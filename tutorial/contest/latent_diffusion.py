"""Latent diffusion: an autoencoder makes digits small, and noise is removed there (Rombach et al. 2022).

Both stages come out of one budget: the first `FIRST` of it trains the autoencoder, a little turns the training digits
into latents, and the rest trains the U-Net.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, cast

import torch
from torch import Tensor

from tutorial.contest.contender import Answer, Answers
from tutorial.contest.denoising import ROUNDS, THERE_AND_BACK, Diffusion, cells_of, denoising_loss, unet_of
from tutorial.contest.first_stage import KL, autoencoder_config, coloured, grey, reconstruction
from tutorial.contest.recipe import Training, adam
from tutorial.data.digits import SIDE
from tutorial.data.pixels import to_signed
from tutorial.networks.autoencoder import Autoencoder

FIRST = 0.4
"""Share of the budget that the autoencoder gets."""
ENCODED, AT_ONCE = 30_000, 500
"""Training digits that become latents, since all of them would cost a tenth of the budget; and how many at once."""


@dataclass(frozen=True)
class LatentDiffusionConfig:
    channels: tuple[int, ...] = (16, 24, 24)
    """Of the autoencoder, at 28 × 28, 14 × 14 and 7 × 7 places."""
    numbers: int = 4
    """Of a latent at each of 7 × 7 places."""
    width: int = 64
    """Of the U-Net, which stays at 7 × 7."""


class ContestLatentDiffusion(Diffusion):
    label = "latent diffusion"
    answers: ClassVar[Answers] = {
        "log_likelihood": Answer(
            False, "Its bound is one of latents: the decoder was trained for looks, and gives pixels no probabilities."
        ),
        "fill_in": Answer(
            True, f"as in pixel diffusion, by whole latent cells of 4 × 4 pixels, {ROUNDS} rounds a step"
        ),
        "invert": Answer(True, f"the encoder, and {THERE_AND_BACK} steps of DDIM; what the autoencoder loses is lost"),
        "interpolate": Answer(True, f"along an arc between two noises, {THERE_AND_BACK} steps a picture"),
    }

    def __init__(self, config: LatentDiffusionConfig) -> None:
        super().__init__()
        self.config = config
        self.autoencoder = Autoencoder(autoencoder_config(tuple(config.channels), config.numbers))
        self.unet = unet_of((config.width,), config.numbers)
        self.shape = config.numbers, SIDE // 4, SIDE // 4
        self.middle: Tensor
        self.spread: Tensor
        self.register_buffer("middle", torch.zeros(1, config.numbers, 1, 1))
        self.register_buffer("spread", torch.ones(1, config.numbers, 1, 1))

    @property
    def evaluations(self) -> int:
        """Of the U-Net, and one of the decoder."""
        return super().evaluations + 1

    def into(self, x: Tensor) -> Tensor:
        """The mean of q(z | x), each channel of mean 0 and variance 1 over the training digits."""
        return (self.autoencoder.encode(coloured(x))[0] - self.middle) / self.spread

    def out_of(self, h: Tensor) -> Tensor:
        return grey(self.autoencoder.decode(h * self.spread + self.middle)).clamp(-1, 1)

    def cells(self, mask: Tensor) -> Tensor:
        return cells_of(mask, SIDE // self.shape[1])


class LatentDiffusionTraining(Training):
    """First the autoencoder, then the U-Net among its latents."""

    batch = 32
    rate = 2e-3

    def begin(self) -> ContestLatentDiffusion:
        return ContestLatentDiffusion(LatentDiffusionConfig())

    def equip(self) -> None:
        """An optimiser for each of the two stages."""
        model = cast(ContestLatentDiffusion, self.model)
        self.optimizers["autoencoder"] = adam(model.autoencoder)
        self.optimizers["unet"] = adam(model.unet)
        self.latents = torch.empty(0, *model.shape, dtype=torch.bfloat16)

    def phase(self, share: float) -> float:
        """Each stage has a schedule of its own."""
        return share / FIRST if share < FIRST else (share - FIRST) / (1 - FIRST)

    def update(self, rows: Tensor, share: float) -> dict[str, Tensor]:
        if share < FIRST:
            return self._reconstruct(rows)
        if len(self.latents) < min(ENCODED, len(self.pictures)):
            return self._encode()
        return self._denoise(rows % len(self.latents))

    def _reconstruct(self, rows: Tensor) -> dict[str, Tensor]:
        model = cast(ContestLatentDiffusion, self.model)
        _, error, kl = reconstruction(model.autoencoder, self.pictures[rows], self.generator)
        self.descend(error + KL * kl, "autoencoder", model.autoencoder.parameters())
        self.follow()
        return {"error": error, "kl": kl}

    @torch.no_grad()
    def _encode(self) -> dict[str, Tensor]:
        """Some more of the training digits as latents, by the averaged encoder, which from now on stays."""
        model, done = cast(ContestLatentDiffusion, self.model), len(self.latents)
        if not done:
            average = cast(ContestLatentDiffusion, self.average)
            model.autoencoder.load_state_dict(average.autoencoder.state_dict())
            some = model.into(to_signed(self.pictures[:AT_ONCE]))
            model.middle.copy_(some.mean((0, 2, 3), keepdim=True))
            model.spread.copy_(some.std((0, 2, 3), keepdim=True))
        some = model.into(to_signed(self.pictures[done : done + AT_ONCE]))
        self.latents = torch.cat([self.latents, some.to(self.latents.dtype)])
        return {"encoded": torch.tensor(float(len(self.latents)))}

    def _denoise(self, rows: Tensor) -> dict[str, Tensor]:
        model = cast(ContestLatentDiffusion, self.model)
        with self.precision():
            value = denoising_loss(model.unet, self.latents[rows].float(), self.labels[rows], self.generator)
        self.descend(value, "unet", model.unet.parameters())
        self.follow()
        return {"loss": value}

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"latents": self.latents}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.latents = state["latents"]
