"""The gradient on a held generator, against autograd on PyTorch's own layers in double precision."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tutorial.data.toy2d import ring
from tutorial.gans.game import DATA, NOISE, Game, Rules, Setup, noise
from tutorial.gans.gradients import BATCH, BATCHES, LOOKS, RATE, TEST, UNSEEN, looks, measured, nearing, watched
from tutorial.gans.losses import LOSSES
from tutorial.gans.streams import Stream, generator_of

pytestmark = pytest.mark.usefixtures("one_thread")
DRAW = ring().sample


def twin(stack, k: int) -> nn.Sequential:
    """One perceptron of a stack, made of PyTorch's own layers, in double precision."""
    layers: list[nn.Module] = []
    for weight, bias in zip(stack.numbers[::2], stack.numbers[1::2], strict=True):
        linear = nn.Linear(weight.shape[1], weight.shape[2], dtype=torch.float64)
        linear.weight.data = weight[k].detach().mT.double().clone()
        linear.bias.data = bias[k, 0].detach().double().clone()
        layers += [linear, nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers[:-1])


GENERATOR_LOSSES = {
    "minimax": lambda f: torch.log(1 - torch.sigmoid(f)).mean(),
    "non-saturating": lambda f: -torch.log(torch.sigmoid(f)).mean(),
    "least squares": lambda f: 0.5 * ((f - 1) ** 2).mean(),
    "Wasserstein": lambda f: -f.mean(),
}


def gradient(loss, g: nn.Module, d: nn.Module, z: torch.Tensor) -> torch.Tensor:
    value = GENERATOR_LOSSES[loss](d(g(z.double()))[:, 0])
    return torch.cat([part.flatten() for part in torch.autograd.grad(value, list(g.parameters()))])


@pytest.mark.parametrize("loss", LOSSES)
def test_norm_and_noise_are_those_of_ordinary_networks(loss):
    game = Game(DRAW, Setup(generator=(8, 8), discriminator=(12,)), [3, 5])
    for _ in range(200):
        game.turn()
    codes = torch.randn(2, BATCHES * BATCH, 2, generator=torch.Generator().manual_seed(1))
    norms, noises = measured(LOSSES[loss], game.generator, game.discriminator, codes)
    for k in range(2):
        g, d = twin(game.generator, k), twin(game.discriminator, k)
        assert norms[k].item() == pytest.approx(gradient(loss, g, d, codes[k]).norm().item(), rel=1e-3)
        parts = torch.stack([gradient(loss, g, d, z) for z in codes[k].split(BATCH)])
        assert noises[k].item() == pytest.approx(parts.var(dim=0).sum().sqrt().item(), rel=1e-3)


def test_minimax_and_non_saturating_differ_by_the_odds_of_each_fake():
    """The factors in the module's text: with one fake, the norms' ratio is e to the power of its answer."""
    game = Game(DRAW, Setup(), [0])
    codes = torch.randn(1, 1, 2, generator=torch.Generator().manual_seed(2)).expand(1, BATCHES, 2)
    with torch.no_grad():
        f = game.opinion(game.generator(codes[:, :1])).item()
    small, large = (
        measured(LOSSES[loss], game.generator, game.discriminator, codes)[0].item()
        for loss in ("minimax", "non-saturating")
    )
    assert small / large == pytest.approx(math.exp(f), rel=1e-4)


def test_a_discriminator_learns_as_an_ordinary_one_and_the_generator_is_held():
    game = Game(DRAW, Setup(), [2, 9])
    before = game.generator.flat.clone()
    found = [look for look in nearing(DRAW, game, 60) if look is not None]
    assert torch.equal(game.generator.flat, before)
    g, d = twin(game.generator, 1), twin(Game(DRAW, Setup(), [9]).discriminator, 0)
    adam = torch.optim.Adam(d.parameters(), RATE, betas=(0.5, 0.9))
    data = Stream(DRAW, [9], DATA)
    codes = Stream(lambda n, generator: noise(n, Setup(), generator), [9], NOISE)
    for _ in range(60):
        x, fake = data.take(Rules.batch)[0].double(), g(codes.take(Rules.batch)[0].double()).detach()
        loss = -F.logsigmoid(d(x)).mean() - F.logsigmoid(-d(fake)).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
    source = generator_of(9, TEST, 1)
    x, z = DRAW(UNSEEN, source).double(), noise(UNSEEN, Setup(), source).double()
    accuracy = ((d(x) > 0).double().mean() + (d(g(z)) <= 0).double().mean()) / 2
    assert found[-1].accuracy[1].item() == pytest.approx(accuracy.item(), abs=2e-3)
    z = noise(BATCHES * BATCH, Setup(), generator_of(9, TEST))
    assert found[-1].norms["minimax"][1].item() == pytest.approx(gradient("minimax", g, d, z).norm().item(), rel=1e-2)


def test_against_a_sure_discriminator_minimax_vanishes_and_the_others_do_not():
    """The rate of the claim on the page: in all of five seeds."""
    found = [look for look in watched(DRAW, Setup(), range(5), 0, 700) if look is not None]
    first, last = found[0], found[-1]
    assert last.accuracy.min() > 0.999
    assert (last.norms["minimax"] < 0.05 * first.norms["minimax"]).all()
    assert (last.norms["non-saturating"] > first.norms["non-saturating"]).all()
    assert (last.norms["Wasserstein"] > first.norms["Wasserstein"]).all()


def test_turns_are_played_before_and_looks_are_where_they_should_be():
    parts = list(watched(DRAW, Setup(), [0], 7, 50))
    assert parts[:7] == [None] * 7
    assert [part.step for part in parts if part is not None] == looks(50)
    assert len(looks(3000)) == LOOKS + 1
    assert looks(3) == [0, 1, 2, 3]
