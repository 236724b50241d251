"""The recipe of the GAN of digits, and what measures its runs."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from tutorial import measurements, weights
from tutorial.data.digits import digits
from tutorial.data.pixels import to_signed
from tutorial.gans import digits as gan
from tutorial.metrics import digits as judging
from tutorial.metrics.verdict import measured_reference
from tutorial.networks.digit_gan import DigitDiscriminator, DigitDiscriminatorConfig
from tutorial.training import digit_gan, evaluate_digit_gan
from tutorial.training.fit import seeded_accelerator


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Recipes write checkpoints below the working directory."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def known():
    *_, found = measured_reference(judging.load().classifier)
    return found


def rows(n: int = 8) -> list[torch.Tensor]:
    return [part[:n] for part in digits("training")]


def weights_of(network: nn.Module) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in network.parameters()]


def same(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_it_trains_and_saves_what_loads_again(tmp_path):
    trained = digit_gan.train("healthy", 25, batch=8, folder=tmp_path / "run", assets=tmp_path)
    loaded = gan.load(tmp_path)
    for before, after in zip(trained.parameters(), loaded.parameters(), strict=True):
        assert torch.allclose(before, after, atol=1e-3)
    card = weights.read_card("digit_gan", tmp_path)
    assert card["command"] == f"{digit_gan.COMMAND} --run healthy"
    assert gan.Setting(**card["setting"]) == gan.SETTINGS["healthy"]
    kept = sorted(int(path.stem) for path in (tmp_path / "run" / "snapshots").iterdir())
    assert kept == [0, 25]


def test_only_the_healthy_run_ships(tmp_path):
    digit_gan.train("collapsing", 2, batch=8, folder=tmp_path / "run", assets=tmp_path / "assets")
    assert not (tmp_path / "assets").exists()


def test_an_interrupted_run_ends_as_a_whole_one(tmp_path, monkeypatch):
    whole = digit_gan.train("healthy", 6, batch=8, folder=tmp_path / "whole", assets=tmp_path)
    real = digit_gan.fit

    def interrupted(*args, **settings):
        for step in real(*args, **settings, save_every=3):
            yield step
            if step.i == 3:
                raise KeyboardInterrupt

    monkeypatch.setattr(digit_gan, "fit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        digit_gan.train("healthy", 6, batch=8, folder=tmp_path / "cut", assets=tmp_path)
    monkeypatch.setattr(digit_gan, "fit", real)
    resumed = digit_gan.train("healthy", 6, batch=8, folder=tmp_path / "cut", assets=tmp_path)
    assert same(weights_of(whole), weights_of(resumed))
    first, second = (load_file(tmp_path / run / "snapshots" / "6.safetensors") for run in ("whole", "cut"))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_each_network_is_held_while_the_other_learns():
    """Without a learning rate of its own, a network stays as it is, whatever the other does; with one, it moves."""
    for who in ("generator_rate", "rate"):
        game = digit_gan.Game(seeded_accelerator(), replace(gan.SETTINGS["healthy"], **{who: 0.0}))
        before = weights_of(game.bare), weights_of(game.critic)
        for step in range(2):
            game.round(rows(), step)
        moved = not same(before[0], weights_of(game.bare)), not same(before[1], weights_of(game.critic))
        assert moved == (who == "rate", who == "generator_rate")
        assert all(parameter.grad is None for parameter in game.critic.parameters())  # none left over from G's turn


def test_a_held_network_passes_gradients_on():
    first, second = nn.Linear(2, 2), nn.Linear(2, 1)
    with digit_gan.held(second):
        second(first(torch.ones(1, 2))).sum().backward()
    assert first.weight.grad is not None
    assert second.weight.grad is None
    assert second.weight.requires_grad


def test_the_average_is_an_exponential_one():
    """a ← 0.998 a + 0.002 θ, from the first θ on."""
    game = digit_gan.Game(seeded_accelerator(), gan.SETTINGS["healthy"])
    game.round(rows(), 1)
    average = [parameter.double() for parameter in weights_of(game.bare)]
    for step in (2, 3):
        game.round(rows(), step)
        average = [0.998 * a + 0.002 * b.double() for a, b in zip(average, weights_of(game.bare), strict=True)]
    for a, b in zip(average, weights_of(game.ema.module), strict=True):
        assert torch.allclose(a.float(), b, atol=1e-6)


def test_the_penalty_comes_now_and_then_and_counts_as_often(monkeypatch):
    descended = []

    def penalty(critic, x):
        return 5 + 0 * critic(x).sum()[None]

    monkeypatch.setattr(digit_gan, "r1", penalty)
    game = digit_gan.Game(seeded_accelerator(), gan.SETTINGS["healthy"])
    monkeypatch.setattr(game, "_descend", lambda loss, _: descended.append(loss.item()))
    losses = [game.round(rows(2), step)["loss_d"].item() for step in range(2 * digit_gan.LAZY)]
    added = [total - loss for total, loss in zip(descended[::2], losses, strict=True)]
    weight = 5 * digit_gan.LAZY * gan.SETTINGS["healthy"].penalty
    assert added == pytest.approx(2 * [weight, *[0] * (digit_gan.LAZY - 1)], abs=1e-5)


def test_a_discriminator_is_right_where_its_logit_has_the_right_sign():
    torch.manual_seed(0)
    critic = DigitDiscriminator(DigitDiscriminatorConfig(width=2)).requires_grad_(False)
    pictures, y = rows(400)
    x = to_signed(pictures)
    critic.real.bias -= critic(x, y).median()  # so that it is of two minds
    right = evaluate_digit_gan.opinion(critic, x, y, real=True)
    assert right == pytest.approx(0.5, abs=0.01)
    assert right + evaluate_digit_gan.opinion(critic, x, y, real=False) == 1


def test_a_run_becomes_a_film(tmp_path, monkeypatch, known):
    """Two snapshots, measured and recorded beside what is recorded already."""
    settings = gan.SETTINGS | {"over-trained": replace(gan.SETTINGS["over-trained"], steps=25)}
    for module in (digit_gan, evaluate_digit_gan):
        monkeypatch.setattr(module, "SETTINGS", settings)
    monkeypatch.setattr(evaluate_digit_gan, "SAMPLES", 200)
    folder = tmp_path / "run"
    digit_gan.train("over-trained", batch=8, folder=folder)
    found = evaluate_digit_gan.film("over-trained", known, folder)
    assert found["step"] == [0, 25]
    assert found["loss_d"][0] is None
    assert found["loss_d"][1] > 0
    assert gan.unpacked(found["sheets"]).shape == (2, 280, 280)
    assert set(gan.MEASURED) <= set(found)
    content = measurements.load("digit_gan")
    content["runs"]["over-trained"] = found
    measurements.save("digit_gan", gan.RECORDED_BY, content, tmp_path)
    assert gan.recorded(tmp_path).films["over-trained"].steps == [0, 25]
