"""What the words do: where a U-Net's cross-attention looks them up, and how to turn one of them up, down or off.

In `attn2` each position of the picture asks, and the words answer: out = M V, with M = softmax(Q Kᵀ / √d), (positions,
tokens), whose rows sum to one. Such maps are recorded here (as Tang et al. 2022, "What the DAAM", do), and a word is
re-weighted by scaling its columns of M by a factor c (Hertz et al. 2022, "Prompt-to-Prompt", attention re-weighting).
M diag(c) V = M (diag(c) V), so the same is done to the rows of V; c = 0 switches the word off. The paper also puts the
maps of the unchanged run in the place of those of the changed one; here each run asks anew.

Nothing of the network is changed: hooks see what goes by. They are put on a U-Net that `private` gives, which others
do not run. What guidance asks without the prompt, the first half of its batch, is passed over.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tutorial.diffusion.latent import GUIDANCE, LatentDiffusion
from tutorial.diffusion.samplers import Step
from tutorial.networks.blocks import private
from tutorial.networks.tokenizer import ClipTokenizer
from tutorial.networks.unet import Attention, UNetConfig

START, END = "⟨start⟩", "⟨end⟩"
"""How the tokens that are no part of the prompt are called. With the end goes the padding, which repeats it."""
WORD = re.compile(r"\w+(?:['’-]\w+)*|[^\w\s\x1c-\x1f]+|[\x1c-\x1f]+")
"""A word, with its apostrophes and hyphens, or a run of signs. The last are blanks to Python, not to the tokenizer."""

Maps = dict[int, Tensor]
"""By the side of the feature map in positions: (rows, tokens, side, side), summing to one over the tokens."""


@dataclass(frozen=True)
class Word:
    """A word of a prompt: how it is called, which of the text encoder's tokens it is, and its stretch of the prompt."""

    name: str
    tokens: tuple[int, ...]
    span: tuple[int, int] | None = None
    """None for start and end."""

    def left_out(self, prompt: str) -> str:
        """The prompt without this word, its blanks tidied. Raises ValueError for start and end."""
        if self.span is None:
            raise ValueError("Start and end cannot be left out of a prompt.")
        return " ".join((prompt[: self.span[0]] + " " + prompt[self.span[1] :]).split())


def words(tokenizer: ClipTokenizer, prompt: str) -> list[Word]:
    """The prompt's words in order, between start and end, as far as they are read: each token is in one of them.

    A word that comes again is numbered: "a", "a (2)".
    """
    spans = tokenizer.spans(prompt)[: tokenizer.length - 2]
    found, seen = [Word(START, (0,))], {}
    for match in WORD.finditer(prompt):
        tokens = tuple(k + 1 for k, (first, _) in enumerate(spans) if match.start() <= first < match.end())
        if tokens:
            text = match.group()
            seen[text] = seen.get(text, 0) + 1
            name = f"{text} ({seen[text]})" if seen[text] > 1 else text
            found.append(Word(name, tokens, match.span()))
    return [*found, Word(END, tuple(range(len(spans) + 1, tokenizer.length)))]


def token_weights(length: int, tokens: Sequence[int], c: float) -> Tensor:
    """What each token counts, (length,): c for these, 1 for the others."""
    weights = torch.ones(length)
    weights[list(tokens)] = c
    return weights


def asking(rows: int, guidance: float) -> int:
    """The first row, of a batch of so many, that has the prompt: as `guided` lays them out, the second half; at
    guidance 1 all of them, at 0 none."""
    if guidance in (0, 1):
        return rows if guidance == 0 else 0
    return rows // 2


def attention_map(layer: Attention, x: Tensor, source: Tensor) -> Tensor:
    """softmax(Q Kᵀ / √d) of each head: x (B, N, C) asks, source (B, M, S) answers → (B, heads, N, M)."""
    q, k = (h.unflatten(2, (layer.heads, -1)).transpose(1, 2) for h in (layer.to_q(x), layer.to_k(source)))
    return (q @ k.mT / math.sqrt(q.shape[-1])).softmax(-1)


@contextlib.contextmanager
def recorded(unet: nn.Module, guidance: float = GUIDANCE) -> Iterator[list[Tensor]]:
    """While this lasts, the list that it gives gets the map of every cross-attention, in the order of the layers.

    Each is (rows with the prompt, heads, positions, tokens), before any re-weighting.
    """
    maps: list[Tensor] = []

    def record(layer: nn.Module, given: tuple[Any, ...]) -> None:
        x, source = (h[asking(len(h), guidance) :] for h in given)
        maps.append(attention_map(layer, x, source))  # type: ignore[arg-type]

    with contextlib.ExitStack() as hooks:
        for layer in _cross_attentions(unet):
            hooks.callback(layer.register_forward_pre_hook(record).remove)
        yield maps


@contextlib.contextmanager
def weighted(unet: nn.Module, weights: Tensor, guidance: float = GUIDANCE) -> Iterator[None]:
    """While this lasts, each token's column of every attention map counts so many times: weights (tokens,)."""

    def weigh(layer: nn.Module, given: tuple[Any, ...], v: Tensor) -> Tensor:
        first = asking(len(v), guidance)
        return torch.cat([v[:first], v[first:] * weights.to(v)[:, None]])

    with contextlib.ExitStack() as hooks:
        for layer in _cross_attentions(unet):
            hooks.callback(layer.to_v.register_forward_hook(weigh).remove)
        yield


def sample(
    model: LatentDiffusion, prompt: str, weights: Tensor, *, guidance: float = GUIDANCE, **settings: Any
) -> Iterator[tuple[Step, Maps]]:
    """`LatentDiffusion.sample` with the tokens weighted so, and what each step looked up, averaged (`by_side`)."""
    unet = private(model.unet)
    steps = replace(model, unet=unet).sample(prompt, guidance=guidance, **settings)
    with weighted(unet, weights, guidance), recorded(unet, guidance) as maps:
        for step in steps:
            yield step, by_side(maps)
            maps.clear()


def by_side(maps: Sequence[Tensor]) -> Maps:
    """Attention maps (rows, heads, positions, tokens) of square feature maps, averaged over heads and over the layers
    of a resolution."""
    found: dict[int, list[Tensor]] = {}
    for each in maps:
        side = math.isqrt(each.shape[2])
        found.setdefault(side, []).append(each.mean(1).mT.unflatten(2, (side, side)))
    return {side: torch.stack(found[side]).mean(0) for side in sorted(found, reverse=True)}


def averaged(maps: Maps) -> Tensor:
    """The mean over the resolutions, on the finest: (rows, tokens, side, side), still summing to one over the tokens.

    Each position takes the map of the coarser one that it lies in.
    """
    finest = max(maps)
    return torch.stack([F.interpolate(each, size=(finest, finest), mode="nearest") for each in maps.values()]).mean(0)


def of_word(maps: Tensor, word: Word) -> Tensor:
    """How much of the answer comes from a word, its tokens together: (rows, tokens, h, w) → (rows, h, w)."""
    return maps[:, list(word.tokens)].sum(1)


def sides(config: UNetConfig, side: int) -> list[int]:
    """The sides in positions, the finest first, of the feature maps at which a U-Net looks words up, for latents of
    this side."""
    levels = [k for k, looks in enumerate(config.attention) if looks] + [len(config.channels) - 1]
    return sorted({side >> k for k in levels}, reverse=True)


def _cross_attentions(unet: nn.Module) -> list[Any]:
    return [layer for name, layer in unet.named_modules() if name.split(".")[-1] == "attn2"]
