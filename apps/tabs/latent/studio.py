"""What the labs of the chapter share: the shipped models, the visitor's wish, a run, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import torch
from torch import Tensor

from apps import limits, models
from tutorial import weights
from tutorial.data.critter_words import unfamiliar_words
from tutorial.diffusion.latent import LatentDiffusion
from tutorial.diffusion.preview import load as load_preview
from tutorial.diffusion.samplers import SAMPLERS, evaluations
from tutorial.metrics import nearest
from tutorial.metrics.cost import flops
from tutorial.networks.reader import AttributeReader

LONGEST_PROMPT = 20_000
"""Characters. The text encoder reads far fewer; what it did not read is pointed out."""
QUOTED = 40
"""Characters of a visitor's text that a remark repeats."""
SEEDS = 2**31 - 1


@dataclass(frozen=True)
class Request:
    """A visitor's wish, every value checked; the fields are what `LatentDiffusion.sample` takes."""

    prompt: str
    negative: str
    steps: int
    guidance: float
    sampler: str
    eta: float
    seed: int
    n: int


def check(prompt: Any, negative: Any, steps: Any, guidance: Any, sampler: Any, eta: Any, seed: Any, n: Any) -> Request:
    """Raises gr.Error for the first value that is not as it should be."""
    wish = Request(
        prompt=limits.text("The prompt", prompt, LONGEST_PROMPT),
        negative=limits.text("The negative prompt", negative, LONGEST_PROMPT),
        steps=limits.whole("Steps", steps, 1, 100),
        guidance=limits.number("Guidance", guidance, 0, 15),
        sampler=limits.choice("The sampler", sampler, list(SAMPLERS)),
        eta=limits.number("η", eta, 0, 1),
        seed=limits.whole("The seed", seed, 0, SEEDS),
        n=limits.whole("The number of pictures", n, 1, 9),
    )
    limits.whole("The last picture's seed", wish.seed + wish.n - 1, 0, SEEDS)
    return wish


@dataclass(frozen=True)
class Studio:
    """The shipped models, loaded once and shared by all visitors, who only read them."""

    model: LatentDiffusion
    reader: AttributeReader
    training: nearest.TrainingIndex
    preview_map: Tensor
    usual_distance: float

    @cached_property
    def unet_flops(self) -> int:
        """Of one call, with one prompt. Counted when it is first told: that takes PyTorch a second."""
        return flops(self.model.unet, self._z, torch.zeros(1), self.model.words([""]))

    @cached_property
    def decoder_flops(self) -> int:
        """Of one picture."""
        return flops(self.model.autoencoder.decoder, self._z)

    @property
    def _z(self) -> Tensor:
        return self.model.noise([0])[0]


@cache
def studio_of(side: int) -> Studio:
    """That for pictures of this height and width, in pixels. Raises weights.WeightsError if a file is missing or
    damaged."""
    model = models.latent_diffusion_of(side)
    return Studio(
        model=model,
        reader=weights.load("reader"),
        training=nearest.load(),
        preview_map=load_preview(model.unet.config.latent_channels, side=side),
        usual_distance=weights.read_card("training_index", needs=("usual_distance",))["usual_distance"],
    )


def studio() -> Studio:
    """The miniature's. Raises weights.WeightsError as above."""
    return studio_of(weights.SIDE)


def remarks(wish: Request) -> list[str]:
    """What a visitor should know about a wish: words never seen, text not read, settings without effect."""
    said = [] if wish.prompt.strip() else ["No prompt: the model draws what comes to it."]
    strange = [short(word) for word in unfamiliar_words(f"{wish.prompt} {wish.negative}")]
    if strange:
        words = ", ".join(f"“{word}”" for word in strange[:8]) + (" …" if len(strange) > 8 else "")
        said.append(f"Never seen in training, so read in pieces that mean nothing: {words}")
    for cut in filter(None, map(studio().model.tokenizer.cut_off, (wish.prompt, wish.negative))):
        said.append(f"Too long for the text encoder; it did not read: “{short(cut.strip())}”")
    if wish.negative.strip() and wish.guidance == 1:
        said.append("At guidance 1 the negative prompt has no effect.")
    if wish.negative.strip() and wish.guidance < 1:
        said.append("Below guidance 1 the picture is drawn towards the negative prompt.")
    if wish.eta > 0 and wish.sampler != "ddim":
        said.append("η has an effect with DDIM only.")
    return said


def short(text: str, length: int = QUOTED) -> str:
    """A visitor's text, cut to what the page repeats."""
    return text if len(text) <= length else text[:length] + "…"


def cost(wish: Request, shop: Studio) -> str:
    """What a run computes, in a line."""
    twice = 1 if wish.guidance in (0, 1) else 2
    each = evaluations(wish.sampler, wish.steps) * twice
    total = wish.n * (each * shop.unet_flops + shop.decoder_flops)
    a_picture = " a picture" if wish.n > 1 else ""
    return f"{each} network evaluations{a_picture} · {total / 1e9:.1f} GFLOP"
