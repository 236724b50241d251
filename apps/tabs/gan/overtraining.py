"""The lab "training time": a race against diffusion, and a GAN trained past the moment of random feedback."""

# No `from __future__ import annotations` here, as in every module of labs: Gradio reads handlers' types at run time.
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from apps import limits, player, wiring
from apps.tabs.gan import data, overtraining_pictures
from apps.wiring import QUIET
from tutorial import measurements
from tutorial.gans import overtraining, race
from tutorial.gans.worlds import WORLDS
from tutorial.training.gan_race import COMMAND, PAST_WORLD, WORLD, past, races

DEFAULTS: dict[str, Any] = {"seed": 100}
"""Of a run in front of the visitor: none of the recorded seeds."""
LAST = 3000
"""Updates after which a runner gives up here."""
RACE_QUESTION = "Who reaches the dashed line first, from most seeds?"
NAMES: dict[race.Runner, str] = {"GAN": "the GAN", "diffusion": "the diffusion model"}
RACE_ANSWERS = (*NAMES.values(), "one as often as the other")
RACE_HINT = "Say who, and the race is drawn to its end."
QUESTION = "D has come to toss coins, and G goes on learning from it. What becomes of the samples?"
WORSE, SAME, BETTER = ANSWERS = ("they get worse", "they stay about as good", "they go on getting better")
HINT = "Say so, and the quality is drawn on from there."
FACTOR = 1.25
"""A game has got worse, or better, if the distance at its end is that many times what it was at the moment, or less
than one part in that many of it."""


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked."""

    world: str
    seed: int


def check(world: Any, seed: Any) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    return Wish(
        limits.choice("The data", world, tuple(WORLDS)),
        limits.whole("The seed", seed, 0, 2**31 - 10),
    )


def raced(wish: Wish, track: race.Track) -> Generator[list[race.Course] | None, None, None]:
    """Both runners, one after the other; the courses so far after each look, and None between."""
    done = []
    for runner in race.RUNNERS:
        latest: list[race.Course] = []
        for course in race.run(runner, track, wish.seed, last=LAST):
            if course is not None:
                latest = [course]
            yield None if course is None else [*done, course]
        done += latest


def race_work(wish: Wish) -> Generator[tuple[str, str, str] | None, None, None]:
    """A line on how far it is, the film and the table so far, now and then and at the end."""
    track, shown = race.Track(data.draw(wish.world)), 0.0
    yield None
    for courses in raced(wish, track):
        if courses is None:
            yield None
            continue
        over = len(courses) == len(race.RUNNERS) and finished(courses[-1])
        if not over and time.monotonic() - shown < wiring.FRAME:
            yield None
            continue
        shown = time.monotonic()
        text = f"{wish.world}, seed {wish.seed}: run just now." if over else _so_far(courses[-1])
        yield text, overtraining_pictures.race_film(courses, track.goal), overtraining_pictures.race_table(courses)


def finished(course: race.Course) -> bool:
    """Whether the runner is there, or has given up."""
    return course.arrived or course.looks[-1].steps >= LAST


def _so_far(course: race.Course) -> str:
    look = course.looks[-1]
    return f"{course.runner}: {look.steps:,} updates, energy distance {look.energy:.3f}"


def race_outcome(courses: list[race.Course]) -> str:
    """Who arrived first, and from how many seeds."""
    seeds = len({course.seed for course in courses})
    said = []
    ways = (race.firsts(courses, "steps"), "updates"), (race.firsts(courses, "seconds"), "seconds of training")
    for found, name in ways:
        rest = seeds - sum(found.values())
        wins = [f"{NAMES[runner]} from {n}" for runner, n in found.items()]
        said.append(f"by {name} {', '.join(wins)}" + (f", none alone from {rest}" if rest else ""))
    return f"first at the line, of {seeds} seeds: {'; '.join(said)}."


def race_verdict(answer: str, courses: list[race.Course]) -> str:
    """What is said to a visitor's answer."""
    return f"You said: {answer}. What came out of the recorded runs: {race_outcome(courses)}"


def past_work(wish: Wish) -> Generator[tuple[str, str] | None, None, None]:
    """A line on how far it is and the film so far, now and then and at the end."""
    shown = 0.0
    seeds = [wish.seed + k for k in range(len(overtraining.SEEDS))]
    for course in overtraining.run(data.draw(wish.world), seeds):
        if course is None:
            yield None
            continue
        if not bool(course.energy.isfinite().all()):
            raise limits.refuse("The numbers have run out of bounds. Choose another seed, and train again.")
        over = course.turns[-1] >= overtraining.TURNS
        if len(course.turns) < 2 or (not over and time.monotonic() - shown < wiring.FRAME):
            yield None
            continue
        shown = time.monotonic()
        text = f"{wish.world}: {outcome(course)}" if over else f"{course.turns[-1]:,} of {overtraining.TURNS:,} turns"
        yield text, overtraining_pictures.past_film(course)


def outcome(course: overtraining.Course) -> str:
    """What became of the games after their moments."""
    after = [one for one in overtraining.aftermath(course) if one is not None]
    n = course.energy.shape[1]
    if not after:
        return f"in none of {n} games was D’s feedback random for long enough, in {course.turns[-1]:,} turns."
    worse = sum(one.last > FACTOR * one.then for one in after)
    better = sum(one.last < one.then / FACTOR for one in after)
    passing = sum(one.worst > FACTOR * one.then for one in after)
    ratios = sorted(one.last / one.then for one in after)
    return (
        f"in {len(after)} of {n} games D’s feedback was random, first after {min(one.turn for one in after):,} to "
        f"{max(one.turn for one in after):,} turns. At {course.turns[-1]:,} turns the distance is more than {FACTOR:g} "
        f"times what it was then in {worse}, less than 1/{FACTOR:g} of it in {better}, and about the same in "
        f"{len(after) - worse - better}; from {ratios[0]:.2f} to {ratios[-1]:.2f} times. On the way it was "
        f"more than {FACTOR:g} times in {passing}."
    )


def verdict(answer: str, course: overtraining.Course) -> str:
    """What is said to a visitor's answer."""
    return f"You said: {answer}. In the recorded games: {outcome(course)}"


def lab(page: gr.Blocks) -> None:
    """Both pictures with their controls; without the record, a sentence that says how to get it back."""
    try:
        courses, course = races(), past()
    except measurements.MeasurementsError as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    _race(page, courses)
    _past(page, course)


def _race(page: gr.Blocks, courses: list[race.Course]) -> None:
    goal = race.Track(data.draw(WORLD)).goal
    note = f"{WORLD}: recorded runs, made by {COMMAND} race."
    film = player.player(overtraining_pictures.race_film(courses, goal, whole=False, note=note), elem_id="race")
    answer = gr.Radio(list(RACE_ANSWERS), label=RACE_QUESTION, elem_id="race-answer")
    said = gr.Markdown(RACE_HINT, elem_id="race-said")
    table = gr.Markdown("", elem_id="race-table")
    settings, buttons = controls("race", WORLD, "Race from this seed")

    def reveal(chosen: Any) -> tuple[str, str, str]:
        text = race_verdict(limits.choice("Your answer", chosen, RACE_ANSWERS), courses)
        rows = overtraining_pictures.race_table(courses)
        return text, overtraining_pictures.race_film(courses, goal, note=note), rows

    def go(request: gr.Request, *chosen: Any) -> Iterator[tuple[str, Any, Any]]:
        wish, text = check(*chosen), ""
        for text, clip, rows in limits.run(request, race_work(wish), "race"):
            yield text, clip, rows
        if not text.startswith(wish.world):  # what is said at the end begins with it
            yield f"{text}, then stopped." if text else "Stopped.", gr.skip(), gr.skip()

    answer.input(reveal, answer, [said, film, table], **QUIET)
    wiring.connect(page, "race", go, settings, [said, film, table], buttons, check)


def _past(page: gr.Blocks, course: overtraining.Course) -> None:
    note = f"{PAST_WORLD}: recorded games, made by {COMMAND} past."
    film = player.player(overtraining_pictures.past_film(course, whole=False, note=note), elem_id="past")
    answer = gr.Radio(list(ANSWERS), label=QUESTION, elem_id="past-answer")
    said = gr.Markdown(HINT, elem_id="past-said")
    settings, buttons = controls("past", PAST_WORLD, "Train three games on")

    def reveal(chosen: Any) -> tuple[str, str]:
        text = verdict(limits.choice("Your answer", chosen, ANSWERS), course)
        return text, overtraining_pictures.past_film(course, note=note)

    def go(request: gr.Request, *chosen: Any) -> Iterator[tuple[str, Any]]:
        wish, text = check(*chosen), ""
        for text, clip in limits.run(request, past_work(wish), "past"):
            yield text, clip
        if not text.startswith(wish.world):
            yield f"{text}, then stopped." if text else "Stopped.", gr.skip()

    answer.input(reveal, answer, [said, film], **QUIET)
    wiring.connect(page, "past", go, settings, [said, film], buttons, check)


def controls(lab: str, subject: str, run: str) -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings in the order in which `check` takes them, and the buttons."""
    with gr.Row():
        world = gr.Dropdown(list(WORLDS), value=subject, label="Data", elem_id=f"{lab}-world", min_width=160)
        seed = gr.Number(DEFAULTS["seed"], label="Seed", precision=0, elem_id=f"{lab}-seed", min_width=100)
    with gr.Row():
        buttons = {
            "run": gr.Button(run, variant="primary", elem_id=f"{lab}-run", min_width=160),
            "stop": gr.Button("Stop", elem_id=f"{lab}-stop", min_width=80),
            "copy": gr.Button("Copy link", elem_id=f"copy-{lab}", min_width=100),
        }
    return {"world": world, "seed": seed}, buttons
