"""The lab "nine seeds at once": the same game from nine seeds as one computation, so that collapse is a rate."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, cast

import gradio as gr

from apps import limits, player, wiring
from apps.tabs.gan import data, wall_pictures
from apps.tabs.gan.wall_pictures import FRAMES, SEEDS, Film
from tutorial import measurements
from tutorial.gans.game import Rules, Setup
from tutorial.gans.losses import LOSSES, Name
from tutorial.gans.rates import Crowd, Frame
from tutorial.gans.remedies import NONE, REMEDIES
from tutorial.gans.worlds import WORLDS
from tutorial.training.gan_collapse import COMMAND, RULES, TURNS, WORLD, wall

RATES = [0.0003, 0.001, 0.003, 0.01, 0.03]
LENGTHS = (TURNS, 2 * TURNS, 4 * TURNS)
"""Turns that a wall may take."""
DEFAULTS: dict[str, Any] = {
    "world": WORLD,
    "loss": RULES.loss,
    "remedy": NONE,
    "rate_d": RULES.rate_d,
    "rate_g": RULES.rate_g,
    "turns": TURNS,
    "seed": 0,
}


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked."""

    world: str
    rules: Rules
    remedy: str
    turns: int
    seed: int

    @property
    def seeds(self) -> range:
        return range(self.seed, self.seed + SEEDS)


def check(world: Any, loss: Any, remedy: Any, rate_d: Any, rate_g: Any, turns: Any, seed: Any) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    name = limits.choice("The data", world, tuple(WORLDS))
    told = cast(Name, limits.choice("The loss", loss, tuple(LOSSES)))
    helped = limits.choice("The remedy", remedy, tuple(REMEDIES))
    rules = Rules(
        loss=told,
        rate_d=limits.number("D’s learning rate", rate_d, 1e-5, 0.1),
        rate_g=limits.number("G’s learning rate", rate_g, 1e-5, 0.1),
    )
    length = limits.whole("The number of turns", turns, min(LENGTHS), max(LENGTHS))
    if length not in LENGTHS:
        raise limits.refuse(f"The number of turns must be one of: {', '.join(map(str, LENGTHS))}.")
    first = limits.whole("The first seed", seed, 0, 2**31 - SEEDS)
    return Wish(name, rules, helped, length, first)


def played(wish: Wish) -> Generator[Film | None, None, None]:
    """Yields the film so far after each frame, and None between them."""
    crowd = Crowd(
        data.draw(wish.world),
        wish.seeds,
        modes=data.modes(wish.world),
        remedy=wish.remedy,
        setup=Setup(),
        rules=wish.rules,
    )
    frames: list[Frame] = []
    seconds, begun = 0.0, time.monotonic()
    for frame in crowd.play(wish.turns, FRAMES):
        if frame is not None:
            frames.append(frame)
            if not frame.sound.any():
                raise limits.refuse("The numbers of all nine have run out of bounds. Lower the learning rate.")
        seconds += time.monotonic() - begun
        yield None if frame is None else Film(wish.world, wish.seed, wish.turns, frames, seconds)
        begun = time.monotonic()


def work(wish: Wish) -> Generator[tuple[Film, str] | None, None, None]:
    """The film so far and the picture of its last frame, after each frame."""
    for film in played(wish):
        yield None if film is None else (film, wall_pictures.present(film))


def opening() -> tuple[str, str]:
    """What the lab shows at first. Raises measurements.MeasurementsError if the film is missing or damaged."""
    film = Film(DEFAULTS["world"], DEFAULTS["seed"], DEFAULTS["turns"], wall(), None)
    note = f"{wall_pictures.told(film)} Recorded games, made by {COMMAND}; “Play nine” plays yours."
    return note, wall_pictures.whole(film)


def gan_wall(
    request: gr.Request,
    world: str = DEFAULTS["world"],
    loss: str = DEFAULTS["loss"],
    remedy: str = DEFAULTS["remedy"],
    rate_d: float = DEFAULTS["rate_d"],
    rate_g: float = DEFAULTS["rate_g"],
    turns: int = DEFAULTS["turns"],
    seed: int = DEFAULTS["seed"],
):
    """Plays a GAN's game from nine seeds, the first of which is `seed`. Yields (progress, frames so far).

    world one of eight Gaussians, grid of 25, line, two moons, spiral; loss minimax, non-saturating, least squares or
    Wasserstein; remedy none, R1, spectral norm, PacGAN2, EMA or two time scales; rates of both networks 0.00001–0.1,
    before the remedy; turns 2000, 4000 or 8000. A frame has turns and, of each seed, modes and high_quality or, where
    there are none to count, energy.
    """
    for film in limits.run(request, played(check(world, loss, remedy, rate_d, rate_g, turns, seed))):
        yield wall_pictures.progress(film), [wall_pictures.row(frame) for frame in film.frames]


gan_wall.__annotations__["return"] = tuple[str, list[dict[str, Any]]]


def lab(page: gr.Blocks) -> None:
    """The lab's pictures and controls; without the recorded film, a sentence that says how to get it back."""
    gr.api(gan_wall, api_name="gan_wall")
    try:
        note, first = opening()
    except measurements.MeasurementsError as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    film = player.player(first, elem_id="wall")
    said = gr.Markdown(note, elem_id="wall-said")
    settings, buttons = controls()

    play = wiring.growing(
        work,
        wall_pictures.progress,
        lambda _, games: (wall_pictures.told(games), wall_pictures.whole(games)),
        check,
        "wall",
    )
    wiring.connect(page, "wall", play, settings, [said, film], buttons, check)


def controls() -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings in the order in which `check` takes them, and the buttons."""
    with gr.Row():
        world = gr.Dropdown(list(WORLDS), value=DEFAULTS["world"], label="Data", elem_id="wall-world", min_width=150)
        loss = gr.Dropdown(list(LOSSES), value=DEFAULTS["loss"], label="Loss", elem_id="wall-loss", min_width=150)
        remedy = gr.Dropdown(
            list(REMEDIES), value=DEFAULTS["remedy"], label="Remedy", elem_id="wall-remedy", min_width=150
        )
    with gr.Row():
        rate_d, rate_g = (_rate(network) for network in ("D", "G"))
    buttons = wiring.button_row("wall", "Play nine", "play")
    with gr.Accordion("More: turns, seed", open=False), gr.Row():
        turns = gr.Radio(list(LENGTHS), value=DEFAULTS["turns"], label="Turns", elem_id="wall-turns")
        seed = gr.Number(DEFAULTS["seed"], label="First of nine seeds", precision=0, elem_id="wall-seed", min_width=120)
    settings = {"world": world, "loss": loss, "remedy": remedy, "rate_d": rate_d, "rate_g": rate_g}
    return settings | {"turns": turns, "seed": seed}, buttons


def _rate(network: str) -> gr.Dropdown:
    id_, value = f"wall-rate-{network.lower()}", DEFAULTS[f"rate_{network.lower()}"]
    return gr.Dropdown(RATES, value=value, label=f"{network}’s learning rate", elem_id=id_, min_width=120)
