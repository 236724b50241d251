"""The parts of latent diffusion as a row of cards, on which the pictures of the last run stand.

The value is one JSON string: {"nodes": [{"title", "note", "chips"?: [[text, known]], "pictures"?: [data URLs],
"facts": [texts], "code": text}]}. Texts are set as text, never as markup.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import torch
from torch import Tensor

from apps.pictures import png_url
from apps.scripts import script
from apps.tabs.latent.studio import Request, Studio, short
from tutorial.data.critter_words import unfamiliar_spans
from tutorial.data.pixels import to_arrays
from tutorial.diffusion.latent import LatentDiffusion
from tutorial.diffusion.preview import preview
from tutorial.diffusion.samplers import SAMPLERS, Step, evaluations
from tutorial.networks.autoencoder import Autoencoder
from tutorial.networks.blocks import parameter_count
from tutorial.networks.text import TextEncoder
from tutorial.networks.tokenizer import ClipTokenizer
from tutorial.networks.unet import UNet

LOOKS = 4
"""Steps whose previews stand on the U-Net's card."""


def diagram(value: str, elem_id: str) -> gr.HTML:
    """The component, showing `value`, the answer of `parts`."""
    return gr.HTML(
        value,
        html_template='<ol class="pipeline"></ol>',
        js_on_load=script(Path(__file__).with_suffix(".js")),
        apply_default_css=False,
        elem_id=elem_id,
        padding=False,
    )


@torch.no_grad()
def parts(wish: Request, shop: Studio, steps: list[Step], picture: np.ndarray) -> str:
    """What each part did in the steps of one picture, (H, W, 3) uint8, as `diagram` takes it."""
    model = shop.model
    spans = model.tokenizer.spans(wish.prompt)[: model.tokenizer.length - 2]  # start and end take two places
    strange = unfamiliar_spans(wish.prompt)
    chips = [[wish.prompt[a:b], not any(a < end and start < b for start, end in strange)] for a, b in spans]
    words = model.words([wish.prompt])[0]
    looks = [steps[i] for i in sorted({round(k * (len(steps) - 1) / (LOOKS - 1)) for k in range(LOOKS)})]
    rough = to_arrays(preview(torch.cat([step.x0_hat for step in looks]), shop.preview_map))
    z, f = steps[-1].x_next[0], model.autoencoder.config.f
    calls = evaluations(wish.sampler, wish.steps)
    other = "the negative prompt" if wish.negative.strip() else "no prompt"
    twice = "" if wish.guidance in (0, 1) else f", each for the prompt and for {other}"
    nodes = [
        _node(
            "Prompt",
            f"“{short(wish.prompt, 120)}”" if wish.prompt.strip() else "(empty)",
            [f"{len(wish.prompt)} characters"],
            LatentDiffusion.sample,
        ),
        _node(
            "Tokens",
            f"{len(spans)} pieces",
            [
                f"at most {model.tokenizer.length} with start, end and padding",
                f"out of {model.tokenizer.size} known ones",
            ],
            ClipTokenizer.__call__,
        )
        | {"chips": chips},
        _node(
            "Text encoder",
            "a vector for each token",
            [_size(model.text), f"{words.shape[0]} tokens of {words.shape[1]} numbers, a row each"],
            TextEncoder.forward,
        )
        | {"pictures": [png_url(_heat(words))]},
        _node(
            "U-Net",
            f"{calls} calls{twice}",
            [
                _size(model.unet),
                f"{shop.unet_flops / 1e9:.2f} GFLOP for each",
                f"the sampler is {wish.sampler}",
            ],
            UNet.forward,
            SAMPLERS[wish.sampler],
        )
        | {"pictures": [png_url(row) for row in rough]},
        _node(
            "Decoder",
            f"{_shape(z)} → 3×{f * z.shape[1]}×{f * z.shape[2]}",
            [_size(model.autoencoder.decoder), f"{shop.decoder_flops / 1e9:.2f} GFLOP"],
            LatentDiffusion.decode,
            Autoencoder.decode,
        )
        | {"pictures": [png_url(_heat(channel)) for channel in z]},
        _node("Picture", f"seed {wish.seed}", [f"{picture.shape[1]}×{picture.shape[0]} pixels"], to_arrays)
        | {"pictures": [png_url(picture)]},
    ]
    return json.dumps({"nodes": nodes})


def _node(title: str, note: str, facts: list[str], *code: Any) -> dict[str, Any]:
    source = "\n\n".join(inspect.cleandoc("\n" + inspect.getsource(one)) for one in code)
    return {"title": title, "note": note, "facts": facts, "code": source}


def _size(network: torch.nn.Module) -> str:
    return f"{parameter_count(network) / 1e6:.2f} million parameters"


def _shape(x: Tensor) -> str:
    return "×".join(map(str, x.shape))


def _heat(values: Tensor) -> np.ndarray:
    """A matrix as a picture, from blue (−3 standard deviations) over white to red: (H, W) → (H, W, 3) uint8."""
    share = ((values - values.mean()) / (3 * values.std() + 1e-6)).clamp(-1, 1)[..., None].cpu()
    blue, white, red = (torch.tensor(c, dtype=torch.float32) for c in ([33, 102, 172], [247, 247, 247], [178, 24, 43]))
    return torch.where(share < 0, white + share * (white - blue), white + share * (red - white)).byte().numpy()
