"""Metrics against scipy, scikit-learn and hand-counted answers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.linalg
import scipy.stats
import torch
from sklearn.neighbors import NearestNeighbors

from tutorial.data.critters import any_critter
from tutorial.data.toy2d import GaussianMixture
from tutorial.metrics.cost import flops
from tutorial.metrics.coverage import Coverage, coverage
from tutorial.metrics.energy import energy_distance, noise_floor
from tutorial.metrics.fidelity import marks
from tutorial.metrics.frechet import frechet_distance, moments
from tutorial.metrics.nearest import TrainingIndex
from tutorial.metrics.similarity import edge_energy, psnr
from tutorial.networks.unet import Attention


def cloud(n: int, seed: int, shift: float = 0.0, d: int = 6) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    mix = torch.randn(d, d, generator=generator, dtype=torch.float64)
    return torch.randn(n, d, generator=generator, dtype=torch.float64) @ mix + shift


@pytest.mark.parametrize("n", [4, 500])  # 4 rows in 6 dimensions: singular covariances
def test_frechet_distance_is_the_formula_with_scipys_square_root(n):
    a, b = cloud(n, 1), cloud(500, 2, 0.5)
    (mean_a, cov_a), (mean_b, cov_b) = moments(a), moments(b)
    assert np.allclose(cov_a, np.cov(a.numpy(), rowvar=False))
    root = scipy.linalg.sqrtm((cov_a @ cov_b).numpy()).real
    expected = (mean_a - mean_b).square().sum() + cov_a.trace() + cov_b.trace() - 2 * np.trace(root)
    assert frechet_distance((mean_a, cov_a), (mean_b, cov_b)) == pytest.approx(expected.item(), rel=1e-6)
    assert frechet_distance(moments(b), moments(b)) == pytest.approx(0, abs=1e-8)


def test_moments_of_too_little_are_refused():
    with pytest.raises(ValueError, match="N > 1"):
        moments(torch.zeros(1, 3))


def test_psnr_by_hand():
    x = torch.zeros(2, 3, 4, 4)
    assert psnr(x, x) == math.inf
    assert psnr(x, x + 0.2) == pytest.approx(20.0)  # 10 log10(4 / 0.04)


def test_edge_energy_by_hand():
    stripes = torch.tensor([0.0, 1.0]).repeat(4)[None, None, None, :].expand(1, 1, 8, 8)
    assert edge_energy(stripes) == pytest.approx(1.0)
    assert edge_energy(stripes / 2) == pytest.approx(0.25)


def test_the_nearest_is_scikit_learns():
    rows, asked = cloud(300, 1).float(), cloud(20, 2).float()
    seeds, distances = TrainingIndex(rows, 1000).nearest(asked)
    expected, index = NearestNeighbors(n_neighbors=1).fit(rows.numpy()).kneighbors(asked.numpy())
    assert np.array_equal(seeds.numpy() - 1000, index[:, 0])
    assert np.allclose(distances.numpy(), expected[:, 0], rtol=1e-3)


def test_flops_of_a_convolution_by_hand():
    conv = torch.nn.Conv2d(3, 8, 3, padding=1)
    assert flops(conv, torch.zeros(2, 3, 10, 10)) == 2 * 2 * 10 * 10 * 3 * 8 * 9


def test_flops_see_attention():
    attention = Attention(32, 32, 4)
    n, projections = 16, 4 * 2 * 16 * 32 * 32
    x = torch.zeros(1, n, 32)
    assert flops(attention, x, x) == projections + 2 * (2 * n * n * 32)


def test_marks_count_only_what_was_mentioned():
    critter = any_critter(1)
    labels = torch.tensor([critter.labels, critter.labels])
    labels[1, 0] = (labels[1, 0] + 1) % 8  # the wrong colour
    assert marks(labels, [critter, critter], [("colour", "hat"), ("colour", "hat")]) == [[True, True], [False, True]]


def test_coverage_counts_by_the_published_rule():
    """Four samples by hand: two good at one mode, one good at another, one four σ away from a third."""
    mixture = GaussianMixture(torch.full((3,), 1 / 3), torch.tensor([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0]]), 0.1)
    samples = torch.tensor([[0.0, 0.1], [0.2, 0.0], [5.0, 0.29], [0.4, 5.0]])
    assert coverage(mixture, samples) == Coverage(modes=2, high_quality=0.75, rarest=0.0)
    assert coverage(mixture, mixture.means) == Coverage(modes=3, high_quality=1.0, rarest=pytest.approx(1 / 3))


def test_energy_distance_is_scipys_in_one_dimension():
    """SciPy's is the square root, of the same empirical distributions (Székely & Rizzo 2013)."""
    x, y = cloud(300, 1, d=1), cloud(200, 2, shift=0.3, d=1)
    theirs = scipy.stats.energy_distance(x[:, 0].numpy(), y[:, 0].numpy()) ** 2
    assert energy_distance(x, y) == pytest.approx(theirs, rel=1e-9)
    assert energy_distance(x, x) == pytest.approx(0, abs=1e-12)


def test_the_noise_floor_is_what_samples_of_one_thing_show():
    generator = torch.Generator().manual_seed(0)
    pairs = [energy_distance(*torch.randn(2, 100, 2, generator=generator).unbind()) for _ in range(400)]
    expected = noise_floor(torch.randn(4000, 2, generator=generator), 100, 100)
    assert np.mean(pairs) == pytest.approx(expected, abs=4 * np.std(pairs) / 20)
