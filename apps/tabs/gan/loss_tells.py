"""The lab "the loss tells little": three trainings, and whether their losses fall together with the true distance."""

from __future__ import annotations

import time
from collections.abc import Generator

import gradio as gr

from apps import limits, player, questions, wiring
from apps.quantities import plain
from apps.tabs.gan import data, loss_pictures, seeded
from apps.tabs.gan.seeded import Wish, check
from tutorial import measurements
from tutorial.gans.held import Held
from tutorial.gans.loss_and_distance import LOOKS, READINGS, SAMPLES, LossCourse, correlations, run
from tutorial.training.gan_race import COMMAND, WORLD, losses

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


def played(wish: Wish, held: Held) -> Generator[list[LossCourse] | None, None, None]:
    """All three, one after the other; yields the courses so far now and then and at the end, and None between."""
    done, shown = [], time.monotonic()
    for arm in READINGS:
        latest: list[LossCourse] = []
        for course in run(arm, held, range(wish.seed, wish.seed + HERE[arm])):
            if course is None:
                yield None
                continue
            if not bool(course.readings.isfinite().all() and course.distances.isfinite().all()):
                raise limits.refuse("The numbers have run out of bounds. Choose another seed, and run again.")
            latest = [course]
            due = len(course.steps) > 2 and time.monotonic() - shown >= 2 * wiring.FRAME and not over([*done, course])
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


def shown(courses: list[LossCourse], floor: float) -> tuple[str, str]:
    """The film and the table."""
    return loss_pictures.film(courses, floor), loss_pictures.table(courses)


def over(courses: list[LossCourse]) -> bool:
    """Whether all three have run to their end."""
    return len(courses) == len(READINGS) and len(courses[-1].steps) > LOOKS


def progress(wish: Wish, courses: list[LossCourse]) -> str:
    """How far a run is and, at its end, what came out."""
    if over(courses):
        return f"{wish.world}, run just now. {outcome(courses)}"
    course = courses[-1]
    return f"{course.arm}, arm {len(courses)} of {len(READINGS)}: look {len(course.steps) - 1} of {LOOKS}"


def outcome(courses: list[LossCourse]) -> str:
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


def verdict(answer: str, courses: list[LossCourse]) -> str:
    """What is said to a visitor's answer."""
    return f"You said: {answer}. What came out of the recorded runs: {outcome(courses)}"


def opening() -> tuple[str, list[LossCourse], float]:
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
    answer, said = questions.pose("losses", QUESTION, ANSWERS, HINT)
    table = gr.Markdown("", elem_id="losses-table")
    settings, buttons = seeded.controls("losses", WORLD, "Train all three here", "Seed: the first of three")
    outputs = [said, film, table]

    def show(chosen: str) -> tuple[str, str, str]:
        return verdict(chosen, courses), *shown(courses, floor)

    questions.reveal(answer, ANSWERS, show, outputs)
    go = wiring.as_it_goes(work, check, "losses", pictures=2)
    wiring.connect(page, "losses", go, settings, outputs, buttons, check)
