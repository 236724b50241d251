"""What a frame of a game shows, against closed forms, finite differences in float64, and counting."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import MixtureSameFamily

from tests.gans.test_optimum import known
from tutorial.data.toy2d import drawn, lattice, ring
from tutorial.gans.game import Game, Rules, Setup, noise
from tutorial.gans.optimum import BLUR, blurred
from tutorial.gans.view import (
    ARROWS,
    LINES,
    PARTNERS,
    RARE,
    SIDE,
    best,
    best_verdicts,
    grid,
    pushes,
    round_up,
    value_floor,
    verdicts,
    view,
    warped,
)
from tutorial.gans.worlds import DENSITIES

pytestmark = pytest.mark.usefixtures("one_thread")
DRAW = ring().sample


PLAIN, RULES = Setup(), Rules()


def played(rules: Rules = RULES, setup: Setup = PLAIN, seeds=(0,)) -> Game:
    game = Game(DRAW, setup, seeds, rules)
    for _ in range(40):
        game.turn()
    return game


def in_double(stack, x: torch.Tensor, k: int = 0) -> torch.Tensor:
    """One perceptron of a stack in float64, layer by layer."""
    layers = list(zip(stack.numbers[::2], stack.numbers[1::2], strict=True))
    for depth, (weight, bias) in enumerate(layers):
        x = x @ weight[k].detach().double() + bias[k].detach().double()
        if depth < len(layers) - 1:
            x = torch.where(x > 0, x, 0.2 * x)
    return x


def test_places_are_the_middles_of_cells_row_by_row_from_the_top():
    x = lattice(3).view(3, 3, 2)
    found = torch.stack([x[0, 0], x[0, 2], x[2, 1]])
    assert torch.allclose(found, torch.tensor([[-2.0, 2.0], [2.0, 2.0], [0.0, -2.0]]), atol=1e-6)


@pytest.mark.parametrize("loss", ["minimax", "non-saturating", "least squares", "Wasserstein"])
def test_the_verdict_is_a_probability_where_answers_are_logits(loss):
    game = played(Rules(loss=loss), seeds=(5, 6))
    x = lattice(7)
    answers = in_double(game.discriminator, x.double(), 1)[:, 0]
    expected = answers.sigmoid() if loss in ("minimax", "non-saturating") else answers
    assert torch.allclose(verdicts(game, x, x, 1).double(), expected, atol=1e-4)


def test_a_judge_of_pairs_is_asked_about_a_place_beside_fakes():
    game = played(setup=Setup(pack=2))
    x, fakes = lattice(5), torch.randn(20, 2, generator=torch.Generator().manual_seed(0))
    pairs = torch.stack([torch.cat([x, fake.expand(25, 2)], dim=1) for fake in fakes[:PARTNERS]])
    expected = in_double(game.discriminator, pairs.double())[..., 0].sigmoid().mean(0)
    assert torch.allclose(verdicts(game, x, fakes).double(), expected, atol=1e-5)


SHARES = {
    "minimax": lambda f: -torch.log(1 + f.exp()),
    "non-saturating": lambda f: -torch.log(f.sigmoid()),
    "least squares": lambda f: 0.5 * (f - 1) ** 2,
    "Wasserstein": lambda f: -f,
}
"""A fake's own share of the generator's loss, by D's answer to it."""


@pytest.mark.parametrize("pack", [1, 2])
@pytest.mark.parametrize("loss", list(SHARES))
def test_a_push_is_the_slope_of_the_fakes_own_share_of_the_loss(loss, pack):
    """By central differences, in float64. D is piecewise linear: a few fakes may sit next to a crease."""
    game = played(Rules(loss=loss), Setup(pack=pack), seeds=(1, 2))
    fakes = game.fakes(noise(40, game.setup, torch.Generator().manual_seed(0)))[1]
    found, step = pushes(game, fakes, 1).double(), 1e-6
    expected = torch.zeros(40, 2, dtype=torch.float64)

    def share(x: torch.Tensor) -> torch.Tensor:
        return SHARES[loss](in_double(game.discriminator, x.view(40 // pack, 2 * pack), 1)[:, 0])

    for k in range(40):
        for axis in range(2):
            there = torch.zeros(40, 2, dtype=torch.float64)
            there[k, axis] = step
            x = fakes.double()
            expected[k, axis] = -(share(x + there) - share(x - there))[k // pack] / (2 * step)
    close = (found - expected).norm(dim=1) < 1e-4 * (1 + expected.norm(dim=1))
    assert close.sum() >= 38


def test_a_step_along_the_pushes_lowers_the_generators_loss():
    game = played()
    fakes = game.fakes(noise(60, game.setup, torch.Generator().manual_seed(0)))[0]
    moved = fakes + 1e-3 * pushes(game, fakes)
    before, after = (game.loss.generator(game.opinion(x[None])).item() for x in (fakes, moved))
    assert after < before


def test_pushes_leave_the_gradients_of_the_networks_alone():
    game = played()
    before = game.discriminator.grad.clone(), game.generator.grad.clone()
    view(game, noise(300, game.setup, None), DRAW(300))
    assert torch.equal(game.discriminator.grad, before[0])
    assert torch.equal(game.generator.grad, before[1])


@pytest.mark.parametrize("shape", ["Gaussian", "uniform"])
def test_the_cells_of_the_grid_hold_equal_shares_of_the_noise(shape):
    setup = Setup(shape=shape)
    lines = grid(setup)
    assert len(lines) == 2 * LINES
    upright = torch.stack([line[0, 0] for line in lines[:LINES]])
    level = torch.stack([line[0, 1] for line in lines[LINES:]])
    assert torch.equal(upright, level)
    z = noise(200_000, setup, torch.Generator().manual_seed(0))
    counts = torch.histogram(z[:, 0], upright).hist / len(z)
    assert (counts - 0.96 / (LINES - 1)).abs().max() < 0.004


def test_noise_of_one_number_has_one_line_in_order():
    (line,) = grid(Setup(noise=1))
    assert (line.diff(dim=0) > 0).all()
    assert len(warped(played(setup=Setup(noise=1)))) == 1


def test_the_warped_grid_is_where_the_generator_puts_it():
    game = played(seeds=(3, 4))
    for line, image in zip(grid(game.setup), warped(game, k=1), strict=True):
        assert torch.allclose(in_double(game.generator, line.double(), 1), image.double(), atol=1e-4)
    assert not torch.equal(warped(game, averaged=True, k=1)[0], warped(game, k=1)[0])


@pytest.mark.parametrize(
    ("size", "rounded"), [(0.013, 0.02), (0.02, 0.02), (5.1, 10), (1, 1), (1.0001, 2), (3e-9, 5e-9)]
)
def test_rounding_up_to_1_2_or_5(size, rounded):
    assert round_up(size) == pytest.approx(rounded)


@pytest.mark.parametrize("loss", list(SHARES))
def test_the_longest_arrow_fits_and_all_are_to_one_scale(loss):
    game = played(Rules(loss=loss))
    seen = view(game, noise(300, game.setup, torch.Generator().manual_seed(0)), DRAW(300))
    assert seen.verdicts.shape == (SIDE, SIDE)
    length = seen.arrows[:, 2:].norm(dim=1)
    assert len(length) == ARROWS
    assert 0.4 - 1e-5 < length.max() <= 1 + 1e-5
    assert torch.allclose(length * seen.scale, seen.pushes.norm(dim=1), rtol=1e-4)
    low, high = seen.ends
    if loss == "Wasserstein":
        assert low <= seen.verdicts.min() <= seen.verdicts.max() <= high
    else:
        assert (low, high) == (0, 1)


def test_numbers_out_of_bounds_are_noticed():
    game = played()
    z = noise(300, game.setup, None)
    assert view(game, z, DRAW(300)).finite
    game.generator.flat.fill_(math.nan)
    broken = view(game, z, DRAW(300))
    assert not broken.finite
    assert len(broken.arrows) == 0


def density_of(mixture, x) -> torch.Tensor:
    one: MixtureSameFamily = known(mixture)
    return one.log_prob(x.double()).exp()


def test_the_best_verdicts_are_p_over_p_plus_q_where_there_is_either():
    fakes = torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
    x = lattice(20)
    p, q = density_of(blurred(ring()), x), density_of(drawn(fakes, BLUR), x)
    found = best_verdicts(ring(), fakes, 20).flatten().double()
    there = p + q > RARE
    assert torch.equal(found.isfinite(), there)
    assert 0.1 < there.double().mean() < 0.9
    assert torch.allclose(found[there], (p / (p + q))[there], atol=1e-3)


@pytest.mark.parametrize("world", list(DENSITIES))
def test_a_perfect_generator_is_found_to_be_nearly_worth_minus_log_4(world):
    assert -math.log(4) - 0.08 < value_floor(DENSITIES[world]) < -math.log(4) + 0.05


def test_a_game_that_has_learned_nothing_is_worth_more():
    game = Game(DRAW, Setup(), [0])
    assert best(game, ring()).value > -0.3
