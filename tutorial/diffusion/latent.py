"""Latent diffusion: from a prompt to a picture (Rombach et al. 2022).

Words become vectors, noise becomes a latent under their guidance, and the latent becomes a picture. This is
Stable Diffusion's sampler; only the networks given to it are smaller.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from tutorial import weights
from tutorial.diffusion.guidance import guided
from tutorial.diffusion.objective import KINDS, Kind
from tutorial.diffusion.process import gaussian
from tutorial.diffusion.samplers import Denoiser, Model, Noise, Step, named
from tutorial.diffusion.schedule import Schedule
from tutorial.networks.autoencoder import Autoencoder
from tutorial.networks.compiled import CompiledUNet
from tutorial.networks.text import TextEncoder
from tutorial.networks.tokenizer import ClipTokenizer
from tutorial.networks.unet import UNet

STEPS, GUIDANCE, SAMPLER = 20, 2.0, "dpm_solver_pp_2m"
"""The default settings, with which everything is measured unless said otherwise."""


def as_denoiser(unet: Callable[..., Tensor]) -> Denoiser:
    """A U-Net as what samplers and training call: t counts from 0 = clean here, from 0 = first noise there."""
    return lambda x, t, words: unet(x, t - 1, words)


@dataclass(frozen=True)
class LatentDiffusion:
    """Tokenizer, text encoder, U-Net and autoencoder, ready to draw."""

    tokenizer: ClipTokenizer
    text: TextEncoder
    unet: UNet
    autoencoder: Autoencoder
    schedule: Schedule
    predicts: Kind
    side: int
    """Height and width of the latent that the U-Net was trained on."""
    spacing: Callable[[int], list[int]] | None = None
    """The times of a number of steps; None for those of the schedule itself (`Schedule.timesteps`)."""
    compiled: CompiledUNet | None = None
    """The U-Net made ready for drawing. It is passed over if it was made of another than `unet`, such as the one whose
    copy somebody looks into. Networks of Stable Diffusion's own size need none: in their time Python's is no part."""

    @property
    def device(self) -> torch.device:
        return next(self.unet.parameters()).device

    @property
    def denoiser(self) -> Denoiser:
        """The U-Net as samplers ask it; its condition is what `words` makes of prompts. Each drawing takes its own."""
        if self.compiled is None or self.compiled.unet is not self.unet:
            return as_denoiser(self.unet)
        return as_denoiser(self.compiled.drawing())

    @property
    def model(self) -> Model:
        """`denoiser` with what a sampler must know of it."""
        return Model(self.denoiser, self.schedule, self.predicts)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of one latent."""
        return self.unet.config.latent_channels, self.side, self.side

    @property
    def pixels(self) -> int:
        """Height and width of the pictures."""
        return self.side * self.autoencoder.config.f

    @torch.no_grad()
    def words(self, prompts: Sequence[str]) -> Tensor:
        """Prompts → word vectors (B, length, width). The empty prompt is a prompt too."""
        return self.text(self.tokenizer(list(prompts)).to(self.device))

    def noise(self, seeds: Sequence[int]) -> tuple[Tensor, list[torch.Generator]]:
        """x_T for each seed, (B, latent, side, side), and the generators that drew it, to draw on with."""
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        return gaussian(torch.empty(len(generators), *self.shape), generators).to(self.device), generators

    def sample(
        self,
        prompt: str | Sequence[str],
        *,
        negative: str = "",
        steps: int = STEPS,
        guidance: float = GUIDANCE,
        sampler: str = SAMPLER,
        eta: float = 0.0,
        seed: int = 0,
        n: int = 1,
    ) -> Generator[Step, None, None]:
        """Draws n pictures of a prompt, or one of each of several; decode the last step's `x_next`.

        Picture k uses the seed `seed + k`, whatever n is. `eta` matters to DDIM only. Raises ValueError for an
        unknown sampler, or steps or eta out of range.
        """
        prompts = [prompt] * n if isinstance(prompt, str) else list(prompt)
        x_T, generators = self.noise(range(seed, seed + len(prompts)))
        denoise = guided(self.denoiser, self.words([negative]), guidance)
        words = self.words(prompts)
        yield from self.walk(denoise, x_T, words, steps=steps, sampler=sampler, eta=eta, generator=generators)

    def walk(
        self,
        denoise: Denoiser,
        x: Tensor,
        words: Tensor,
        *,
        steps: int | Sequence[int],
        sampler: str,
        eta: float = 0.0,
        generator: Noise = None,
    ) -> Iterator[Step]:
        """Walks latents x (B, …) down by a sampler that asks `denoise` under word vectors (B, length, width).

        `steps` is a number of steps, spaced as this model has them, or a falling list of times. Raises ValueError as
        `sample` does.
        """
        times = self.spacing(steps) if self.spacing is not None and isinstance(steps, int) else steps
        down = named(sampler, eta=eta, generator=generator)
        return down(denoise, self.schedule, x, steps=times, predicts=self.predicts, cond=words)

    @torch.no_grad()
    def decode(self, latent: Tensor) -> Tensor:
        """Latents as the U-Net sees them → pictures (B, 3, f·side, f·side) in [−1, 1]."""
        return self.autoencoder.decode(latent / self.autoencoder.config.scaling_factor).clamp(-1, 1)

    def draw(self, prompt: str | Sequence[str], **settings) -> Tensor:
        """`sample` to the end, decoded: pictures (B, 3, H, W) in [−1, 1]."""
        *_, last = self.sample(prompt, **settings)
        return self.decode(last.x_next)


def load(
    folder: Path = weights.FOLDER, device: torch.device | str = "cpu", side: int = weights.SIDE
) -> LatentDiffusion:
    """What is shipped for pictures of this height and width, in pixels: the miniature, unless it is told otherwise.

    Raises weights.WeightsError if a file is missing or damaged.
    """
    unet_name, text_name, autoencoder_name = (
        weights.sized(name, side) for name in ("unet", "text_encoder", "autoencoder")
    )
    card = weights.read_card(unet_name, folder, needs=("side",))
    schedule, predicts = trained_under(unet_name, folder)
    text = weights.load(text_name, folder, device)
    unet = weights.load(unet_name, folder, device)
    return LatentDiffusion(
        tokenizer=weights.load_tokenizer(text.config.length, folder),
        text=text,
        unet=unet,
        autoencoder=weights.load(autoencoder_name, folder, device),
        schedule=schedule,
        predicts=predicts,
        side=card["side"],
        compiled=CompiledUNet(unet) if torch.device(device).type == "cpu" else None,
    )


def trained_under(name: str, folder: Path = weights.FOLDER) -> tuple[Schedule, Kind]:
    """The schedule of a shipped denoiser, and what it predicts, from its card. Raises weights.WeightsError."""
    card = weights.read_card(name, folder, needs=("schedule", "T", "predicts"))
    try:
        if card["predicts"] not in KINDS:
            raise ValueError(f"nothing predicts {card['predicts']!r}")
        return Schedule.named(card["schedule"], card["T"]), card["predicts"]
    except (ValueError, TypeError, RuntimeError) as error:
        raise weights.damaged(name, folder) from error
