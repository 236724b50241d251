"""The tokenizer against transformers' CLIPTokenizer reading the same files, for any string whatever."""

from __future__ import annotations

import pytest
import transformers
from hypothesis import given
from hypothesis import strategies as st

from tutorial import weights
from tutorial.data.critter_words import known_words

LENGTH = 48
OURS = weights.load_tokenizer(LENGTH)
THEIRS = transformers.CLIPTokenizer.from_pretrained(str(weights.FOLDER / "tokenizer"))
anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)


def their_row(text: str) -> list[int]:
    return THEIRS(text, padding="max_length", max_length=LENGTH, truncation=True)["input_ids"]


@given(anything.filter(lambda text: "<|" not in text))
def test_any_string_becomes_the_tokens_that_transformers_gives(text):
    assert OURS([text])[0].tolist() == their_row(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a smiling yellow critter with long ears and red cheeks",
        "It's 2026: ÄÖ 日本 🦊 WOW!!! don't",
        "  two\n\tlines ",
        "e\u0301\u200d\u0000",
        "word " * 200,
    ],
)
def test_chosen_strings(text):
    assert OURS([text])[0].tolist() == their_row(text)


def test_a_visitor_cannot_type_a_special_token():
    row = OURS(["a <|endoftext|> b <|startoftext|>"])[0].tolist()
    assert row.index(OURS.end) > 6  # the first end comes after all that was typed
    assert row.count(OURS.start) == 1


def test_all_rows_have_the_same_length():
    assert OURS(["", "a " * 100]).shape == (2, LENGTH)


def test_what_is_cut_off_is_told():
    assert OURS.cut_off("a blue critter") == ""
    assert OURS.cut_off("red " * 46 + "and green").strip() == "and green"
    assert OURS.cut_off("x" * 30 + " " + "é" * 60).strip("é") == ""


def test_words_of_the_captions_are_one_token_each():
    assert [word for word in sorted(known_words()) if len(OURS.pieces(word)) > 1] == ["ball-shaped"]
