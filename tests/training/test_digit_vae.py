"""The recipe of the autoencoders of digits, and what measures them."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from tutorial import weights
from tutorial.data.digits import black_and_white
from tutorial.families.digit_vae import file_name
from tutorial.networks.digit_vae import DigitVAE, DigitVAEConfig
from tutorial.training import digit_vae, evaluate_digit_vae
from tutorial.training.cards import called, rounded, with_error

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Recipes write checkpoints below the working directory."""
    monkeypatch.chdir(tmp_path)


def test_it_trains_and_saves_what_loads_again(tmp_path):
    trained = digit_vae.train(2, 3.0, 3, batch=32, folder=tmp_path / "run", assets=tmp_path)
    loaded = weights.load(file_name(2, 3.0), tmp_path)
    for before, after in zip(trained.parameters(), loaded.parameters(), strict=True):
        assert torch.allclose(before, after, atol=1e-3)
    card = weights.read_card(file_name(2, 3.0), tmp_path)
    assert card["beta"] == 3.0
    assert card["command"] == "python -m tutorial.training.digit_vae --latent 2 --beta 3"


def test_an_interrupted_run_ends_as_a_whole_one(tmp_path, monkeypatch):
    whole = digit_vae.train(2, 1.0, 6, batch=32, folder=tmp_path / "whole", assets=tmp_path)
    real = digit_vae.fit

    def interrupted(*args, **settings):
        for step in real(*args, **settings, save_every=3):
            yield step
            if step.i == 3:
                raise KeyboardInterrupt

    monkeypatch.setattr(digit_vae, "fit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        digit_vae.train(2, 1.0, 6, batch=32, folder=tmp_path / "cut", assets=tmp_path)
    monkeypatch.setattr(digit_vae, "fit", real)
    resumed = digit_vae.train(2, 1.0, 6, batch=32, folder=tmp_path / "cut", assets=tmp_path)
    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)


def test_what_is_measured_is_consistent():
    """On a network that knows nothing: the parts add up, and the weighted bound lies between the ELBO and log p(x)."""
    torch.manual_seed(0)
    model = DigitVAE(DigitVAEConfig(latent=2, hidden=(16, 8))).requires_grad_(False)
    x = black_and_white()[:40]
    found = evaluate_digit_vae.measure(model, x, evaluate_digit_vae.bound(model, x), weighed=40, k=200, exact=40)
    assert found["elbo"]["mean"] == pytest.approx(found["reconstruction"]["mean"] - found["kl"]["mean"], abs=1e-3)
    assert found["exact"]["log_evidence"]["mean"] == pytest.approx(
        found["exact"]["elbo"]["mean"] + found["exact"]["gap"]["mean"], abs=0.1
    )
    above = found["importance"]["above_elbo"]["mean"]
    assert -0.05 < above < found["exact"]["gap"]["mean"] + 0.05
    assert found["frechet_samples"] > found["frechet_real"]


def test_errors_are_those_of_a_mean():
    found = with_error(torch.tensor([1.0, 2.0, 3.0, 6.0]))
    assert found["mean"] == 3.0
    assert found["standard_error"] == pytest.approx(math.sqrt(14 / 3) / 2)


def test_a_card_has_six_digits_and_the_command_that_measures_again():
    assert rounded({"a": {"b": 1.23456789}, "n": 3, "name": "x"}) == {"a": {"b": 1.23457}, "n": 3, "name": "x"}
    assert called("measure", {"digits": 5, "times": 3}, {"digits": 10, "times": 3}) == "measure --digits 5"


def test_all_models_are_measured_by_the_same_random_numbers():
    """Else the difference of two bounds would have the dice of both in its error."""
    torch.manual_seed(0)
    model = DigitVAE(DigitVAEConfig(latent=2, hidden=(16, 8))).requires_grad_(False)
    x = black_and_white()[:20]
    assert torch.equal(evaluate_digit_vae.bound(model, x).elbo, evaluate_digit_vae.bound(model, x).elbo)


def test_real_digits_are_judged_alike_whatever_the_model():
    torch.manual_seed(0)
    small = [DigitVAE(DigitVAEConfig(latent=latent, hidden=(8,))).requires_grad_(False) for latent in (2, 5)]
    one, other = (evaluate_digit_vae.look_alike(model)["frechet_real"] for model in small)
    assert one == other


def test_make_trains_and_evaluates_them():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in (digit_vae.COMMAND, evaluate_digit_vae.COMMAND):
        assert f"\t{command.replace('python -m', '$(BIN)/python -m')}\n" in makefile
