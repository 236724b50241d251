"""The lab "draw a critter": from a prompt to a picture, and then what happened at each step."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
import json
import time
from collections.abc import Generator, Iterator
from dataclasses import fields, replace
from typing import Any

import gradio as gr
import numpy as np
import torch
from gradio.data_classes import FileData
from torch import Tensor

from apps import limits, links, player
from apps.gallery import gallery
from apps.pictures import channels, png_bytes, png_url, read_settings, rgb_base64, served
from apps.tabs.latent import pipeline
from apps.tabs.latent.studio import SEEDS, Request, Studio, check, cost, remarks, studio
from tutorial import weights
from tutorial.data.critter_art import render
from tutorial.data.critter_words import EXAMPLES, caption, describe
from tutorial.data.critters import ATTRIBUTES, EVALUATION_SEED, any_critter, training_critter
from tutorial.data.pixels import to_arrays
from tutorial.diffusion import latent
from tutorial.diffusion.preview import preview
from tutorial.diffusion.samplers import Step
from tutorial.networks.autoencoder import Autoencoder
from tutorial.networks.blocks import parameter_count
from tutorial.networks.text import TextEncoder
from tutorial.networks.unet import UNet

SAMPLER_NAMES = {
    "dpm_solver_pp_2m": "DPM-Solver++(2M)",
    "ddim": "DDIM",
    "ddpm": "DDPM",
    "euler": "Euler",
    "heun": "Heun (two evaluations a step)",
}
SETTINGS = tuple(field.name for field in fields(Request))
FIRST_SEED = 1
ANYTHING = "anything"
FRAME = 1 / 15
"""Seconds between previews: faster than the browser can draw, they would pile up."""
SPREAD = 3.0
"""Latents are drawn in colours from −3 to 3: three of their standard deviations."""

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


def alone(wish: Request, k: int) -> dict[str, Any]:
    """The settings that draw picture k of a wish by itself; a saved picture carries them."""
    return vars(wish) | {"seed": wish.seed + k, "n": 1}


def bring_back(path: str) -> list[Any]:
    """The settings of a picture that was saved here. Raises gr.Error for any other file, and for settings amiss."""
    saved = read_settings(path)
    wish = check(**{name: saved.get(name) for name in SETTINGS})
    return list(vars(wish).values())


def surprise() -> str:
    """A prompt for a critter that nobody has seen before."""
    rng = np.random.default_rng()
    return caption(any_critter(int(rng.integers(EVALUATION_SEED, SEEDS))), rng, at_least=4).text


def picked(*values: Any) -> str:
    """The prompt that asks for what the pickers show. Raises gr.Error for a value that a picker does not have."""
    chosen = {}
    for (name, options), value in zip(ATTRIBUTES.items(), values, strict=True):
        if limits.choice(name, value, [ANYTHING, *options]) != ANYTHING:
            chosen[name] = value
    return describe(chosen)


def previews(latents: Tensor) -> dict[str, Any]:
    """Rough pictures as the gallery takes them."""
    rough = to_arrays(preview(latents, studio().preview_map))
    return {"side": rough.shape[1], "previews": [rgb_base64(one) for one in rough]}


@torch.no_grad()
def finished(wish: Request, x: Tensor, status: str, notes: list[str]) -> str:
    """The gallery's last value: the pictures, what the reader sees in them, and the closest training critters."""
    shop = studio()
    read = shop.reader.read(x)
    seeds, distances = shop.training.nearest(shop.reader.features(x))
    shown = []
    for k, row in enumerate(to_arrays(x)):
        sees = ", ".join(f"{name} {values[int(read[name][k])]}" for name, values in ATTRIBUTES.items())
        twin = int(seeds[k])
        shown.append(
            {
                "png": png_url(row, alone(wish, k)),
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
    return json.dumps({"status": status, "progress": 1, "notes": notes, "pictures": shown})


Shown = tuple[Any, Any, Any]
"""New values for gallery, player and pipeline; `gr.skip()` where nothing changes."""


def show(request: gr.Request, *values: Any) -> Iterator[Shown]:
    """The button's handler: checks, samples, draws, and then tells what happened at each step.

    A click during a run is a change of mind: it ends that run and begins its own.
    """
    limits.stop(request, "draw")
    yield from limits.run(request, work(check(*values)), "draw")


def work(wish: Request) -> Generator[Shown | None, None, None]:
    """All that a click computes, in small pieces: previews, the pictures, then the film and the pipeline.

    None where there is nothing to show yet, and others can have their turn.
    """
    begun = time.monotonic()
    notes, shown, steps, step = remarks(wish), 0.0, [], None
    for step in studio().model.sample(**vars(wish)):
        steps.append(first_picture(step))
        now = time.monotonic()
        if now - shown >= FRAME and step.i + 1 < step.n:
            shown = now
            state = {"status": f"step {step.i + 1} of {step.n}", "progress": (step.i + 1) / (step.n + 1)}
            yield json.dumps(state | {"notes": notes, "seed": wish.seed} | previews(step.x0_hat)), gr.skip(), gr.skip()
        else:
            yield None
    assert step is not None  # at least one step was asked for
    x = studio().model.decode(step.x_next)
    yield finished(wish, x, f"{time.monotonic() - begun:.2f} s · {cost(wish)}", notes), gr.skip(), gr.skip()
    frames = []
    for frame in decoded(steps):
        frames.append(frame)
        yield None
    yield gr.skip(), film(wish, steps, np.concatenate(frames)), pipeline.parts(wish, steps, to_arrays(x[:1])[0])


def first_picture(step: Step) -> Step:
    """A step as the first picture took it: only its film is made, so nothing else of the run is kept."""
    return replace(step, **{name: getattr(step, name)[:1].clone() for name in ("x", "eps", "x0_hat", "x_next")})


def opening() -> tuple[str, str, str]:
    """What gallery, player and pipeline show at first: an example, drawn as the app starts."""
    wish = check(EXAMPLES[0], "", latent.STEPS, latent.GUIDANCE, latent.SAMPLER, 0.0, FIRST_SEED, 1)
    steps = list(studio().model.sample(**vars(wish)))
    x = studio().model.decode(steps[-1].x_next)
    status = f"drawn when the app started · {cost(wish)}"
    way = film(wish, steps, np.concatenate(list(decoded(steps))))
    return finished(wish, x, status, []), way, pipeline.parts(wish, steps, to_arrays(x)[0])


def decoded(steps: list[Step]) -> Iterator[np.ndarray]:
    """The first picture as it would be if a run stopped at each of its steps, and as it is: (·, H, W, 3) uint8."""
    guesses = torch.cat([step.x0_hat for step in steps] + [steps[-1].x_next])
    for rows in guesses.split(4):
        yield to_arrays(studio().model.decode(rows))


def film(wish: Request, steps: list[Step], pictures: np.ndarray) -> str:
    """The first picture's way, step by step, as the player takes it."""
    model = studio().model
    noisy = torch.cat([step.x for step in steps] + [steps[-1].x_next])
    noise = torch.cat([step.eps for step in steps] + [steps[-1].eps])
    times = [step.t for step in steps] + [steps[-1].t_next]
    labels = [f"step {step.i + 1}: t = {step.t}" for step in steps] + ["t = 0: done"]
    t, abar = np.arange(model.schedule.T + 1), model.schedule.abar.numpy()
    signal = player.curve(t, abar, "field", "ᾱ", marker=times)
    time_axis, share_axis = (0, model.schedule.T, "time t"), (0, 1, "")
    return player.clip(
        [
            player.panel([player.image(pictures, smooth=True, quality=90)], title="ẑ₀, decoded"),
            player.panel([_channels(noisy, "z")], title="z, the latent"),
            player.panel([_channels(noise, "ε̂")], title="ε̂, the noise seen in it"),
            player.panel([signal], title="ᾱ, the share of signal", x=time_axis, y=share_axis),
        ],
        frames=len(times),
        labels=labels,
        rate=min(15, max(6, len(times) / 4)),
        note=f"Seed {wish.seed}. At each step the network sees noise ε̂ in the latent z, whose four channels are drawn "
        "here; what would be left without it, ẑ₀, is decoded. All of it is in your browser now: drag the slider.",
    )


def _channels(latents: Tensor, name: str) -> player.Layer:
    """The four channels of (T, 4, h, w) in colours, two by two."""
    return player.heat(channels(latents.numpy()), name, low=-SPREAD, high=SPREAD, map="diverging")


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
    step = None
    for step in limits.run(request, studio().model.sample(**vars(wish))):
        yield f"step {step.i + 1} of {step.n}", []
    if step is None or step.i + 1 < step.n:
        raise limits.refuse("This run was stopped before it had ended.")
    with limits.CPU.turn():
        rows = to_arrays(studio().model.decode(step.x_next))
    names = [f"critter-{wish.seed + k}.png" for k in range(wish.n)]
    pngs = [png_bytes(row, alone(wish, k)) for k, row in enumerate(rows)]
    files = [served(png, name) for png, name in zip(pngs, names, strict=True)]
    yield f"{time.monotonic() - begun:.2f} s · {cost(wish)}", [FileData(path=path).model_dump() for path in files]


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
    picture, steps_taken, what_parts_did = opening()
    with gr.Row():
        with gr.Column(scale=6, min_width=300):
            drawing = gallery(picture, elem_id="drawing")
        with gr.Column(scale=5, min_width=300):
            settings, buttons, pickers, dropped = controls()
    prompt = settings["prompt"]
    examples = gr.Dataset(
        components=[prompt], samples=[[text] for text in EXAMPLES], label="Or try", elem_id="examples", type="values"
    )
    gr.Markdown("#### What each part did")
    line = pipeline.diagram(what_parts_did, elem_id="pipeline")
    gr.Markdown("#### What happened, step by step")
    way = player.player(steps_taken, elem_id="way")
    gr.Markdown(about(shop), elem_classes="prose-column", elem_id="about")

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


def controls() -> tuple[dict[str, Any], dict[str, gr.Button], list[gr.Dropdown], gr.File]:
    """The settings in the order of `SETTINGS`, buttons, pickers of attributes, and where pictures are dropped."""
    prompt = gr.Textbox(
        EXAMPLES[0],
        label="What do you want to see?",
        placeholder="anything: without a prompt, the model draws what comes to it",
        max_lines=4,
        elem_id="prompt",
    )
    with gr.Row():
        buttons = {
            "draw": gr.Button("Draw", variant="primary", elem_id="draw", scale=2, min_width=120),
            "stop": gr.Button("Stop", elem_id="stop", scale=1, min_width=80),
        }
    with gr.Row():
        small = {"surprise": "Surprise me", "another": "Another one", "copy": "Copy link"}
        buttons |= {name: gr.Button(text, elem_id=name, size="sm", min_width=90) for name, text in small.items()}
    with gr.Accordion("Put a prompt together", open=False), gr.Row():
        pickers = [
            gr.Dropdown([ANYTHING, *values], value=ANYTHING, label=name, min_width=120, elem_id=f"pick-{name}")
            for name, values in ATTRIBUTES.items()
        ]
    guidance = gr.Slider(0, 15, latent.GUIDANCE, step=0.1, label="Guidance", elem_id="guidance")
    steps = gr.Slider(1, 100, latent.STEPS, step=1, label="Steps", elem_id="steps")
    n = gr.Slider(1, 9, 1, step=1, label="Pictures", elem_id="n")
    seed = gr.Number(FIRST_SEED, label="Seed: which noise to start from", precision=0, elem_id="seed")
    with gr.Accordion("More", open=False):
        negative = gr.Textbox(
            label="Negative prompt", info="What to steer away from; needs guidance above 1", elem_id="negative"
        )
        samplers = [(name, key) for key, name in SAMPLER_NAMES.items()]
        sampler = gr.Dropdown(samplers, value=latent.SAMPLER, label="Sampler", elem_id="sampler")
        eta = gr.Slider(0, 1, 0, step=0.05, label="η", info="New noise in each step of DDIM", elem_id="eta")
        dropped = gr.File(
            label="Drop a picture saved here to draw it again", file_types=[".png"], height=110, elem_id="dropped"
        )
    settings = dict(zip(SETTINGS, (prompt, negative, steps, guidance, sampler, eta, seed, n), strict=True))
    return settings, buttons, pickers, dropped
