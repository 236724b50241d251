"""The lab "change the scale on the way": a critter drawn step by step, back and forth, each step with its own scale."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import zip_longest
from typing import Any

import gradio as gr
import numpy as np
from gradio.data_classes import FileData

from apps import limits, links, player, wiring
from apps.pictures import png_bytes, served
from apps.tabs.latent.guidance import steps_pictures as pictures
from apps.tabs.latent.studio import LONGEST_PROMPT, SEEDS, short, studio
from apps.wiring import QUIET
from tutorial import weights
from tutorial.data.critter_words import EXAMPLES
from tutorial.data.pixels import to_arrays
from tutorial.diffusion.guidance_study import Walk, begin, onwards

STEPS = 12
MOST = 40
DEFAULTS: dict[str, Any] = {"prompt": EXAMPLES[2], "scale": 3, "steps": STEPS, "seed": 2}
LAB = "onward"


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked; a walk under way has those that it began with, but for the scale."""

    prompt: str
    scale: float
    steps: int
    seed: int


def check(prompt: Any, scale: Any, steps: Any, seed: Any) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    return Wish(
        limits.text("The prompt", prompt, LONGEST_PROMPT),
        limits.number("The scale", scale, 0, 15),
        limits.whole("Steps", steps, 2, MOST),
        limits.whole("The seed", seed, 0, SEEDS),
    )


@dataclass(frozen=True)
class Way:
    """A walk with its guesses decoded, (H, W, 3) uint8 each, and the way that was left when steps were taken back."""

    wish: Wish
    walk: Walk
    guesses: tuple[np.ndarray, ...] = ()
    left: "Way | None" = None

    def back(self, n: int) -> "Way":
        """As it stood after its first n steps. What it had come to is kept beside it, unless that is a part of what is
        kept there already."""
        left = self.left
        if left is None or any(a is not b for a, b in zip_longest(self.walk.taken, left.walk.back(self.steps).taken)):
            left = replace(self, left=None)
        return replace(self, walk=self.walk.back(n), guesses=self.guesses[:n], left=left)

    @property
    def steps(self) -> int:
        """Steps taken."""
        return len(self.guesses)


def begun(wish: Wish) -> Way:
    """A new way, at pure noise."""
    return Way(wish, begin(studio().model, wish.prompt, "", wish.seed, wish.steps))


def further(way: Way, scale: float) -> Way:
    """One step, with this scale."""
    walk = onwards(studio().model, way.walk, scale)
    guess = to_arrays(studio().model.decode(walk.taken[-1].step.x0_hat))[0]
    return replace(way, walk=walk, guesses=(*way.guesses, guess))


def same(way: Way, wish: Wish) -> bool:
    """Whether a way can be gone on with: all but the scale is as it was."""
    return replace(way.wish, scale=wish.scale) == wish


@cache
def first() -> Way:
    """The way that the lab opens with: the scale that the controls show, to the end."""
    way = begun(check(**DEFAULTS))
    while not way.walk.over:
        way = further(way, way.wish.scale)
    return way


def opening() -> str:
    """That way, drawn."""
    return pictures.film(first(), "Drawn here, since the app started. Step back, change the scale, and go on.")


def told(way: Way) -> str:
    """Where a way stands, and the scales it was led with."""
    n = len(way.walk.times) - 1
    here = f"step {way.steps} of {n}" if way.steps else "pure noise"
    runs: list[list[Any]] = []
    for one in way.walk.taken:
        if runs and runs[-1][0] == one.scale:
            runs[-1][1] += 1
        else:
            runs.append([one.scale, 1])
    scales = ", then ".join(f"{count} with scale {scale:g}" for scale, count in runs)
    return f"“{short(way.wish.prompt, 80)}”, seed {way.wish.seed}: {here}" + (f" ({scales})." if scales else ".")


def shown(way: Way) -> tuple[str, str, Any]:
    """What each button fills in: the line, the film, and the way itself."""
    return told(way), pictures.film(way, _note(way)), way


def _note(way: Way) -> str:
    if way.walk.over:
        return "Finished. Step back, change the scale, and go on: the beginning stays as it is."
    return "A step of DDIM depends on where it begins and on nothing before: you may go on with any scale."


def forward(request: gr.Request, n: int, chosen: tuple[Any, ...]) -> Iterator[tuple[str, Any, Any]]:
    """n steps further, or to the end; from the beginning if what is asked for has changed, or is finished."""
    *values, old = chosen
    wish = check(*values)

    def work() -> Generator[tuple[str, Any, Any] | None, None, None]:
        way = old if isinstance(old, Way) else first()
        if not same(way, wish):
            way = begun(wish)
        elif way.walk.over:
            way = replace(begun(wish), left=replace(way, left=None))
        for _ in range(n):
            if way.walk.over:
                break
            way = further(way, wish.scale)
            yield None
        yield shown(way)

    yield from limits.run(request, work(), LAB)


def backward(request: gr.Request, n: int, chosen: tuple[Any, ...]) -> Iterator[tuple[str, Any, Any]]:
    """n steps back, to the beginning at most, without forgetting what it had come to."""
    *values, old = chosen
    check(*values)

    def work() -> Generator[tuple[str, Any, Any], None, None]:
        way = old if isinstance(old, Way) else first()
        yield shown(way.back(max(0, way.steps - n)))

    yield from limits.run(request, work(), LAB)


def guidance_steps(
    request: gr.Request,
    prompt: str,
    scales: list[float],
    seed: int = 0,
):
    """Draws a critter by DDIM with a scale of its own for each step. Yields (progress, []) and ends with a PNG file.

    scales is a list of 2–40 numbers, each 0–15, the noisiest step first; seed 0–2147483647.
    """
    if not isinstance(scales, list) or not 2 <= len(scales) <= MOST:
        raise limits.refuse(f"The scales must be a list of 2 to {MOST} numbers, one for each step.")
    led = [limits.number("Each scale", scale, 0, 15) for scale in scales]
    wish = check(prompt, led[0], len(led), seed)
    try:
        studio()
    except weights.WeightsError as error:
        raise limits.refuse(str(error)) from error

    def work() -> Generator[Way, None, None]:
        way = begun(wish)
        for scale in led:
            way = further(way, scale)
            yield way

    for way in limits.run(request, work()):
        over = way.walk.over
        name = f"critter-{wish.seed}.png"
        file = [FileData(path=served(png_bytes(way.guesses[-1]), name)).model_dump()] if over else []
        yield f"step {way.steps} of {len(led)}", file


guidance_steps.__annotations__["return"] = tuple[str, list[FileData]]


def lab(page: gr.Blocks) -> None:
    """The lab's film and controls; without its weights, a sentence that says how to get them back."""
    gr.api(guidance_steps, api_name="guidance_steps")
    try:
        studio()
    except weights.WeightsError as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    film = player.player(opening, elem_id="onward-film")
    settings, buttons = controls()
    said = gr.Markdown("Step back from the end, change the scale, and go on.", elem_id="onward-said")
    own = gr.State(None)
    values, outputs = [*settings.values(), own], [said, film, own]
    once: dict[str, Any] = QUIET | {"trigger_mode": "once"}

    def step(request: gr.Request, *chosen: Any) -> Iterator[tuple[str, Any, Any]]:
        yield from forward(request, 1, chosen)

    def to_end(request: gr.Request, *chosen: Any) -> Iterator[tuple[str, Any, Any]]:
        yield from forward(request, MOST, chosen)

    def back(request: gr.Request, *chosen: Any) -> Iterator[tuple[str, Any, Any]]:
        yield from backward(request, 1, chosen)

    def back_five(request: gr.Request, *chosen: Any) -> Iterator[tuple[str, Any, Any]]:
        yield from backward(request, 5, chosen)

    buttons["step"].click(step, values, outputs, **once)
    buttons["run"].click(to_end, values, outputs, js=links.write(LAB, settings), **once)
    buttons["back"].click(back, values, outputs, **once)
    buttons["five"].click(back_five, values, outputs, **once)
    buttons["stop"].click(limits.stopper(LAB), queue=False, api_visibility="private")
    wiring.link(page, LAB, settings, buttons, check)


def controls() -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings in the order in which `check` takes them, and the buttons."""
    scale = gr.Slider(0, 15, DEFAULTS["scale"], step=0.5, label="Scale of the steps to come", elem_id="onward-scale")
    with gr.Row():
        small = {"five": "« 5 back", "back": "‹ 1 back", "step": "1 step ›"}
        buttons = {name: gr.Button(text, elem_id=f"onward-{name}", min_width=80) for name, text in small.items()}
        buttons["run"] = gr.Button("To the end", variant="primary", elem_id="onward-run", min_width=100)
        buttons["stop"] = gr.Button("Stop", elem_id="onward-stop", min_width=70)
        buttons["copy"] = gr.Button("Copy link", elem_id="copy-onward", min_width=90)
    with gr.Accordion("More: prompt, steps, seed", open=False):
        prompt = gr.Textbox(DEFAULTS["prompt"], label="Prompt", max_lines=3, elem_id="onward-prompt")
        with gr.Row():
            steps = gr.Slider(2, MOST, DEFAULTS["steps"], step=1, label="Steps", elem_id="onward-steps")
            seed = gr.Number(DEFAULTS["seed"], label="Seed", precision=0, elem_id="onward-seed")
    return {"prompt": prompt, "scale": scale, "steps": steps, "seed": seed}, buttons
