"""A verdict is what the metrics say one by one, whatever parts the pictures come in."""

from __future__ import annotations

import pytest
import torch
from prdc import compute_prdc

from tests.metrics.judges import known_digits
from tests.work import last
from tutorial.data.digits import digits
from tutorial.data.pixels import to_signed
from tutorial.metrics import copies
from tutorial.metrics.digits import REFERENCE, load, others, reference
from tutorial.metrics.frechet import features_of
from tutorial.metrics.inception_score import inception_score
from tutorial.metrics.precision_recall import radii
from tutorial.metrics.verdict import NEIGHBOURS, SEARCHED, judged, seen


@pytest.fixture(scope="module")
def known():
    return known_digits()


@pytest.fixture(scope="module")
def set_of_digits():
    rows = others()[:400]
    pictures, labels = digits("training")
    return to_signed(pictures[rows]), labels[rows]


def test_the_reference_is_the_judges(known):
    features = features_of(known.classifier, to_signed(digits("training")[0][reference()]))
    assert torch.allclose(known.features, features, atol=1e-5)
    assert torch.allclose(known.radii, radii(known.features, NEIGHBOURS))
    assert len(known.training) == 60_000 - REFERENCE


def test_each_number_is_what_its_own_function_says(known, set_of_digits):
    x, y = set_of_digits
    found = last(judged(known, zip(x.split(150), y.split(150), strict=True)))
    judge = load()
    features = features_of(judge.classifier, x)
    assert found.n == len(x)
    assert found.frechet == pytest.approx(judge.frechet(x), rel=1e-4)
    assert found.accuracy == pytest.approx(judge.accuracy(x, y))
    assert found.inception_score == pytest.approx(inception_score(judge.classifier(x).softmax(1)), rel=1e-5)
    theirs = compute_prdc(known.features.numpy(), features.numpy(), NEIGHBOURS)
    assert (found.precision, found.recall) == pytest.approx((theirs["precision"], theirs["recall"]), abs=1e-3)
    assert found.copies == copies.copied(x[:SEARCHED], known.training) == 0


def test_copies_of_what_was_learned_are_found(known):
    rows = reference()[:300]
    x = to_signed(digits("training")[0][rows])
    found = last(judged(known, [(x, None)]))
    assert found.copies == found.precision == 1
    assert found.accuracy is None  # nobody said what they were to be


def test_parts_do_not_matter(known, set_of_digits):
    x, y = set_of_digits
    whole = last(judged(known, [(x, y)]))
    in_parts = last(judged(known, zip(x.split(70), y.split(70), strict=True)))
    assert in_parts.frechet == pytest.approx(whole.frechet, rel=1e-4)
    assert in_parts.precision == pytest.approx(whole.precision, abs=0.005)
    assert (in_parts.accuracy, in_parts.copies) == (whole.accuracy, whole.copies)


def test_seen_ends_with_all_features(known, set_of_digits):
    x, y = set_of_digits
    *parts, features = seen(known.classifier, zip(x.split(100), y.split(100), strict=True))
    assert parts == [None] * 4 and features.shape == (400, 64)
