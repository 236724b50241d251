"""Numbers in prose."""

from __future__ import annotations

import math

import pytest

from apps import quantities


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(1.234, 2, "1.23"), (-0.5, 2, "−0.50"), (-0.001, 2, "0.00"), (-0.0, 3, "0.000"), (-math.inf, 2, "−∞")],
)
def test_plain_numbers_have_a_real_minus_and_no_negative_zero(value, digits, text):
    assert quantities.plain(value, digits) == text


@pytest.mark.parametrize(("value", "text"), [(1.5, "+ 1.50"), (-0.5, "− 0.50"), (-0.001, "+ 0.00"), (0.0, "+ 0.00")])
def test_what_is_added_has_its_sign_before_it(value, text):
    assert quantities.added(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (2e-7, "2.0·10⁻⁷"), (0.01234, "0.0123"), (123.4, "123"), (1234.5, "1230"), (math.inf, "∞")],
)
def test_sizes_are_never_told_as_a_computer_does(value, text):
    assert quantities.size(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.5, "+0.5"), (-12.345, "−12.3"), (-2e-7, "−2.0·10⁻⁷"), (123456.0, "+1.2·10⁵"), (-0.0, "0")]
)
def test_signed_numbers(value, text):
    assert quantities.signed(value) == text


@pytest.mark.parametrize(
    ("log", "text"),
    [
        (0.0, "1"),
        (math.log(0.25), "0.25"),
        (math.log(2e-20), "2.0·10⁻²⁰"),
        (-5000.0, "3.4·10⁻²¹⁷²"),
        (math.log(9.99e-8), "1.0·10⁻⁷"),
        (math.log(31415), "3.1·10⁴"),
        (-math.inf, "0"),
    ],
)
def test_powers_of_e_are_told_as_powers_of_ten(log, text):
    assert quantities.scientific(log) == text


@pytest.mark.parametrize(
    ("log_odds", "text"), [(0.0, "50.0%"), (-100.0, "3.7·10⁻⁴⁴"), (100.0, "1 − 3.7·10⁻⁴⁴"), (2.0, "88.1%")]
)
def test_probabilities_near_their_ends_are_told_by_what_they_miss(log_odds, text):
    assert quantities.chance(log_odds) == text
