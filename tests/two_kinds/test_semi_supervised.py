"""Expectation–maximisation: against closed forms, NumPy and SciPy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from tutorial.two_kinds.semi_supervised import ClassGaussians, em, log_posterior, maximise


def two_clouds(n: int, apart: float = 3.0, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """n points in the plane, half of each class."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(n) % 2
    return torch.randn(n, 2, generator=generator) + apart * y[:, None], y


def test_the_m_step_is_the_weighted_mean_and_covariance():
    """NumPy's, to whose scatter the prior adds d examples."""
    x, _ = two_clouds(50)
    shares = torch.rand(50, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    spread = torch.tensor([0.5, 2.0], dtype=torch.float64)
    model = maximise(x.double(), shares, spread)
    for k in (0, 1):
        weight = shares[:, k].numpy()
        assert model.means[k].numpy() == pytest.approx(np.average(x.numpy(), axis=0, weights=weight))
        scatter = np.cov(x.numpy().T, aweights=weight, ddof=0) * weight.sum()
        expected = (scatter + 2 * np.diag([0.5, 2.0])) / (weight.sum() + 2)
        assert model.covariances[k].numpy() == pytest.approx(expected, rel=1e-5)
    assert model.weights.sum().item() == pytest.approx(1)


def test_the_m_step_is_where_the_log_posterior_is_highest():
    """With all labels there is no E step: any small change of the parameters makes it lower."""
    x, y = two_clouds(60)
    nothing = x[:0]
    (model, best), *more = em(x, y, nothing)
    assert more == []
    assert log_posterior(model, x, y, nothing) == pytest.approx(best)
    generator = torch.Generator().manual_seed(2)
    for _ in range(20):
        shift = 0.05 * torch.randn(2, 2, generator=generator, dtype=torch.float64)
        root = torch.eye(2, dtype=torch.float64) + 0.05 * torch.randn(2, 2, generator=generator, dtype=torch.float64)
        weights = (model.weights.log() + 0.05 * torch.randn(2, generator=generator, dtype=torch.float64)).softmax(0)
        other = ClassGaussians(weights, model.means + shift, root @ model.covariances @ root.T)
        assert log_posterior(other, x, y, nothing) < best


def test_no_step_lowers_the_log_posterior():
    x, y = two_clouds(300, apart=1.5)
    for labelled in (4, 20):
        scores = [score for _, score in em(x[:labelled], y[:labelled], x[labelled:], steps=40)]
        assert len(scores) == 41
        assert all(after >= before - 1e-8 * abs(before) for before, after in itertools.pairwise(scores))
        assert scores[-1] > scores[0] + 1


def test_joint_and_posterior_are_those_of_scipy():
    x, y = two_clouds(100)
    (model, _), *_ = em(x, y, x[:0])
    joint = np.stack(
        [
            np.log(model.weights[k].item()) + multivariate_normal(model.means[k], model.covariances[k]).logpdf(x)
            for k in (0, 1)
        ],
        axis=1,
    )
    assert model.log_joint(x).numpy() == pytest.approx(joint, abs=1e-8)
    assert model.decision(x).numpy() == pytest.approx(joint[:, 1] - joint[:, 0], abs=1e-8)


def test_points_without_labels_find_the_clouds():
    """With one label for each of two clouds far apart, EM finds the Gaussians that were drawn from."""
    x, y = two_clouds(2000, apart=4.0)
    *_, (model, _) = em(x[:2], y[:2], x[2:])
    assert model.means == pytest.approx(np.array([[0.0, 0.0], [4.0, 4.0]]), abs=0.15)
    assert model.covariances.numpy() == pytest.approx(np.stack([np.eye(2)] * 2), abs=0.15)


@pytest.mark.parametrize("steps", [0, 3])
def test_em_refuses_what_it_cannot_learn_from(steps):
    x, y = two_clouds(10)
    with pytest.raises(ValueError, match="Each class needs"):
        next(em(x, torch.zeros(10, dtype=torch.int64), x, steps))
    flat = torch.cat([x[:, :1], torch.ones(10, 1)], dim=1)
    with pytest.raises(ValueError, match="differ"):
        next(em(flat, y, flat, steps))
