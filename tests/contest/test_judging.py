"""How varied digits are within a class, and all scores of a set."""

from __future__ import annotations

import pytest
import torch
from sklearn.metrics import pairwise_distances

from tutorial.contest.judging import real_variety, scored, variety
from tutorial.contest.tasks import lower_half
from tutorial.data.digits import digits
from tutorial.data.pixels import to_signed
from tutorial.metrics import digits as judging
from tutorial.metrics.digits import others, reference
from tutorial.metrics.verdict import measured_reference


@pytest.fixture(scope="module")
def known():
    *_, found = measured_reference(judging.load().classifier)
    return found


def test_variety_is_the_mean_distance_of_pairs_of_a_class():
    features = torch.randn(60, 5, generator=torch.Generator().manual_seed(0))
    classes = torch.arange(60) % 10
    expected = sum(pairwise_distances(features[classes == k]).sum() / (6 * 5) for k in range(10)) / 10
    assert variety(features, classes) == pytest.approx(expected, rel=1e-5)
    with pytest.raises(ValueError, match="class 9"):
        variety(features, classes % 9)


def scores(known, x, y):
    real = real_variety(known, digits("training")[1][reference()])
    *_, found = scored(known, real, x, y)
    return found


def test_unseen_real_digits_score_as_real_ones(known):
    pictures, labels = (part[others()[:1000]] for part in digits("training"))
    found = scores(known, to_signed(pictures), labels)
    assert found.n == 1000
    assert found.variety == pytest.approx(1, abs=0.05)
    assert found.accuracy > 0.98 and found.worst_class > 0.95
    assert found.precision > 0.85


def test_one_digit_a_class_repeated_has_no_variety_and_one_missing_class_is_seen(known):
    pictures, labels = (part[others()] for part in digits("training"))
    first = torch.stack([pictures[labels == k][0] for k in range(10)])
    y = torch.arange(200) % 10
    found = scores(known, to_signed(first[y]), y)
    assert found.variety < 0.01 and found.recall < 0.05
    wrong = scores(known, to_signed(first[torch.where(y == 9, 4, y)]), y)
    assert wrong.worst_class == 0 and wrong.accuracy == pytest.approx(0.9)


def test_the_lower_half_is_half():
    assert lower_half().double().mean() == 0.5 and not lower_half()[13].any()
