"""The shipped digits' model: it draws the digit it is told, and its card says how well."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tutorial import weights
from tutorial.data.digits import digits
from tutorial.data.pixels import to_signed
from tutorial.diffusion import pixel
from tutorial.diffusion.inversion import invert
from tutorial.diffusion.latent import trained_under
from tutorial.diffusion.samplers import SAMPLERS, named
from tutorial.metrics import digits as judging
from tutorial.metrics.similarity import psnr
from tutorial.training.evaluate_digits import table


@pytest.fixture(scope="module")
def model() -> pixel.DigitDiffusion:
    return pixel.load()


SLOWER = ("heun", "euler")


@pytest.mark.parametrize(
    "sampler", [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOWER)) for name in SAMPLERS]
)
def test_every_sampler_draws_the_digits_it_is_told(model, sampler):
    classes = list(range(10)) * 2
    x = model.draw(classes, sampler=sampler, steps=25)
    assert x.shape == (20, 1, 28, 28)
    assert judging.load().accuracy(x, torch.tensor(classes)) >= 0.9


def test_told_nothing_it_draws_this_and_that(model):
    """Whichever class the guidance steps away from, it is the same "no class": the scale changes nothing."""
    classes = [model.nothing] * 20
    drawn = model.draw(classes, guidance=1.0, steps=10)
    assert len(set(judging.load().classifier(drawn).argmax(1).tolist())) >= 5
    assert torch.allclose(drawn, model.draw(classes, guidance=3.0, steps=10), atol=1e-3)


def test_a_digit_does_not_depend_on_its_neighbours(model):
    alone = model.draw([7], steps=5, seed=3)
    together = model.draw([1, 2, 7], steps=5, seed=1)
    assert (alone[0] - together[2]).abs().max() < 1e-3


@pytest.mark.parametrize("classes", [[-1], [11]])
def test_another_class_is_refused(model, classes):
    with pytest.raises(ValueError, match="between 0 and 10"):
        model.sample(classes)


def test_a_real_digit_goes_to_its_noise_and_comes_back(model):
    x, y = digits("test")
    x0, settings = to_signed(x[:5]), {"predicts": model.predicts, "cond": y[:5]}
    *_, up = invert(model.model.denoise, model.schedule, x0, steps=100, **settings)
    *_, down = named("ddim")(model.model.denoise, model.schedule, up.x_next, steps=100, **settings)
    assert psnr(x0, down.x_next) > 20
    assert up.x_next.std() == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize(
    "wrong",
    [{"schedule": "T"}, {"schedule": "quadratic"}, {"schedule": []}, {"T": "1000"}, {"T": -1}, {"predicts": "y"}],
)
def test_a_card_that_makes_no_sense_is_named(tmp_path, wrong):
    weights.write_card("digit_unet", weights.read_card("digit_unet") | wrong, tmp_path)
    with pytest.raises(weights.WeightsError, match="digit_unet"):
        trained_under("digit_unet", tmp_path)


def test_its_card_meets_the_bars():
    """Read as asked: 97 % at guidance 2, 90 % at 1; Fréchet distance at most 15 times that of real digits."""
    measured = weights.read_card("digit_unet")["measured"]
    assert measured["samples"] == judging.REFERENCE
    assert measured["accuracy_2"] >= 0.97
    assert measured["accuracy_1"] >= 0.90
    assert measured["frechet_1"] <= 15 * measured["frechet_real"]


def test_the_readme_says_what_the_card_says():
    measured = weights.read_card("digit_unet")["measured"]
    assert table(measured) in (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
