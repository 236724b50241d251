"""The lab "a game of two networks": a GAN learns points in the plane, and its film is scrubbed in the browser."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr
import numpy as np
from torch import Tensor

from apps import limits, player, point_training, wiring, worlds
from tutorial import measurements
from tutorial.data.toy2d import WORLDS
from tutorial.families.gan_game import SAMPLES, UPDATES, Frame, data, game
from tutorial.families.learners import RATE, OutOfBounds
from tutorial.metrics.energy import noise_floor
from tutorial.training.point_gan import COMMAND, recorded

DEFAULTS: dict[str, Any] = {"world": "eight Gaussians", "rate": RATE, "seed": 0}
GUESSING = 2 * math.log(2)
"""The discriminator's loss if it says ½ of everything."""
WORST = 4.0
"""Highest loss in the picture, in nats; a discriminator that is wrong and sure can have any."""


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked."""

    world: str
    rate: float
    seed: int


def check(world: Any, rate: Any, seed: Any) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    return Wish(
        limits.choice("The data", world, tuple(WORLDS)),
        limits.number("The learning rate", rate, 1e-5, 0.1),
        limits.whole("The seed", seed, 0, 2**31 - 1),
    )


def played(wish: Wish) -> Generator[tuple[Sequence[Frame], Tensor] | None, None, None]:
    """Yields the frames so far and the points they are compared with, after each frame, and None between them."""
    points, others = data(partial(worlds.sample, wish.world, ()), wish.seed)
    yield None
    frames: list[Frame] = []
    try:
        for frame in game(points, others, seed=wish.seed, rate=wish.rate):
            if frame is not None:
                frames.append(frame)
            yield None if frame is None else (frames, others)
    except OutOfBounds as error:
        raise limits.refuse("The numbers have run out of bounds. Lower the learning rate, and play again.") from error


def work(wish: Wish) -> Generator[tuple[str, str] | None, None, None]:
    """A line on how far the game is and the film so far, after each frame."""
    for found in played(wish):
        if found is None:
            yield None
            continue
        frames, others = found
        over = frames[-1].step == UPDATES
        yield told(wish, frames, others) if over else _so_far(frames), picture(frames, others)


def _so_far(frames: Sequence[Frame]) -> str:
    return f"{frames[-1].step:,} of {UPDATES:,} rounds played"


def told(wish: Wish, frames: Sequence[Frame], others: Tensor) -> str:
    """What the game came to."""
    best = min(frames, key=lambda frame: frame.energy)
    return (
        f"{wish.world}: after {frames[-1].step:,} rounds the fakes’ energy distance is {frames[-1].energy:.3f}; it was "
        f"smallest, {best.energy:.3f}, after {best.step:,}. Two samples of the data: {_floor(others):.3f}."
    )


def _floor(others: Tensor) -> float:
    return noise_floor(others, SAMPLES, SAMPLES)


def picture(frames: Sequence[Frame], others: Tensor, note: str = "") -> str:
    """The plane with the discriminator's opinion, data and fakes, and both curves, frame by frame."""
    opinion = np.stack([frame.opinion.numpy() for frame in frames])
    fakes = np.stack([frame.fakes.numpy() for frame in frames])
    steps = np.array([frame.step for frame in frames], dtype=float)
    energies = np.array([frame.energy for frame in frames])
    losses = np.array([frame.loss for frame in frames])
    plane = player.panel(
        [
            player.heat(opinion, "D(x): fake … data", low=0, high=1, map="grey", smooth=True),
            player.points(others[None].numpy(), "real", "data"),
            player.points(fakes, "generated", "fakes G(z)"),
        ],
        title="where D sees data",
        label="The probability that the discriminator gives each place of being data, with data and fakes",
        x=worlds.AXIS,
        y=worlds.AXIS,
        width=1.4,
    )
    rounds: player.Axis = (0.0, float(UPDATES), "rounds")
    ends, marker = np.array(rounds[:2]), range(len(frames))
    loss = player.panel(
        [
            player.curve(steps, losses, "field", "loss of D", marker=marker),
            player.curve(ends, np.full(2, GUESSING), "exact", "2 log 2: it guesses", dashed=True),
        ],
        title="how well D tells them apart",
        x=rounds,
        y=(0.0, float(min(max(GUESSING * 1.3, losses.max() * 1.05), WORST)), "nats"),
    )
    floor = _floor(others)
    distance = player.panel(
        [
            player.curve(steps, energies, "generated", "fakes to data", marker=marker),
            player.curve(ends, np.full(2, floor), "exact", "data to data", dashed=True),
        ],
        title="how good the fakes are",
        x=rounds,
        y=(*player.decades(energies, np.array(floor)), "energy distance", "log"),
    )
    labels = [f"round {frame.step:,}" for frame in frames]
    return player.clip([plane, loss, distance], frames=len(frames), labels=labels, rate=6, note=note)


def opening() -> tuple[str, str]:
    """What the lab shows at first. Raises measurements.MeasurementsError if the film is missing or damaged."""
    wish, frames = check(**DEFAULTS), recorded()
    _, others = data(partial(worlds.sample, wish.world, ()), wish.seed)
    note = f"{told(wish, frames, others)} A recorded game, made by {COMMAND}; “Play again” plays one of yours."
    return note, picture(frames, others)


def gan_game(
    request: gr.Request,
    world: str = DEFAULTS["world"],
    rate: float = DEFAULTS["rate"],
    seed: int = DEFAULTS["seed"],
):
    """Plays the game of a GAN on points in the plane. Yields (progress, frames so far).

    world one of eight Gaussians, two moons, spiral, checkerboard, pinwheel, rate 0.00001–0.1. A frame has step, loss
    (the discriminator's, in nats) and energy (distance of 300 fakes to 300 points of the data).
    """
    for frames, _ in limits.run(request, played(check(world, rate, seed))):
        rows = [{"step": frame.step, "loss": frame.loss, "energy": frame.energy} for frame in frames]
        yield _so_far(frames), rows


gan_game.__annotations__["return"] = tuple[str, list[dict[str, float]]]


def lab(page: gr.Blocks) -> None:
    """The lab's picture and controls; without the recorded film, a sentence that says how to get it back."""
    gr.api(gan_game, api_name="gan_game")
    try:
        note, first = opening()
    except measurements.MeasurementsError as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    film = player.player(first, elem_id="gan")
    said = gr.Markdown(note, elem_id="gan-said")
    settings, buttons = controls()

    play = wiring.as_it_goes(work, check, "gan")
    wiring.connect(page, "gan", play, settings, [said, film], buttons, check)


def controls() -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings in the order in which `check` takes them, and the buttons."""
    with gr.Row():
        world = gr.Dropdown(list(WORLDS), value=DEFAULTS["world"], label="Data", elem_id="gan-world", min_width=160)
        rate = point_training.rate("gan")
        seed = gr.Number(DEFAULTS["seed"], label="Seed", precision=0, elem_id="gan-seed", min_width=100)
    return {"world": world, "rate": rate, "seed": seed}, wiring.button_row("gan", "Play again", "play")
