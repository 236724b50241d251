"""The game against PyTorch's own optimiser and layers, and what it promises: seeds alone, rewinding, finite numbers."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tutorial.data.toy2d import ring
from tutorial.gans.game import DATA, NOISE, Game, Rules, Setup, noise
from tutorial.gans.losses import LOSSES, gradient_penalty, r1
from tutorial.gans.networks import packed
from tutorial.gans.streams import BLOCK, Stream, generator_of

DRAW = ring().sample


def twin(stack, k: int) -> nn.Sequential:
    """One perceptron of a stack, made of PyTorch's own layers."""
    layers: list[nn.Module] = []
    for weight, bias in zip(stack.numbers[::2], stack.numbers[1::2], strict=True):
        linear = nn.Linear(weight.shape[1], weight.shape[2])
        linear.weight.data, linear.bias.data = weight[k].detach().mT.clone(), bias[k, 0].detach().clone()
        layers += [linear, nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers[:-1])


def test_a_game_is_that_of_two_ordinary_networks():
    rules = Rules(rate_d=2e-3, rate_g=1e-3, batch=64, k_d=2)
    game = Game(DRAW, Setup(), [3, 7], rules)
    g, d = twin(game.generator, 1), twin(game.discriminator, 1)
    adam_g = torch.optim.Adam(g.parameters(), 1e-3, betas=(0.5, 0.9))
    adam_d = torch.optim.Adam(d.parameters(), 2e-3, betas=(0.5, 0.9))
    data = Stream(DRAW, [7], DATA)
    z = Stream(lambda n, generator: noise(n, Setup(), generator), [7], NOISE)
    for _ in range(30):
        game.turn()
        for _ in range(2):
            x, fake = data.take(64)[0], g(z.take(64)[0]).detach()
            loss_d = -F.logsigmoid(d(x)).mean() - torch.log(1 - torch.sigmoid(d(fake))).mean()
            adam_d.zero_grad()
            loss_d.backward()
            adam_d.step()
        loss_g = -F.logsigmoid(d(g(z.take(64)[0]))).mean()
        adam_g.zero_grad()
        loss_g.backward()
        adam_g.step()
    assert game.loss_d[1].item() == pytest.approx(loss_d.item(), abs=1e-4)
    assert game.loss_g[1].item() == pytest.approx(loss_g.item(), abs=1e-4)
    codes = torch.randn(50, 2)
    assert (game.fakes(codes)[1] - g(codes)).abs().max() < 1e-3
    slope = torch.cat([p.grad.flatten() for p in g.parameters()]).norm().item()
    assert game.generator.slope()[1].item() == pytest.approx(slope, rel=1e-2)


def test_each_network_moves_only_in_its_own_update():
    game = Game(DRAW, Setup(), [0])
    for update, moves, held in [
        (game.update_discriminator, game.discriminator, game.generator),
        (game.update_generator, game.generator, game.discriminator),
    ]:
        before, still = moves.flat.clone(), held.flat.clone()
        update()
        assert not torch.equal(moves.flat, before)
        assert torch.equal(held.flat, still)


@pytest.mark.parametrize("rules", [Rules(), Rules(loss="Wasserstein", spectral=True), Rules(r1=0.1, optimiser="SGD")])
@pytest.mark.parametrize("pack", [1, 2])
def test_a_seed_plays_the_same_game_alone_and_in_a_crowd(rules, pack):
    alone, crowd = (Game(DRAW, Setup(pack=pack), seeds, rules) for seeds in ([4], range(9)))
    for _ in range(60):
        alone.turn()
        crowd.turn()
    codes = torch.randn(50, 2)
    assert (alone.fakes(codes)[0] - crowd.fakes(codes)[4]).abs().max() < 1e-3


@pytest.mark.parametrize("rules", [Rules(), Rules(loss="Wasserstein", spectral=True)])
def test_rewound_it_goes_on_as_it_did(rules):
    game = Game(DRAW, Setup(), range(2), rules)
    for _ in range(40):
        game.turn()
    then = game.checkpoint()
    codes, seen = torch.randn(50, 2), []
    for _ in range(2):
        for _ in range(40):
            game.turn()
        seen.append((game.fakes(codes), game.fakes(codes, averaged=True)))
        game.rewind(then)
    assert torch.equal(seen[0][0], seen[1][0])
    assert torch.equal(seen[0][1], seen[1][1])


def test_spectral_normalisation_finds_the_largest_singular_value():
    game = Game(DRAW, Setup(), range(3))
    for _ in range(200):
        game.discriminator.turn_directions()
    for k, weight in enumerate(game.discriminator.numbers[::2]):
        largest = torch.linalg.matrix_norm(weight, ord=2)
        assert torch.allclose(game.discriminator._norm(k).flatten(), largest, rtol=1e-3)
    x = torch.randn(3, 500, 2, requires_grad=True)
    (slope,) = torch.autograd.grad(game.discriminator(x, normalised=True).sum(), x)
    assert slope.norm(dim=-1).max() <= 1 + 1e-3


def test_losses_are_those_of_the_papers():
    r, f = torch.randn(2, 50, dtype=torch.float64), torch.randn(2, 50, dtype=torch.float64)
    d, g = torch.sigmoid(r), torch.sigmoid(f)
    cross = -d.log().mean(1) - (1 - g).log().mean(1)
    for name, judge, maker in [
        ("minimax", cross, (1 - g).log().mean(1)),
        ("non-saturating", cross, -g.log().mean(1)),
        ("least squares", ((r - 1) ** 2).mean(1) / 2 + (f**2).mean(1) / 2, ((f - 1) ** 2).mean(1) / 2),
        ("Wasserstein", f.mean(1) - r.mean(1), -f.mean(1)),
    ]:
        assert torch.allclose(LOSSES[name].discriminator(r, f), judge)
        assert torch.allclose(LOSSES[name].generator(f), maker)
        level = torch.full((1, 10), LOSSES[name].boundary or 0.0)
        assert LOSSES[name].discriminator(level, level).item() == pytest.approx(LOSSES[name].guessing)


def test_penalties_know_the_slope_of_a_plane():
    def plane(x):
        return x @ torch.tensor([3.0, 4.0])

    x, share = torch.randn(2, 20, 2), torch.rand(2, 20, 1)
    assert torch.allclose(gradient_penalty(plane, x, -x, share), torch.full((2,), 16.0), atol=1e-4)
    assert torch.allclose(r1(plane, x), torch.full((2,), 12.5), atol=1e-4)


def test_packing_joins_neighbours():
    x = torch.arange(12.0).reshape(1, 6, 2)
    assert packed(x, 2)[0].tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]


def test_a_stream_is_set_back_and_kinds_are_strangers():
    stream = Stream(lambda n, g: torch.randn(n, 2, generator=g), [5], 0)
    stream.take(BLOCK - 10)
    place = stream.place
    first = stream.take(64).clone()
    stream.take(3000)
    stream.seek(place)
    assert torch.equal(stream.take(64), first)
    a, b = (torch.randn(1000, generator=generator_of(5, kind)) for kind in (0, 1))
    assert abs(torch.corrcoef(torch.stack([a, b]))[0, 1].item()) < 4 / math.sqrt(1000)


def test_a_wild_rate_is_seen():
    game = Game(DRAW, Setup(), [0], Rules(rate_d=1e30, rate_g=1e30, optimiser="SGD"))
    assert game.finite
    for _ in range(20):
        game.turn()
    assert not game.finite
