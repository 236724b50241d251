"""Written strokes become pictures as MNIST has them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial.data.handwriting import BOX, written
from tutorial.data.pixels import to_signed
from tutorial.metrics import digits as judging

RING = [[(np.cos(a), 1.3 * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 40)]]
STROKE = [[(0.0, 0.0), (0.1, 1.0)]]


@pytest.mark.parametrize(("strokes", "digit"), [(RING, 0), (STROKE, 1)])
def test_writing_is_read_as_the_digit_that_it_is(strokes, digit):
    picture = written(strokes)
    assert judging.load().accuracy(to_signed(picture), torch.tensor([digit])) == 1


@given(
    st.lists(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=8), min_size=1, max_size=4),
    st.floats(0.1, 50),
    st.floats(-5, 5),
)
@settings(max_examples=60, deadline=None)
def test_writing_is_fitted_into_the_box_and_centred_wherever_it_was(strokes, scale, shift):
    picture = written(strokes)[0, 0]
    ink = picture.double() / 255
    assert ink.sum() > 0
    places = torch.arange(28, dtype=torch.float64) + 0.5
    for along in (ink.sum(0), ink.sum(1)):
        if not along[[0, 1, -2, -1]].any():  # a lopsided drawing is moved no farther than to the edge
            assert (along @ places / ink.sum()).item() == pytest.approx(14, abs=0.6)
    assert all((ink.sum(axis) > 0.25).sum() <= BOX + 2 for axis in (0, 1))
    moved = [[(scale * x + shift, scale * y + shift) for x, y in stroke] for stroke in strokes]
    if max(np.ptp(np.array([point for stroke in strokes for point in stroke]), axis=0)) > 1e-3:
        assert (written(moved)[0, 0].double() / 255 - ink).abs().mean() < 0.02


@pytest.mark.parametrize("nothing", [[], [[]], [[], []]])
def test_nothing_is_no_picture(nothing):
    with pytest.raises(ValueError, match="Nothing"):
        written(nothing)


def test_numbers_that_are_none_are_refused():
    with pytest.raises(ValueError, match="finite"):
        written([[(0.0, float("nan")), (1.0, 1.0)]])
