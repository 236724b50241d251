"""What is left at each noise level, against sampling, quadrature and limits."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from tutorial.data.toy2d import GaussianMixture, ring
from tutorial.diffusion.marginals import decibels, information, marginal, one_step_to
from tutorial.diffusion.process import q_sample
from tutorial.diffusion.schedule import Schedule
from tutorial.metrics.divergence import entropy

SCHEDULE = Schedule.scaled_linear()


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_marginal_has_the_moments_of_noised_samples():
    mixture = GaussianMixture(torch.tensor([0.3, 0.7]), torch.tensor([[1.0, 2.0], [-1.5, 0.0]]), 0.3)
    n, t = 200_000, 400
    x_t = q_sample(SCHEDULE, mixture.sample(n, seeded()), t, torch.randn(n, 2, generator=seeded(1)))
    there = marginal(mixture, SCHEDULE, t)
    mean = there.weights @ there.means
    centred = there.means - mean
    covariance = (there.weights[:, None] * centred).T @ centred + there.spread**2 * torch.eye(2)
    assert torch.allclose(x_t.mean(0), mean, atol=4 * covariance.max().sqrt().item() / n**0.5)
    assert torch.allclose(torch.cov(x_t.T), covariance, atol=0.02)


def test_at_time_zero_the_marginal_is_the_data():
    assert marginal(ring(), SCHEDULE, 0).spread == pytest.approx(0.1)
    assert torch.equal(marginal(ring(), SCHEDULE, 0).means, ring().means)


@pytest.mark.parametrize("t", [150, 400, 600, 1000])
def test_the_information_is_a_difference_of_entropies(t):
    """I(k; x) = H(x) − H(x | k), by quadrature; the code takes the other way, H(k) − H(k | x), by chance."""
    there = marginal(ring(), SCHEDULE, t)
    exact = (entropy(there) - math.log(2 * math.pi * math.e * there.spread**2)) / math.log(2)
    bits = information(ring(), SCHEDULE, t, 20_000, seeded())
    assert bits.mean().item() == pytest.approx(exact, abs=4 * bits.std().item() / 20_000**0.5 + 1e-5)


def test_all_is_known_at_first_and_nothing_at_last():
    assert information(ring(), SCHEDULE, 1, 500, seeded()).mean().item() == pytest.approx(3, abs=1e-3)
    assert information(ring(), Schedule.cosine(), 1000, 500, seeded()).mean().item() == pytest.approx(0, abs=1e-3)


def test_a_schedule_of_one_step_has_the_level_that_was_asked_for():
    for level in np.linspace(-50, 40, 7):
        assert decibels(one_step_to(level))[1].item() == pytest.approx(level, abs=1e-6)
    assert decibels(Schedule.linear())[0] == math.inf
