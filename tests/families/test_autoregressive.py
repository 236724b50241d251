"""Autoregressive models: their mixtures against torch.distributions, the chain rule, and how well they learn."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import stats
from torch import distributions as dist

from tutorial import weights
from tutorial.data.toy2d import WORLDS
from tutorial.diffusion.elbo import negative_log_density
from tutorial.families import shipped
from tutorial.families.autoregressive import NARROWEST, Autoregressive, AutoregressiveConfig, LogisticMixture
from tutorial.families.learners import AutoregressiveLearner
from tutorial.families.truth import DENSITIES, conditional, floor, marginal
from tutorial.families.warping import strips

MODELS = [(world, first) for world in shipped.WORLDS for first in (0, 1)]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def mixture(batch: int, components: int, seed: int = 0) -> LogisticMixture:
    return LogisticMixture(torch.randn(batch, 3 * components, generator=generator(seed), dtype=torch.float64))


def reference(mine: LogisticMixture) -> dist.Distribution:
    """The same mixtures, made of a uniform number's logit, shifted and scaled."""
    shape = mine.mean.shape
    uniform = dist.Uniform(torch.zeros(shape).double(), torch.ones(shape).double())
    logistic = dist.TransformedDistribution(
        uniform, [dist.SigmoidTransform().inv, dist.AffineTransform(mine.mean, mine.scale)]
    )
    return dist.MixtureSameFamily(dist.Categorical(logits=mine.log_weight), logistic)


def test_a_mixture_of_logistics_is_that_of_torch_distributions():
    mine = mixture(200, 5)
    x = 2 * torch.randn(200, generator=generator(1), dtype=torch.float64)
    assert torch.allclose(mine.log_prob(x), reference(mine).log_prob(x), atol=1e-8)
    assert torch.allclose(mine.cdf(x), reference(mine).cdf(x), atol=1e-8)


def test_the_density_is_the_slope_of_the_distribution_function():
    mine = mixture(100, 4)
    x = torch.randn(100, generator=generator(1), dtype=torch.float64).requires_grad_()
    (slope,) = torch.autograd.grad(mine.cdf(x).sum(), x)
    assert torch.allclose(slope.log(), mine.log_prob(x))


def test_far_out_the_density_stays_finite():
    narrow = LogisticMixture(torch.tensor([[0.0, 0.0, -50.0]]))
    assert narrow.scale.item() == pytest.approx(NARROWEST)
    far = narrow.log_prob(torch.tensor([50.0]))
    assert far.item() == pytest.approx(-50 / NARROWEST - math.log(NARROWEST), rel=1e-5)


def test_samples_of_a_mixture_are_distributed_as_it_says():
    one = mixture(1, 5, seed=3)
    drawn = one.sample(4000, generator(4))
    assert stats.kstest(one.cdf(drawn).numpy(), "uniform").pvalue > 1e-3
    many = LogisticMixture(torch.randn(4000, 15, generator=generator(5)))
    assert stats.kstest(many.cdf(many.sample(4000, generator(6))).numpy(), "uniform").pvalue > 1e-3


@pytest.mark.parametrize("first", [0, 1])
def test_the_log_density_is_the_sum_of_its_factors_in_either_order(first):
    model = Autoregressive(AutoregressiveConfig(first=first), generator())
    x = torch.randn(50, 2, generator=generator(1))
    one, other = model.factors(x)
    assert torch.equal(one + other, model.log_prob(x))
    assert torch.allclose(one, reference(model.first()).log_prob(x[:, first].double()).float(), atol=1e-4)
    given = reference(model.second(x[:, first])).log_prob(x[:, 1 - first].double())
    assert torch.allclose(other, given.float(), atol=1e-4)
    moved = x.clone()
    moved[:, 1 - first] += 1  # the first factor knows nothing of the second coordinate
    assert torch.equal(model.factors(moved)[0], one)


@pytest.mark.parametrize("first", [0, 1])
def test_slices_are_the_second_factor(first):
    model = Autoregressive(AutoregressiveConfig(first=first), generator())
    cuts, at = torch.linspace(-2, 2, 5), torch.linspace(-3, 3, 7)
    slices = model.slices(cuts, at)
    pairs = torch.cartesian_prod(cuts, at)
    whole = model.log_prob(pairs if first == 0 else pairs.flip(1)).unflatten(0, (5, 7))
    assert torch.allclose(slices + model.first().log_prob(cuts)[:, None], whole, atol=1e-5)


@pytest.mark.parametrize("first", [0, 1])
def test_the_density_of_an_untrained_model_sums_up_to_one(first):
    model = Autoregressive(AutoregressiveConfig(first=first), generator())
    assert sum(strips(model.log_prob, reach=10)) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(("world", "first"), MODELS)
def test_the_density_of_a_shipped_model_sums_up_to_one(world, first):
    assert sum(strips(shipped.autoregressive(world, first).log_prob, width=0.04)) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(("world", "first"), MODELS)
def test_codes_of_own_samples_are_uniform_and_independent(world, first):
    model = shipped.autoregressive(world, first)
    u = model.code(model.sample(4000, generator(7)))
    for column in u.T:
        assert stats.kstest(column.numpy(), "uniform").pvalue > 1e-3
    assert abs(stats.spearmanr(*u.T.numpy()).statistic) < 4 / math.sqrt(4000)


@pytest.mark.parametrize(("world", "first"), MODELS)
def test_codes_lead_back_to_their_points(world, first):
    model, x = shipped.autoregressive(world, first), WORLDS[world](500, generator())
    u = model.code(x)
    inside = ((u > 1e-4) & (u < 1 - 1e-4)).all(1)  # where the distribution function is not flat
    assert inside.float().mean() > 0.95
    assert (model.decode(u[inside]) - x[inside]).norm(dim=1).max() < 1e-4


@pytest.mark.parametrize(("world", "first"), MODELS)
def test_the_determinant_of_the_code_is_the_density(world, first):
    """The model as a flow: log |det ∂u/∂x| = log p(x)."""
    model = shipped.autoregressive(world, first).double()
    for x in WORLDS[world](10, generator()).double():
        jacobian = torch.autograd.functional.jacobian(lambda p: model.code(p[None])[0], x)
        assert torch.linalg.slogdet(jacobian).logabsdet.item() == pytest.approx(
            model.log_prob(x[None]).item(), abs=1e-6
        )


# --- the truth that they are held against ---
@pytest.mark.parametrize("world", shipped.WORLDS)
def test_the_true_factors_multiply_to_the_true_density(world):
    known, at = DENSITIES[world], torch.linspace(-3, 3, 40)
    for given in (0, 1):
        pairs = torch.cartesian_prod(at, at)
        whole = -negative_log_density(known, pairs if given == 0 else pairs.flip(1)).unflatten(0, (40, 40))
        likely = whole > -20
        product = conditional(known, given, at, at) + marginal(known, given, at)[:, None]
        assert torch.allclose(product[likely], whole[likely], atol=1e-2)


@pytest.mark.parametrize("given", [0, 1])
def test_true_slices_sum_up_to_one(given):
    at = torch.linspace(-5, 5, 2001)
    for known in DENSITIES.values():
        slices = conditional(known, given, torch.tensor([-3.0, -1.7, 0.0, 1.4, 3.0]), at).exp().sum(1) * 0.005
        assert torch.allclose(slices, torch.ones(5), atol=1e-3)


@pytest.mark.parametrize("world", shipped.WORLDS)
def test_the_floor_is_the_mean_over_fresh_points_of_the_true_density(world):
    """And the moons' Gaussians are the moons: their density is estimated from points by counting as well."""
    x = WORLDS[world](200_000, generator(5))
    nats = negative_log_density(DENSITIES[world], x)
    assert nats.mean().item() == pytest.approx(floor(world), abs=4 * nats.std().item() / math.sqrt(len(x)))
    cells = torch.tensor([[0.7, -1.05], [-0.7, 1.05], [2.0, 0.0], [0.0, 0.0], [1.4, 1.4]])
    for cell in cells:
        share = ((x - cell).abs().max(1).values < 0.1).float().mean().item()
        fine = torch.linspace(-0.095, 0.095, 20)
        area = torch.cartesian_prod(fine, fine) + cell
        expected = (-negative_log_density(DENSITIES[world], area)).exp().mean().item() * 0.2**2
        assert share == pytest.approx(expected, abs=4 * math.sqrt(expected / len(x)) + 1e-6)


# --- learning ---
def above(model: Autoregressive, world: str) -> tuple[float, float]:
    x = WORLDS[world](20_000, generator(77))
    with torch.no_grad():
        extra = -model.log_prob(x) - negative_log_density(DENSITIES[world], x)
    return extra.mean().item(), extra.std().item() / math.sqrt(len(x))


@pytest.mark.parametrize(("world", "first"), MODELS)
def test_it_learns_in_either_order(world, first, one_thread):
    learner = AutoregressiveLearner(
        WORLDS[world](50_000, generator(10)), AutoregressiveConfig(first=first), generator(first)
    )
    learner.rate = 5e-3
    for _ in range(500):
        learner.update()
    nats, error = above(learner.average, world)
    assert -3 * error < nats < 0.10


@pytest.mark.parametrize(("world", "first"), MODELS)
def test_no_shipped_model_is_below_the_floor_and_the_cards_say_what_is_so(world, first):
    nats, error = above(shipped.autoregressive(world, first), world)
    assert -3 * error < nats < 0.02
    recorded = weights.read_card(shipped.autoregressive_name(world, first))["measured"]
    assert nats == pytest.approx(recorded["above_floor"], abs=4 * error)
