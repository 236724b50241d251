"""Learning from examples with labels and without: EM against closed forms and scikit-learn, bands against NumPy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

from tutorial.two_kinds import learning_curves
from tutorial.two_kinds.learning_curves import LOGISTIC, MIXTURE, NAIVE, Pair, Result, bands, leads
from tutorial.two_kinds.semi_supervised import ClassGaussians, em, log_posterior, maximise


def two_clouds(n: int, apart: float = 3.0, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """n points in the plane, half of each class."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(n) % 2
    return torch.randn(n, 2, generator=generator) + apart * y[:, None], y


@pytest.fixture(scope="module")
def clouds() -> Pair:
    x, y = two_clouds(400)
    test_x, test_y = two_clouds(2000, seed=1)
    return Pair(x, y, test_x, test_y)


def test_the_m_step_is_the_weighted_mean_and_covariance():
    """NumPy's, to whose scatter the prior adds d examples."""
    x, _ = two_clouds(50)
    shares = torch.rand(50, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    spread = torch.tensor([0.5, 2.0], dtype=torch.float64)
    model = maximise(x.double(), shares, spread)
    for k in (0, 1):
        weight = shares[:, k].numpy()
        assert model.means[k].numpy() == pytest.approx(np.average(x.numpy(), axis=0, weights=weight))
        scatter = np.cov(x.numpy().T, aweights=weight, ddof=0) * weight.sum()
        expected = (scatter + 2 * np.diag([0.5, 2.0])) / (weight.sum() + 2)
        assert model.covariances[k].numpy() == pytest.approx(expected, rel=1e-5)
    assert model.weights.sum().item() == pytest.approx(1)


def test_the_m_step_is_where_the_log_posterior_is_highest():
    """With all labels there is no E step: any small change of the parameters makes it lower."""
    x, y = two_clouds(60)
    nothing = x[:0]
    (model, best), *more = em(x, y, nothing)
    assert more == []
    assert log_posterior(model, x, y, nothing) == pytest.approx(best)
    generator = torch.Generator().manual_seed(2)
    for _ in range(20):
        shift = 0.05 * torch.randn(2, 2, generator=generator, dtype=torch.float64)
        root = torch.eye(2, dtype=torch.float64) + 0.05 * torch.randn(2, 2, generator=generator, dtype=torch.float64)
        weights = (model.weights.log() + 0.05 * torch.randn(2, generator=generator, dtype=torch.float64)).softmax(0)
        other = ClassGaussians(weights, model.means + shift, root @ model.covariances @ root.T)
        assert log_posterior(other, x, y, nothing) < best


def test_no_step_lowers_the_log_posterior():
    x, y = two_clouds(300, apart=1.5)
    for labelled in (4, 20):
        scores = [score for _, score in em(x[:labelled], y[:labelled], x[labelled:], steps=40)]
        assert len(scores) == 41
        assert all(after >= before - 1e-8 * abs(before) for before, after in itertools.pairwise(scores))
        assert scores[-1] > scores[0] + 1


def test_joint_and_posterior_are_those_of_scipy():
    x, y = two_clouds(100)
    (model, _), *_ = em(x, y, x[:0])
    joint = np.stack(
        [
            np.log(model.weights[k].item()) + multivariate_normal(model.means[k], model.covariances[k]).logpdf(x)
            for k in (0, 1)
        ],
        axis=1,
    )
    assert model.log_joint(x).numpy() == pytest.approx(joint, abs=1e-8)
    by_bayes = np.exp(joint[:, 1]) / np.exp(joint).sum(1)
    assert model.posterior(x).numpy() == pytest.approx(by_bayes, abs=1e-8)


def test_points_without_labels_find_the_clouds():
    """With one label for each of two clouds far apart, EM finds the Gaussians that were drawn from."""
    x, y = two_clouds(2000, apart=4.0)
    *_, (model, _) = em(x[:2], y[:2], x[2:])
    assert model.means == pytest.approx(np.array([[0.0, 0.0], [4.0, 4.0]]), abs=0.15)
    assert model.covariances.numpy() == pytest.approx(np.stack([np.eye(2)] * 2), abs=0.15)


@pytest.mark.parametrize("steps", [0, 3])
def test_em_refuses_what_it_cannot_learn_from(steps):
    x, y = two_clouds(10)
    with pytest.raises(ValueError, match="Each class needs"):
        next(em(x, torch.zeros(10, dtype=torch.int64), x, steps))
    flat = torch.cat([x[:, :1], torch.ones(10, 1)], dim=1)
    with pytest.raises(ValueError, match="differ"):
        next(em(flat, y, flat, steps))


def test_both_sides_get_the_same_examples_and_are_scikit_learns(clouds):
    results = list(learning_curves.with_labels(clouds, sizes=(10, 40), repeats=2, seed=5))
    assert [(one.model, one.examples, one.repeat) for one in results[:4]] == [
        *((NAIVE, 10, 0), (LOGISTIC, 10, 0), (NAIVE, 40, 0), (LOGISTIC, 40, 0))
    ]
    zeros, ones = clouds.balanced(torch.Generator().manual_seed(6))  # of the second repeat
    rows = torch.cat([zeros[:20], ones[:20]])
    found = {(one.model, one.examples, one.repeat): one.accuracy for one in results}
    for name, theirs in ((NAIVE, GaussianNB()), (LOGISTIC, LogisticRegression(tol=1e-8))):
        fitted = theirs.fit(clouds.x[rows].numpy(), clouds.y[rows].numpy())
        assert found[name, 40, 1] == pytest.approx(fitted.score(clouds.test_x.numpy(), clouds.test_y.numpy()), abs=1e-3)


def test_examples_are_balanced_and_the_few_are_among_the_many(clouds):
    zeros, ones = clouds.balanced(torch.Generator().manual_seed(0))
    assert len(zeros) == len(ones) == 200
    assert (clouds.y[zeros] == 0).all()
    assert (clouds.y[ones] == 1).all()
    assert len(zeros.unique()) == 200


def test_more_examples_than_there_are_is_an_error(clouds):
    with pytest.raises(ValueError, match="not 402"):
        list(learning_curves.with_labels(clouds, sizes=(402,), repeats=1))


def test_who_cannot_use_an_example_without_a_label_stays_where_it_was(clouds):
    results = [one for one in learning_curves.without_labels(clouds, (0, 50, 300), 6, repeats=3) if one is not None]
    for repeat in range(3):
        of = [one.accuracy for one in results if one.model == LOGISTIC and one.repeat == repeat]
        assert len(of) == 3
        assert len(set(of)) == 1
    gained = [band.median for band in bands(results, MIXTURE)]
    assert gained[-1] >= gained[0]
    optimum = torch.distributions.Normal(0.0, 1.0).cdf(torch.tensor(3.0 / 2**0.5)).item()  # half the distance, 3√2 / 2
    assert gained[-1] == pytest.approx(optimum, abs=0.01)


def test_bands_are_quantiles_and_leads_are_paired():
    generator = np.random.default_rng(0)
    a, b = generator.random(11), generator.random(11)
    results = [Result(NAIVE, 4, k, a[k]) for k in range(11)] + [Result(LOGISTIC, 4, k, b[k]) for k in range(11)]
    (band,) = bands(results, NAIVE)
    assert [band.low, band.median, band.high] == pytest.approx(np.quantile(a, [0.1, 0.5, 0.9]))
    (lead,) = leads(results, NAIVE, LOGISTIC)
    assert [lead.low, lead.median, lead.high] == pytest.approx(np.quantile(a - b, [0.1, 0.5, 0.9]))
    assert leads(results[:12], NAIVE, LOGISTIC)[0].median == pytest.approx(a[0] - b[0])  # only one repeat is complete


def test_the_digits_are_those_of_mnist():
    data = learning_curves.pair(3, 5, k=4)
    assert data.x.shape == (6131 + 5421, 4)
    assert data.test_x.shape == (1010 + 892, 4)
    assert int(data.y.sum()) == 5421
    assert data.accuracy(lambda x: torch.ones(len(x))) == pytest.approx(892 / 1902)
