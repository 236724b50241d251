"""The lab "guidance, from 0 to 15": critters of one prompt and one noise at every scale, as a strip to scrub."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
import time
from collections.abc import Generator, Iterator
from typing import Any

import gradio as gr
import torch
from gradio.data_classes import FileData

from apps import limits, player, questions, wiring
from apps.pictures import png_bytes, served
from apps.tabs.latent.guidance import strip_pictures as pictures
from apps.tabs.latent.guidance.strip_looks import (
    DEFAULTS,
    MOST,
    T,
    Wish,
    at_scale,
    check,
    looked_at,
    looks,
    recorded,
    told,
)
from apps.tabs.latent.guidance.strip_pictures import Look
from apps.tabs.latent.studio import LONGEST_PROMPT, short, studio
from apps.wiring import QUIET
from tutorial import measurements, weights
from tutorial.diffusion import latent
from tutorial.diffusion.guidance_study import evaluations, times
from tutorial.metrics.fidelity import read_labels
from tutorial.training import guidance_curve
from tutorial.training.guidance_curve import PROMPT, SCALES

FRAME = 1.0
"""Seconds between two clips of a strip that grows; each holds all pictures so far."""
QUESTION = "At guidance 0, what will be drawn for this prompt?"
NOISE, OTHER, FAINT, NOTHING = ANSWERS = (
    "noise: there is nothing to go by",
    "critters, but not those asked for",
    "the critter asked for, only less clearly",
    "the same picture for every noise",
)
HINT = "The strip begins at 1. Say what comes before it, and it is drawn."


def work(wish: Wish) -> Generator[tuple[str, Any] | None, None, None]:
    """A line on how far it is and the strip so far."""
    begun, shown, found = time.monotonic(), 0.0, []
    for look in looks(wish, SCALES):
        if look is None:
            yield None
            continue
        found.append(look)
        over = len(found) == len(SCALES)
        now = time.monotonic()
        if over or now - shown >= FRAME:
            shown = now
            line = told(wish, now - begun) if over else f"{len(found)} of {len(SCALES)} scales drawn"
            yield line, pictures.strip(found, wish.seed, note=f"“{short(wish.prompt, 120)}”")


def opening() -> str:
    """What the lab shows at first: the strip from 1 on."""
    note = f"“{PROMPT}”: latents recorded ahead, by {guidance_curve.COMMAND}, and decoded here. Drag the slider."
    return pictures.strip(recorded()[1:], guidance_curve.STRIP_SEED, note=note)


def answered(request: gr.Request, answer: Any) -> Iterator[tuple[str, Any]]:
    """Draws what was asked about, and says what it shows."""
    said = limits.choice("Your answer", answer, ANSWERS)

    def whole() -> Generator[tuple[str, Any] | None, None, None]:
        wish = check(**DEFAULTS)
        yield "Drawing at guidance 0 …", gr.skip()
        for look in looks(wish, SCALES[:1]):
            if look is None:
                yield None
                continue
            note = f"“{PROMPT}”: scale 0 was drawn just now, the others by {guidance_curve.COMMAND}."
            strip = pictures.strip([look, *recorded()[1:]], wish.seed, note=note, beside=look)
            yield revealed(said, look, recorded()[SCALES.index(latent.GUIDANCE)]), strip

    yield from limits.run(request, whole(), "guidance")


def revealed(answer: str, zero: Look, usual: Look) -> str:
    """What is said to an answer: what the reader sees at 0, and at the usual scale."""
    rows = [f"| asked for | seen at 0 | seen at {usual.scale:g} |", "|---|---|---|"]
    at_zero, at_usual = seen(zero), seen(usual)
    n = len(zero.pictures)
    rows += [f"| {value} | {at_zero[value]} of {n} | {at_usual[value]} of {n} |" for value in at_zero]
    return (
        f"You said: {answer}. At 0 the formula leaves ε̂ = ε̂(∅): the network is asked without your words, and draws "
        "what it takes for any critter. The noises differ, so the critters do, and what they share with your prompt "
        "is chance.\n\n" + "\n".join(rows)
    )


def seen(look: Look) -> dict[str, int]:
    """In how many of the pictures the reader sees each value that the recorded prompt asks for."""
    x = torch.from_numpy(look.pictures).permute(0, 3, 1, 2).float() / 127.5 - 1
    labels = read_labels(studio().reader, x)
    return {value: int((labels[:, column] == index).sum()) for value, column, index in guidance_curve.asked_labels()}


def guidance(
    request: gr.Request,
    prompt: str,
    scale: float = latent.GUIDANCE,
    from_t: int = T,
    to_t: int = 0,
    negative: str = "",
    steps: int = latent.STEPS,
    seed: int = 0,
    n: int = 1,
):
    """Draws n critters of a prompt with guidance at the times to_t < t ≤ from_t only; at the others scale is 1.

    scale 0–15, where 0 is without the prompt and 1 with it as it is (Ho and Salimans' w is scale − 1); from_t 1–1000,
    to_t 0–999, steps 1–50, seed 0–2147483643, n 1–4. Yields (progress, [], {}) while it draws and ends with the cost,
    PNG files, and evaluations of the network a picture, spread (mean distance of two pictures in the reader's
    features, if n > 1) and deviation (standard deviation of the latents).
    """
    strength, away = (
        limits.number("The scale", scale, 0, 15),
        limits.text("The negative prompt", negative, LONGEST_PROMPT),
    )
    wish = check(prompt, from_t, to_t, steps, seed, n)
    try:
        asked = times(studio().model, wish.steps)
    except weights.WeightsError as error:
        raise limits.refuse(str(error)) from error
    step, begun = None, time.monotonic()
    for step in limits.run(request, at_scale(wish, strength, away)):
        yield f"step {step.i + 1} of {step.n}", [], {}
    if step is None or step.i + 1 < step.n:
        raise limits.refuse("This run was stopped before it had ended.")
    with limits.CPU.turn():
        look = looked_at(strength, step.x_next)
    files = []
    for k, row in enumerate(look.pictures):
        name = f"critter-{wish.seed + k}-guidance-{strength:g}.png"
        files.append(FileData(path=served(png_bytes(row), name)).model_dump())
    numbers = {"evaluations": float(evaluations(asked, strength, wish.interval)), "deviation": look.deviation}
    apart = {} if look.spread is None else {"spread": look.spread}
    yield f"{time.monotonic() - begun:.2f} s", files, numbers | apart


# What one yield is made of; the annotation of a generator would tell gr.api about the generator instead.
guidance.__annotations__["return"] = tuple[str, list[FileData], dict[str, float]]


def lab(page: gr.Blocks) -> None:
    """The lab's strip and controls; without what it needs, a sentence that says how to get it back."""
    gr.api(guidance, api_name="guidance")
    try:
        studio()
        guidance_curve.strip()
    except (weights.WeightsError, measurements.MeasurementsError) as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    film = player.player(opening, elem_id="guidance-strip")
    answer, said = questions.pose("guidance", QUESTION, ANSWERS, HINT)
    answer.input(answered, answer, [said, film], **QUIET)
    settings, buttons = controls()
    draw = wiring.as_it_goes(work, check, "guidance")
    wiring.connect(page, "guidance", draw, settings, [said, film], buttons, check)


def controls() -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings in the order in which `check` takes them, and the buttons."""
    prompt = gr.Textbox(DEFAULTS["prompt"], label="Prompt", max_lines=3, elem_id="guidance-prompt")
    buttons = wiring.button_row("guidance", "Draw all scales", "draw")
    with gr.Row():
        first, last = interval_controls("guidance")
        n = gr.Slider(1, MOST, DEFAULTS["n"], step=1, label="Noises", elem_id="guidance-n", min_width=120)
    with gr.Accordion("More: steps, first seed", open=False), gr.Row():
        steps = gr.Slider(1, 50, DEFAULTS["steps"], step=1, label="Steps", elem_id="guidance-steps")
        seed = gr.Number(DEFAULTS["seed"], label="First seed", precision=0, elem_id="guidance-seed")
    return {"prompt": prompt, "first": first, "last": last, "steps": steps, "seed": seed, "n": n}, buttons


def interval_controls(lab: str) -> tuple[gr.Slider, gr.Slider]:
    """The times from which and down to which a lab guides; at first all."""
    first = gr.Slider(1, T, T, step=1, label="Guided from t", elem_id=f"{lab}-first", min_width=150)
    return first, gr.Slider(0, T - 1, 0, step=1, label="down to t", elem_id=f"{lab}-last", min_width=150)
