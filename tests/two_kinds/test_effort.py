"""Who works harder: each model of both kinds, with the numbers that it is known to learn."""

from __future__ import annotations

from tutorial.two_kinds import effort, kinds


def test_effort_counts_what_was_learned():
    rows = [row for row in effort.efforts(2, fits=2) if row is not None]
    numbers = {row.model: row.parameters for row in rows}
    assert [row.model for row in rows] == [*kinds.DISCRIMINATIVE, *kinds.GENERATIVE]
    assert (numbers["logistic regression"], numbers["naive Bayes"], numbers["LDA"], numbers["QDA"]) == (3, 9, 8, 11)
    for row in rows:
        assert 0 < row.fastest <= row.seconds <= row.slowest
        assert row.accuracy > 0.98
