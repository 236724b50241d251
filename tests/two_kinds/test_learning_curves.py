"""Learning from more and more examples: contenders against scikit-learn, bands against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

from tests.two_kinds.test_semi_supervised import two_clouds
from tutorial.two_kinds import learning_curves
from tutorial.two_kinds.discriminative import LogisticRegression as Logistic
from tutorial.two_kinds.learning_curves import FREE, LOGISTIC, MIXTURE, NAIVE, OWN, Pair, Result, bands, leads, order_of


@pytest.fixture(scope="module")
def clouds() -> Pair:
    x, y = two_clouds(400)
    test_x, test_y = two_clouds(2000, seed=1)
    return Pair(x, y, test_x, test_y)


def test_both_sides_get_the_same_examples_and_are_scikit_learns(clouds):
    results = list(learning_curves.with_labels(clouds, sizes=(10, 40), repeats=range(2), seed=5))
    assert [(one.model, one.examples, one.repeat) for one in results[:6]] == [
        (name, size, 0) for size in (10, 40) for name in (NAIVE, OWN, LOGISTIC)
    ]
    zeros, ones = clouds.balanced(order_of(5, 1))  # of the second repeat
    rows = torch.cat([zeros[:20], ones[:20]])
    x, y, found = (
        clouds.x[rows].double(),
        clouds.y[rows],
        {(o.model, o.examples, o.repeat): o.accuracy for o in results},
    )
    for name, theirs in ((OWN, GaussianNB()), (LOGISTIC, LogisticRegression(C=FREE, tol=1e-8, max_iter=10_000))):
        right = theirs.fit(x.numpy(), y.numpy()).score(clouds.test_x.double().numpy(), clouds.test_y.numpy())
        assert found[name, 40, 1] == pytest.approx(right, abs=1e-3)
    means = torch.stack([x[y == k].mean(0) for k in (0, 1)])
    off = (clouds.test_x[:, None] - means).square() / (x - means[y]).square().mean(0)  # (N, 2, d)
    nearest = off.sum(2).argmin(1)
    assert found[NAIVE, 40, 1] == pytest.approx((nearest == clouds.test_y).double().mean().item())


def test_the_penalty_is_next_to_none(clouds):
    """Where the classes overlap, the answer is that of maximum likelihood alone."""
    ours = Logistic(FREE).fit(clouds.x, clouds.y).decision(clouds.test_x)
    theirs = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(clouds.x.double().numpy(), clouds.y.numpy())
    assert ours.numpy() == pytest.approx(theirs.decision_function(clouds.test_x.double().numpy()), rel=1e-2, abs=1e-2)


def test_no_repeat_of_a_seed_is_one_of_another():
    made = [
        tuple(torch.randperm(50, generator=order_of(seed, repeat)).tolist()) for seed in range(4) for repeat in range(5)
    ]
    assert len(set(made)) == 20
    assert torch.equal(*(torch.randperm(50, generator=order_of(3, 7)) for _ in range(2)))


def test_examples_are_balanced_and_the_few_are_among_the_many(clouds):
    zeros, ones = clouds.balanced(torch.Generator().manual_seed(0))
    assert len(zeros) == len(ones) == 200
    assert (clouds.y[zeros] == 0).all()
    assert (clouds.y[ones] == 1).all()
    assert len(zeros.unique()) == 200


def test_more_examples_than_there_are_is_an_error(clouds):
    with pytest.raises(ValueError, match="not 402"):
        list(learning_curves.with_labels(clouds, sizes=(402,), repeats=range(1)))


def test_who_cannot_use_an_example_without_a_label_stays_where_it_was(clouds):
    results = [
        one for one in learning_curves.without_labels(clouds, (0, 50, 300), 6, repeats=range(3)) if one is not None
    ]
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
    constant = Logistic()
    constant.weight, constant.bias = torch.zeros(4, dtype=torch.float64), 1.0
    assert data.accuracy(constant) == pytest.approx(892 / 1902)
