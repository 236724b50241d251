"""The Fréchet distance against torchmetrics, on the same features, and its closed forms."""

from __future__ import annotations

import warnings

import pytest
import torch
import torch.nn.functional as F

from tutorial.data.digits import digits
from tutorial.data.pixels import to_signed
from tutorial.metrics.digits import load, others, reference
from tutorial.metrics.frechet import features_of, frechet_distance, moments


def cloud(n: int, seed: int, shift: float = 0.0, d: int = 16) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, generator=generator) @ torch.randn(d, d, generator=generator) + shift


def theirs(real: torch.Tensor, fake: torch.Tensor) -> float:
    """torchmetrics' FID, with features where that package has its network."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torchmetrics.image.fid import FrechetInceptionDistance

        class Given(torch.nn.Module):
            num_features = real.shape[1]

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return x

        fid = FrechetInceptionDistance(feature=Given()).set_dtype(torch.float64)
        fid.update(real.double(), real=True)
        fid.update(fake.double(), real=False)
        return fid.compute().item()


@pytest.mark.parametrize("n", [50, 2000])
def test_it_is_torchmetrics(n):
    real, fake = cloud(2000, 0), cloud(n, 1, 0.5)
    assert frechet_distance(moments(fake), moments(real)) == pytest.approx(theirs(real, fake), rel=1e-3)


def test_it_is_torchmetrics_on_features_of_digits():
    judge = load()
    pictures = {name: to_signed(digits("training")[0][rows]) for name, rows in (("a", reference()), ("b", others()))}
    real, other = (features_of(judge.classifier, x) for x in pictures.values())
    blurred = features_of(judge.classifier, F.avg_pool2d(pictures["b"], 3, 1, 1))
    for fake in (other, other[:100], blurred):
        ours = frechet_distance(moments(fake), moments(real))
        assert ours == pytest.approx(theirs(real, fake), rel=1e-3)


@pytest.mark.parametrize(("shift", "scale"), [(0.0, 2.0), (3.0, 1.0), (1.0, 0.5)])
def test_of_two_normal_distributions_by_hand(shift, scale):
    """Independent coordinates: D (shift² + (1 − scale)²)."""
    d = 7
    a = torch.zeros(d, dtype=torch.float64), torch.eye(d, dtype=torch.float64)
    b = torch.full((d,), shift, dtype=torch.float64), scale**2 * torch.eye(d, dtype=torch.float64)
    assert frechet_distance(a, b) == pytest.approx(d * (shift**2 + (1 - scale) ** 2), abs=1e-9)
