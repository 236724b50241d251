"""Worlds of points: where they lie, how dense they are, and that a seed means the same points."""

from __future__ import annotations

import pytest
import torch

from tutorial.data.toy2d import REACH, WORLDS, drawn, mixture_of, ring


def points(world: str, n: int = 4000, seed: int = 0) -> torch.Tensor:
    return WORLDS[world](n, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("world", WORLDS)
def test_a_world_fits_its_square_and_follows_from_its_seed(world):
    x = points(world)
    assert x.shape == (4000, 2)
    assert x.dtype == torch.float32
    assert (x.abs() < REACH).all(1).float().mean() > 0.995
    assert torch.equal(x, points(world))
    assert not torch.equal(x, points(world, seed=1))


def test_the_ring_has_its_moments():
    """E‖x‖² = r² + 2 s², and every mode gets its share."""
    x = points("eight Gaussians", 20_000)
    squared = x.square().sum(1)
    assert squared.mean().item() == pytest.approx(4 + 2 * 0.01, abs=4 * squared.std().item() / 20_000**0.5)
    share = torch.bincount(torch.cdist(x, ring().means).argmin(1)) / 20_000
    assert (share - 1 / 8).abs().max() < 4 * (0.125 * 0.875 / 20_000) ** 0.5


def test_the_checkerboard_leaves_the_light_fields_empty():
    x = points("checkerboard")
    field = (x / 1.2 + 2).floor().long()
    assert ((field.sum(1) % 2) == 0).all()
    assert len(torch.unique(field, dim=0)) == 8


def test_the_spiral_is_as_dense_outside_as_inside():
    """A length of arc is about r Δθ, so the points within radius r grow as r²: half of them beyond r/√2."""
    radius = points("spiral", 20_000).norm(dim=1)
    assert (radius > 2.6 / 2**0.5).float().mean().item() == pytest.approx(0.5, abs=0.03)


def test_moons_lie_on_two_half_circles():
    x = points("two moons")
    upper = (x - torch.tensor([-0.7, -0.35])).norm(dim=1) - 1.4
    lower = (x - torch.tensor([0.7, 0.35])).norm(dim=1) - 1.4
    assert torch.minimum(upper.abs(), lower.abs()).quantile(0.99) < 0.3  # three times the blur


def test_drawn_points_are_a_mixture_around_them():
    centres = torch.tensor([[0.0, 1.0], [2.0, -1.0]])
    x = drawn(centres, 0.05).sample(1000, torch.Generator().manual_seed(0))
    assert torch.cdist(x, centres).min(1).values.max() < 0.3
    with pytest.raises(ValueError, match="no points"):
        drawn(torch.empty(0, 2))


def test_only_the_ring_is_known_as_a_mixture():
    assert [world for world in WORLDS if mixture_of(world) is not None] == ["eight Gaussians"]
