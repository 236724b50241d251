"""Improved precision and recall against the package prdc, and answers counted by hand."""

from __future__ import annotations

import pytest
import torch
from prdc import compute_prdc

from tutorial.metrics.precision_recall import ROWS, comparison, precision_recall, radii


def cloud(n: int, seed: int, d: int = 8, *, scale: float = 1.0, shift: float = 0.0) -> torch.Tensor:
    return scale * torch.randn(n, d, generator=torch.Generator().manual_seed(seed)) + shift


def theirs(real: torch.Tensor, fake: torch.Tensor, k: int) -> tuple[float, float]:
    found = compute_prdc(real.double().numpy(), fake.double().numpy(), nearest_k=k)
    return float(found["precision"]), float(found["recall"])


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize(
    "fake",
    [
        cloud(700, 1),
        cloud(300, 2, scale=0.5),
        cloud(900, 3, scale=2.0),
        cloud(500, 4, shift=1.0),
        torch.cat([cloud(200, 5), cloud(200, 6, shift=4.0)]),
    ],
    ids=["same", "narrow", "wide", "shifted", "half"],
)
def test_it_is_prdcs(k, fake):
    real = cloud(2 * ROWS + 88, 0)
    assert precision_recall(real, fake, k) == pytest.approx(theirs(real, fake, k), abs=1e-12)


def test_it_is_prdcs_on_copies_of_the_reference():
    real = cloud(400, 0)
    assert precision_recall(real, real) == theirs(real, real, 3) == (1.0, 1.0)


def test_radii_by_hand():
    line = torch.tensor([[0.0], [1.0], [3.0], [7.0]])
    assert radii(line, 1).tolist() == [1, 1, 2, 4]
    assert radii(line, 2).tolist() == [3, 2, 3, 6]
    assert radii(line, 3).tolist() == [7, 6, 4, 7]


def test_precision_and_recall_by_hand():
    """Balls to the nearest neighbour. Real: (−1, 1), (0, 2), (10, 12), (11, 13). Drawn: (−6.5, 9.5), (1.5, 17.5)."""
    real, fake = torch.tensor([[0.0], [1.0], [11.0], [12.0]]), torch.tensor([[1.5], [9.5]])
    assert precision_recall(real, fake, 1) == (0.5, 1.0)
    assert precision_recall(fake, real, 1) == (1.0, 0.5)


def test_one_picture_repeated_has_precision_and_no_recall():
    real = cloud(300, 0)
    assert precision_recall(real, real[:1].expand(50, -1)) == (1.0, 0.0)


def test_each_part_of_the_work_can_be_paused_at():
    real, fake = cloud(3 * ROWS, 0), cloud(2 * ROWS, 1)
    *parts, last = comparison(real, fake, radii(real))
    assert parts == [None] * 5 and last == precision_recall(real, fake)


@pytest.mark.parametrize(("n", "m", "k"), [(3, 10, 3), (10, 3, 3), (10, 10, 0)])
def test_too_few_points_are_refused(n, m, k):
    with pytest.raises(ValueError, match="more than k points"):
        precision_recall(cloud(n, 0), cloud(m, 1), k)
