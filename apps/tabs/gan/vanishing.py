"""The lab "vanishing gradients": G is held, D learns on, and what each loss would teach G is measured."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np

from apps import limits, player, wiring
from apps.quantities import size
from apps.tabs.gan import data
from tutorial import measurements
from tutorial.gans.game import Setup
from tutorial.gans.gradients import BATCH, Look, watched
from tutorial.gans.losses import LOSSES
from tutorial.gans.worlds import WORLDS
from tutorial.training.gan_collapse import COMMAND, gradients

SEEDS = 5
PERFECT = 0.99
"""Share of unseen points that a nearly perfect discriminator takes for what they are."""
TURNS = (0, 100, 1000, 3000)
WIDTHS = (8, 16, 32, 64)
STEPS = (300, 1000, 2000)
SMALLEST = 1e-12
"""Lowest gradient in the picture."""
COLOURS: dict[str, str] = {
    "minimax": "boundary",
    "non-saturating": "generated",
    "least squares": "real",
    "Wasserstein": "field",
}
DEFAULTS: dict[str, Any] = {"world": "eight Gaussians", "turns": 0, "width": 16, "steps": 1000, "seed": 0}


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked."""

    world: str
    turns: int
    width: int
    steps: int
    seed: int


def check(world: Any, turns: Any, width: Any, steps: Any, seed: Any) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    return Wish(
        limits.choice("The data", world, tuple(WORLDS)),
        limits.whole("The number of turns that G played", turns, 0, max(TURNS)),
        limits.whole("D’s width", width, 2, max(WIDTHS)),
        limits.whole("The number of D’s updates", steps, 10, max(STEPS)),
        limits.whole("The first seed", seed, 0, 2**31 - SEEDS),
    )


def measured(wish: Wish) -> Generator[tuple[list[Look], float] | None, None, None]:
    """Plays, holds G, and yields the looks so far and the seconds of computing; None between them."""
    draw, begun, seconds = data.draw(wish.world), time.monotonic(), 0.0
    setup = Setup(discriminator=(wish.width, wish.width))
    looks: list[Look] = []
    for look in watched(draw, setup, range(wish.seed, wish.seed + SEEDS), wish.turns, wish.steps):
        seconds += time.monotonic() - begun
        if look is not None:
            looks.append(look)
        yield None if look is None else (looks, seconds)
        begun = time.monotonic()


def work(wish: Wish) -> Generator[tuple[str, str] | None, None, None]:
    """A line on how far it is and the picture so far, after each look."""
    for found in measured(wish):
        if found is None:
            yield None
            continue
        looks, seconds = found
        over = looks[-1].step == wish.steps
        yield (
            (f"{told(wish, looks)} {seconds:.1f} s of computing." if over else _so_far(wish, looks)),
            picture(wish, looks),
        )


def _so_far(wish: Wish, looks: Sequence[Look]) -> str:
    return f"{looks[-1].step:,} of {wish.steps:,} updates of D"


def perfect(looks: Sequence[Look]) -> Look | None:
    """The first look at which D was nearly perfect, in most of the seeds."""
    return next((look for look in looks if look.accuracy.median() >= PERFECT), None)


def told(wish: Wish, looks: Sequence[Look]) -> str:
    """What came out."""
    first, last = perfect(looks), looks[-1]
    best = max(look.accuracy.median().item() for look in looks)
    moment = (
        f"After {first.step:,} updates D is right on {first.accuracy.median():.1%} of unseen points"
        if first is not None
        else f"D is never right on more than {best:.1%} of unseen points"
    )
    norms = ", ".join(f"{loss} {size(last.norms[loss].median().item())}" for loss in LOSSES)
    held = f"{wish.world}, G held after {wish.turns:,} turns"
    return f"{held}. {moment}. ‖∇G‖ after {last.step:,}, median of {SEEDS} seeds: {norms}."


def picture(wish: Wish, looks: Sequence[Look], note: str = "") -> str:
    """The gradients on one logarithmic axis, D's accuracy, and how much of a batch's gradient is chance."""
    steps = np.array([look.step for look in looks], dtype=float)
    norms = {loss: np.stack([look.norms[loss].numpy() for look in looks]).clip(SMALLEST) for loss in LOSSES}
    chance = {
        loss: np.stack([look.noise[loss].numpy() for look in looks]).clip(SMALLEST) / norms[loss] for loss in LOSSES
    }
    accuracy = np.stack([look.accuracy.numpy() for look in looks])
    time_: player.Axis = (0.0, float(wish.steps), "updates of D")
    panels = [
        _panel(norms, steps, "what each loss teaches G", "‖∇G‖", time_, looks, width=2),
        player.panel(
            [
                *_band(steps, accuracy, "exact", "D of the first two losses", range(len(looks))),
                *_mark(looks, (0.4, 1.02)),
            ],
            title="how often D is right",
            x=time_,
            y=(0.4, 1.02, "share of unseen points"),
        ),
        _panel(chance, steps, f"how much of it is chance, in a batch of {BATCH}", "noise / ‖∇G‖", time_, looks),
    ]
    labels = [f"{look.step:,} updates" for look in looks]
    return player.clip(panels, frames=len(looks), labels=labels, rate=6, note=note)


def _panel(
    values: dict[str, np.ndarray],
    steps: np.ndarray,
    title: str,
    unit: str,
    x: player.Axis,
    looks: Sequence[Look],
    width: float = 1,
) -> player.Panel:
    ends = player.decades(*values.values())
    layers = [
        layer for loss, found in values.items() for layer in _band(steps, found, COLOURS[loss], loss, range(len(looks)))
    ]
    return player.panel(
        [*layers, *_mark(looks, ends)], title=title, x=x, y=(*ends, unit, "log"), width=width, aspect=1 / width
    )


def _band(steps: np.ndarray, values: np.ndarray, colour: str, name: str, marker: Sequence[int]) -> list[player.Layer]:
    """The median over seeds, and each seed as a fainter line: values (T, S)."""
    seeds = [np.stack([steps, seed], axis=1)[None] for seed in values.T]
    if len(steps) < 2:
        return [player.curve(np.repeat(steps, 2), np.median(values, axis=1).repeat(2), colour, name)]
    return [
        player.mesh(seeds, colour, name, alpha=0.3),
        player.curve(steps, np.median(values, axis=1), colour, name, marker=marker),
    ]


def _mark(looks: Sequence[Look], ends: tuple[float, float]) -> list[player.Layer]:
    """A line where D was nearly perfect first."""
    first = perfect(looks)
    if first is None:
        return []
    name = f"D is right on {PERFECT:.0%}"
    return [player.curve(np.full(2, float(first.step)), np.array(ends), "exact", name, dashed=True, told=False)]


def opening() -> tuple[str, str]:
    """What the lab shows at first. Raises measurements.MeasurementsError if the record is missing or damaged."""
    wish, looks = check(**DEFAULTS), gradients()
    note = f"{told(wish, looks)} Recorded, by {COMMAND}; “Train D” measures yours."
    return note, picture(wish, looks)


def gan_gradients(
    request: gr.Request,
    world: str = DEFAULTS["world"],
    turns: int = DEFAULTS["turns"],
    width: int = DEFAULTS["width"],
    steps: int = DEFAULTS["steps"],
    seed: int = DEFAULTS["seed"],
):
    """Holds a generator and trains discriminators on. Yields (progress, looks so far).

    world as in /gan_wall, turns that G played before 0–3000, width of D's two layers 2–64, steps of D 10–2000. A look
    has step, accuracy of D and, for each loss, the norm of G's gradient and the noise of a batch's, of five seeds.
    """
    wish = check(world, turns, width, steps, seed)
    for looks, _ in limits.run(request, measured(wish)):
        yield _so_far(wish, looks), [row(look) for look in looks]


gan_gradients.__annotations__["return"] = tuple[str, list[dict[str, Any]]]


def row(look: Look) -> dict[str, Any]:
    """A look for programs."""
    norms = {loss: norm.tolist() for loss, norm in look.norms.items()}
    noise = {loss: spread.tolist() for loss, spread in look.noise.items()}
    return {"step": look.step, "accuracy": look.accuracy.tolist(), "norms": norms, "noise": noise}


def lab(page: gr.Blocks) -> None:
    """The lab's picture and controls; without the record, a sentence that says how to get it back."""
    gr.api(gan_gradients, api_name="gan_gradients")
    try:
        note, first = opening()
    except measurements.MeasurementsError as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    chart = player.player(first, elem_id="vanishing")
    said = gr.Markdown(note, elem_id="vanishing-said")
    settings, buttons = controls()

    def train(request: gr.Request, *chosen: Any) -> Iterator[tuple[str, Any]]:
        wish, text = check(*chosen), ""
        for text, clip in limits.run(request, work(wish), "vanishing"):
            yield text, clip
        if not text.startswith(wish.world):  # what is said at the end begins with it
            yield f"{text}, then stopped." if text else "Stopped.", gr.skip()

    wiring.connect(page, "vanishing", train, settings, [said, chart], buttons, check)


def controls() -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings in the order in which `check` takes them, and the buttons."""
    with gr.Row():
        world = gr.Dropdown(
            list(WORLDS), value=DEFAULTS["world"], label="Data", elem_id="vanishing-world", min_width=150
        )
        turns = gr.Dropdown(
            list(TURNS), value=DEFAULTS["turns"], label="Turns that G played", elem_id="vanishing-turns", min_width=150
        )
        width = gr.Dropdown(
            list(WIDTHS), value=DEFAULTS["width"], label="Width of D", elem_id="vanishing-width", min_width=120
        )
        steps = gr.Dropdown(
            list(STEPS), value=DEFAULTS["steps"], label="Updates of D", elem_id="vanishing-steps", min_width=120
        )
    with gr.Row():
        buttons = {
            "run": gr.Button("Train D", variant="primary", elem_id="vanishing-train", min_width=120),
            "stop": gr.Button("Stop", elem_id="vanishing-stop", min_width=80),
            "copy": gr.Button("Copy link", elem_id="copy-vanishing", min_width=100),
        }
    with gr.Accordion("More: seed", open=False), gr.Row():
        seed = gr.Number(DEFAULTS["seed"], label="First of five seeds", precision=0, elem_id="vanishing-seed")
    return {"world": world, "turns": turns, "width": width, "steps": steps, "seed": seed}, buttons
