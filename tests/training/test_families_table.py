"""The README's figures of the four families are those on the cards, and every bar is met."""

from __future__ import annotations

from pathlib import Path

from tutorial.training.evaluate_families import alone, digits, table, together


def test_every_bar_is_met():
    for row in (*alone(), *together(), *digits()):
        assert row.met is not False, row


def test_the_readme_says_what_the_cards_say():
    assert table() in (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
