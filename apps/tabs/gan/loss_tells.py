"""The lab "the loss tells little": three trainings, and whether their losses fall together with the true distance."""

# No `from __future__ import annotations` here, as in every module of labs: Gradio reads handlers' types at run time.
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from apps import limits, player, wiring
from apps.quantities import plain
from apps.tabs.gan import data, loss_pictures
from apps.wiring import QUIET
from tutorial import measurements
from tutorial.gans.held import Held
from tutorial.gans.loss_and_distance import LOOKS, READINGS, SAMPLES, Course, correlations, run
from tutorial.gans.worlds import WORLDS
from tutorial.training.gan_race import COMMAND, WORLD, losses

DEFAULTS: dict[str, Any] = {"world": WORLD, "seed": 100}
"""Of a run in front of the visitor: none of the recorded seeds."""
HERE = {"GAN": 3, "Wasserstein GAN": 3, "flow": 2}
"""Seeds of such a run, so that it is over in a quarter of a minute."""
QUESTION = "Four curves that should fall as the samples get better. Which of them do you trust to say so?"
ALL, TWO, ONE, NONE = ANSWERS = (
    "all four",
    "the Wasserstein critic’s and the flow’s",
    "the flow’s alone",
    "none of them",
)
HINT = "Say which, and the true distances are drawn below."
FIRM = 0.7
"""A curve falls with the distance if the median of its rank correlations is at least that."""


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked."""

    world: str
    seed: int


def check(world: Any, seed: Any) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    return Wish(
        limits.choice("The data", world, tuple(WORLDS)),
        limits.whole("The first seed", seed, 0, 2**31 - 10),
    )


def played(wish: Wish, held: Held) -> Generator[list[Course] | None, None, None]:
    """All three, one after the other; yields the courses so far now and then and at the end, and None between."""
    done, shown = [], time.monotonic()
    for arm in READINGS:
        latest: list[Course] = []
        for course in run(arm, held, range(wish.seed, wish.seed + HERE[arm])):
            if course is None:
                yield None
                continue
            if not bool(course.readings.isfinite().all() and course.distances.isfinite().all()):
                raise limits.refuse("The numbers have run out of bounds. Choose another seed, and run again.")
            latest = [course]
            due = len(course.steps) > 2 and time.monotonic() - shown >= 2 * wiring.FRAME
            if due:
                shown = time.monotonic()
            yield [*done, *latest] if due else None
        done += latest
    yield done


def work(wish: Wish) -> Generator[tuple[str, str, str] | None, None, None]:
    """A line on how far it is, the film and the table so far."""
    held = Held(data.draw(wish.world), SAMPLES)
    yield None
    for courses in played(wish, held):
        yield None if courses is None else (progress(wish, courses), *shown(courses, held.floor))


def shown(courses: list[Course], floor: float) -> tuple[str, str]:
    """The film and the table."""
    return loss_pictures.film(courses, floor), loss_pictures.table(courses)


def over(courses: list[Course]) -> bool:
    """Whether all three have run to their end."""
    return len(courses) == len(READINGS) and len(courses[-1].steps) > LOOKS


def progress(wish: Wish, courses: list[Course]) -> str:
    """How far a run is and, at its end, what came out."""
    if over(courses):
        return f"{wish.world}, run just now. {outcome(courses)}"
    course = courses[-1]
    return f"{course.arm}, arm {len(courses)} of {len(READINGS)}: look {len(course.steps) - 1} of {LOOKS}"


def outcome(courses: list[Course]) -> str:
    """Which curves fell with the distance, in the whole run and in its second half."""
    said = []
    for late, when in ((False, "Over the whole run"), (True, "Over the second half")):
        firm = [
            f"{loss_pictures.name(course, k)} ({plain(rho)})"
            for course, k in loss_pictures.found(courses)
            if (rho := correlations(course, k, late=late)[0].nanquantile(0.5).item()) >= FIRM
        ]
        said.append(f"{when} ρ is {FIRM:g} or more for {' and '.join(firm) if firm else 'none of them'}.")
    return " ".join(said)


def verdict(answer: str, courses: list[Course]) -> str:
    """What is said to a visitor's answer."""
    return f"You said: {answer}. What came out of the recorded runs: {outcome(courses)}"


def opening() -> tuple[str, list[Course], float]:
    """What the lab shows at first, the recorded courses, and the floor. Raises measurements.MeasurementsError if there
    is no record or a damaged one."""
    courses, floor = losses(), Held(data.draw(WORLD), SAMPLES).floor
    note = f"{WORLD}: recorded runs, made by {COMMAND} loss."
    return loss_pictures.film(courses, floor, whole=False, note=note), courses, floor


def lab(page: gr.Blocks) -> None:
    """The question, the pictures and the controls; without the record, a sentence that says how to get it back."""
    try:
        first, courses, floor = opening()
    except measurements.MeasurementsError as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    film = player.player(first, elem_id="losses")
    answer = gr.Radio(list(ANSWERS), label=QUESTION, elem_id="losses-answer")
    said = gr.Markdown(HINT, elem_id="losses-said")
    table = gr.Markdown("", elem_id="losses-table")
    settings, buttons = controls()

    def reveal(chosen: Any) -> tuple[str, str, str]:
        text = verdict(limits.choice("Your answer", chosen, ANSWERS), courses)
        return text, *shown(courses, floor)

    def go(request: gr.Request, *chosen: Any) -> Iterator[tuple[str, Any, Any]]:
        wish, text = check(*chosen), ""
        for text, clip, rows in limits.run(request, work(wish), "losses"):
            yield text, clip, rows
        if not text.startswith(wish.world):  # what is said at the end begins with it
            yield f"{text}, then stopped." if text else "Stopped.", gr.skip(), gr.skip()

    answer.input(reveal, answer, [said, film, table], **QUIET)
    wiring.connect(page, "losses", go, settings, [said, film, table], buttons, check)


def controls() -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings in the order in which `check` takes them, and the buttons."""
    with gr.Row():
        world = gr.Dropdown(list(WORLDS), value=DEFAULTS["world"], label="Data", elem_id="losses-world", min_width=160)
        seed = gr.Number(DEFAULTS["seed"], label="First seed", precision=0, elem_id="losses-seed", min_width=100)
    with gr.Row():
        buttons = {
            "run": gr.Button("Train all three here", variant="primary", elem_id="losses-run", min_width=160),
            "stop": gr.Button("Stop", elem_id="losses-stop", min_width=80),
            "copy": gr.Button("Copy link", elem_id="copy-losses", min_width=100),
        }
    return {"world": world, "seed": seed}, buttons
