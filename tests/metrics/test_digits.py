"""The judge of drawn digits: real ones are read and are near, others are not."""

from __future__ import annotations

import pytest
import torch

from tutorial.data.digits import digits
from tutorial.data.pixels import to_signed
from tutorial.metrics.digits import REFERENCE, DigitJudge, load, others, reference


@pytest.fixture(scope="module")
def judge() -> DigitJudge:
    return load()


def test_reference_and_others_have_no_digit_in_common():
    assert len(set(reference().tolist()) | set(others().tolist())) == 2 * REFERENCE


def test_real_digits_are_read_and_shuffled_labels_are_not(judge):
    x, y = digits("test")
    x = to_signed(x[:1000])
    assert judge.accuracy(x, y[:1000]) > 0.98
    assert judge.accuracy(x, y[1000:2000]) < 0.2


def test_distance_grows_with_what_is_wrong(judge):
    """Other real digits, one class only, noise."""
    x, y = (rows[:3000] for rows in digits("test"))
    real, ones, noise = to_signed(x), to_signed(x[y == 1]), torch.rand(500, 1, 28, 28) * 2 - 1
    assert judge.floor(y) < judge.frechet(real) < judge.frechet(ones) < judge.frechet(noise)


def test_few_real_digits_seem_farther_away_than_many(judge):
    y = digits("training")[1][others()]
    assert judge.floor(y) < judge.floor(y[:500]) < judge.floor(y[:50])


def test_there_is_no_floor_for_more_digits_than_there_are(judge):
    with pytest.raises(ValueError, match="not 1000 real digits"):
        judge.floor(torch.zeros(1000, dtype=torch.int64))
