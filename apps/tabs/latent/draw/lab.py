"""The lab "draw a critter": from a prompt to a picture, and then what happened at each step."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
import time
from collections.abc import Generator, Iterator
from typing import Any

import gradio as gr
import torch
from gradio.data_classes import FileData

from apps import limits, links, player
from apps.gallery import gallery
from apps.pictures import png_bytes, served
from apps.player import promises
from apps.tabs.latent.draw import pipeline
from apps.tabs.latent.draw.controls import controls
from apps.tabs.latent.draw.wish import alone, bring_back, check, picked, surprise
from apps.tabs.latent.draw.work import Shown, opening, work
from apps.tabs.latent.studio import Studio, cost, studio
from tutorial import weights
from tutorial.data.critter_words import EXAMPLES
from tutorial.data.pixels import to_arrays
from tutorial.diffusion import latent
from tutorial.networks.autoencoder import Autoencoder
from tutorial.networks.blocks import parameter_count
from tutorial.networks.text import TextEncoder
from tutorial.networks.unet import UNet

PRESS_DRAW = """() => { document.querySelector("#draw").click(); }"""
SAY_WAITING = """() => {
  const drawing = document.querySelector("#drawing .gallery");
  drawing.querySelector(".status").textContent = "Waiting for a free core …";
  drawing.querySelector(".bar").classList.remove("done");
  drawing.querySelector(".bar i").style.width = 0;
  drawing.classList.remove("stopped");
}"""
SAY_STOPPED = """() => {
  const drawing = document.querySelector("#drawing .gallery");
  const line = drawing.querySelector(".status");
  if (/^step/.test(line.textContent)) line.textContent = "Stopped at " + line.textContent;
  if (/^Waiting/.test(line.textContent)) line.textContent = "Nothing was drawn.";
  drawing.querySelector(".bar").classList.add("done");
  drawing.classList.add("stopped");
}"""
NEXT_SEED = "(seed, n) => (Number(seed) || 0) + (Number(n) || 1)"


def about(shop: Studio) -> str:
    """How big the model is, and where its weights come from."""
    model = shop.model
    ours = sum(parameter_count(part) for part in (model.text, model.unet, model.autoencoder))
    with torch.device("meta"):
        original = sum(parameter_count(part()) for part in (TextEncoder, UNet, Autoencoder))
    card = weights.read_card("unet")
    return (
        f"Stable Diffusion’s architecture with {ours / 1e6:.1f} instead of {original / 1e6:,.0f} million parameters. "
        f"The weights were trained ahead of time, by `make weights` (the U-Net by `{card['command']}`); "
        f"every picture after the first is computed when you press the button."
    )


def opened(shop: Studio) -> Generator[tuple[str, str, str, str] | None, None, None]:
    """What the lab opens with, and what is said about the model: counting the original's parameters takes a second."""
    for found in opening():
        yield (*found, about(shop)) if found else None


def show(request: gr.Request, *values: Any) -> Iterator[Shown]:
    """The button's handler: checks, samples, draws, and then tells what happened at each step.

    A click during a run is a change of mind: it ends that run and begins its own.
    """
    limits.stop(request, "draw")
    yield from limits.run(request, work(check(*values)), "draw")


def sample(
    request: gr.Request,
    prompt: str,
    negative: str = "",
    steps: int = latent.STEPS,
    guidance: float = latent.GUIDANCE,
    sampler: str = latent.SAMPLER,
    eta: float = 0.0,
    seed: int = 0,
    n: int = 1,
    side: int = weights.SIDE,
):
    """Draws n critters of a prompt. Yields (progress, []) while it samples, and ends with (cost, PNG files).

    steps 1–100, guidance 0–15, sampler one of ddim, ddpm, euler, heun, dpm_solver_pp_2m, eta 0–1 (DDIM only),
    seed 0–2147483647 (picture k uses seed + k), n 1–9, side (pixels of height and width) one of those for which a model
    is shipped.
    """
    wish, begun, step = check(prompt, negative, steps, guidance, sampler, eta, seed, n, side), time.monotonic(), None
    shop = wish.shop
    for step in limits.run(request, shop.model.sample(**vars(wish.request))):
        yield f"step {step.i + 1} of {step.n}", []
    if step is None or step.i + 1 < step.n:
        raise limits.refuse("This run was stopped before it had ended.")
    with limits.CPU.turn():
        rows = to_arrays(shop.model.decode(step.x_next))
    names = [f"critter-{wish.request.seed + k}.png" for k in range(wish.request.n)]
    pngs = [png_bytes(row, alone(wish, k)) for k, row in enumerate(rows)]
    files = [served(png, name) for png, name in zip(pngs, names, strict=True)]
    yield (
        f"{time.monotonic() - begun:.2f} s · {cost(wish.request, shop)}",
        [FileData(path=path).model_dump() for path in files],
    )


# What one yield is made of; the annotation of a generator would tell gr.api about the generator instead.
sample.__annotations__["return"] = tuple[str, list[FileData]]


def lab(page: gr.Blocks) -> None:
    """The lab's controls and pictures; without its weights, a sentence that says how to get them back."""
    gr.api(sample, api_name="sample")
    try:
        shop = studio()
    except weights.WeightsError as error:
        gr.Markdown(f"### This lab cannot draw yet\n{error}", elem_id="missing-weights")
        return
    first = promises.Opening(lambda: opened(shop))
    with gr.Row():
        with gr.Column(scale=6, min_width=300):
            drawing = gallery(promises.promised(first.part(0)), elem_id="drawing")
        with gr.Column(scale=5, min_width=300):
            settings, buttons, pickers, dropped = controls()
    prompt = settings["prompt"]
    examples = gr.Dataset(
        components=[prompt], samples=[[text] for text in EXAMPLES], label="Or try", elem_id="examples", type="values"
    )
    gr.Markdown("#### What each part did")
    line = pipeline.diagram(promises.promised(first.part(2)), elem_id="pipeline")
    gr.Markdown("#### What happened, step by step")
    way = player.player(first.part(1, 3), elem_id="way")
    player.tells(way, gr.Markdown(elem_classes="prose-column", elem_id="about"))

    values = list(settings.values())
    drawn = gr.on(
        [buttons["draw"].click, prompt.submit, settings["negative"].submit],
        show,
        values,
        [drawing, way, line],
        js=f"(...values) => {{ ({SAY_WAITING})(); return ({links.write('draw', settings)})(...values); }}",
        trigger_mode="multiple",  # each click goes to `show` at once, which ends the run before it
        show_progress="hidden",
        api_visibility="private",
    )
    drawn.failure(None, js=SAY_STOPPED, api_visibility="private")
    # Not `cancels=[drawn]`: until the server has answered, that would cancel a click that came after Stop as well.
    buttons["stop"].click(limits.stopper("draw"), js=SAY_STOPPED, queue=False, api_visibility="private")
    links.restore(page, "draw", settings, check, button="draw")
    copied = links.copy("draw", settings, "copy")
    buttons["copy"].click(None, values, js=copied, queue=False, api_visibility="private")
    for picker in pickers:
        picker.input(picked, pickers, prompt, api_visibility="private")
    seed, n = settings["seed"], settings["n"]
    for changed in (  # what fills in the controls also presses the button: no two runs in one gallery
        examples.click(lambda row: row[0], examples, prompt, queue=False, api_visibility="private"),
        buttons["surprise"].click(surprise, None, prompt, queue=False, api_visibility="private"),
        buttons["another"].click(None, [seed, n], seed, js=NEXT_SEED, api_visibility="private"),
        dropped.upload(bring_back, dropped, values, api_visibility="private"),
    ):
        changed.success(None, js=PRESS_DRAW, api_visibility="private")
