"""Principal components: against scikit-learn, and there and back."""

from __future__ import annotations

import pytest
import torch
from sklearn.decomposition import PCA

from tutorial.data import principal
from tutorial.data.digits import digits
from tutorial.data.principal import FITTED, MOST, fit, zeros_and_ones, zeros_and_ones_components


@pytest.fixture(scope="module")
def pictures():
    return digits("training")[0][:600]


def test_they_are_those_of_scikit_learn(pictures):
    ours = fit(pictures, 20)
    flat = pictures.flatten(1).double() / 255
    theirs = PCA(20, svd_solver="full", whiten=True).fit(flat.numpy())
    alike = (ours.axes * torch.from_numpy(theirs.components_)).sum(1)
    torch.testing.assert_close(alike.abs(), torch.ones(20, dtype=torch.float64))
    torch.testing.assert_close(ours.scale.square(), torch.from_numpy(theirs.explained_variance_))
    expected = torch.from_numpy(theirs.transform(flat.numpy())) * alike.sign()
    torch.testing.assert_close(ours.project(pictures), expected.float(), atol=1e-5, rtol=1e-5)


def test_points_have_mean_zero_and_covariance_one(pictures):
    points = fit(pictures, 10).project(pictures)
    assert points.shape == (600, 10)
    assert points.dtype == torch.float32
    torch.testing.assert_close(points.mean(0), torch.zeros(10), atol=1e-5, rtol=0)
    torch.testing.assert_close(points.T.cov(), torch.eye(10), atol=1e-4, rtol=0)


def test_the_largest_number_of_each_axis_is_positive_and_rows_are_orthonormal(pictures):
    axes = fit(pictures, 30).axes
    assert (axes.max(1).values == axes.abs().max(1).values).all()
    torch.testing.assert_close(axes @ axes.T, torch.eye(30, dtype=torch.float64))


def test_there_and_back_brings_the_nearest_picture_of_the_plane(pictures):
    """The more components, the nearer; and with as many as the pictures span, the picture itself."""
    few = pictures[:40]
    wanted = few.float() / 255
    off = []
    for k in (2, 10, 39):
        components = fit(few, k)
        back = components.picture(components.project(few))
        assert back.shape == few.shape
        assert 0 <= back.min() <= back.max() <= 1
        off.append((back - wanted).square().mean().item())
    assert off[0] > off[1] > off[2]
    assert off[2] < 1e-9


@pytest.mark.parametrize("k", [0, 600, 784, 785])
def test_too_many_components_are_refused(pictures, k):
    with pytest.raises(ValueError, match="principal components"):
        fit(pictures, k)


@pytest.mark.parametrize("k", [2, 10, 50])
def test_fewer_components_of_zeros_and_ones_are_the_first_of_the_many(k):
    """As if they had been fitted alone; the larger space only adds axes."""
    mine, labels = zeros_and_ones_components(k), digits("training")[1]
    rows = (labels < 2).nonzero().flatten()[:FITTED]
    alone = fit(digits("training")[0][rows], k)
    torch.testing.assert_close(mine.axes, alone.axes)
    torch.testing.assert_close(mine.scale, alone.scale)
    assert torch.equal(mine.axes, zeros_and_ones_components(MOST).axes[:k])
    points = zeros_and_ones("test", MOST).points[:, :k]
    torch.testing.assert_close(zeros_and_ones("test", k).points, points, atol=1e-5, rtol=1e-5)


def test_the_eigenvectors_are_looked_for_once(monkeypatch):
    principal._all_components.cache_clear()
    calls = []
    monkeypatch.setattr(principal, "fit", lambda *of: calls.append(of) or fit(*of))
    for k in (2, 10, 50):
        zeros_and_ones_components(k)
    assert len(calls) == 1


@pytest.mark.parametrize("k", [0, MOST + 1])
def test_more_components_than_were_found_are_refused(k):
    with pytest.raises(ValueError, match=f"{k} cannot be taken"):
        zeros_and_ones_components(k)


def test_pictures_that_do_not_vary_are_refused(pictures):
    with pytest.raises(ValueError, match="fewer than 2 directions"):
        fit(pictures[:1].repeat(10, 1, 1, 1), 2)


def test_the_plane_of_zeros_and_ones_is_that_of_the_whole_training_set():
    """Within 12 degrees of what all of them would give: second and third component vary nearly as much."""
    pictures, labels = digits("training")
    mine, whole = zeros_and_ones_components(), fit(pictures[labels < 2], 2)
    cosines = torch.linalg.svdvals(mine.axes @ whole.axes.T)  # of the angles between the two planes
    assert cosines.min() > 0.978
    torch.testing.assert_close(mine.scale, whole.scale, rtol=0.05, atol=0)


@pytest.mark.parametrize(("part", "n"), [("training", 12_665), ("test", 2115)])
def test_points_labels_and_rows_belong_together(part, n):
    found, (pictures, labels) = zeros_and_ones(part), digits(part)
    assert found.points.shape == (n, 2)
    assert found.labels.shape == found.rows.shape == (n,)
    assert set(found.labels.tolist()) == {0, 1}
    assert (labels[found.rows] == found.labels).all()
    some = [0, 7, n - 1]
    projected = zeros_and_ones_components().project(pictures[found.rows[some]])
    torch.testing.assert_close(found.points[some], projected)
    assert found.points.abs().max() < 3.5
