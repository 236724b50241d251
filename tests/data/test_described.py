"""From words back to attributes: what captions say of a critter is read from them again."""

from __future__ import annotations

import numpy as np
import pytest

from tutorial.data.critter_words import caption
from tutorial.data.critters import any_critter
from tutorial.data.described import attributes


def test_every_caption_is_read_as_it_was_meant():
    for seed in range(1000):
        critter = any_critter(seed)
        said = caption(critter, np.random.default_rng(seed))
        assert attributes(said.text) == {name: getattr(critter, name) for name in said.mentioned}, said.text


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("red cheeks", {"cheeks": "red"}),
        ("A RED one, with red cheeks!", {"colour": "red", "cheeks": "red"}),
        ("blue and then green", {"colour": "blue"}),
        ("its night", {"background": "night"}),
        ("round, with round ears", {"body": "round", "ears": "round"}),
        ("", {}),
        ("a steam engine <b>", {}),
    ],
)
def test_the_longest_phrase_counts_and_of_two_the_first(text, meant):
    assert attributes(text) == meant
