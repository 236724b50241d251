"""The race and what follows the moment of random feedback: rules, counts, and moments that are known."""

from __future__ import annotations

import math
from itertools import count

import pytest
import torch

from tutorial.gans import overtraining
from tutorial.gans.overtraining import LOOK, WINDOW, aftermath, moments, smooth
from tutorial.gans.race import GOAL, RUNNERS, Look, RaceCourse, Track, parameters, result, run
from tutorial.gans.worlds import WORLDS
from tutorial.metrics.energy import energy_distance

pytestmark = pytest.mark.usefixtures("one_thread")
DRAW = WORLDS["eight Gaussians"]


def last(parts):
    *_, found = (part for part in parts if part is not None)
    return found


def course(steps: int, arrived: bool, seconds: float = 1.0) -> RaceCourse:
    return RaceCourse("GAN", 0, (Look(0, 0.0, 1.0), Look(steps, seconds, 0.1)), arrived)


@pytest.mark.parametrize("runner", RUNNERS)
def test_only_updates_are_timed_and_a_runner_ends_when_it_is_there_or_gives_up(runner):
    ticks = count()
    found = last(run(runner, Track(DRAW), 0, last=200, clock=lambda: float(next(ticks))))
    assert [look.steps for look in found.looks] == [0, 50, 100, 150, 200]
    assert [look.seconds for look in found.looks] == [0, 50, 100, 150, 200]  # one tick for each update
    assert not found.arrived
    track = Track(DRAW)
    track.goal = math.inf
    found = last(run(runner, track, 0, last=200))
    assert found.arrived
    assert found.looks[-1].steps == 50  # two looks in a row


def test_the_goal_is_above_what_two_samples_of_the_data_have():
    track = Track(DRAW)
    others = [DRAW(500, torch.Generator().manual_seed(seed)) for seed in range(20)]
    distances = [track.distance(other) for other in others]
    assert distances[0] == pytest.approx(energy_distance(others[0], track.data), abs=1e-5)
    assert sum(distances) / 20 == pytest.approx(track.goal / GOAL, rel=0.3)
    assert max(distances) < track.goal


def test_who_did_not_arrive_is_counted_and_comes_last():
    found = result([course(500, True, 2.0), course(5000, False, 9.0), course(700, True, 3.0)])
    assert (found.arrived, found.runs) == (2, 3)
    assert found.steps == (500, 700, math.inf)
    assert found.seconds == (2.0, 3.0, math.inf)
    assert result([course(500, True), course(5000, False), course(5000, False)]).steps[1] == math.inf
    with pytest.raises(ValueError, match="no courses"):
        result([])


def test_parameters_are_counted():
    wide = (2 * 64 + 64) + (64 * 64 + 64)
    assert parameters("GAN") == wide + (64 * 2 + 2) + wide + (64 + 1)
    assert parameters("diffusion") > 0


@pytest.mark.slow
def test_both_arrive_from_most_seeds():
    for runner in RUNNERS:
        courses = [last(run(runner, Track(DRAW), seed)) for seed in range(3)]
        assert result(courses).arrived >= 2


def made(real: list[float], fake: list[float], energy: list[float]) -> overtraining.OvertrainingCourse:
    columns = (torch.tensor(values, dtype=torch.float64)[:, None] for values in (real, fake, energy))
    return overtraining.OvertrainingCourse(tuple(LOOK * (k + 1) for k in range(len(real))), *columns, 0.01)


def test_the_moment_is_when_both_shares_have_been_about_half_for_a_window():
    n = 4 * WINDOW
    sure = [0.9] * (2 * WINDOW)
    coin = [0.5] * (n - len(sure))
    game = made(sure + coin, sure + coin, [1.0] * len(sure) + [0.2] * len(coin))
    (at,) = moments(game)
    assert at is not None
    share = smooth(game.seen_real)[:, 0]
    assert abs(share[at].item() - 0.5) <= 0.05 < abs(share[at - 1].item() - 0.5)
    (after,) = aftermath(game)
    assert after is not None
    assert after.turn == LOOK * (at + 1)
    assert after.last == pytest.approx(0.2)


def test_one_share_alone_is_not_enough_and_too_late_is_no_aftermath():
    n = 4 * WINDOW
    assert moments(made([0.5] * n, [0.8] * n, [1.0] * n)) == [None]
    assert aftermath(made([0.5] * n, [0.8] * n, [1.0] * n)) == [None]
    late = [0.9] * (n - WINDOW) + [0.5] * WINDOW
    assert moments(made(late, late, [1.0] * n)) == [n - 1]
    assert aftermath(made(late, late, [1.0] * n)) == [None]


def test_means_are_of_the_last_looks():
    x = torch.arange(9.0)[:, None]
    means = smooth(x)[:, 0]
    assert means[: WINDOW - 1].isnan().all()
    assert means[WINDOW - 1 :].tolist() == [sum(range(k - WINDOW + 1, k + 1)) / WINDOW for k in range(WINDOW - 1, 9)]
    assert smooth(x[: WINDOW - 1]).isnan().all()


def test_games_are_looked_at_after_every_hundred_turns():
    parts = list(overtraining.run(DRAW, [0, 1], 3 * LOOK))
    assert sum(part is None for part in parts) == 3 * LOOK
    found = [part for part in parts if part is not None]
    assert [one.turns[-1] for one in found] == [LOOK, 2 * LOOK, 3 * LOOK]
    assert found[-1].energy.shape == (3, 2)
    assert found[-1].energy[-1].max() < found[-1].energy[0].max()
