"""The lab "timeline": three recorded runs of a GAN of digits, to scrub through, and digits drawn by what ships."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import gradio as gr
import torch

from apps import limits, links, models, player, wiring
from apps.tabs.gan import timeline_panels
from apps.wiring import QUIET
from tutorial import measurements, weights
from tutorial.data.digits import CLASSES, DataError
from tutorial.gans import digits as gan
from tutorial.gans.digits import Record, draw

MANY, WALK = SHOWS = ("a hundred of it", "a walk through the noise")
MOST = 100
"""Digits that a program may ask for at a time."""
FRAMES = 48
"""Noises on a walk."""
AT_ONCE = 100
"""Digits in one pass of the network."""
PASSES = 5
"""By which a pass is timed: the fastest counts, since whoever else computes slows the others."""
LARGEST = 2**31 - 1
DEFAULTS: dict[str, Any] = {"run": "healthy", "shows": MANY, "digit": 3, "seed": 0, "other": 1}
REFUSED = (weights.WeightsError, measurements.MeasurementsError, DataError)


@cache
def record() -> Record:
    """The three films. Raises tutorial.measurements.MeasurementsError if they are missing or damaged."""
    return gan.recorded()


@cache
def film(run: str) -> str:
    """The clip of a recorded run."""
    return timeline_panels.clip(record(), run)


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked."""

    run: str
    shows: str
    digit: int
    seed: int
    other: int


def check(run: Any, shows: Any, digit: Any, seed: Any, other: Any) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    return Wish(
        limits.choice("The run", run, tuple(gan.SETTINGS)),
        limits.choice("What is drawn", shows, SHOWS),
        limits.whole("The digit", digit, 0, CLASSES - 1),
        limits.whole("The seed", seed, 0, LARGEST),
        limits.whole("The second seed", other, 0, LARGEST),
    )


def work(wish: Wish) -> Generator[str | None, None, None]:
    """Draws what is wanted, a pass at a time, and yields its clip in the end."""
    yield from {MANY: many, WALK: walked}[wish.shows](wish)


def many(wish: Wish) -> Generator[str | None, None, None]:
    """A hundred digits of one class, each by a noise of its own, and how long they take."""
    asked, taken = torch.full((AT_ONCE,), wish.digit), []
    z = gan.noise(models.digit_gan(), range(wish.seed, wish.seed + AT_ONCE))
    x = models.digit_gan()(z, asked)
    for _ in range(PASSES):
        yield None
        begun = time.monotonic()
        x = models.digit_gan()(z, asked)
        taken.append(time.monotonic() - begun)
    yield None
    right = models.digit_judge().accuracy(x, asked)
    note = (
        f"One pass of the network: {1000 * min(taken):.1f} ms for {AT_ONCE} digits, measured here just now. The "
        f"classifier reads {right:.0%} of them as {wish.digit}."
    )
    yield timeline_panels.sheet(x, wish.digit, note)


def walked(wish: Wish) -> Generator[str | None, None, None]:
    """All ten classes by the same noise, which goes from that of one seed to that of another."""
    path = gan.walk(models.digit_gan(), wish.seed, wish.other, FRAMES)
    pictures, sure = [], []
    for z in path.split(FRAMES // 6):
        yield None
        x = models.digit_gan()(z.repeat_interleave(CLASSES, 0), torch.arange(CLASSES).repeat(len(z)))
        asked = x.unflatten(0, (-1, CLASSES))[:, wish.digit]
        pictures.append(x.unflatten(0, (-1, CLASSES)))
        with torch.no_grad():
            sure.append(models.digit_judge().classifier(asked).softmax(1)[:, wish.digit])
    yield timeline_panels.walk(torch.cat(pictures), torch.cat(sure), wish.digit, (wish.seed, wish.other))


def gan_digits(request: gr.Request, digit: int = DEFAULTS["digit"], seed: int = DEFAULTS["seed"], n: int = 4):
    """Draws a digit, 0–9, n (1–100) times in one pass of the GAN that ships; picture k by the noise of seed + k.

    Gives the pictures, 28 rows of 28 numbers from 0 (black) to 1 (white) each, from the top, what the digit classifier
    reads in each, and the milliseconds of the pass.
    """
    wanted = limits.whole("The digit", digit, 0, CLASSES - 1)
    first = limits.whole("The seed", seed, 0, LARGEST)
    asked = torch.full((limits.whole("The number of pictures", n, 1, MOST),), wanted)

    def answer() -> Generator[tuple[list[list[list[float]]], list[int], float] | None, None, None]:
        begun = time.monotonic()
        x = draw(models.digit_gan(), asked, first)
        taken = 1000 * (time.monotonic() - begun)
        yield None
        with torch.no_grad():
            read = models.digit_judge().classifier(x).argmax(1)
        yield ((x[:, 0].double() + 1) / 2).round(decimals=4).tolist(), read.tolist(), taken

    yield from limits.run(request, answer())


gan_digits.__annotations__["return"] = tuple[list[list[list[float]]], list[int], float]


def lab(page: gr.Blocks) -> None:
    """The lab's films and controls; without weights or record, a sentence that says how to get them back."""
    gr.api(gan_digits, api_name="gan_digits")
    try:
        wish = check(**DEFAULTS)
        story = timeline_panels.story(record(), wish.run)
        models.digit_gan()
    except REFUSED as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    run = gr.Radio(list(gan.SETTINGS), value=DEFAULTS["run"], label="Which run", elem_id="timeline-run")
    shown = [player.player(lambda: film(wish.run), elem_id="timeline"), gr.Markdown(story, elem_id="timeline-story")]
    gr.Markdown("#### Draw with the generator that ships", elem_id="timeline-live")
    settings, buttons = controls(run)
    live = player.player(lambda: work(wish), elem_id="timeline-drawn")

    def choose(*values: Any) -> tuple[str, str]:
        wish = check(*values)
        with limits.CPU.turn():  # the first who asks for a run waits while its pictures are packed
            return told(wish)

    def again(request: gr.Request, *values: Any) -> Iterator[str]:
        yield from limits.run(request, work(check(*values)), "timeline")

    values, write = list(settings.values()), links.write("timeline", settings)
    latest: dict[str, Any] = QUIET | {"trigger_mode": "always_last", "js": write}
    run.change(choose, values, shown, **latest)  # by a visitor or by a link
    moved = [wiring.moved(settings[name]) for name in ("shows", "digit")]
    gr.on([*moved, buttons["run"].click], again, values, live, **latest)
    wiring.link(page, "timeline", settings, buttons, check)


def told(wish: Wish) -> tuple[str, str]:
    """The film of the run that is chosen, and what came of it."""
    return film(wish.run), timeline_panels.story(record(), wish.run)


def controls(run: gr.Radio) -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings in the order in which `check` takes them, and the buttons."""
    with gr.Row():
        digit = gr.Slider(0, CLASSES - 1, DEFAULTS["digit"], step=1, label="Digit", elem_id="timeline-digit")
        shows = gr.Radio(SHOWS, value=DEFAULTS["shows"], label="Draw", elem_id="timeline-shows", min_width=320)
    with gr.Row():
        buttons = {
            "run": gr.Button("Draw", variant="primary", elem_id="timeline-draw", min_width=90),
            "copy": gr.Button("Copy link", elem_id="copy-timeline", min_width=110),
        }
    with gr.Accordion("More: seeds", open=False), gr.Row():
        seed = gr.Number(DEFAULTS["seed"], label="Seed", precision=0, elem_id="timeline-seed", min_width=120)
        other = gr.Number(DEFAULTS["other"], label="Walk to seed", precision=0, elem_id="timeline-other", min_width=120)
    return {"run": run, "shows": shows, "digit": digit, "seed": seed, "other": other}, buttons
