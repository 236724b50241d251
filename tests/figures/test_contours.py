"""Lines of equal value against circles and straight lines, whose distances are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.spatial.distance import directed_hausdorff

from tutorial.figures.contours import contour, largest_move, resampled, to_segments

X = np.linspace(-3, 3, 121)
Y = X[::-1]  # descending, as in a picture


def circle(radius: float) -> list[np.ndarray]:
    return contour(np.hypot(*np.meshgrid(X, Y)), X, Y, radius)


def test_a_contour_is_where_the_values_have_the_level():
    (line,) = circle(2.0)
    np.testing.assert_allclose(np.hypot(*line.T), 2.0, atol=1e-3)
    assert len(line) > 100


def test_a_line_through_linear_values_is_exact():
    across, up = np.meshgrid(X, Y)
    (line,) = contour(2 * across - up + 0.3, X, Y)
    np.testing.assert_allclose(2 * line[:, 0] - line[:, 1], -0.3, atol=1e-12)


def test_there_may_be_two_lines_or_none():
    across, _ = np.meshgrid(X, Y)
    assert len(contour(across**2 - 1, X, Y)) == 2
    assert contour(across**2 + 1, X, Y) == []


def test_the_move_of_a_circle_is_what_its_radius_grew_by():
    assert largest_move(circle(1.5), circle(1.5)) == pytest.approx(0, abs=1e-12)
    assert largest_move(circle(1.5), circle(2.0)) == pytest.approx(0.5, abs=2e-3)
    assert largest_move(circle(1.5), [*circle(2.0), *circle(1.4)]) == pytest.approx(0.5, abs=2e-3)
    assert largest_move([*circle(2.0), *circle(1.4)], circle(1.5)) == pytest.approx(0.5, abs=2e-3)
    assert largest_move(circle(1.5), []) is None
    assert largest_move([], circle(1.5)) is None


def test_distances_go_to_the_nearest_point_of_a_segment_and_not_beyond_its_ends():
    segment = np.array([[0.0, 0.0], [2.0, 0.0]])
    for x, y, expected in ((1.0, 3.0, 3.0), (5.0, 4.0, 5.0), (-3.0, -4.0, 5.0), (0.5, 0.0, 0.0)):
        assert to_segments(np.array([[x, y]]), segment[:1], segment[1:]) == pytest.approx(expected)
    nowhere = np.zeros((1, 2))  # a segment of no length
    assert to_segments(np.array([[3.0, 4.0]]), nowhere, nowhere) == pytest.approx(5.0)


def test_the_move_is_the_larger_of_both_directed_hausdorff_distances():
    generator = np.random.default_rng(0)
    before, after = (np.repeat(generator.random((1, 2)), 2, axis=0) + k * np.eye(2) for k in (1, 3))
    fine = [
        np.stack([np.linspace(a, b, 3001) for a, b in zip(line[0], line[1], strict=True)], 1)
        for line in (before, after)
    ]
    expected = max(directed_hausdorff(*fine)[0], directed_hausdorff(*fine[::-1])[0])
    assert largest_move([before], [after]) == pytest.approx(expected, abs=2e-3)
    assert largest_move([after], [before]) == largest_move([before], [after])


def test_resampling_keeps_the_ends_and_spreads_the_points_evenly():
    (line,) = circle(1.0)
    again = resampled(line, 50)
    assert again.shape == (50, 2)
    np.testing.assert_allclose(again[[0, -1]], line[[0, -1]])
    steps = np.linalg.norm(np.diff(again, axis=0), axis=1)
    np.testing.assert_allclose(steps, 2 * math.pi / 49, rtol=0.02)
