"""The bias of the Fréchet distance: as theory has it where it is known, and that the line gets rid of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tutorial.metrics import sample_size
from tutorial.metrics.frechet import frechet_distance, moments
from tutorial.metrics.sample_size import Distances, at_infinity, by_size, curve

SIZES = (200, 400, 1000, 2500)


def normal(n: int, seed: int, d: int = 8) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def measured(features, target, sizes=SIZES, seed=0):
    return [one for one in by_size(features, target, sizes, seed) if one is not None]


def test_sets_are_disjoint_whole_and_at_most_ten():
    """Features that are their own numbers: the sets' means say which numbers were in them."""
    features, target = torch.arange(1000.0)[:, None], (torch.zeros(1).double(), torch.zeros(1, 1).double())
    found = measured(features, target, (10, 300, 600, 2000))
    assert [(one.n, len(one.found)) for one in found] == [(10, 10), (300, 3), (600, 1)]
    order = torch.randperm(1000, generator=torch.Generator().manual_seed(0))
    expected = [frechet_distance(moments(features[order[k : k + 300]]), target) for k in (0, 300, 600)]
    assert found[1].found == pytest.approx(expected)


def test_the_bias_of_normal_features_is_as_theory_has_it():
    """To first order in 1/N: E FD(N) = (D + D (D + 1) / 4) / N for N(0, I) against itself.

    The mean errs by D / N. For a covariance I + E, tr(2 I + E − 2 (I + E)^½) is ‖E‖² / 4 to second order, and of N
    normal samples E ‖E‖² = D (D + 1) / N to first.
    """
    d, n = 8, 2000
    target = torch.zeros(d, dtype=torch.float64), torch.eye(d, dtype=torch.float64)
    found = [frechet_distance(moments(normal(n, seed, d)), target) for seed in range(200)]
    expected = (d + d * (d + 1) / 4) / n
    assert np.mean(found) == pytest.approx(expected, abs=4 * np.std(found) / 200**0.5 + 0.02 * expected)


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_the_line_finds_what_infinitely_many_have(shift):
    """Over seeds: as close to the truth as its error says, and closer than the largest sets are."""
    target = torch.zeros(8, dtype=torch.float64), torch.eye(8, dtype=torch.float64)
    truth = 8 * shift**2
    limits, errors, biased = [], [], []
    for seed in range(20):
        found = measured(normal(25_000, seed) + shift, target, seed=seed)
        line = at_infinity(found)
        limits.append(line.limit - truth)
        errors.append(line.error)
        biased.append(found[-1].mean - truth)
    assert np.std(limits) < 3 * np.mean(errors)  # which are estimated from ten sets each
    assert abs(np.mean(limits)) < 0.25 * np.mean(biased)


def test_the_line_is_numpys_weighted_fit():
    found = measured(normal(25_000, 0), (torch.zeros(8).double(), torch.eye(8).double()))
    inverse, means = [1 / one.n for one in found], [one.mean for one in found]
    weights = [len(one.found) ** 0.5 / one.spread for one in found]
    (slope, limit), covariance = np.polyfit(inverse, means, 1, w=weights, cov="unscaled")
    line = at_infinity(found)
    assert (line.limit, line.slope, line.error) == pytest.approx((limit, slope, covariance[1, 1] ** 0.5), rel=1e-6)
    assert line.at(500) == pytest.approx(limit + slope / 500)


def test_a_curve_has_all_of_it_and_a_line_if_it_can():
    target = moments(normal(5000, 1))
    *parts, found = curve(normal(1000, 2), target, (100, 200, 300))
    assert parts and not any(parts)
    assert found.total == 1000 and found.whole == pytest.approx(frechet_distance(moments(normal(1000, 2)), target))
    assert [one.n for one in found.sizes] == [100, 200, 300]
    assert found.line == at_infinity(found.sizes)
    *_, few = curve(normal(500, 2), target, (100, 200))
    assert few.line is None


def test_a_line_through_one_size_is_refused():
    with pytest.raises(ValueError, match="two sizes"):
        at_infinity([Distances(500, (1.0, 2.0, 3.0)), Distances(sample_size.LARGE - 1, (1.0, 2.0, 3.0))])
