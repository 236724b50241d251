"""The copy detector, against scikit-learn's neighbours and on digits."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.neighbors import NearestNeighbors

from tutorial.data.digits import digits
from tutorial.data.pixels import to_signed
from tutorial.metrics import copies
from tutorial.metrics.copies import copied, search


def last(parts):
    *_, found = parts
    return found


def test_distances_are_scikit_learns():
    training, x = digits("training")[0][:4500], to_signed(digits("test")[0][:30])
    near, _ = (
        NearestNeighbors(n_neighbors=2).fit(to_signed(training).flatten(1).numpy()).kneighbors(x.flatten(1).numpy())
    )
    assert np.allclose(last(search(x, training)).numpy(), near[:, 0] / near[:, 1], rtol=1e-3)


def test_each_batch_of_training_pictures_can_be_paused_at(monkeypatch):
    monkeypatch.setattr(copies, "AT_ONCE", 100)
    training, x = digits("training")[0][:350], to_signed(digits("test")[0][:5])
    *parts, found = search(x, training)
    assert parts == [None] * 4
    monkeypatch.undo()
    assert torch.allclose(found, last(search(x, training)))


def test_training_digits_are_copies_and_unseen_ones_are_not():
    training = digits("training")[0]
    memorised, unseen = to_signed(training[100:150]), to_signed(digits("test")[0][:50])
    assert copied(memorised, training) == 1
    assert copied(unseen, training) == 0
    assert copied(torch.cat([memorised, unseen]), training) == 0.5


def test_a_little_noise_does_not_hide_a_copy_and_blur_makes_none():
    """The rule has no threshold in pixels: a blurred unseen digit comes nearer to all, not to one."""
    training = digits("training")[0]
    generator = torch.Generator().manual_seed(0)
    memorised, unseen = to_signed(training[100:150]), to_signed(digits("test")[0][:50])
    assert copied(memorised + 0.03 * torch.randn(memorised.shape, generator=generator), training) > 0.9
    assert copied(F.avg_pool2d(unseen, 3, 1, 1), training) == 0


def test_a_picture_that_was_learned_twice_is_as_near_to_one_as_to_the_other():
    training = digits("training")[0][:10].repeat(2, 1, 1, 1)
    ratios = last(search(to_signed(training[:10]), training))
    assert torch.equal(ratios, torch.ones(10))


def test_one_training_picture_is_too_few():
    with pytest.raises(ValueError, match="at least two"):
        copied(torch.zeros(1, 1, 28, 28), digits("training")[0][:1])
