"""The terms of the bound, against PyTorch's divergences, the papers' weights, quadrature and a case that is known."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.integrate import dblquad
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal, kl_divergence

from tutorial.data.toy2d import GaussianMixture, ring
from tutorial.diffusion.elbo import (
    VARIANCES,
    bound,
    chain,
    eps_errors,
    negative_log_density,
    noised,
    prior,
)
from tutorial.diffusion.exact import exact_denoiser
from tutorial.diffusion.objective import KINDS
from tutorial.diffusion.process import posterior
from tutorial.diffusion.schedule import Schedule
from tutorial.diffusion.views import magnification

SCHEDULE = Schedule.linear()


def normals(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def one_gaussian(spread: float) -> GaussianMixture:
    return GaussianMixture(torch.ones(1).double(), torch.zeros(1, 2).double(), spread)


def expected_errors(spread: float, t: torch.Tensor) -> torch.Tensor:
    """E‖ε − E[ε | x_t]‖² for x_0 ~ N(0, spread² I) in the plane: twice the variance of ε given x_t."""
    abar = SCHEDULE.abar[t]
    return 2 * abar * spread**2 / (abar * spread**2 + 1 - abar)


@pytest.mark.parametrize("variance", VARIANCES)
@pytest.mark.parametrize("n", [1000, 37])
def test_a_step_costs_the_divergence_of_its_two_gaussians(variance, n):
    steps = chain(SCHEDULE, n, variance)
    x0, x0_hat, x_t = normals(3, 1, 3)
    for k in range(0, n - 1, 6):
        t, s = int(steps.t[k]), int(steps.s[k])
        mean, spread = posterior(SCHEDULE, x0, x_t, t, s)
        mean_hat, _ = posterior(SCHEDULE, x0_hat, x_t, t, s)
        wanted = kl_divergence(Normal(mean, spread.sqrt()), Normal(mean_hat, steps.variance[k].sqrt())).sum()
        found = 3 * steps.constant[k] + steps.weight[k] * (x0 - x0_hat).square().sum()
        torch.testing.assert_close(found, wanted, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("variance", VARIANCES)
def test_the_last_step_costs_minus_the_logarithm_of_a_density(variance):
    steps = chain(SCHEDULE, 50, variance)
    x0, x0_hat, x_t = normals(3, 1, 2)
    assert int(steps.s[-1]) == 0
    mean, _ = posterior(SCHEDULE, x0_hat, x_t, int(steps.t[-1]), 0)
    wanted = -Normal(mean, steps.variance[-1].sqrt()).log_prob(x0).sum()
    found = 2 * steps.constant[-1] + steps.weight[-1] * (x0 - x0_hat).square().sum()
    torch.testing.assert_close(found, wanted)


def test_weights_are_those_of_the_papers():
    abar = SCHEDULE.abar
    beta = 1 - abar[1:] / abar[:-1]
    for variance in VARIANCES:
        steps = chain(SCHEDULE, SCHEDULE.T, variance)
        t = steps.t[:-1]
        ho = beta[t - 1] ** 2 / (2 * steps.variance[:-1] * (1 - beta[t - 1]) * (1 - abar[t]))  # equation 12
        torch.testing.assert_close(steps.weight_of("eps", SCHEDULE)[:-1], ho, rtol=1e-8, atol=0)
    steps = chain(SCHEDULE, 100, "posterior")
    kingma = (SCHEDULE.snr[steps.s] - SCHEDULE.snr[steps.t])[:-1] / 2  # equation 14
    torch.testing.assert_close(steps.weight[:-1], kingma)


@pytest.mark.parametrize("kind", KINDS)
def test_a_weight_goes_with_its_view(kind):
    """The same error costs the same, in whichever view it is measured."""
    steps = chain(SCHEDULE, 20)
    error = magnification(kind, SCHEDULE)[steps.t] ** 2
    torch.testing.assert_close(steps.weight_of(kind, SCHEDULE) * error, steps.weight_of("eps", SCHEDULE))


def test_the_prior_is_a_divergence():
    x0, abar = normals(5, 3), SCHEDULE.abar[-1]
    q = Normal(abar.sqrt() * x0, (1 - abar).sqrt())
    torch.testing.assert_close(prior(SCHEDULE, x0), kl_divergence(q, Normal(0.0, 1.0)).sum(1), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("n", [1000, 50, 4])
def test_for_standard_normal_data_beta_makes_the_bound_exact(n):
    """There β is the true step's variance (Ho et al. 2020, section 3.2), so the whole is the data's entropy."""
    steps = chain(SCHEDULE, n, "beta")
    x0 = torch.ones(1, 2, dtype=torch.float64)  # with the mean square of the data
    total = bound(SCHEDULE, steps, x0, expected_errors(1.0, steps.t)[:, None]).total
    assert total.item() == pytest.approx(math.log(2 * math.pi * math.e), abs=1e-9)
    larger = chain(SCHEDULE, n, "posterior")
    assert bound(SCHEDULE, larger, x0, expected_errors(1.0, steps.t)[:, None]).total > total


@pytest.mark.parametrize("variance", VARIANCES)
@pytest.mark.parametrize("spread", [0.05, 0.3, 2.0])
def test_no_choice_gets_below_the_entropy(variance, spread):
    for n in (1000, 100, 10, 2):
        steps = chain(SCHEDULE, n, variance)
        x0 = torch.full((1, 2), spread, dtype=torch.float64)
        total = bound(SCHEDULE, steps, x0, expected_errors(spread, steps.t)[:, None]).total
        assert total.item() >= math.log(2 * math.pi * math.e * spread**2)


@pytest.mark.parametrize("predicts", KINDS)
def test_measured_errors_are_the_expected_ones(predicts):
    mixture, t, n = one_gaussian(0.4), torch.tensor([1000, 300, 40, 1]), 20_000
    generator = torch.Generator().manual_seed(1)
    denoise = exact_denoiser(mixture, SCHEDULE, predicts)
    found = eps_errors(denoise, SCHEDULE, mixture.sample(n, generator), t, predicts=predicts, generator=generator)
    assert found.shape == (4, n)
    error = found.std(1) / n**0.5
    assert ((found.mean(1) - expected_errors(0.4, t)).abs() < 4 * error + 1e-12).all()


def test_each_point_meets_each_time_with_its_own_noise():
    x0 = normals(3, 2)
    x_t, t, eps = noised(SCHEDULE, x0, torch.tensor([7, 900]), torch.Generator().manual_seed(0))
    assert t.tolist() == [7, 7, 7, 900, 900, 900]
    assert len(eps.unique(dim=0)) == 6
    abar = SCHEDULE.abar[t, None]
    torch.testing.assert_close(x_t, abar.sqrt() * x0.repeat(2, 1) + (1 - abar).sqrt() * eps)


def test_the_bound_holds_for_a_mixture():
    mixture, n = ring(), 400
    x0 = mixture.sample(n, torch.Generator().manual_seed(2))
    for variance, steps in ((variance, chain(SCHEDULE, 100, variance)) for variance in VARIANCES):
        denoise = exact_denoiser(mixture, SCHEDULE)
        errors = eps_errors(denoise, SCHEDULE, x0, steps.t, generator=torch.Generator().manual_seed(3))
        gap = bound(SCHEDULE, steps, x0, errors.double()).total - negative_log_density(mixture, x0)
        assert gap.mean() > 4 * gap.std() / n**0.5, variance


def test_the_density_is_one():
    mixture = ring(modes=3, radius=1.0, spread=0.4)
    parts = Independent(Normal(mixture.means, mixture.spread), 1)
    x = mixture.sample(100, torch.Generator().manual_seed(4))
    wanted = -MixtureSameFamily(Categorical(mixture.weights), parts).log_prob(x)
    torch.testing.assert_close(negative_log_density(mixture, x), wanted)
    mass, _ = dblquad(
        lambda y, x: math.exp(-negative_log_density(mixture, torch.tensor([[x, y]]))), -4, 4, -4, 4, epsabs=1e-4
    )
    assert mass == pytest.approx(1, abs=1e-3)


def test_bad_chains_are_refused():
    with pytest.raises(ValueError, match="posterior, beta"):
        chain(SCHEDULE, 10, "learned")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="between 1 and 1000"):
        chain(SCHEDULE, 1001)
