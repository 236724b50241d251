"""The lab on times of GANs: the race with diffusion, and what comes after D's feedback has become random."""

from __future__ import annotations

import itertools
import json
import math

import pytest
import torch

from apps.tabs.gan import data, overtraining, overtraining_pictures
from tests.apps.gan_stage import titles
from tests.work import last
from tutorial import measurements
from tutorial.gans import overtraining as past
from tutorial.gans import race
from tutorial.training import gan_race

pytestmark = pytest.mark.usefixtures("one_thread")


def test_the_recorded_race_counts_every_seed():
    courses = gan_race.races()
    assert len(courses) == len(race.RUNNERS) * len(gan_race.RACERS)
    table = overtraining_pictures.race_table(courses)
    for runner in race.RUNNERS:
        own = [course for course in courses if course.runner == runner]
        there = sum(course.arrived for course in own)
        assert f"| {runner} | {there} of {len(own)} |" in table
    goal = race.Track(data.draw(gan_race.WORLD)).goal
    for course in courses:
        energies = [look.energy for look in course.looks]
        assert course.arrived == (max(energies[-2:]) <= goal)
        assert not any(max(pair) <= goal for pair in itertools.pairwise(energies[:-1]))


def test_the_race_is_shown_to_its_end_after_an_answer():
    courses = gan_race.races()
    goal = race.Track(data.draw(gan_race.WORLD)).goal
    starts = json.loads(overtraining_pictures.race_film(courses, goal, whole=False))
    assert [panel["title"] for panel in starts["panels"]] == ["the first 50 updates"]
    assert starts["panels"][0]["x"][:2] == [0, race.LOOK]
    assert titles(overtraining_pictures.race_film(courses, goal)) == ["against updates", "against time"]
    for answer in overtraining.RACE_ANSWERS:
        assert overtraining.race_verdict(answer, courses).startswith(f"You said: {answer}. ")


def test_who_is_first_is_counted_seed_by_seed():
    def course(runner: race.Runner, seed: int, steps: int, seconds: float, arrived: bool = True) -> race.RaceCourse:
        return race.RaceCourse(runner, seed, (race.Look(0, 0.0, 1.0), race.Look(steps, seconds, 0.1)), arrived)

    courses = [
        *(course("GAN", 0, 500, 3.0), course("diffusion", 0, 600, 2.0)),  # each has one way of being first
        *(course("GAN", 1, 100, 0.1, arrived=False), course("diffusion", 1, 900, 9.0)),  # gave up sooner: not first
        *(course("GAN", 2, 500, 1.0), course("diffusion", 2, 500, 2.0)),  # together, by updates
        *(course("GAN", 3, 500, 1.0, arrived=False), course("diffusion", 3, 500, 2.0, arrived=False)),
    ]
    assert race.firsts(courses, "steps") == {"GAN": 1, "diffusion": 1}
    assert race.firsts(courses, "seconds") == {"GAN": 1, "diffusion": 2}
    assert overtraining.race_outcome(courses) == (
        "first at the line, of 4 seeds: by updates the GAN from 1, the diffusion model from 1, none alone from 2; "
        "by seconds of training the GAN from 1, the diffusion model from 2, none alone from 1."
    )
    recorded = gan_race.races()
    ways = {(one.runner, one.seed): one.looks[-1].steps if one.arrived else math.inf for one in recorded}
    ahead = [ways["GAN", seed] < ways["diffusion", seed] for seed in gan_race.RACERS]
    assert race.firsts(recorded, "steps")["GAN"] == sum(ahead)


def test_a_race_that_nobody_finishes_says_so(monkeypatch):
    monkeypatch.setattr(overtraining, "LAST", 100)
    text, film, table = last(overtraining.race_work(overtraining.check("spiral", 5)))
    assert text == "spiral, seed 5: run just now."
    assert titles(film) == ["against updates", "against time"]
    assert "| GAN | 0 of 1 | not in 100 | not reached |" in table


def test_quality_is_drawn_only_after_an_answer():
    course = gan_race.past()
    assert titles(overtraining_pictures.past_film(course, whole=False)) == ["how often D is right"]
    whole = overtraining_pictures.past_film(course)
    assert len(titles(whole)) == 3
    assert len(whole) < 500_000
    after = [one for one in past.aftermath(course) if one is not None]
    text = overtraining.verdict(overtraining.WORSE, course)
    assert f"in {len(after)} of {course.energy.shape[1]} games" in text
    worse = sum(one.last > overtraining.FACTOR * one.then for one in after)
    assert f"times what it was then in {worse}," in text


def test_games_are_trained_on_and_never_random_is_said(monkeypatch):
    monkeypatch.setattr(past, "TURNS", 300)
    monkeypatch.setattr(past.run, "__defaults__", (past.SEEDS, 300, past.RULES))
    text, film = last(overtraining.past_work(overtraining.check("two moons", 1)))
    assert text.startswith("two moons: in none of 3 games was D’s feedback random")
    assert len(titles(film)) == 3


def test_a_part_is_measured_anew_and_the_others_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(gan_race, "PAST_TURNS", 200)
    monkeypatch.setattr(gan_race, "PAST_SEEDS", range(2))
    measurements.save(gan_race.NAME, gan_race.COMMAND, {"race": [], "past": None}, tmp_path)
    gan_race.record(["past"], tmp_path)
    assert gan_race.races(tmp_path) == []
    course = gan_race.past(tmp_path)
    again = last(past.run(data.draw(gan_race.PAST_WORLD), [0, 1], 200))
    assert course.turns == [100, 200]
    assert torch.allclose(course.energy, again.energy, atol=1e-4)
    assert torch.allclose(course.seen_real.double(), again.seen_real, atol=1e-4)
