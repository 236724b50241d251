"""The lab "pixels": a digit drawn one pixel after the other, from nothing or from what a visitor began."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
import time
import timeit
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
import numpy as np
import torch
from torch import Tensor

from apps import digit_input, limits, links, models, player, wiring
from apps.tabs.families.pixel_panels import costs, inked, numbers, panels, recorded
from apps.wiring import QUIET
from tutorial import weights
from tutorial.data.digits import SIDE, DataError, black_and_white
from tutorial.families.digit_vae import PLANE, file_name, sample
from tutorial.families.pixel_cnn import Drawn, draw, nats
from tutorial.families.pixel_cnn_speed import drawing, learning

NOTHING, TEST, OWN = SOURCES = ("nothing", "a test digit", "draw your own")
COUNTS = (1, 4, 9)
"""Digits drawn at a time, in squares."""
MOST = 16
"""The same, for programs."""
FRAME = 1 / 8
"""Seconds between two pictures of a drawing."""
LENGTHS = (7, 14, SIDE)
TRIES = 20
"""Digits that the autoencoder draws to find how fast it can."""
Grid = tuple[tuple[int, ...], ...]
BLANK: Grid = ((0,) * SIDE,) * SIDE


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked."""

    source: str
    number: int
    kept: int
    n: int
    seed: int
    own: Grid

    @property
    def rows(self) -> int:
        """How many rows are given."""
        return 0 if self.source == NOTHING else self.kept

    @property
    def given(self) -> Tensor:
        """The digit that is begun with, in zeros and ones: (1, 1, 28, 28)."""
        if self.source == TEST:
            return black_and_white()[self.number : self.number + 1]
        return torch.tensor(self.own if self.source == OWN else BLANK, dtype=torch.float32)[None, None]


def check(source: Any, number: Any, kept: Any, n: Any, seed: Any, own: Any = BLANK) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    return Wish(
        limits.choice("What it starts from", source, SOURCES),
        limits.whole("The test digit", number, 0, 9999),
        limits.whole("The rows kept", kept, 0, SIDE),
        _count(n),
        limits.whole("The seed", seed, 0, 2**31 - 1),
        grid(own) if source == OWN else BLANK,
    )


def _count(value: Any) -> int:
    count = limits.whole("The number of digits", value, 1, MOST)
    if count not in COUNTS:
        raise limits.refuse(f"The number of digits must be one of: {', '.join(map(str, COUNTS))}.")
    return count


def grid(value: Any) -> Grid:
    """28 rows of 28 numbers from 0 to 1, each made 0 or 1. Raises gr.Error for anything else."""
    return digit_input.grid(value, lambda pixel: int(limits.number("A pixel", pixel, 0, 1) >= 0.5))


@dataclass(frozen=True)
class Look:
    """How far a drawing is, and the seconds that it has computed."""

    drawn: Drawn
    seconds: float


def work(wish: Wish) -> Generator[Look, None, None]:
    """Draws, a row at a time."""
    model, begun, seconds = models.pixel_cnn(), time.monotonic(), 0.0
    noise = torch.Generator().manual_seed(wish.seed)
    for drawn in draw(model, wish.given, wish.rows, ways=wish.n, generator=noise):
        seconds += time.monotonic() - begun
        yield Look(drawn, seconds)
        begun = time.monotonic()


def picture(wish: Wish, look: Look, *, whole: bool = False) -> str:
    """The clip of a drawing: as it stands or, with `whole`, all the way, row by row."""
    done = look.drawn.row + 1
    shown = list(range(wish.rows, done + 1)) if whole else [done]
    labels = [f"{rows} of {SIDE} rows" for rows in shown]
    if not whole:  # a picture that stands still keeps the bar under it, so that the page does not jump
        labels *= SIDE - wish.rows + 1
    given = wish.given[0, 0].numpy()
    pixels = (done - wish.rows) * SIDE
    many = f", {wish.n} digits side by side" if wish.n > 1 else ""
    note = f"{pixels} pixels one after the other{many}: {look.seconds:.2f} s of computing."
    if whole and done < SIDE:
        note += " Stopped."
    return player.clip(
        panels(given, wish.rows, look.drawn, shown), frames=len(labels), labels=labels, rate=6, note=note
    )


def told(wish: Wish, look: Look) -> str:
    """The numbers beneath a drawing."""
    whole = None if wish.source == NOTHING else nats(models.pixel_cnn(), wish.given).item()
    name = {NOTHING: "", OWN: "Your digit", TEST: f"Test digit {wish.number:,}"}[wish.source]
    return numbers(name, whole, look.drawn, wish.rows, weights.read_card("pixel_cnn", needs=("measured",)))


def opening(wish: Wish) -> Generator[tuple[str, str] | None, None, None]:
    """Yields None while it draws, and in the end the whole way, and the numbers beneath it."""
    for look in work(wish):
        yield (picture(wish, look, whole=True), told(wish, look)) if look.drawn.row + 1 == SIDE else None


def timing() -> Generator[str | None, None, None]:
    """Measures here what the card has of times. Yields None at places to pause, and in the end the table."""
    model, diffusion, autoencoder = models.pixel_cnn(), models.digit_diffusion(), models.digit_vae(1.0)
    for _ in drawing(model):  # the first warms up
        yield None
    rows: list[float] = []
    for seconds in drawing(model):
        rows.append(seconds)
        yield None
    taught = []
    for seconds in learning(model, tries=3):
        taught.append(seconds)
        yield None
    waited, begun = 0.0, time.monotonic()
    for _ in diffusion.sample([diffusion.nothing]):
        waited += time.monotonic() - begun
        yield None
        begun = time.monotonic()
    noise = torch.Generator().manual_seed(0)
    decoded = min(timeit.repeat(lambda: sample(autoencoder, 1, noise), number=1, repeat=TRIES))
    yield costs({n: rows[n - 1] for n in LENGTHS}, min(taught), waited, decoded) + " Measured here, just now."


DEFAULTS: dict[str, Any] = {"source": TEST, "number": 0, "kept": 14, "n": 9, "seed": 0}


def pixel_cnn(
    request: gr.Request,
    test_digit: int = DEFAULTS["number"],
    rows: int = DEFAULTS["kept"],
    n: int = 4,
    seed: int = DEFAULTS["seed"],
    digit: list[list[float]] | None = None,
):
    """Keeps the first rows (0–28) of a digit, and draws what is missing in n (1–16) ways.

    The digit is one of MNIST's test set, 0–9999, or one of your own: 28 rows of 28 numbers from 0 (black) to 1
    (white), from the top. Gives the n digits in the same form, −log p of each in nats, and that of the whole digit.
    """
    wish = check(TEST if digit is None else OWN, test_digit, rows, COUNTS[0], seed, BLANK if digit is None else digit)
    wish = replace(wish, n=limits.whole("The number of digits", n, 1, MOST))

    def answer() -> Generator[tuple[list[list[list[int]]], list[float], float] | None, None, None]:
        model, x = models.pixel_cnn(), wish.given
        for look in work(wish):
            x = look.drawn.x
            yield None
        weighed = []
        for one in (*x, wish.given[0]):
            weighed.append(nats(model, one[None]).item())
            yield None
        yield x[:, 0].int().tolist(), weighed[:-1], weighed[-1]

    yield from limits.run(request, answer())


pixel_cnn.__annotations__["return"] = tuple[list[list[list[int]]], list[float], float]


def lab(page: gr.Blocks) -> None:
    """The lab's pictures and controls; without the shipped model, a sentence that says how to get it back."""
    gr.api(pixel_cnn, api_name="pixel_cnn")
    try:
        first = check(**DEFAULTS)
        models.pixel_cnn()
        black_and_white()
        cards = [weights.read_card(name, needs=("measured",)) for name in ("pixel_cnn", file_name(PLANE, 1.0))]
        times = recorded(*cards)
    except (weights.WeightsError, DataError) as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    film = player.player(lambda: opening(first), elem_id="pixels")
    settings, buttons = controls()
    with gr.Row():
        answer = gr.Markdown(elem_id="pixels-numbers")
        with gr.Column():
            clock = gr.Markdown(times, elem_id="pixels-times")
            timed = gr.Button("Measure the times here", elem_id="pixels-time", size="sm")
    player.tells(film, answer)
    own = gr.State([list(row) for row in BLANK])
    wire(page, film, answer, settings, own, buttons)

    def measure(request: gr.Request) -> Iterator[str]:
        yield "Measuring …"
        yield from limits.run(request, timing(), "pixels-times")

    timed.click(measure, None, clock, trigger_mode="once", **QUIET)


def wire(
    page: gr.Blocks,
    film: gr.HTML,
    answer: gr.Markdown,
    settings: dict[str, Any],
    own: gr.State,
    buttons: dict[str, gr.Button],
) -> None:
    """Makes what visitors move and draw run the lab."""
    values, outputs = [*settings.values(), own], [film, answer]
    latest: dict[str, Any] = QUIET | {"trigger_mode": "always_last"}
    moved = [wiring.moved(settings[name]) for name in ("source", "number", "kept", "n")]
    gr.on([buttons["run"].click, *moved], run, values, outputs, js=links.write("pixels", settings), **latest)
    film.input(stroke, own, [own, settings["source"]], **QUIET).success(run, values, outputs, **latest)
    cleared = buttons["clear"].click(clear, None, [own, settings["source"]], **QUIET)
    cleared.success(run, values, outputs, **latest)
    buttons["stop"].click(limits.stopper("pixels"), queue=False, api_visibility="private")
    wiring.link(page, "pixels", settings, buttons, check)


def run(request: gr.Request, *chosen: Any) -> Iterator[tuple[Any, Any]]:
    """Shows a drawing as it grows, and at its end, or where it was stopped, all of it."""
    wish, look = check(*chosen), None
    limits.stop(request, "pixels")  # a drawing that another control began
    for part in limits.run(request, growing(wish), "pixels"):
        look, clip = part
        if clip:
            yield clip, gr.skip()
    if look is not None:
        with limits.CPU.turn():
            last = picture(wish, look, whole=True), told(wish, look)
        yield last


def growing(wish: Wish) -> Generator[tuple[Look, str], None, None]:
    """Each row of a drawing and, every `FRAME` seconds, its clip; else an empty text."""
    shown = 0.0
    for look in work(wish):
        clip = ""
        if time.monotonic() - shown >= FRAME:
            clip, shown = picture(wish, look), time.monotonic()
        yield look, clip


def stroke(own: list[list[int]], event: gr.EventData) -> tuple[list[list[int]], str]:
    """What a visitor has drawn so far, with one more stroke. Raises gr.Error for bad points."""
    new = event._data.get("points") if isinstance(event._data, dict) else None
    if not isinstance(new, list) or not 0 < len(new) <= player.STROKE:
        raise limits.refuse(f"A stroke must be a list of up to {player.STROKE} points.")
    points = [_place(point) for point in new]
    return np.maximum(grid(own), inked(np.array(points))).tolist(), OWN


def _place(point: Any) -> tuple[float, float]:
    if not isinstance(point, list | tuple) or len(point) != 2:
        raise limits.refuse("Each point must be a pair of numbers.")
    x, y = (limits.number("A point's coordinate", value, 0, SIDE) for value in point)
    return x, y


def clear() -> tuple[list[list[int]], str]:
    """An empty page to draw on."""
    return [list(row) for row in BLANK], OWN


def controls() -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings in the order in which `check` takes them, and the buttons."""
    with gr.Row():
        source = gr.Radio(SOURCES, value=DEFAULTS["source"], label="Start from", elem_id="pixels-source", min_width=440)
        kept = gr.Slider(0, SIDE, DEFAULTS["kept"], step=1, label="Rows kept", elem_id="pixels-kept")
        number = gr.Slider(0, 9999, DEFAULTS["number"], step=1, label="Which test digit", elem_id="pixels-number")
    with gr.Row():
        buttons = {
            "run": gr.Button("Draw the rest", variant="primary", elem_id="pixels-go", min_width=120),
            "stop": gr.Button("Stop", elem_id="pixels-stop", min_width=80),
            "clear": gr.Button("Clear my digit", elem_id="pixels-clear", min_width=120),
            "copy": gr.Button("Copy link", elem_id="copy-pixels", min_width=110),
        }
    with gr.Accordion("More: how many, seed", open=False), gr.Row():
        n = gr.Radio(COUNTS, value=DEFAULTS["n"], label="Digits", elem_id="pixels-count")
        seed = gr.Number(DEFAULTS["seed"], label="Seed", precision=0, elem_id="pixels-seed")
    return {"source": source, "number": number, "kept": kept, "n": n, "seed": seed}, buttons
