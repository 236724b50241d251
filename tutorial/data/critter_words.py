"""Captions for critters: plain English, varied in words, order and completeness.

A caption mentions some attributes of a critter and passes over the rest, like an alt text on the web. What
it mentions is recorded, so that a picture made from the caption can be marked on exactly that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from tutorial.data.critters import ATTRIBUTES, Critter


@dataclass(frozen=True)
class Caption:
    text: str
    mentioned: tuple[str, ...]
    """Names of the attributes that the text speaks of."""


# Adjectives stand before the noun; features follow "with"; outfits follow "wearing" or "with"; places stand
# at either end. An absence ("none", "plain") has words too, since people do write "no hat".
ADJECTIVES: dict[str, dict[str, tuple[str, ...]]] = {
    "mood": {
        "smiling": ("smiling", "happy", "cheerful"),
        "sad": ("sad", "unhappy", "gloomy"),
        "surprised": ("surprised", "astonished", "amazed"),
        "laughing": ("laughing", "giggling", "overjoyed"),
    },
    "body": {
        "round": ("round", "ball-shaped"),
        "tall": ("tall", "slim"),
        "wide": ("wide", "chubby"),
        "square": ("square", "boxy"),
    },
    "colour": {value: (value,) for value in ATTRIBUTES["colour"]},
    "pattern": {"plain": ("plain",), "spots": ("spotted",), "stripes": ("striped", "stripy"), "belly": ()},
}
FEATURES: dict[str, dict[str, tuple[str, ...]]] = {
    "mood": {
        "smiling": ("a smile", "a smiling mouth"),
        "sad": ("a sad mouth", "a frown"),
        "surprised": ("an open mouth", "a surprised look"),
        "laughing": ("a laughing mouth", "a big laugh"),
    },
    "pattern": {
        "plain": (),
        "spots": ("spots", "dots on its body"),
        "stripes": ("stripes",),
        "belly": ("a pale belly", "a light tummy"),
    },
    "ears": {
        "none": ("no ears",),
        "long": ("long ears", "rabbit ears", "bunny ears"),
        "round": ("round ears", "bear ears", "mouse ears"),
        "pointy": ("pointy ears", "cat ears"),
        "floppy": ("floppy ears", "hanging ears", "dog ears"),
        "antennae": ("antennae", "two antennae", "feelers"),
    },
    "eyes": {
        "dots": ("small eyes", "dot eyes", "button eyes"),
        "big": ("big eyes", "large round eyes", "wide open eyes"),
        "sleepy": ("sleepy eyes", "closed eyes", "eyes shut"),
        "single": ("one eye", "a single eye", "only one big eye"),
    },
    "cheeks": {
        "none": ("no blush", "pale cheeks"),
        "red": ("red cheeks", "rosy cheeks", "blushing cheeks"),
    },
}
OUTFITS: dict[str, dict[str, tuple[str, ...]]] = {
    "hat": {
        "none": ("no hat", "nothing on its head"),
        "crown": ("a crown", "a golden crown"),
        "top hat": ("a top hat", "a black top hat"),
        "party hat": ("a party hat", "a birthday hat"),
        "woolly hat": ("a woolly hat", "a bobble hat", "a beanie"),
        "flower": ("a flower", "a pink flower", "a flower on its head"),
    },
    "neck": {
        "none": ("nothing around its neck",),
        "scarf": ("a scarf", "a warm scarf"),
        "bow tie": ("a bow tie", "a red bow tie"),
    },
}
PLACES: dict[str, tuple[str, ...]] = {
    "meadow": ("in a meadow", "on a green hill", "on the grass"),
    "desert": ("in the desert", "on the sand", "in a hot desert"),
    "sunset": ("at sunset", "in the evening", "at dusk"),
    "night": ("at night", "under the moon", "under the stars"),
    "snow": ("in the snow", "in winter", "on a snowy day"),
    "sea": ("under the sea", "in the ocean", "under water"),
}
NOUNS = ("critter", "creature", "monster", "little critter", "cute critter", "one")
EXAMPLES = (
    "a smiling yellow critter with long ears and red cheeks",
    "a blue one with a crown",
    "a sad purple critter with antennae in the snow",
    "a laughing green monster with big eyes and a party hat",
    "a chubby white creature with floppy ears at night",
    "a pink critter with one eye and a top hat under the sea",
    "a tall orange critter with a flower in the desert",
    "a surprised red critter with spots and a woolly hat",
)
"""Prompts to begin with."""
OPENINGS = ("", "", "", "", "a picture of ", "a drawing of ", "here is ")


def caption(critter: Critter, rng: np.random.Generator, *, at_least: int = 0) -> Caption:
    """Describes a critter, mentioning at least `at_least` of its attributes, chosen at random.

    Raises ValueError if more attributes are asked for than a critter has.
    """
    if at_least > len(ATTRIBUTES):
        raise ValueError(f"A critter has {len(ATTRIBUTES)} attributes; cannot mention {at_least}.")
    count = max(at_least, min(len(ATTRIBUTES), 1 + rng.binomial(len(ATTRIBUTES), 0.5)))
    wanted = [str(name) for name in rng.permutation(list(ATTRIBUTES))[:count]]
    # An absence is usually passed over in silence, unless the caption needs it to mention enough.
    present = [name for name in wanted if getattr(critter, name) not in ("none", "plain") or rng.random() < 0.5]
    mentioned = present if len(present) >= max(at_least, 1) else wanted
    phrase = _list_of_words if rng.random() < 0.12 else _sentence
    return Caption(phrase(critter, mentioned, rng), tuple(sorted(mentioned)))


def describe(wanted: Mapping[str, str]) -> str:
    """A plain phrase that asks for these attribute values, and for nothing else; empty for none.

    Raises ValueError for an attribute or a value that there is not.
    """
    if not wanted:
        return ""
    if not wanted.keys() <= ATTRIBUTES.keys():
        raise ValueError(f"The attributes are {', '.join(ATTRIBUTES)}; got {', '.join(wanted)}.")
    whole: dict[str, Any] = {name: values[0] for name, values in ATTRIBUTES.items()} | dict(wanted)
    return _sentence(Critter(**whole), list(wanted), np.random.default_rng(0))


def _pick(words: tuple[str, ...], rng: np.random.Generator) -> str:
    return words[rng.integers(len(words))]


def _sort_words(
    critter: Critter, names: list[str], rng: np.random.Generator
) -> tuple[list[str], list[str], list[str], list[str]]:
    """Chooses words for each attribute: (adjectives, features, outfits, places)."""
    adjectives, features, outfits, places = [], [], [], []
    for name in names:
        value = getattr(critter, name)
        before = ADJECTIVES.get(name, {}).get(value, ())
        after = FEATURES.get(name, {}).get(value, ())
        if name == "background":
            places.append(_pick(PLACES[value], rng))
        elif name in OUTFITS:
            outfits.append(_pick(OUTFITS[name][value], rng))
        elif before and (not after or rng.random() < 0.6):
            adjectives.append(_pick(before, rng))
        else:
            features.append(_pick(after, rng))
    return adjectives, features, outfits, places


def _sentence(critter: Critter, names: list[str], rng: np.random.Generator) -> str:
    adjectives, features, outfits, places = _sort_words(critter, names, rng)
    noun = " ".join([*adjectives, _pick(NOUNS if adjectives else NOUNS[:-1], rng)])  # never "a one"
    text = ("an " if noun[0] in "aeiou" and not noun.startswith("one") else "a ") + noun
    if outfits and (not features or rng.random() < 0.5) and outfits[0].split()[0] not in ("no", "nothing"):
        text += (" with " + _and(features) if features else "") + " wearing " + _and(outfits)
    elif features or outfits:
        parts = features + outfits
        text += " with " + _and([parts[i] for i in rng.permutation(len(parts))])
    if places:
        text = f"{text} {places[0]}" if rng.random() < 0.75 else f"{places[0]}, {text}"
        return text
    return _pick(OPENINGS, rng) + text


def _list_of_words(critter: Critter, names: list[str], rng: np.random.Generator) -> str:
    adjectives, features, outfits, places = _sort_words(critter, names, rng)
    words = adjectives + features + outfits + places
    return ", ".join(words[i] for i in rng.permutation(len(words)))


def _and(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


@cache
def known_words() -> frozenset[str]:
    """Every lower-case word that a training caption can contain."""
    tables = [*ADJECTIVES.values(), *FEATURES.values(), *OUTFITS.values(), PLACES]
    phrases = [phrase for table in tables for words in table.values() for phrase in words]
    return frozenset(words_of(" ".join([*phrases, *NOUNS, *OPENINGS, "a an and with wearing"])))


def words_of(text: str) -> list[str]:
    """The lower-case words of a text, in order, without punctuation."""
    return re.findall(r"[^\W_]+(?:[-'’][^\W_]+)*", text.lower())


def unfamiliar_spans(text: str) -> list[tuple[int, int]]:
    """Where the words, and signs such as emoji, stand that no training caption contains: (start, end) in order."""
    known = known_words() | set(".,;:!?'’“”\"()-")
    pieces = re.finditer(r"[^\W_]+(?:[-'’][^\W_]+)*|[^\w\s]|_", text)
    return [piece.span() for piece in pieces if piece[0].lower() not in known]


def unfamiliar_words(text: str) -> list[str]:
    """The words and signs of a text that no training caption contains, in lower case, each once, in order."""
    return list(dict.fromkeys(text[start:end].lower() for start, end in unfamiliar_spans(text)))
