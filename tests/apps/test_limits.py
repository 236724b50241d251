"""Checks of what visitors send."""

from __future__ import annotations

import math

import gradio as gr
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps import limits
from apps.tabs.latent.studio import check

GOOD = {"prompt": "a", "negative": "", "steps": 20, "guidance": 3, "sampler": "ddim", "eta": 0, "seed": 1, "n": 1}
BAD = [
    ("prompt", ["a"], "must be a text"),
    ("prompt", "a" * 301, "at most 300 characters"),
    ("negative", 3, "must be a text"),
    ("steps", 0, "between 1 and 100"),
    ("steps", 101, "between 1 and 100"),
    ("steps", 2.5, "whole number"),
    ("steps", math.nan, "number between"),
    ("steps", None, "number between"),
    ("steps", True, "number between"),
    ("steps", "20", "number between"),
    ("guidance", math.inf, "number between"),
    ("guidance", -1, "between 0 and 15"),
    ("sampler", "__class__", "must be one of"),
    ("sampler", ["ddim"], "must be one of"),
    ("eta", 1.1, "between 0 and 1"),
    ("seed", -1, "between 0"),
    ("seed", 2**31, "between 0"),
    ("n", 10, "between 1 and 9"),
    ("n", 10**400, "must be between 1 and 9"),
]


@pytest.mark.parametrize(("field", "value", "sentence"), BAD, ids=range(len(BAD)))
def test_a_bad_value_is_refused_in_a_sentence(field, value, sentence):
    with pytest.raises(gr.Error, match=sentence):
        check(**GOOD | {field: value})


def test_good_values_pass_in_their_types():
    wish = check(**GOOD | {"steps": 20.0, "guidance": 3})
    assert isinstance(wish.steps, int)
    assert isinstance(wish.guidance, float)


@given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers())))
def test_anything_either_passes_in_range_or_is_refused(value):
    try:
        number = limits.whole("It", value, 1, 100)
    except gr.Error:
        return
    assert number == value
    assert 1 <= number <= 100


@given(st.text(st.characters(), max_size=50))
def test_every_text_that_passes_can_be_encoded(value):
    assert isinstance(limits.text("It", value, 50).encode("utf-8"), bytes)
