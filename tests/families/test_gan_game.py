"""The game of a GAN: frames that are the same for the same seed, and say what the networks say."""

from __future__ import annotations

import copy
import math

import pytest
import torch

from tutorial.data.toy2d import REACH, lattice, ring
from tutorial.families import gan_game
from tutorial.families.gan import GAN, GANConfig
from tutorial.families.gan_game import FRAMES, SAMPLES, SIDE, data, game
from tutorial.families.learners import GANLearner, OutOfBounds
from tutorial.metrics.energy import noise_floor

pytestmark = pytest.mark.usefixtures("one_thread")


def frames(seed: int, monkeypatch, updates: int = 60) -> list[gan_game.Frame]:
    monkeypatch.setattr(gan_game, "UPDATES", updates)
    return [frame for frame in game(*data(ring().sample, seed), seed=seed) if frame is not None]


def test_frames_cover_the_game_and_a_seed_gives_it_again(monkeypatch):
    one, again, other = (frames(seed, monkeypatch) for seed in (1, 1, 2))
    assert [frame.step for frame in one] == sorted(frame.step for frame in one)
    assert (one[0].step, one[-1].step, len(one)) == (0, 60, FRAMES)
    assert all(torch.equal(a.fakes, b.fakes) and a.loss == b.loss for a, b in zip(one, again, strict=True))
    assert not torch.equal(one[-1].fakes, other[-1].fakes)
    assert all(frame.fakes.shape == (SAMPLES, 2) and frame.opinion.shape == (SIDE, SIDE) for frame in one)


def test_opinions_lie_where_the_picture_shows_them():
    """A discriminator that likes what is up and to the right has its largest value in the first row's last place."""
    at = lattice(SIDE)
    assert at.abs().max() == pytest.approx(REACH * (1 - 1 / SIDE))
    liked = (at.sum(1)).reshape(SIDE, SIDE)
    assert (liked == liked.max()).nonzero().tolist() == [[0, SIDE - 1]]
    assert (at.reshape(SIDE, SIDE, 2)[0, :, 1] > 0).all()


def test_losses_are_the_cross_entropies_of_torch():
    """And an undecided discriminator has 2 log 2."""
    gan, generator = GAN(GANConfig(), torch.Generator().manual_seed(0)), torch.Generator().manual_seed(1)
    x, fake = ring().sample(64, generator), gan.generate(64, generator)
    entropy = torch.nn.BCEWithLogitsLoss()
    real, made = gan.discriminator(x), gan.discriminator(fake)
    loss = entropy(real, torch.ones_like(real)) + entropy(made, torch.zeros_like(made))
    assert gan.discriminator_loss(x, fake).item() == pytest.approx(loss.item(), abs=1e-6)
    assert gan.generator_loss(fake).item() == pytest.approx(entropy(made, torch.ones_like(made)).item(), abs=1e-6)
    with torch.no_grad():
        for weight in gan.discriminator.parameters():
            weight.zero_()
    assert gan.discriminator_loss(x, fake).item() == pytest.approx(2 * math.log(2), abs=1e-6)


def test_each_network_learns_while_the_other_is_held():
    learner = GANLearner(ring().sample(1000, torch.Generator().manual_seed(0)), GANConfig(), torch.Generator())
    networks = {"D": learner.model.discriminator, "G": learner.model.generator}
    for turn, optimizer in zip("DG", learner.optimizers, strict=True):
        owned = {id(weight) for group in optimizer.param_groups for weight in group["params"]}
        assert owned == {id(weight) for weight in networks[turn].parameters()}
    x, fake = ring().sample(64), learner.model.generate(64)
    learner.model.discriminator_loss(x, fake).backward()
    assert all(weight.grad is None for weight in learner.model.generator.parameters())


def test_an_update_is_a_step_of_adam_for_each_and_leaves_no_gradients():
    """Against the paper's algorithm 1 by hand, on the same batches: D first, and then G against the new D."""
    points = ring().sample(1000, torch.Generator().manual_seed(0))
    learner = GANLearner(points, GANConfig(), torch.Generator().manual_seed(1))
    twin, chance = copy.deepcopy(learner.model), copy.deepcopy(learner.generator)
    discriminator, generator = (
        torch.optim.Adam(network.parameters(), lr=learner.rate, betas=(0.5, 0.99))
        for network in (twin.discriminator, twin.generator)
    )
    entropy, ones = torch.nn.BCEWithLogitsLoss(), torch.ones(learner.batch, 1)
    for _ in range(3):
        x = points[torch.randint(len(points), (learner.batch,), generator=chance)]
        fake = twin.generate(learner.batch, chance)
        discriminator.zero_grad()
        loss = entropy(twin.discriminator(x), ones) + entropy(twin.discriminator(fake.detach()), 0 * ones)
        loss.backward()
        discriminator.step()
        generator.zero_grad()
        entropy(twin.discriminator(fake), ones).backward()
        generator.step()
        assert learner.update() == pytest.approx(loss.item(), abs=1e-6)
        assert all(weight.grad is None for weight in learner.model.parameters())
        for mine, by_hand in zip(learner.model.parameters(), twin.parameters(), strict=True):
            torch.testing.assert_close(mine, by_hand, rtol=0, atol=1e-5)


def test_a_played_game_ends_far_closer_to_the_data_than_it_began():
    """At its best moment: the end of a game can be bad."""
    points, others = data(ring().sample, 0)
    found = [frame.energy for frame in game(points, others, seed=0) if frame is not None]
    assert min(found) < 0.1 * found[0]
    assert min(found) > 0.1 * noise_floor(others, SAMPLES, SAMPLES)


def test_numbers_out_of_bounds_are_noticed():
    with pytest.raises(OutOfBounds):
        for _ in game(*data(ring().sample, 0), rate=1e20):
            pass
