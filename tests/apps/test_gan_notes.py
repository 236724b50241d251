"""What stands under the pictures of collapse and of digits: spreads by name, haste, and which time is meant."""

from __future__ import annotations

import pytest
from scipy import stats

from apps.tabs.gan import collapse, published, timeline_panels
from tutorial import weights
from tutorial.gans import digits
from tutorial.training import gan_collapse, pacgan


def test_the_standard_errors_stand_under_the_published_table():
    rows, _ = pacgan.recorded()
    said = published.errors(rows)
    for row in rows:
        assert f"{row.arm} {stats.sem(row.modes):.2f}" in said.split(f"{row.world}: ")[1].split(";")[0]
    head = published.table(rows).splitlines()[0]
    assert "published: modes, ± as published | ours: modes, ± standard deviation |" in head


def test_two_time_scales_are_said_to_take_the_haste_back():
    said, rules = collapse.haste(), gan_collapse.RULES
    assert f"G’s learning rate is {rules.rate_g / rules.rate_d:.0f} times D’s" in said
    assert f"it is {rules.rate_g / 4 / (4 * rules.rate_d):.3f} times D’s" in said


@pytest.mark.parametrize("run", digits.SETTINGS)
def test_seconds_of_computing_are_not_taken_for_those_of_the_clock(run):
    """The clock's are on the card of the generator that ships, and so are said of its run alone."""
    record, card = digits.recorded(), weights.read_card(digits.NAME)
    said = timeline_panels.effort(record, record.films[run])
    computed = digits.SETTINGS[run].steps * record.ms_a_round / 1000
    assert f"Its rounds alone would be about {computed:.0f} seconds of one core" in said
    assert ("By the clock" in said) == (run == "healthy")
    if run == "healthy":
        assert card["setting"]["steps"] == digits.SETTINGS[run].steps
        assert f"{card['wall_time_minutes']:g} minutes" in said
        assert 60 * card["wall_time_minutes"] > computed
    assert "not those of the clock" in timeline_panels.clip(record, run)
