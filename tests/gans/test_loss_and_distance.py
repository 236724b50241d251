"""Readings against the formulas they stand for, correlations against scipy, and what the losses tell over seeds."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.optimize import linear_sum_assignment

from tutorial.gans import loss_and_distance
from tutorial.gans.game import Game, noise
from tutorial.gans.held import Held
from tutorial.gans.loss_and_distance import RULES, SAMPLES, SETUP, LossCourse, correlations, pearson, ranks, run
from tutorial.gans.worlds import WORLDS
from tutorial.metrics.energy import energy_distance

pytestmark = pytest.mark.usefixtures("one_thread")
DRAW = WORLDS["eight Gaussians"]


def last(parts):
    *_, found = (part for part in parts if part is not None)
    return found


def test_ranks_and_correlations_are_those_of_scipy():
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(0, 6, (30, 4), generator=generator).double()  # many ties
    y = x + 3 * torch.randn(30, 4, generator=generator).double()
    assert np.allclose(ranks(x).numpy(), stats.rankdata(x.numpy(), axis=0) - 1)
    for k in range(4):
        assert pearson(x, y)[k].item() == pytest.approx(stats.pearsonr(x[:, k], y[:, k]).statistic)
        rho = pearson(ranks(x), ranks(y))[k].item()
        assert rho == pytest.approx(stats.spearmanr(x[:, k], y[:, k]).statistic)


def test_what_never_changes_has_no_correlation():
    assert pearson(torch.ones(5, 1), torch.arange(5.0)[:, None]).isnan().all()


def test_the_second_half_leaves_the_beginning_out():
    steps = torch.arange(10.0)[:, None]
    there_and_back = torch.cat([steps[:5], 9 - steps[5:]])
    course = LossCourse("GAN", tuple(range(10)), there_and_back[None], steps)
    assert correlations(course, 0)[0].item() == pytest.approx(stats.spearmanr(there_and_back, steps).statistic)
    assert correlations(course, 0, late=True)[0].item() == pytest.approx(-1)


def test_readings_are_the_formulas_at_points_that_nobody_learned_from(monkeypatch):
    monkeypatch.setattr(loss_and_distance, "UPDATES", {"GAN": 40, "Wasserstein GAN": 40, "flow": 40})
    held = Held(DRAW, SAMPLES)
    z = noise(SAMPLES, SETUP, torch.Generator().manual_seed(0))
    course = last(run("GAN", held, [3, 4]))
    game = Game(DRAW, SETUP, [4], RULES["GAN"])
    for _ in range(40):
        game.turn()
    with torch.no_grad():
        fakes = game.fakes(z)
        r, f = torch.sigmoid(game.opinion(held.data[None])), torch.sigmoid(game.opinion(fakes))
    of_g, of_d = -f.log().mean(), -r.log().mean() - (1 - f).log().mean()
    assert course.readings[0, -1, 1].item() == pytest.approx(of_g.item(), abs=1e-4)
    assert course.readings[1, -1, 1].item() == pytest.approx(math.log(4) - of_d.item(), abs=1e-4)
    assert course.distances[-1, 1].item() == pytest.approx(energy_distance(fakes[0], held.data), abs=1e-4)
    critic = last(run("Wasserstein GAN", held, [3]))
    game = Game(DRAW, SETUP, [3], RULES["Wasserstein GAN"])
    for _ in range(loss_and_distance.AHEAD):
        game.update_discriminator()
    for _ in range(40):
        game.turn()
    with torch.no_grad():
        gap = game.opinion(held.data[None]).mean() - game.opinion(game.fakes(z)).mean()
    assert critic.readings[0, -1, 0].item() == pytest.approx(gap.item(), abs=1e-4)
    assert not torch.equal(held.data[:100], DRAW(100, torch.Generator().manual_seed(0)))


def test_a_course_is_told_look_by_look(monkeypatch):
    monkeypatch.setattr(loss_and_distance, "UPDATES", {"GAN": 40, "Wasserstein GAN": 40, "flow": 40})
    held = Held(DRAW, SAMPLES)
    for arm, readings in loss_and_distance.READINGS.items():
        courses = [course for course in run(arm, held, [0]) if course is not None]
        assert [len(course.steps) for course in courses] == list(range(1, loss_and_distance.LOOKS + 2))
        assert courses[-1].steps[-1] == 40
        assert courses[-1].readings.shape == (len(readings), loss_and_distance.LOOKS + 1, 1)


def test_a_flow_begins_as_noise_and_its_reading_is_its_likelihood():
    first = next(part for part in run("flow", Held(DRAW, SAMPLES), [0]) if part is not None)
    x = Held(DRAW, SAMPLES).data
    normal = -torch.distributions.Normal(0.0, 1.0).log_prob(x).sum(1).mean().item()
    assert first.readings[0, 0, 0].item() == pytest.approx(normal, abs=0.1)  # a flow begins near the identity


@pytest.mark.slow
def test_over_seeds_a_flows_loss_tells_and_a_gans_does_not():
    held = Held(DRAW, SAMPLES)
    flow, gan = last(run("flow", held)), last(run("GAN", held))
    assert correlations(flow, 0)[0].median() > 0.7
    for k in (0, 1):
        assert correlations(gan, k)[0].median() < 0.3


def test_the_critics_reading_stays_below_the_wasserstein_distance_when_it_is_divided_by_its_slope():
    """Kantorovich and Rubinstein: no function of slope L tells two samples apart by more than L W₁."""
    held = Held(DRAW, SAMPLES)
    game = Game(DRAW, SETUP, [0], RULES["Wasserstein GAN"])
    for _ in range(150):
        game.update_discriminator()
    z = noise(SAMPLES, SETUP, torch.Generator().manual_seed(0))
    fakes = game.fakes(z)[0]
    x = held.data[:SAMPLES]
    cost = torch.cdist(x, fakes)
    rows, columns = linear_sum_assignment(cost.numpy())
    distance = cost[rows, columns].mean().item()
    answers = [game.opinion(x[None])[0].detach() for x in (x, fakes)]
    gap = (answers[0].mean() - answers[1].mean()).item()
    steepest = (answers[0][:, None] - answers[1][None]).abs().div(cost).max().item()
    assert gap <= steepest * distance * (1 + 1e-4)
    assert gap > 0.5 * distance  # and a critic that was trained comes near it
