"""The lab "a negative prompt is arithmetic": ε̂ with and without one as arrows, and the same noise drawn both ways."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np
import torch
from gradio.data_classes import FileData

from apps import limits, player, wiring
from apps.pictures import png_bytes, served
from apps.tabs.latent.guidance import negative_pictures as pictures
from apps.tabs.latent.guidance.negative_pictures import Look
from apps.tabs.latent.studio import LONGEST_PROMPT, SEEDS, short, studio
from tutorial import weights
from tutorial.data.critters import ATTRIBUTES
from tutorial.data.pixels import to_arrays
from tutorial.diffusion.guidance_study import answers, drawn
from tutorial.diffusion.samplers import Step

DEFAULTS: dict[str, Any] = {
    "prompt": "a blue critter with a crown",
    "negative": "at night",
    "scale": 4,
    "steps": 12,
    "seed": 7,
}
DECODED = 4
"""Pictures decoded at a time."""


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked."""

    prompt: str
    negative: str
    scale: float
    steps: int
    seed: int


def check(prompt: Any, negative: Any, scale: Any, steps: Any, seed: Any) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    wish = Wish(
        limits.text("The prompt", prompt, LONGEST_PROMPT),
        limits.text("The negative prompt", negative, LONGEST_PROMPT),
        limits.number("The scale", scale, 0, 15),
        limits.whole("Steps", steps, 2, 50),
        limits.whole("The seed", seed, 0, SEEDS),
    )
    if not wish.negative.strip():
        raise limits.refuse("Please say in the negative prompt what to steer away from.")
    return wish


@dataclass(frozen=True)
class Found:
    """What came out: a look at each step, and both pictures on their way (steps, H, W, 3), the last finished."""

    looks: list[Look]
    without: np.ndarray
    against: np.ndarray


def compared(wish: Wish) -> Generator[Found | str | None, None, None]:
    """How far it is, None between, and in the end what was found."""
    model = studio().model
    empty, negative, cond = (model.words([text]) for text in ("", wish.negative, wish.prompt))
    plain: list[Step] = []
    for step in drawn(model, [wish.prompt], [wish.seed], wish.scale, steps=wish.steps):
        plain.append(step)
        yield f"without: step {step.i + 1} of {step.n}"
    steps, looks = [], []
    for step in drawn(model, [wish.prompt], [wish.seed], wish.scale, negative=wish.negative, steps=wish.steps):
        steps.append(step)
        asked = answers(model.model, step.x, step.t, torch.cat([empty, cond, negative]))
        looks.append(pictures.look(step.t, asked, step.eps[0], wish.scale))
        yield f"with: step {step.i + 1} of {step.n}"
    rows = []
    for guesses in torch.cat([step.x0_hat for step in plain + steps]).split(DECODED):
        rows.append(to_arrays(model.decode(guesses)))
        yield None
    sheets = np.concatenate(rows)
    yield Found(looks, sheets[: len(plain)], sheets[len(plain) :])


def work(wish: Wish) -> Generator[tuple[str, Any] | None, None, None]:
    """A line on how far it is, and at the end the film."""
    begun, shown = time.monotonic(), 0.0
    for part in compared(wish):
        now = time.monotonic()
        if isinstance(part, Found):
            yield told(wish, part), pictures.film(part.looks, part.without, part.against, note=note(wish))
        elif part is not None and now - shown >= wiring.FRAME:
            shown = now
            yield f"{part}, {now - begun:.1f} s", gr.skip()
        else:
            yield None


def note(wish: Wish) -> str:
    """The line under the film."""
    return (
        f"“{short(wish.prompt, 80)}”, against “{short(wish.negative, 80)}”, scale {wish.scale:g}, seed {wish.seed}. "
        "The arrows begin at ε̂(∅) and lie in one plane exactly; it is turned so that the prompt’s points to the right."
    )


def told(wish: Wish, found: Found) -> str:
    """The arithmetic, in numbers, and what the reader sees in both pictures."""
    half = found.looks[len(found.looks) // 2]
    rows = ["| | without | against it |", "|---|---|---|"]
    before, after = seen(found.without[-1]), seen(found.against[-1])
    changed = [name for name in ATTRIBUTES if before[name] != after[name]]
    rows += [f"| {name} | {before[name]} | {after[name]} |" for name in changed]
    differ = "\n".join(rows) if changed else "The reader sees the same in both pictures."
    return (
        f"At t = {half.t} the prompt moves ε̂ by {half.prompt:.2f} and the negative prompt by {half.negative:.2f}; "
        f"their directions have the cosine {half.cosine:.2f}. With scale {wish.scale:g} the first is added "
        f"{wish.scale:g} times and the second {_times(1 - wish.scale)}.\n\n{differ}"
    )


def _times(factor: float) -> str:
    if factor == 0:
        return "not at all"
    return f"taken away {-factor:g} times" if factor < 0 else f"added {factor:g} times"


def seen(picture: np.ndarray) -> dict[str, str]:
    """What the reader sees in a picture (H, W, 3) uint8."""
    x = torch.from_numpy(picture).permute(2, 0, 1).float()[None] / 127.5 - 1
    read = studio().reader.read(x)
    return {name: values[int(read[name][0])] for name, values in ATTRIBUTES.items()}


def opening() -> Generator[str | None, None, None]:
    """What the lab shows at first, made when it is first seen: at the end, and None until then."""
    wish = check(**DEFAULTS)
    for found in compared(wish):
        done = isinstance(found, Found)
        yield pictures.film(found.looks, found.without, found.against, note=note(wish)) if done else None


def negative_prompt(
    request: gr.Request,
    prompt: str,
    negative: str,
    scale: float = DEFAULTS["scale"],
    steps: int = DEFAULTS["steps"],
    seed: int = 0,
):
    """Draws one noise without and against a negative prompt. Yields (progress, [], []) and ends with both PNG files.

    scale 0–15, steps 2–50, seed 0–2147483647. For each step: t, prompt and negative (by how much each moves the
    network's answer from that to the empty prompt), and the cosine between these two.
    """
    wish = check(prompt, negative, scale, steps, seed)
    try:
        studio()
    except weights.WeightsError as error:
        raise limits.refuse(str(error)) from error
    for part in limits.run(request, compared(wish)):
        if isinstance(part, str):
            yield part, [], []
            continue
        both = {"without": part.without[-1], "against": part.against[-1]}
        files = [
            FileData(path=served(png_bytes(x), f"critter-{wish.seed}-{name}.png")).model_dump()
            for name, x in both.items()
        ]
        rows = [
            {"t": float(look.t), "prompt": look.prompt, "negative": look.negative, "cosine": look.cosine}
            for look in part.looks
        ]
        yield "done", rows, files


negative_prompt.__annotations__["return"] = tuple[str, list[dict[str, float]], list[FileData]]


def lab(page: gr.Blocks) -> None:
    """The lab's film and controls; without its weights, a sentence that says how to get them back."""
    gr.api(negative_prompt, api_name="negative_prompt")
    try:
        studio()
    except weights.WeightsError as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    film = player.player(opening, elem_id="negative-film")
    settings, buttons = controls()
    said = gr.Markdown(elem_id="negative-said")
    draw = wiring.as_it_goes(work, check, "negative")
    wiring.connect(page, "negative", draw, settings, [said, film], buttons, check)


def controls() -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings in the order in which `check` takes them, and the buttons."""
    with gr.Row():
        prompt = gr.Textbox(DEFAULTS["prompt"], label="Prompt", max_lines=3, elem_id="negative-prompt", min_width=200)
        negative = gr.Textbox(
            DEFAULTS["negative"], label="Negative prompt", max_lines=3, elem_id="negative-negative", min_width=200
        )
        scale = gr.Slider(0, 15, DEFAULTS["scale"], step=0.5, label="Scale", elem_id="negative-scale", min_width=150)
    buttons = wiring.button_row("negative", "Draw both", "draw")
    with gr.Accordion("More: steps, seed", open=False), gr.Row():
        steps = gr.Slider(2, 50, DEFAULTS["steps"], step=1, label="Steps", elem_id="negative-steps")
        seed = gr.Number(DEFAULTS["seed"], label="Seed", precision=0, elem_id="negative-seed")
    return {"prompt": prompt, "negative": negative, "scale": scale, "steps": steps, "seed": seed}, buttons
