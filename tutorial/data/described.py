"""From words to a critter: which attributes a description asks for, by the words that captions have for them."""

from __future__ import annotations

from functools import cache

from tutorial.data.critter_words import ADJECTIVES, FEATURES, OUTFITS, PLACES, words_of

ARTICLES = ("a", "an", "the")


def attributes(text: str) -> dict[str, str]:
    """Attribute name → value, for all that a text names; of two values of one attribute, the first.

    At each word the longest phrase that begins there counts, so that "red cheeks" is no colour.
    """
    words, phrases = words_of(text), _phrases()
    longest = max(map(len, phrases))
    found: dict[str, str] = {}
    at = 0
    while at < len(words):
        ends = range(min(len(words), at + longest), at, -1)
        end = next((end for end in ends if tuple(words[at:end]) in phrases), None)
        if end is not None:
            name, value = phrases[tuple(words[at:end])]
            found.setdefault(name, value)
        at = end or at + 1
    return found


@cache
def _phrases() -> dict[tuple[str, ...], tuple[str, str]]:
    """All phrases of captions, without the article before them, and what each means."""
    named = [
        (phrase, (name, value))
        for table in (ADJECTIVES, FEATURES, OUTFITS)
        for name, values in table.items()
        for value, phrases in values.items()
        for phrase in phrases
    ]
    named += [(phrase, ("background", value)) for value, phrases in PLACES.items() for phrase in (*phrases, value)]
    return {tuple(_without_article(words_of(phrase))): meaning for phrase, meaning in named}


def _without_article(words: list[str]) -> list[str]:
    return words[1:] if words[0] in ARTICLES else words
