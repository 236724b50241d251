"""Generative models: each a density that integrates to one, with scikit-learn's numbers and Bayes' rule."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import integrate, special
from sklearn import discriminant_analysis, mixture, naive_bayes, neighbors

from tests.two_kinds.test_discriminative import BAD, clouds
from tutorial.two_kinds.discriminative import Discriminative
from tutorial.two_kinds.generative import (
    Generative,
    KernelDensity,
    LinearDiscriminant,
    MixturePerClass,
    NaiveBayes,
    QuadraticDiscriminant,
)

MODELS = (NaiveBayes, LinearDiscriminant, QuadraticDiscriminant, MixturePerClass, KernelDensity)


@pytest.fixture(scope="module")
def bent():
    """Two classes of unequal size and shape."""
    generator = torch.Generator().manual_seed(5)
    x = torch.randn(300, 2, generator=generator) @ torch.tensor([[1.0, 0.6], [0.0, 0.4]])
    y = (torch.arange(300) % 3 == 0).long()
    return x + y[:, None] * torch.tensor([1.5, -1.0]), y


@pytest.mark.parametrize("model", MODELS)
def test_the_density_integrates_to_one(model, bent):
    fitted = model().fit(*bent)
    line = torch.linspace(-9, 9, 201)
    grid = torch.cartesian_prod(line, line)
    joint = fitted.log_joint(grid).exp().reshape(201, 201, 2).numpy()
    each = integrate.simpson(integrate.simpson(joint, x=line.numpy(), axis=1), x=line.numpy(), axis=0)
    priors = np.bincount(bent[1].numpy()) / 300
    np.testing.assert_allclose(each, priors, atol=1e-4)
    whole = fitted.log_density(grid).exp().reshape(201, 201).numpy()
    assert integrate.simpson(integrate.simpson(whole, x=line.numpy()), x=line.numpy()) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("d", [2, 50])
@pytest.mark.parametrize("model", MODELS)
def test_one_contract_for_all(model, d):
    x, y = clouds(n=300, d=d, apart=4)
    fitted = model().fit(x, y)
    joint = fitted.log_joint(x)
    assert joint.shape == (300, 2)
    assert joint.dtype == torch.float64
    assert fitted.log_joint(x[:0]).shape == (0, 2)
    zero, one = joint.numpy().T
    np.testing.assert_allclose(fitted.log_density(x), np.logaddexp(zero, one))
    np.testing.assert_allclose(fitted.posterior(x), special.expit(one - zero))
    np.testing.assert_allclose(fitted.log_odds(x), one - zero)
    assert torch.equal(fitted.decision(x), fitted.log_odds(x))
    assert ((fitted.posterior(x) > 0.5).long() == y).float().mean() > 0.9
    drawn, classes = fitted.sample(7, torch.Generator().manual_seed(0))
    assert drawn.shape == (7, d)
    assert drawn.dtype == torch.float32
    assert classes.shape == (7,)


@pytest.mark.parametrize("model", MODELS)
def test_samples_have_the_moments_of_the_density(model, bent):
    """Mean and covariance of each class by quadrature, and of many samples, within five standard errors."""
    fitted = model().fit(*bent)
    x, y = fitted.sample(40_000, torch.Generator().manual_seed(1))
    again, _ = fitted.sample(40_000, torch.Generator().manual_seed(1))
    assert torch.equal(x, again)
    line = torch.linspace(-9, 9, 201, dtype=torch.float64)
    grid = torch.cartesian_prod(line, line)
    mass = fitted.log_joint(grid).exp() * (line[1] - line[0]) ** 2
    for k in (0, 1):
        prior = mass[:, k].sum()
        share = (y == k).double().mean()
        assert abs(share - prior) < 5 * (prior * (1 - prior) / 40_000).sqrt()
        mean = mass[:, k] @ grid / prior
        covariance = ((grid - mean) * mass[:, k, None]).T @ (grid - mean) / prior
        mine = x[y == k].double()
        error = (covariance.diagonal() / len(mine)).sqrt()
        assert ((mine.mean(0) - mean).abs() < 5 * error).all()
        torch.testing.assert_close(mine.T.cov(), covariance, atol=0.06, rtol=0.06)


SKLEARN = [
    (NaiveBayes, naive_bayes.GaussianNB()),
    (LinearDiscriminant, discriminant_analysis.LinearDiscriminantAnalysis(solver="lsqr")),
    (QuadraticDiscriminant, discriminant_analysis.QuadraticDiscriminantAnalysis()),
]


@pytest.mark.parametrize(("model", "theirs"), SKLEARN)
def test_the_posterior_is_that_of_scikit_learn(model, theirs, bent):
    x, y = bent
    theirs.fit(x.double().numpy(), y.numpy())
    at = 3 * torch.randn(500, 2, generator=torch.Generator().manual_seed(2))
    mine = model().fit(x, y).posterior(at)
    np.testing.assert_allclose(mine, theirs.predict_proba(at.double().numpy())[:, 1], atol=1e-9)


def test_naive_bayes_joint_is_that_of_scikit_learn(bent):
    x, y = bent
    theirs = naive_bayes.GaussianNB().fit(x.double().numpy(), y.numpy())
    np.testing.assert_allclose(NaiveBayes().fit(x, y).log_joint(x), theirs.predict_joint_log_proba(x.double().numpy()))


def test_mixtures_and_kernels_have_the_densities_of_scikit_learn(bent):
    x, y = bent
    mixed, kernel = MixturePerClass(2, seed=1).fit(x, y).log_joint(x), KernelDensity(0.3).fit(x, y).log_joint(x)
    for k in (0, 1):
        mine, prior = x[y == k].double().numpy(), math.log((y == k).double().mean())
        theirs = mixture.GaussianMixture(2, reg_covar=1e-3, init_params="k-means++", random_state=1).fit(mine)
        np.testing.assert_allclose(mixed[:, k] - prior, theirs.score_samples(x.double().numpy()), atol=1e-9)
        theirs = neighbors.KernelDensity(bandwidth=0.3).fit(mine)
        np.testing.assert_allclose(kernel[:, k] - prior, theirs.score_samples(x.double().numpy()), atol=1e-9)


def test_the_posterior_of_lda_is_a_logistic_function_of_a_line(bent):
    """w = Σ⁻¹(μ₁ − μ₀), b = −½(μ₁ + μ₀)·w + log(π₁/π₀) (Bishop 2006, equations 4.66 and 4.67)."""
    x, y = bent
    model = LinearDiscriminant().fit(x, y)
    means = torch.stack([x[y == k].double().mean(0) for k in (0, 1)])
    off = x.double() - means[y]
    weight = torch.linalg.solve(off.T @ off / len(x), means[1] - means[0])
    ones = y.double().mean()
    bias = -0.5 * means.sum(0) @ weight + (ones / (1 - ones)).log()
    at = 3 * torch.randn(500, 2, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(model.posterior(at), torch.sigmoid(at.double() @ weight + bias))


def test_naive_bayes_with_shared_variances_is_lda_with_a_diagonal_covariance(bent):
    """w = (μ₁ − μ₀) / v, b = −½(μ₁² − μ₀²)·1/v + log(π₁/π₀), with v the mean over the classes of what is left of x."""
    x, y = bent[0].double().numpy(), bent[1].numpy()
    model = NaiveBayes(shared=True).fit(*bent)
    zero, one = (x[y == k].mean(0) for k in (0, 1))
    left = sum(((x[y == k] - x[y == k].mean(0)) ** 2).sum(0) for k in (0, 1)) / len(x)
    odds = x @ ((one - zero) / left) - ((one**2 - zero**2) / left).sum() / 2 + math.log(y.mean() / (1 - y.mean()))
    np.testing.assert_allclose(model.decision(bent[0]), odds, atol=1e-9)
    assert model.parameters == 7
    conic = NaiveBayes().fit(*bent).decision(torch.tensor([[0.0, 0.0], [3.0, 3.0], [6.0, 6.0]]))
    assert abs(conic[0] - 2 * conic[1] + conic[2]) > 1  # a line would have none


def test_naive_bayes_needs_spread_in_every_coordinate_also_if_it_is_shared():
    x, y = torch.tensor([[0.0, 0.0], [0.0, 1.0], [2.0, 0.0], [2.0, 1.0]]), torch.tensor([0, 0, 1, 1])
    with pytest.raises(ValueError, match="each class do not vary in all 2 directions"):
        NaiveBayes(shared=True).fit(x, y)
    x[0, 0] = 0.5  # now one class has spread, and lends it to the other
    assert NaiveBayes(shared=True).fit(x, y).decision(x).isfinite().all()


@pytest.mark.parametrize("side", [Discriminative, Generative])
def test_a_model_that_lacks_a_part_cannot_be_made(side):
    class Half(side):
        def fit(self, x, y):
            return self

    with pytest.raises(TypeError, match="abstract"):
        Half()


def test_naive_bayes_does_not_see_how_coordinates_hang_together(bent):
    x, y = bent
    assert (NaiveBayes().fit(x, y).covariances[:, 0, 1] == 0).all()
    assert QuadraticDiscriminant().fit(x, y).covariances[0, 0, 1] > 0.1


def test_far_away_the_logarithms_stay_finite(bent):
    far = torch.tensor([[1000.0, -1000.0]])
    for model in MODELS:
        fitted = model().fit(*bent)
        assert fitted.log_density(far).isfinite().all()
        assert fitted.log_density(far) < -1000
        assert 0 <= fitted.posterior(far) <= 1


def test_the_numbers_learned_are_counted(bent):
    x, y = bent
    expected = {NaiveBayes: 9, LinearDiscriminant: 8, QuadraticDiscriminant: 11, KernelDensity: 601}
    for model, count in expected.items():
        assert model().fit(x, y).parameters == count
    assert MixturePerClass(3).fit(x, y).parameters == 2 * (3 * (2 + 3) + 2) + 1


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("x", "y", "sentence"), BAD, ids=range(len(BAD)))
def test_what_nothing_can_be_learned_from_is_refused_in_a_sentence(model, x, y, sentence):
    with pytest.raises(ValueError, match=sentence):
        model().fit(x, y)


ON_A_LINE = torch.tensor([[0.0, 0.0], [1.0, 1.0], [2.0, 0.0], [3.0, 1.0]])


@pytest.mark.parametrize("model", [LinearDiscriminant, QuadraticDiscriminant])
def test_gaussians_need_points_off_one_line(model):
    """Two points of each class, along the same direction, have no density in the plane."""
    with pytest.raises(ValueError, match="do not vary in all 2 directions"):
        model().fit(ON_A_LINE, torch.tensor([0, 0, 1, 1]))
    upright = torch.tensor([[0.0, 0.0], [0.0, 1.0], [2.0, 0.0], [2.0, 1.0]])
    with pytest.raises(ValueError, match="do not vary in all 2 directions"):
        NaiveBayes().fit(upright, torch.tensor([0, 0, 1, 1]))


def test_a_mixture_needs_as_many_different_points():
    with pytest.raises(ValueError, match="3 Gaussians for each class"):
        MixturePerClass(3).fit(ON_A_LINE, torch.tensor([0, 0, 1, 1]))


@pytest.mark.parametrize("bandwidth", [0, -1, math.inf, math.nan])
def test_a_kernel_has_a_width(bandwidth):
    with pytest.raises(ValueError, match="above 0"):
        KernelDensity(bandwidth)
