"""Searches, folds and densities against maps of which everything is known, and against quadrature."""

from __future__ import annotations

import math

import pytest
import torch

from tutorial.data.toy2d import lattice
from tutorial.gans.game import Game, Rules, Setup, noise
from tutorial.gans.inversion import (
    FOUND,
    SIDE,
    beyond,
    density_of,
    determinants,
    distinct,
    folded,
    generator,
    nearest,
    search,
    starts,
)
from tutorial.gans.worlds import WORLDS

pytestmark = pytest.mark.usefixtures("one_thread")
MATRIX = torch.tensor([[2.0, 0.5], [0.3, -1.0]])


def linear(z):
    return z @ MATRIX.T + 0.2


def fold(z):
    """|z₁| and z₂: two codes for each point right of the crease, none to its left."""
    return torch.stack([z[:, 0].abs(), z[:, 1]], dim=1)


def ended(generate, x, z, **options):
    *_, way = (part for part in search(generate, x, z, **options) if part is not None)
    return way


def test_a_linear_map_is_inverted():
    x = torch.tensor([[1.0, -0.7]])
    way = ended(linear, x.expand(8, -1), starts(8))
    wanted = torch.linalg.solve(MATRIX, x[0] - 0.2)
    assert (way.z[-1] - wanted).norm(dim=1).max() < 1e-2
    assert way.off[-1].max() < FOUND
    assert len(distinct(way)) == 1
    assert torch.equal(way.z[0], starts(8))
    assert torch.allclose(way.off, (way.made - x).norm(dim=-1))


def test_a_search_knows_nothing_of_the_others():
    x = torch.tensor([[1.0, -0.7], [0.0, 0.3], [2.0, 2.0]])
    together = ended(linear, x, starts(3), steps=40)
    for k in range(3):
        alone = ended(linear, x[k : k + 1], starts(3)[k : k + 1], steps=40)
        assert torch.allclose(alone.z[:, 0], together.z[:, k], atol=1e-5)


def test_of_a_fold_both_codes_are_found_and_their_densities_add_up():
    way = ended(fold, torch.tensor([[0.8, 0.4]]).expand(16, -1), starts(16))
    codes = distinct(way)
    assert sorted(round(z, 2) for z in codes[:, 0].tolist()) == [-0.8, 0.8]
    half_normal = 2 * math.exp(-(0.8**2 + 0.4**2) / 2) / (2 * math.pi)
    assert density_of(fold, codes) == pytest.approx(half_normal, rel=0.02)
    assert folded(fold) == pytest.approx(0.5, abs=0.02)


def test_where_there_is_no_code_the_search_ends_at_the_nearest_point():
    way = ended(fold, torch.tensor([[-0.5, 0.1]]).expand(16, -1), starts(16))
    assert way.off[-1].min().item() == pytest.approx(0.5, abs=0.02)
    assert len(distinct(way)) == 0
    assert density_of(fold, distinct(way)) == 0


def test_determinants_are_those_of_the_jacobian():
    assert torch.allclose(determinants(linear, starts(5)), torch.linalg.det(MATRIX).expand(5))
    net = torch.nn.Sequential(torch.nn.Linear(2, 16), torch.nn.LeakyReLU(0.2), torch.nn.Linear(16, 2)).double()
    z = starts(20).double()
    wanted = torch.stack([torch.linalg.det(torch.func.jacrev(net)(one)) for one in z])
    assert torch.allclose(determinants(net, z), wanted)
    assert folded(linear) == 0


@pytest.mark.parametrize("numbers", [1, 2, 5])
def test_the_share_of_noise_farther_out(numbers):
    z = torch.randn(200_000, numbers, generator=torch.Generator().manual_seed(0))
    for radius in (0.5, 1.5, 2.5):
        code = torch.zeros(numbers)
        code[0] = radius
        assert beyond(code).item() == pytest.approx((z.norm(dim=1) > radius).double().mean().item(), abs=0.005)
    if numbers == 2:
        assert beyond(torch.tensor([3.0, 0.0])).item() == pytest.approx(math.exp(-4.5))


def test_a_generator_of_a_stack_is_the_same_on_its_own():
    game = Game(WORLDS["two moons"], Setup(), range(3), Rules())
    for _ in range(5):
        game.turn()
    z = noise(50, Setup(), torch.Generator().manual_seed(0))
    numbers = torch.cat([leaf[1].detach().flatten() for leaf in game.generator.numbers])
    assert torch.allclose(generator(numbers, Setup().generator)(z), game.fakes(z)[1], atol=1e-5)


def test_the_codes_of_a_trained_generator_bound_its_density_from_below():
    """Against the share of many fakes in a small disc, for points that a generator makes often."""
    game = Game(WORLDS["two moons"], Setup(), [0], Rules())
    for _ in range(300):
        game.turn()
    generate = generator(torch.cat([leaf.detach().flatten() for leaf in game.generator.numbers]), Setup().generator)
    fakes = game.fakes(noise(400_000, Setup(), torch.Generator().manual_seed(5)))[0]
    radius = 0.04
    counted = []
    for x in fakes[:6]:
        near = ((fakes - x).norm(dim=1) < radius).double().mean().item() / (math.pi * radius**2)
        found = density_of(generate, distinct(ended(generate, x.expand(24, -1), starts(24))))
        counted.append((found, near))
    assert all(found < 1.5 * near + 0.05 for found, near in counted)
    assert sum(found > 0.5 * near for found, near in counted) >= 4


def test_the_map_of_nearest_fakes_stands_upright():
    *_, found = (part for part in nearest(fold, each=2) if part is not None)
    x = lattice(SIDE).reshape(SIDE, SIDE, 2)
    assert x[0, 0].tolist() == pytest.approx([-2.9, 2.9])
    left = x[..., 0] < -0.5
    assert (found[left] + x[..., 0][left]).abs().max() < 0.05  # as far off as the crease is
    assert found[~left & (x[..., 0] > 0.2)].max() < 0.05
