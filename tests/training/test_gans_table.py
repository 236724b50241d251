"""The README's figures of the GANs are those on the card and in the records, and every bar is met."""

from __future__ import annotations

from pathlib import Path

from tutorial.training.evaluate_gans import collapse, drawn, published, table


def test_every_bar_is_met():
    rows = [*drawn(), *collapse(), *published()]
    assert sum(bool(row.bar) for row in rows) == 5
    for row in rows:
        assert row.met is (True if row.bar else None), row


def test_the_readme_says_what_was_recorded():
    assert table() in (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
