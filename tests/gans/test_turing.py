"""What a score says, against scipy and against games that are played out; and the recorded digits as a file."""

from __future__ import annotations

import itertools
import json
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from tutorial.gans import turing
from tutorial.gans.turing import ROUNDS, Source
from tutorial.measurements import MeasurementsError

SCORES = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(SCORES)
def test_the_interval_is_wilsons(score):
    right, n = score
    theirs = binomtest(right, n).proportion_ci(turing.LEVEL, method="wilson")
    assert turing.wilson(right, n) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_the_interval_holds_the_true_share_about_as_often_as_it_says():
    """Over all that can happen, exactly; the average over p, which is what Wilson's interval is praised for."""
    shares = np.linspace(0.01, 0.99, 197)
    ends = np.array([turing.wilson(right, ROUNDS) for right in range(ROUNDS + 1)])
    inside = (ends[:, 0, None] <= shares) & (shares <= ends[:, 1, None])
    likely = binom.pmf(np.arange(ROUNDS + 1)[:, None], ROUNDS, shares)
    assert (likely * inside).sum(0).mean() == pytest.approx(turing.LEVEL, abs=0.01)


@given(SCORES, st.floats(0, 1))
def test_the_tail_is_the_binomials(score, p):
    right, n = score
    assert turing.at_least(right, n, p) == pytest.approx(binom.sf(right - 1, n, p), abs=1e-9)


def test_the_tail_counts_sequences_of_answers():
    answers = list(itertools.product((0, 1), repeat=10))
    for right in range(12):
        assert turing.at_least(right, 10) == sum(sum(one) >= right for one in answers) / 2**10


@pytest.mark.parametrize("n", [1, 4, 5, 20, 100, 333])
@pytest.mark.parametrize("level", [0.05, 0.01])
def test_hardly_chance_is_the_first_score_that_rare(n, level):
    score = turing.hardly_chance(n, level)
    assert binom.sf(score - 1, n, 0.5) <= level < binom.sf(score - 2, n, 0.5)


@pytest.mark.parametrize("p", [0.55, 0.6, 0.75, 0.9, 1.0])
def test_fewer_rounds_than_needed_are_too_few(p):
    def power(n):
        return binom.sf(binom.isf(0.05, n, 0.5), n, p)  # isf: the largest score that is not yet rare

    needed = turing.rounds_needed(p)
    assert power(needed) >= 0.8 > max(power(n) for n in range(1, needed))


def test_who_counts_gains_where_the_numbers_are_fixed_and_nothing_where_a_coin_decides():
    @cache
    def expected(real, fake):
        """Of the best answers, by dynamic programming over what is still to come."""
        if real == 0 or fake == 0:
            return real + fake
        share = real / (real + fake)
        return max(share, 1 - share) + share * expected(real - 1, fake) + (1 - share) * expected(real, fake - 1)

    for each in range(1, 12):
        assert turing.counting(each) == pytest.approx(expected(each, each), rel=1e-12)
    assert turing.counting(ROUNDS // 2) > ROUNDS / 2 + 2


def test_every_verdict_holds_its_own_figures():
    for right in range(ROUNDS + 1):
        said = turing.verdict(right)
        test = binomtest(right, ROUNDS, 0.5, alternative="greater" if right >= 10 else "less")
        low, high = binomtest(right, ROUNDS).proportion_ci(method="wilson")
        assert f"{right} of 20 right is {5 * right}%, with a 95% interval from {low:.0%} to {high:.0%};" in said
        tail = test.pvalue
        assert (f"{100 * tail:.1f}% of all games" if tail >= 0.01 else f"one game out of {1 / tail:,.0f}.") in said
        assert ("hardly chance" in said) == (tail <= 0.05)
        assert ("take the one kind for the other" in said) == (right <= 5)
        # Where the sentence says that it is no chance, the interval leaves out one half, and only there.
        assert ("hardly chance" in said) == (not low <= 0.5 <= high)
    assert "fewer" not in turing.verdict(0) and "more" not in turing.verdict(ROUNDS).split("games")[0]


def test_the_table_of_percentages_is_laid_out_as_it_says():
    table = turing.percentages(30)
    assert table.dtype == np.uint8
    for n in range(1, 31):
        for right in range(n + 1):
            theirs = binomtest(right, n).proportion_ci(method="wilson")
            row = table[(n - 1) * (n + 2) // 2 + right]
            assert np.abs(row - 100 * np.array([theirs.low, theirs.high])).max() <= 0.5 + 1e-9
    assert len(table) == 29 * 32 // 2 + 31


@pytest.mark.parametrize(
    "call",
    [
        lambda: turing.wilson(1, 0),
        lambda: turing.wilson(-1, 3),
        lambda: turing.wilson(4, 3),
        lambda: turing.at_least(5, 3),
        lambda: turing.at_least(1, 3, 1.5),
        lambda: turing.rounds_needed(0.5),
        lambda: turing.rounds_needed(1.1),
        lambda: turing.verdict(21),
    ],
)
def test_what_cannot_be_is_refused(call):
    with pytest.raises(ValueError, match=r"[.;]"):
        call()


@pytest.fixture
def hands():
    generator = torch.Generator().manual_seed(0)
    pictures = torch.bernoulli(torch.full((5, 1, 28, 28), 0.3), generator=generator)
    return [
        Source("real", "someone", pictures[:3], torch.tensor([1, 2, 3]), real=True),
        Source("GAN", "`some_gan`", pictures[3:], torch.tensor([0, 9])),
    ]


def test_digits_come_back_as_they_were_saved(hands, tmp_path):
    turing.save(hands, folder=tmp_path)
    for before, after in zip(hands, turing.load(tmp_path), strict=True):
        assert (before.name, before.made, before.real) == (after.name, after.made, after.real)
        assert torch.equal(before.pictures, after.pictures)
        assert torch.equal(before.classes, after.classes)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda row: row | {"pixels": row["pixels"][:-4]},
        lambda row: row | {"pixels": "nonsense!"},
        lambda row: {name: value for name, value in row.items() if name != "made"},
        lambda row: row | {"classes": None},
    ],
)
def test_a_damaged_record_is_named(hands, tmp_path, spoil):
    turing.save(hands, folder=tmp_path)
    path = tmp_path / "who_drew.json"
    content = json.loads(path.read_text())
    content["sources"][0] = spoil(content["sources"][0])
    path.write_text(json.dumps(content))
    with pytest.raises(MeasurementsError, match=r"who_drew\.json is damaged\. Make it again: `python -m"):
        turing.load(tmp_path)
    path.unlink()
    with pytest.raises(MeasurementsError, match="missing or damaged"):
        turing.load(tmp_path)
