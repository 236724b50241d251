"""Encoder and decoder of digits: shapes, sizes, and that a code is all that a decoder knows."""

from __future__ import annotations

import pytest
import torch

from tutorial import weights
from tutorial.families.digit_vae import file_name, load
from tutorial.networks.blocks import parameter_count
from tutorial.networks.digit_vae import DigitVAE, DigitVAEConfig
from tutorial.training.digit_vae import SHIPPED


def test_a_digit_goes_to_a_gaussian_and_a_code_to_logits():
    model = DigitVAE(DigitVAEConfig(latent=3, hidden=(16, 8)))
    mean, logvar = model.encode(torch.ones(5, 1, 28, 28))
    assert mean.shape == logvar.shape == (5, 3)
    assert model.decode(mean).shape == (5, 1, 28, 28)


def test_it_has_the_parameters_of_two_perceptrons():
    """Counted by hand: a layer from a to b numbers has (a + 1) b."""
    model = DigitVAE(DigitVAEConfig(latent=2, hidden=(16, 8)))
    encoder = 785 * 16 + 17 * 8 + 9 * 4
    decoder = 3 * 8 + 9 * 16 + 17 * 784
    assert parameter_count(model) == encoder + decoder


def test_the_decoder_is_nonlinear_and_differentiable_in_the_code():
    """Its Jacobian by autograd is that of finite differences, in float64."""
    model = DigitVAE(DigitVAEConfig(latent=2, hidden=(16, 8))).double()
    z = torch.randn(1, 2, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda z: model.decode(z).flatten(), z)[:, 0]
    h = 1e-6
    for k in range(2):
        step = h * torch.eye(2, dtype=torch.float64)[k]
        slope = (model.decode(z + step) - model.decode(z - step)).flatten() / (2 * h)
        assert (jacobian[:, k] - slope).abs().max() < 1e-7
    assert not torch.allclose(model.decode(2 * z) - model.decode(0 * z), 2 * (model.decode(z) - model.decode(0 * z)))


@pytest.mark.parametrize(("latent", "beta"), SHIPPED)
def test_what_ships_loads_and_says_how_it_was_made(latent, beta):
    assert load(latent, beta).config.latent == latent
    card = weights.read_card(file_name(latent, beta))
    assert card["command"] == f"python -m tutorial.training.digit_vae --latent {latent} --beta {beta:g}"
    assert card["beta"] == beta
    assert card["measured"]["command"].startswith("python -m tutorial.training.evaluate_digit_vae")
