"""The forward process and the four views of the objective, against algebra and against simulation."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import MultivariateNormal

from tutorial.data.toy2d import GaussianMixture
from tutorial.diffusion.exact import exact_denoiser, posterior_mean, responsibilities
from tutorial.diffusion.objective import KINDS, loss, read, score, target
from tutorial.diffusion.process import gaussian, posterior, q_sample, q_step
from tutorial.diffusion.schedule import Schedule, at

SCHEDULE = Schedule.scaled_linear(200)
MIXTURE = GaussianMixture(
    torch.tensor([0.3, 0.7], dtype=torch.float64), torch.tensor([[1.0, 2.0], [-1.5, 0.0]], dtype=torch.float64), 0.3
)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_thousand_steps_are_one_jump():
    """The chain's mean and variance, followed exactly: x_t is linear in x_0 and in each noise."""
    mean, variance = torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    for t in range(1, SCHEDULE.T + 1):
        mean = q_step(SCHEDULE, mean, t, torch.zeros(1, dtype=torch.float64))
        gain = q_step(SCHEDULE, torch.ones(1, dtype=torch.float64), t, torch.zeros(1, dtype=torch.float64))
        kick = q_step(SCHEDULE, torch.zeros(1, dtype=torch.float64), t, torch.ones(1, dtype=torch.float64))
        variance = gain**2 * variance + kick**2
        one = torch.ones(1, dtype=torch.float64)
        assert mean == pytest.approx(q_sample(SCHEDULE, one, t, 0 * one))
        assert variance == pytest.approx(q_sample(SCHEDULE, 0 * one, t, one) ** 2)


@pytest.mark.parametrize(("t", "s"), [(200, 199), (120, 40), (2, 1)])
def test_the_posterior_is_bayes_rule(t, s):
    """q(x_s | x_t, x_0) from the joint Gaussian of (x_s, x_t) given x_0, conditioned by the textbook formula."""
    a_t, a_s = SCHEDULE.abar[t], SCHEDULE.abar[s]
    x0, x_t = torch.tensor([0.7], dtype=torch.float64), torch.tensor([-0.2], dtype=torch.float64)
    var_s, var_t, cov = 1 - a_s, 1 - a_t, (a_t / a_s).sqrt() * (1 - a_s)
    expected_mean = a_s.sqrt() * x0 + cov / var_t * (x_t - a_t.sqrt() * x0)
    mean, variance = posterior(SCHEDULE, x0, x_t, t, s)
    assert mean == pytest.approx(expected_mean)
    assert variance.item() == pytest.approx((var_s - cov**2 / var_t).item())


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_prediction_reads_back_as_the_same_noise_and_data(kind):
    x0 = MIXTURE.sample(50, seeded()).double()
    eps = torch.randn(50, 2, generator=seeded(1), dtype=torch.float64)
    t = torch.randint(1, 201, (50,), generator=seeded(2))
    x_t = q_sample(SCHEDULE, x0, t, eps)
    answer = target(kind, SCHEDULE, x0, t, eps)
    read_eps, read_x0 = read(kind, SCHEDULE, answer, x_t, t)
    assert torch.allclose(read_eps, eps)
    assert torch.allclose(read_x0, x0)
    assert loss(kind, SCHEDULE, answer, x0, t, eps).abs().max() == 0
    assert torch.allclose(loss(kind, SCHEDULE, answer + 2, x0, t, eps), torch.full((50,), 4.0, dtype=torch.float64))


def test_an_unknown_kind_is_refused():
    x = torch.zeros(1, 2)
    with pytest.raises(ValueError, match="eps, x0, v"):
        target("score", SCHEDULE, x, 5, x)  # type: ignore[arg-type]


@pytest.mark.parametrize("t", [1, 60, 200])
def test_the_exact_denoiser_is_the_gradient_of_the_density(t):
    """The score by automatic differentiation of log p(x_t), a mixture whose density torch.distributions knows."""
    x = torch.randn(20, 2, generator=seeded(), dtype=torch.float64).requires_grad_()
    abar = SCHEDULE.abar[t]
    covariance = torch.eye(2, dtype=torch.float64) * (abar * MIXTURE.spread**2 + 1 - abar)
    parts = [
        math.log(w) + MultivariateNormal(abar.sqrt() * mean, covariance).log_prob(x)
        for w, mean in zip(MIXTURE.weights.tolist(), MIXTURE.means, strict=True)
    ]
    stacked = torch.stack(parts, dim=1)
    (expected,) = torch.autograd.grad(stacked.logsumexp(1).sum(), x)
    times = torch.full((20,), t)
    eps = exact_denoiser(MIXTURE, SCHEDULE)(x.detach(), times, None)
    assert torch.allclose(score(SCHEDULE, eps, times), expected, rtol=1e-8)
    assert torch.allclose(responsibilities(MIXTURE, SCHEDULE, x.detach(), times), stacked.detach().softmax(1))


def test_the_posterior_mean_beats_any_other_guess():
    x0 = MIXTURE.sample(20_000, seeded()).double()
    eps = torch.randn(x0.shape, generator=seeded(1), dtype=torch.float64)
    x_t = q_sample(SCHEDULE, x0, 60, eps)
    best = posterior_mean(MIXTURE, SCHEDULE, x_t, 60)
    error = (best - x0).square().mean()
    for other in (best * 1.05, best + 0.05, x_t / SCHEDULE.abar[60].sqrt()):
        assert error < (other - x0).square().mean()


def test_noise_of_a_row_does_not_depend_on_its_neighbours():
    alone = gaussian(torch.empty(1, 4, 8, 8), [seeded(7)])
    together = gaussian(torch.empty(3, 4, 8, 8), [seeded(5), seeded(6), seeded(7)])
    assert torch.equal(alone[0], together[2])


def test_at_shapes_values_for_any_batch():
    values = torch.arange(5.0, dtype=torch.float64)
    assert at(values, torch.tensor([1, 3]), torch.empty(2, 3, 4, 4)).shape == (2, 1, 1, 1)
    assert at(values, 2, torch.empty(2, 3)).item() == 2
