"""Checks of what visitors send."""

from __future__ import annotations

import math

import gradio as gr
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps import limits
from apps.tabs.latent.studio import check, remarks

GOOD = {"prompt": "a", "negative": "", "steps": 20, "guidance": 3, "sampler": "ddim", "eta": 0, "seed": 1, "n": 1}
BAD = [
    ("prompt", ["a"], "must be a text"),
    ("prompt", "a" * 20_001, "at most 20000 characters"),
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
    ("seed", 2**31, "between 0 and 2,147,483,647"),
    ("n", 10, "between 1 and 9"),
    ("n", 10**400, "must be between 1 and 9"),
]


@pytest.mark.parametrize(("field", "value", "sentence"), BAD, ids=range(len(BAD)))
def test_a_bad_value_is_refused_in_a_sentence(field, value, sentence):
    with pytest.raises(gr.Error, match=sentence):
        check(**GOOD | {field: value})


def test_the_last_picture_has_a_seed_that_can_be_asked_for_again():
    assert check(**GOOD | {"seed": 2**31 - 3, "n": 2}).n == 2
    with pytest.raises(gr.Error, match="last picture's seed"):
        check(**GOOD | {"seed": 2**31 - 3, "n": 4})


@pytest.mark.parametrize(
    ("changes", "remark"),
    [
        ({"prompt": " "}, "No prompt"),
        ({"prompt": "a blue 🦄"}, "“🦄”"),
        ({"prompt": "x" * 300}, "“" + "x" * 40 + "…”"),
        ({"prompt": "a blue one " * 900}, "it did not read: “"),
        ({"negative": "night", "guidance": 1}, "no effect"),
        ({"negative": "night", "guidance": 0.5}, "towards the negative prompt"),
        ({"eta": 0.5, "sampler": "euler"}, "DDIM only"),
    ],
    ids=str,
)
def test_what_a_visitor_should_know_is_said(changes, remark):
    said = " ".join(remarks(check(**GOOD | {"prompt": "a blue one"} | changes)))
    assert remark in said
    assert len(said) < 250
    assert remarks(check(**GOOD | {"prompt": "a blue one, “happy”!"})) == []


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
