"""Divergences against closed forms, SciPy's adaptive quadrature, torch.distributions and Monte Carlo."""

from __future__ import annotations

import math

import pytest
import scipy.integrate
import torch
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence

from tutorial.data.toy2d import GaussianMixture, drawn, ring
from tutorial.metrics.divergence import entropy, gaussian_kl_to_normal, kl_to_normal

TWO = GaussianMixture(torch.tensor([0.3, 0.7]), torch.tensor([[0.5, 0.8], [-0.6, 0.0]]), 0.4)


def one(mean: tuple[float, float], spread: float) -> GaussianMixture:
    return GaussianMixture(torch.ones(1), torch.tensor([mean]), spread)


@pytest.mark.parametrize("spread", [0.01, 0.1, 1.0, 3.0])
def test_the_entropy_of_one_gaussian_is_its_formula(spread):
    assert entropy(one((1.0, -2.0), spread)) == pytest.approx(math.log(2 * math.pi * math.e * spread**2), abs=1e-9)


@pytest.mark.parametrize(("mean", "spread"), [((0.0, 0.0), 1.0), ((0.3, -0.2), 0.9), ((2.0, 1.0), 0.1)])
def test_the_divergence_of_one_gaussian_is_pytorchs(mean, spread):
    p = MultivariateNormal(torch.tensor(mean).double(), torch.eye(2).double() * spread**2)
    expected = kl_divergence(p, MultivariateNormal(torch.zeros(2).double(), torch.eye(2).double())).item()
    assert kl_to_normal(one(mean, spread)) == pytest.approx(expected, abs=1e-9)
    assert gaussian_kl_to_normal(torch.tensor([mean]), spread**2).item() == pytest.approx(expected, abs=1e-6)


def test_the_divergence_of_a_mixture_is_scipys_integral():
    parts = [MultivariateNormal(mean.double(), torch.eye(2).double() * TWO.spread**2) for mean in TWO.means]
    normal = MultivariateNormal(torch.zeros(2).double(), torch.eye(2).double())

    def integrand(y: float, x: float) -> float:
        at = torch.tensor([x, y], dtype=torch.float64)
        logs = [part.log_prob(at) + weight.double().log() for part, weight in zip(parts, TWO.weights, strict=True)]
        log_p = torch.stack(logs).logsumexp(0)
        return (log_p.exp() * (log_p - normal.log_prob(at))).item()

    expected, _ = scipy.integrate.dblquad(integrand, -3.5, 3.5, -3.5, 3.5, epsabs=1e-5, epsrel=1e-5)
    assert kl_to_normal(TWO) == pytest.approx(expected, abs=1e-4)


def test_the_eight_gaussians_by_monte_carlo():
    n = 100_000
    mixture = ring()
    x = mixture.sample(n, torch.Generator().manual_seed(0)).double()
    distance = torch.cdist(x, mixture.means.double()).square() / (2 * mixture.spread**2)
    log_p = (-distance).logsumexp(1) - math.log(8 * 2 * math.pi * mixture.spread**2)
    log_ratio = log_p + x.square().sum(1) / 2 + math.log(2 * math.pi)
    expected, error = log_ratio.mean().item(), log_ratio.std().item() / n**0.5
    assert kl_to_normal(mixture) == pytest.approx(expected, abs=4 * error)


def test_a_small_divergence_is_not_lost_in_rounding():
    """Means of weight 1/K in float32 do not sum to 1; the divergence of what is N(0, I) but for 10⁻⁴ is known."""
    many = drawn(torch.zeros(1999, 2) + torch.tensor([1e-4, 0.0]), spread=1.0)
    assert kl_to_normal(many) == pytest.approx(5e-9, abs=1e-12)


def test_quadrature_is_for_the_plane():
    with pytest.raises(ValueError, match="3 dimensions"):
        entropy(drawn(torch.zeros(2, 3)))


def test_the_divergence_of_a_picture_is_pytorchs():
    mean = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    p = Independent(Normal(mean, 0.7), 3)
    expected = kl_divergence(p, Independent(Normal(torch.zeros_like(mean), 1.0), 3)).item()
    assert gaussian_kl_to_normal(mean[None], 0.49).item() == pytest.approx(expected)
