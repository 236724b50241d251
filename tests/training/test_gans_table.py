"""The README's figures of the GANs are those on the card and in the records, and every bar is met."""

from __future__ import annotations

from pathlib import Path

import pytest
from scipy import stats

from tutorial.gans.remedies import REMEDIES
from tutorial.training import gan_collapse, pacgan
from tutorial.training.evaluate_gans import collapse, drawn, published, table


def test_every_bar_is_met():
    rows = [*drawn(), *collapse(), *published()]
    assert sum(bool(row.bar) for row in rows) == 5
    for row in rows:
        assert row.met is (True if row.bar else None), row


def test_each_remedy_has_a_row_and_none_is_called_the_best():
    rows = {row.remedy: row for row in gan_collapse.rows() if row.world == "eight Gaussians"}
    assert len(collapse()) == len(rows) == len(REMEDIES)
    for said, remedy in zip(collapse(), REMEDIES, strict=True):
        assert said.figure == f"{rows[remedy].modes.count(8)} of {len(rows[remedy].modes)}"
        assert said.what.endswith("all of 8 modes" if remedy == "none" else f"with {remedy}")
        assert "best" not in said.what


def test_ours_has_a_standard_deviation_and_a_standard_error_by_name():
    said = [row for row in published() if "published" in row.what]
    known = [row for row in pacgan.recorded()[0] if row.arm != pacgan.MENDED]
    for row, one in zip(said, known, strict=True):
        assert "modes, mean; standard deviation; standard error" in row.what
        mean, deviation, error = map(float, row.figure.split("; "))
        assert mean == pytest.approx(stats.tmean(one.modes), abs=0.05)
        assert deviation == pytest.approx(stats.tstd(one.modes), abs=0.05)
        assert error == pytest.approx(stats.sem(one.modes), abs=0.05)


def test_the_readme_says_what_was_recorded():
    assert table() in (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
