"""Chapter "Latent diffusion": draw a critter from a prompt."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import gradio as gr
import numpy as np
import torch
from gradio.data_classes import FileData
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder
from torch import Tensor

from apps import limits
from apps.gallery import gallery, png_bytes, png_url, rgb_base64
from tutorial import weights
from tutorial.data.critter_art import render
from tutorial.data.critter_words import EXAMPLES, unfamiliar_words
from tutorial.data.critters import ATTRIBUTES, training_critter
from tutorial.data.pixels import to_arrays
from tutorial.diffusion import latent
from tutorial.diffusion.latent import LatentDiffusion
from tutorial.diffusion.preview import load as load_preview
from tutorial.diffusion.preview import preview
from tutorial.diffusion.samplers import SAMPLERS, Step, evaluations
from tutorial.metrics import nearest
from tutorial.metrics.cost import flops
from tutorial.networks.reader import AttributeReader

TITLE = "Draw a critter"
SAMPLER_NAMES = {
    "dpm_solver_pp_2m": "DPM-Solver++(2M)",
    "ddim": "DDIM",
    "ddpm": "DDPM",
    "euler": "Euler",
    "heun": "Heun (two evaluations a step)",
}
LONGEST_PROMPT = 300
SEEDS = 2**31 - 1
FIRST_SEED = 1
FRAME = 1 / 15
"""Seconds between previews: faster than the browser can draw, they would pile up."""

PRESS_DRAW = """() => { document.querySelector("#draw").click(); }"""
SAY_STOPPED = """() => { const line = document.querySelector("#drawing .status");
if (/^step/.test(line.textContent)) line.textContent = "Stopped at " + line.textContent; }"""


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
    return Request(
        prompt=limits.text("The prompt", prompt, LONGEST_PROMPT),
        negative=limits.text("The negative prompt", negative, LONGEST_PROMPT),
        steps=limits.whole("Steps", steps, 1, 100),
        guidance=limits.number("Guidance", guidance, 0, 15),
        sampler=limits.choice("The sampler", sampler, list(SAMPLERS)),
        eta=limits.number("η", eta, 0, 1),
        seed=limits.whole("The seed", seed, 0, SEEDS),
        n=limits.whole("The number of pictures", n, 1, 9),
    )


@dataclass(frozen=True)
class Studio:
    """The shipped models, loaded once and shared by all visitors, who only read them."""

    model: LatentDiffusion
    reader: AttributeReader
    training: nearest.TrainingIndex
    preview_map: Tensor
    unet_flops: int
    decoder_flops: int
    usual_distance: float


@cache
def studio() -> Studio:
    """Raises weights.WeightsError if a file is missing or damaged."""
    model = latent.load()
    z = model.noise([0])[0]
    return Studio(
        model=model,
        reader=weights.load("reader"),
        training=nearest.load(),
        preview_map=load_preview(model.unet.config.latent_channels),
        unet_flops=flops(model.unet, z, torch.zeros(1), model.words([""])),
        decoder_flops=flops(model.autoencoder.decoder, z),
        usual_distance=weights.read_card("training_index", needs=("usual_distance",))["usual_distance"],
    )


def draw(wish: Request) -> Iterator[tuple[float, str, list, Tensor]]:
    """Samples, and yields (progress, status, notes, latents so far), the last with progress 1."""
    model, begun = studio().model, time.monotonic()
    shown, notes = 0.0, remarks(wish)
    step: Step | None = None
    for step in model.sample(**vars(wish)):
        now = time.monotonic()
        if now - begun > limits.SECONDS:
            raise limits.refuse(f"This took longer than {limits.SECONDS:g} s. Please ask for fewer steps or pictures.")
        if now - shown >= FRAME and step.i + 1 < step.n:
            shown = now
            yield (step.i + 1) / (step.n + 1), f"step {step.i + 1} of {step.n}", notes, step.x0_hat
    assert step is not None  # at least one step was asked for
    yield 1.0, "", notes, step.x_next


def remarks(wish: Request) -> list[str]:
    """What a visitor should know about the wording of a wish."""
    strange = unfamiliar_words(f"{wish.prompt} {wish.negative}")
    said = []
    if strange:
        words = ", ".join(f"“{word}”" for word in strange[:8]) + (" …" if len(strange) > 8 else "")
        said.append(f"Never seen in training, so read as mere letters: {words}")
    for cut in filter(None, map(studio().model.tokenizer.cut_off, (wish.prompt, wish.negative))):
        said.append(f"Too long for the text encoder; it did not read: “{cut.strip()}”")
    return said


def cost(wish: Request, seconds: float) -> str:
    """What a run took, in a line."""
    twice = 1 if wish.guidance in (0, 1) else 2
    each = evaluations(wish.sampler, wish.steps) * twice
    total = wish.n * (each * studio().unet_flops + studio().decoder_flops)
    a_picture = " a picture" if wish.n > 1 else ""
    return f"{seconds:.2f} s · {each} network evaluations{a_picture} · {total / 1e9:.1f} GFLOP"


def previews(latents: Tensor) -> dict[str, Any]:
    """Rough pictures as the gallery takes them."""
    rough = to_arrays(preview(latents, studio().preview_map))
    return {"side": rough.shape[1], "previews": [rgb_base64(one) for one in rough]}


@torch.no_grad()
def finished(wish: Request, x: Tensor) -> list[dict[str, Any]]:
    """Pictures as the gallery takes them, with what the reader sees and the closest training critter."""
    shop = studio()
    read = shop.reader.read(x)
    seeds, distances = shop.training.nearest(shop.reader.features(x))
    shown = []
    for k, row in enumerate(to_arrays(x)):
        sees = ", ".join(f"{name} {values[int(read[name][k])]}" for name, values in ATTRIBUTES.items())
        twin = int(seeds[k])
        shown.append(
            {
                "png": png_url(row),
                "alt": f"A drawn critter: {sees}",
                "seed": wish.seed + k,
                "name": f"critter-{wish.seed + k}.png",
                "sees": sees,
                "closest": png_url(np.array(render(training_critter(twin)))),
                "closest_seed": twin,
                "closest_text": f"The closest of the {len(shop.training.features):,} training critters is at distance "
                f"{distances[k]:.1f} in the reader's features. For a critter that no network drew, "
                f"the usual distance is {shop.usual_distance:.1f}.",
            }
        )
    return shown


def show(*values: Any) -> Iterator[str]:
    """The button's handler: checks, samples, draws."""
    wish, begun = check(*values), time.monotonic()
    for progress, status, notes, z in draw(wish):
        if progress < 1:
            yield json.dumps({"status": status, "progress": progress, "notes": notes} | previews(z))
            continue
        x = studio().model.decode(z)
        status = cost(wish, time.monotonic() - begun)
        yield json.dumps({"status": status, "progress": 1, "notes": notes, "pictures": finished(wish, x)})


def sample(
    prompt: str,
    negative: str = "",
    steps: int = latent.STEPS,
    guidance: float = latent.GUIDANCE,
    sampler: str = latent.SAMPLER,
    eta: float = 0.0,
    seed: int = 0,
    n: int = 1,
):
    """Draws n critters of a prompt. Yields (progress, []) while it samples, and ends with (cost, PNG files).

    steps 1–100, guidance 0–15, sampler one of ddim, ddpm, euler, heun, dpm_solver_pp_2m, eta 0–1 (DDIM only),
    seed 0–2147483647 (picture k uses seed + k), n 1–9.
    """
    try:
        studio()
    except weights.WeightsError as error:
        raise limits.refuse(str(error)) from error
    wish, begun = check(prompt, negative, steps, guidance, sampler, eta, seed, n), time.monotonic()
    for progress, status, _, z in draw(wish):
        if progress < 1:
            yield status, []
            continue
        rows = to_arrays(studio().model.decode(z))
        names = [f"critter-{wish.seed + k}.png" for k in range(wish.n)]
        cache = get_upload_folder()
        files = [save_bytes_to_cache(png_bytes(row), name, cache) for row, name in zip(rows, names, strict=True)]
        yield cost(wish, time.monotonic() - begun), [FileData(path=path).model_dump() for path in files]


# What one yield is made of; the annotation of a generator would tell gr.api about the generator instead.
sample.__annotations__["return"] = tuple[str, list[FileData]]


def build() -> None:
    """The chapter's page; without its weights, a sentence that says how to get them back."""
    gr.api(sample, api_name="sample", concurrency_id="cpu", concurrency_limit=limits.AT_ONCE)
    try:
        shop = studio()
    except weights.WeightsError as error:
        gr.Markdown(f"### This chapter cannot draw yet\n{error}", elem_id="missing-weights")
        return
    gr.Markdown(prose(shop), elem_classes="prose-column")
    first = check(EXAMPLES[0], "", latent.STEPS, latent.GUIDANCE, latent.SAMPLER, 0.0, FIRST_SEED, 1)
    *_, picture = show(*vars(first).values())
    with gr.Row():
        with gr.Column(scale=6, min_width=300):
            drawing = gallery(picture, elem_id="drawing")
        with gr.Column(scale=5, min_width=300):
            prompt = gr.Textbox(
                EXAMPLES[0], label="What do you want to see?", max_length=LONGEST_PROMPT, max_lines=4, elem_id="prompt"
            )
            with gr.Row():
                go = gr.Button("Draw", variant="primary", elem_id="draw", scale=2, min_width=120)
                stop = gr.Button("Stop", elem_id="stop", scale=1, min_width=80)
            guidance = gr.Slider(0, 15, latent.GUIDANCE, step=0.1, label="Guidance", elem_id="guidance")
            steps = gr.Slider(1, 100, latent.STEPS, step=1, label="Steps", elem_id="steps")
            n = gr.Slider(1, 9, 1, step=1, label="Pictures", elem_id="n")
            with gr.Accordion("More", open=False):
                negative = gr.Textbox(
                    label="Negative prompt",
                    info="What to steer away from; needs guidance above 1",
                    max_length=LONGEST_PROMPT,
                    elem_id="negative",
                )
                sampler = gr.Dropdown(
                    [(name, key) for key, name in SAMPLER_NAMES.items()],
                    value=latent.SAMPLER,
                    label="Sampler",
                    elem_id="sampler",
                )
                eta = gr.Slider(0, 1, 0, step=0.05, label="η", info="New noise in each step of DDIM", elem_id="eta")
                seed = gr.Number(FIRST_SEED, label="Seed", precision=0, minimum=0, maximum=SEEDS, elem_id="seed")
    examples = gr.Dataset(
        components=[prompt], samples=[[text] for text in EXAMPLES], label="Or try", elem_id="examples", type="values"
    )
    values = [prompt, negative, steps, guidance, sampler, eta, seed, n]
    drawn = gr.on(
        [go.click, prompt.submit, negative.submit],
        show,
        values,
        drawing,
        trigger_mode="always_last",
        show_progress="hidden",
        concurrency_id="cpu",
        concurrency_limit=limits.AT_ONCE,
        api_visibility="private",
    )
    chosen = examples.click(lambda row: row[0], examples, prompt, queue=False, api_visibility="private")
    chosen.then(None, js=PRESS_DRAW, api_visibility="private")  # the same event: no two runs in one gallery
    stop.click(None, cancels=[drawn], js=SAY_STOPPED, api_visibility="private")
