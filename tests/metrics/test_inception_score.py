"""The inception score against its closed forms, scipy's entropy and torchmetrics."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st

from tutorial.metrics.inception_score import inception_score


def logits(n: int, seed: int, sharp: float = 3.0) -> torch.Tensor:
    return sharp * torch.randn(n, 10, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_sure_and_even_is_the_number_of_classes_and_all_alike_is_one():
    assert inception_score(torch.eye(10).repeat(7, 1)) == pytest.approx(10, rel=1e-12)
    assert inception_score(torch.eye(10)[:1].repeat(7, 1)) == pytest.approx(1, rel=1e-12)
    assert inception_score(logits(1, 0).softmax(1).repeat(7, 1)) == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize("k", [2, 3, 10])
def test_sure_of_k_classes_scores_k(k):
    assert inception_score(torch.eye(10)[:k].repeat(5, 1)) == pytest.approx(k, rel=1e-12)


def test_two_classes_read_with_errors_by_hand():
    """A binary symmetric channel: E KL is log 2 − H(error)."""
    error = 0.1
    rows = torch.tensor([[1 - error, error], [error, 1 - error]], dtype=torch.float64)
    assert inception_score(rows) == pytest.approx(2 * np.exp(-scipy.stats.entropy([error, 1 - error])), rel=1e-12)


@pytest.mark.parametrize("n", [1, 3, 500])
def test_it_is_scipys_relative_entropy(n):
    p = logits(n, 1).softmax(1).numpy()
    expected = np.exp(np.mean(scipy.stats.entropy(p, p.mean(0, keepdims=True), axis=1)))
    assert inception_score(torch.from_numpy(p)) == pytest.approx(expected, rel=1e-12)
    assert inception_score(torch.from_numpy(p).float()) == pytest.approx(expected, rel=1e-5)


def test_it_is_torchmetrics():
    """One split, and logits where that package has its network."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of memory; and that one split has no spread
        from torchmetrics.image.inception import InceptionScore

        theirs = InceptionScore(feature=torch.nn.Identity(), splits=1)
        theirs.update(logits(2000, 2).float())
        expected, _ = theirs.compute()
    assert inception_score(logits(2000, 2).softmax(1)) == pytest.approx(expected.item(), rel=1e-3)


@given(st.integers(1, 40), st.integers(0, 1000), st.floats(0, 300))
def test_it_stays_between_one_and_the_number_of_classes(n, seed, sharp):
    score = inception_score(logits(n, seed, sharp).softmax(1))
    assert 1 - 1e-9 <= score <= min(n, 10) + 1e-9


@pytest.mark.parametrize("bad", [torch.ones(3, 2), torch.zeros(0, 3), torch.tensor([[1.5, -0.5]]), torch.ones(3)])
def test_what_is_no_probability_is_refused(bad):
    with pytest.raises(ValueError, match="Need probabilities"):
        inception_score(bad)


def test_nan_is_no_probability():
    with pytest.raises(ValueError, match="Need probabilities"):
        inception_score(torch.full((2, 2), torch.nan))
