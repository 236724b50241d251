"""The lab "training time": a race against diffusion, and a GAN trained past the moment of random feedback."""

from __future__ import annotations

import time
from collections.abc import Generator

import gradio as gr

from apps import limits, player, questions, wiring
from apps.tabs.gan import data, overtraining_pictures, seeded
from apps.tabs.gan.seeded import Wish, check
from tutorial import measurements
from tutorial.gans import overtraining, race
from tutorial.training.gan_race import COMMAND, PAST_WORLD, WORLD, past, races

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


def raced(wish: Wish, track: race.Track) -> Generator[list[race.RaceCourse] | None, None, None]:
    """Both runners, one after the other; the courses so far after each look, and None between."""
    done = []
    for runner in race.RUNNERS:
        latest: list[race.RaceCourse] = []
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


def finished(course: race.RaceCourse) -> bool:
    """Whether the runner is there, or has given up."""
    return course.arrived or course.looks[-1].steps >= LAST


def _so_far(course: race.RaceCourse) -> str:
    look = course.looks[-1]
    return f"{course.runner}: {look.steps:,} updates, energy distance {look.energy:.3f}"


def race_outcome(courses: list[race.RaceCourse]) -> str:
    """Who arrived first, and from how many seeds."""
    seeds = len({course.seed for course in courses})
    said = []
    ways = (race.firsts(courses, "steps"), "updates"), (race.firsts(courses, "seconds"), "seconds of training")
    for found, name in ways:
        rest = seeds - sum(found.values())
        wins = [f"{NAMES[runner]} from {n}" for runner, n in found.items()]
        said.append(f"by {name} {', '.join(wins)}" + (f", none alone from {rest}" if rest else ""))
    return f"first at the line, of {seeds} seeds: {'; '.join(said)}."


def race_verdict(answer: str, courses: list[race.RaceCourse]) -> str:
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


def outcome(course: overtraining.OvertrainingCourse) -> str:
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


def verdict(answer: str, course: overtraining.OvertrainingCourse) -> str:
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


def _race(page: gr.Blocks, courses: list[race.RaceCourse]) -> None:
    goal = race.Track(data.draw(WORLD)).goal
    note = f"{WORLD}: recorded runs, made by {COMMAND} race."
    film = player.player(overtraining_pictures.race_film(courses, goal, whole=False, note=note), elem_id="race")
    answer, said = questions.pose("race", RACE_QUESTION, RACE_ANSWERS, RACE_HINT)
    table = gr.Markdown("", elem_id="race-table")
    settings, buttons = seeded.controls("race", WORLD, "Race from this seed")
    outputs = [said, film, table]

    def show(chosen: str) -> tuple[str, str, str]:
        pictures = overtraining_pictures.race_film(courses, goal, note=note), overtraining_pictures.race_table(courses)
        return race_verdict(chosen, courses), *pictures

    questions.reveal(answer, RACE_ANSWERS, show, outputs)
    go = wiring.as_it_goes(race_work, check, "race", pictures=2)
    wiring.connect(page, "race", go, settings, outputs, buttons, check)


def _past(page: gr.Blocks, course: overtraining.OvertrainingCourse) -> None:
    note = f"{PAST_WORLD}: recorded games, made by {COMMAND} past."
    film = player.player(overtraining_pictures.past_film(course, whole=False, note=note), elem_id="past")
    answer, said = questions.pose("past", QUESTION, ANSWERS, HINT)
    settings, buttons = seeded.controls("past", PAST_WORLD, "Train three games on")

    def show(chosen: str) -> tuple[str, str]:
        return verdict(chosen, course), overtraining_pictures.past_film(course, note=note)

    questions.reveal(answer, ANSWERS, show, [said, film])
    go = wiring.as_it_goes(past_work, check, "past")
    wiring.connect(page, "past", go, settings, [said, film], buttons, check)
