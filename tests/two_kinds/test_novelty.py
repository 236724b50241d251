"""Whether models notice what is strange: scores against closed forms, counts and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression

from tutorial.data.digits import digits
from tutorial.data.principal import FITTED, zeros_and_ones, zeros_and_ones_components
from tutorial.two_kinds import kinds, novelty
from tutorial.two_kinds.novelty import BOTH, roc, thinned


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=30),
    st.lists(st.integers(0, 9), min_size=1, max_size=30),
)
@settings(max_examples=60, deadline=None)
def test_the_area_is_the_share_of_pairs_in_the_right_order(familiar, strange):
    """Mann & Whitney's count, ties a half."""
    curve = roc(torch.tensor(familiar), torch.tensor(strange))
    above = np.subtract.outer(np.array(strange), np.array(familiar))
    assert curve.area == pytest.approx(((above > 0) + 0.5 * (above == 0)).mean())
    assert torch.trapezoid(curve.found, curve.false_alarms).item() == pytest.approx(curve.area)


def test_of_nobody_there_is_no_curve():
    with pytest.raises(ValueError, match="familiar and strange"):
        roc(torch.zeros(0), torch.ones(3))
    with pytest.raises(ValueError, match="NaN"):
        roc(torch.tensor([float("nan")]), torch.ones(3))


def test_a_thinned_curve_keeps_its_ends_and_its_area():
    generator = torch.Generator().manual_seed(0)
    curve = roc(torch.randn(2000, generator=generator), 1 + torch.randn(3000, generator=generator))
    few = thinned(curve)
    assert len(few["found"]) <= 60
    assert (few["false_alarms"][0], few["found"][0]) == (0, 0)
    assert (few["false_alarms"][-1], few["found"][-1]) == (1, 1)
    assert np.trapezoid(few["found"], few["false_alarms"]) == pytest.approx(curve.area, abs=2e-3)


def test_what_is_lost_is_the_distance_to_the_plane():
    components, pictures = zeros_and_ones_components(10), digits("test")[0][:50]
    flat = pictures.flatten(1).double() / 255
    points = components.project(pictures).double()
    back = components.mean + (points * components.scale) @ components.axes
    assert novelty.lost(components, pictures) == pytest.approx((flat - back).square().sum(1).numpy(), rel=1e-4)


def test_density_and_loss_together_are_probabilistic_principal_components():
    """Up to a constant, −log of N(z; …) in the plane times N(0, σ²) in the other directions (Tipping & Bishop 1999)."""
    watch, pictures = novelty.watch(10), digits("test")[0][:20]
    outside = torch.distributions.Normal(torch.zeros((), dtype=torch.float64), watch.noise**0.5)
    length = novelty.lost(watch.components, pictures).sqrt()
    expected = watch.score(kinds.MIXTURE, pictures) - outside.log_prob(length)
    assert (watch.score(BOTH, pictures) - expected).std().item() < 1e-6


def test_the_noise_is_the_mean_of_the_other_eigenvalues():
    watch = novelty.watch(10)
    pictures, labels = digits("training")
    flat = pictures[labels < 2].flatten(1).double() / 255 - watch.components.mean
    total = flat.square().sum(1).mean()
    inside = (flat @ watch.components.axes.T).square().sum(1).mean()
    assert watch.noise == pytest.approx(((total - inside) / (784 - 10)).item())


def test_the_score_of_qda_is_that_of_scikit_learn():
    watch, pictures = novelty.watch(10), digits("test")[0][:300]
    known, at = zeros_and_ones("training", 10), watch.components.project(pictures).double().numpy()
    x, y = known.points[:FITTED].double().numpy(), known.labels[:FITTED].numpy()
    theirs = QuadraticDiscriminantAnalysis(store_covariance=True).fit(x, y)
    joint = [
        np.log(prior) + multivariate_normal(mean, covariance).logpdf(at)
        for prior, mean, covariance in zip(theirs.priors_, theirs.means_, theirs.covariance_, strict=True)
    ]
    np.testing.assert_allclose(watch.score("QDA", pictures), -np.logaddexp(*joint), rtol=1e-6)


def test_the_doubt_of_logistic_regression_is_that_of_scikit_learn():
    watch, pictures = novelty.watch(10), digits("test")[0][:300]
    known, at = zeros_and_ones("training", 10), watch.components.project(pictures).double().numpy()
    theirs = LogisticRegression(tol=1e-8).fit(known.points[:FITTED].double().numpy(), known.labels[:FITTED].numpy())
    expected = theirs.predict_proba(at).max(1)
    np.testing.assert_allclose(torch.sigmoid(-watch.score("logistic regression", pictures)), expected, atol=1e-3)
