"""The world of critters: what it contains, what training never sees, and that words and pictures agree with it."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutorial.data.critter_art import render
from tutorial.data.critter_words import NOUNS, caption, describe, known_words, unfamiliar_words, words_of
from tutorial.data.critters import (
    ATTRIBUTES,
    COMBINATIONS,
    EVALUATION_SEED,
    HELD_OUT_COUPLES,
    TRAINING_SEEDS,
    Critter,
    any_critter,
    critters,
    held_out_pairs,
    is_held_out,
    training_critter,
)

seeds = st.integers(0, 2**40)


def test_the_world_is_large():
    assert len(ATTRIBUTES) >= 9
    assert COMBINATIONS >= 100_000
    assert EVALUATION_SEED not in TRAINING_SEEDS


def test_about_a_tenth_of_the_pairs_of_two_couples_is_held_out():
    pairs = sum(len(ATTRIBUTES[a]) * len(ATTRIBUTES[b]) for a, b in HELD_OUT_COUPLES)
    assert 0.08 <= len(held_out_pairs()) / pairs <= 0.13


@given(seeds)
def test_training_never_shows_a_held_out_pair(seed):
    critter = training_critter(seed)
    assert not any(
        getattr(critter, first) == a and getattr(critter, second) == b for first, a, second, b in held_out_pairs()
    )


def test_every_value_of_a_held_out_pair_is_seen_alone():
    """Composition is only a fair question about things that were each seen often."""
    shown = Counter(pair for critter in critters(range(3000), training=True) for pair in critter.attributes.items())
    for first, a, second, b in held_out_pairs():
        assert shown[first, a] > 100
        assert shown[second, b] > 100


def test_fresh_critters_do_show_held_out_pairs():
    share = np.mean([is_held_out(critter) for critter in critters(range(2000), training=False)])
    assert 0.1 < share < 0.35


@given(seeds)
def test_a_seed_means_one_critter_and_one_picture(seed):
    assert any_critter(seed) == any_critter(seed)
    assert np.array_equal(np.array(render(any_critter(seed))), np.array(render(any_critter(seed))))


def test_each_attribute_changes_the_picture():
    base = {name: values[0] for name, values in ATTRIBUTES.items()}
    for name, values in ATTRIBUTES.items():
        pictures = {np.array(render(Critter(**(base | {name: value})))).tobytes() for value in values}
        assert len(pictures) == len(values), name


@pytest.mark.parametrize("size", [32, 64, 128])
def test_the_same_drawing_at_any_size(size):
    critter = any_critter(3)
    small = np.array(render(critter, size).resize((16, 16)), dtype=float)
    reference = np.array(render(critter, 256).resize((16, 16)), dtype=float)
    assert np.array(render(critter, size)).shape == (size, size, 3)
    assert np.abs(small - reference).mean() < 6


def test_an_impossible_value_is_refused_in_words():
    with pytest.raises(ValueError, match="colour must be one of red"):
        any_critter(0, colour="beige")


@given(seeds, st.integers(0, len(ATTRIBUTES)))
def test_a_caption_says_what_it_claims_to_say(seed, at_least):
    said = caption(any_critter(seed), np.random.default_rng(seed), at_least=at_least)
    assert len(said.mentioned) >= max(at_least, 1)
    assert len(set(said.mentioned)) == len(said.mentioned)
    assert not unfamiliar_words(said.text)
    assert said.text.strip() == said.text
    assert not said.text.startswith(("a one ", "a a ", "an a "))


def test_captions_of_one_critter_vary():
    critter = any_critter(5)
    texts = {caption(critter, np.random.default_rng(k)).text for k in range(200)}
    assert len(texts) > 150


def test_a_colour_is_mentioned_only_when_it_is_true():
    for seed in range(500):
        critter = any_critter(seed)
        said = caption(critter, np.random.default_rng(seed))
        if "colour" in said.mentioned:
            assert critter.colour in words_of(said.text)


def test_unfamiliar_words_come_once_and_in_order():
    assert "critter" in known_words()
    assert unfamiliar_words("A Dragon and a dragon with Zebra-stripes, red") == ["dragon", "zebra-stripes"]


def test_a_description_asks_for_what_was_wanted_and_nothing_else():
    """Every single value, and every pair of a colour and a hat, can be told from the phrase."""
    phrases = {(name, value): describe({name: value}) for name, values in ATTRIBUTES.items() for value in values}
    assert len(set(phrases.values())) == len(phrases)
    assert not [word for phrase in phrases.values() for word in unfamiliar_words(phrase)]
    both = describe({"colour": "blue", "hat": "crown"})
    assert "blue" in both
    assert "crown" in both
    assert set(words_of(both)) <= {"a", "blue", "golden", "crown", "with", "wearing", *words_of(" ".join(NOUNS))}
    assert describe({}) == ""


@pytest.mark.parametrize("wanted", [{"size": "big"}, {"colour": "ultraviolet"}])
def test_what_there_is_not_cannot_be_described(wanted):
    with pytest.raises(ValueError, match=r"attributes are|must be one of"):
        describe(wanted)
