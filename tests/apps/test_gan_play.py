"""The lab "diagram": its game goes on, back and forth again, and what is kept of its past."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
import torch

from apps import live
from apps.tabs.gan import data, hands, lab
from apps.tabs.gan.play import KEPT, ROWS, Kept, Play
from apps.tabs.gan.settings import DEFAULTS, check
from tests.apps.gan_stage import finished, numbers, same
from tutorial.gans.game import Game
from tutorial.training import gan_lab

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("n", [1, 5, 60, 61, 500, 10_000])
def test_what_is_kept_is_bounded_and_evenly_spread_and_has_the_last(n):
    kept: Kept[int] = Kept(KEPT)
    for place in range(n):
        kept.add(place, place)
    assert kept.items == kept.places
    assert kept.items[0] == 0
    assert kept.items[-1] == n - 1
    assert min(n, KEPT // 2) <= len(kept.items) <= KEPT
    gaps = np.diff(kept.items)
    assert len(set(gaps[:-1])) <= 1
    assert n == 1 or gaps[-1] <= gaps[0]


def test_what_came_after_a_place_is_forgotten():
    kept: Kept[int] = Kept(4)
    for place in range(10):
        kept.add(place, place)
    kept.cut(4)
    assert kept.items == [0, 4]
    kept.add(5, 50)
    assert kept.items == [0, 4, 50]


def test_a_run_is_the_game_of_its_settings(wish):
    play = Play(wish.setup)
    finished(play, wish, n=30)
    game = Game(data.draw(wish.setup.world), wish.setup.setup, [wish.setup.seed], wish.rules)
    for _ in range(30):
        game.turn()
    assert same(numbers(play), game.checkpoint().numbers)


def test_going_on_from_a_rewound_moment_plays_the_same_again(wish, unhurried):
    play = Play(wish.setup)
    for _ in range(6):
        finished(play, wish, n=20)
    there, row = numbers(play), play.present
    play.back(2)
    assert play.present.turns == play.game.turns == 40
    assert len(play.marks.items) == 7  # those after it are kept until it goes on
    play.back(6)
    assert same(numbers(play), there)
    play.back(2)
    for _ in range(4):
        finished(play, wish, n=20)
    assert same(numbers(play), there)
    assert play.present.turns == row.turns
    assert play.present.energy == pytest.approx(row.energy, rel=1e-3)
    assert [mark.row.turns for mark in play.marks.items] == [0, 20, 40, 60, 80, 100, 120]


def test_of_an_abandoned_branch_nothing_is_kept(wish, unhurried):
    play, other = Play(wish.setup), check(**DEFAULTS | {"loss": "least squares"})
    for _ in range(4):
        finished(play, wish, n=20)
    for rules, n in ((wish, 7), (other, 5), (other, 6)):
        play.back(2)
        finished(play, rules, n=n)
        assert [mark.row.turns for mark in play.marks.items] == [0, 20, 40, 40 + n]
        assert [row.turns for row in play.rows.items] == [0, 20, 40, 40 + n]
        assert play.rows.items[-1].loss == rules.rules.loss


def test_after_numbers_out_of_bounds_the_past_stays_one_course(wish, unhurried):
    play = Play(wish.setup)
    finished(play, wish, n=20)
    with torch.no_grad():
        play.game.generator.flat.fill_(math.nan)
    play.look(averaged=False)
    assert play.diverged
    finished(play, wish, n=5)
    play.back(1)
    finished(play, wish, n=3)
    assert [row.turns for row in play.rows.items] == [mark.row.turns for mark in play.marks.items] == [0, 20, 23]


def test_a_recorded_past_goes_on_in_the_order_of_its_turns(wish, unhurried):
    play, _ = lab.opening()
    finished(play, wish, n=3)
    turns = [row.turns for row in play.rows.items]
    assert turns == sorted(set(turns))
    assert play.rows.places == sorted(set(play.rows.places))
    assert turns[-1] == gan_lab.TURNS + 3


def test_rows_of_a_long_run_stay_few(wish):
    play = Play(wish.setup)
    play.go_on(wish)
    for _ in range(ROWS + 30):
        play.look(False, thorough=False)
    assert len(play.rows.items) <= ROWS
    assert len(play.marks.items) <= KEPT


def test_half_turns_move_one_network_each_and_are_counted(wish, unhurried):
    play = Play(wish.setup)
    play.go_on(wish)
    for part, moves, held in [("D", "discriminator", "generator"), ("G", "generator", "discriminator")]:
        before, still = (getattr(play.game, name).flat.clone() for name in (moves, held))
        look = finished(play, wish, part)
        assert not torch.equal(getattr(play.game, moves).flat, before)
        assert torch.equal(getattr(play.game, held).flat, still)
    assert look.row.turns == 0
    assert play.alone == (1, 1)
    assert hands.told(play, look).startswith("turn 0 + 1 step of D alone + 1 step of G alone · ")
    play.back(1)
    assert play.alone == (1, 0)


def test_rules_change_in_mid_run_and_a_setup_begins_another_game(wish):
    bench: hands.Bench = live.Bench()
    bench.settings = wish
    work = hands.work(bench)
    for _ in range(5):
        next(work)
    first = bench.work
    assert first is not None
    bench.settings = check(**DEFAULTS | {"loss": "Wasserstein", "rate_g": 0.004})
    next(work)
    assert bench.work is first
    assert first.game.rules == bench.settings.rules
    bench.settings = check(**DEFAULTS | {"g_layers": 3})
    for _ in range(3):
        next(work)
    assert bench.work is not first
    assert bench.work is not None
    assert bench.work.setup.setup.generator == (16, 16, 16)


def test_a_game_that_diverges_is_set_back_to_where_it_was_finite(wish, unhurried):
    play = Play(wish.setup)
    finished(play, wish, n=20)
    there = numbers(play)
    wild = check(**DEFAULTS | {"optimiser": "SGD", "rate_d": 1.0, "rate_g": 1.0, "loss": "least squares"})
    look = finished(play, wild, n=3000)
    assert play.diverged
    assert look.view.finite
    assert play.game.finite
    assert look.row.turns >= 20
    play.back(1)
    assert same(numbers(play), there)
    assert not math.isnan(finished(play, wish, n=5).row.energy)
    assert not play.diverged


def test_looks_are_no_more_than_a_third_of_the_work_on_a_slow_machine(wish, monkeypatch):
    play, looking, seconds = Play(wish.setup), 0.0, 3.0
    look = play.look

    def slow(*args, **options):
        nonlocal looking
        begun = time.monotonic()
        time.sleep(0.2)
        found = look(*args, **options)
        looking += time.monotonic() - begun
        return found

    monkeypatch.setattr(play, "look", slow)
    begun = time.monotonic()
    for _ in play.train(lambda: wish):
        if time.monotonic() - begun > seconds:
            break
    assert looking < 0.45 * (time.monotonic() - begun)


@pytest.mark.slow
def test_it_plays_600_turns_a_second_while_it_streams_ten_pictures_a_second():
    """On two cores that do nothing else; `python -m tests.gans.bench` prints the numbers."""
    from tests.gans.bench import streamed

    speed = max((streamed() for _ in range(3)), key=lambda found: found.turns)
    assert speed.turns >= 600
    assert speed.frames >= 10
