"""The VAE's bounds, against the integral over codes where there is one number in a code."""

from __future__ import annotations

import math

import pytest
import torch

from tutorial.contest import grey
from tutorial.contest.vae import ContestVAE, ContestVAEConfig
from tutorial.data.digits import digits
from tutorial.families.elbo import importance_bound


@pytest.fixture(scope="module")
def setting():
    torch.manual_seed(0)
    model = ContestVAE(ContestVAEConfig(latent=1, width=4, mixture=2)).eval().requires_grad_(False)
    pixels, y = (part[:2] for part in digits("test"))
    z = torch.linspace(-8, 8, 4001)
    joint = [
        grey.log_probability(model.likely(z[:, None], y[k].expand(len(z))), pixels[k].expand(len(z), -1, -1, -1))
        .flatten(1)
        .double()
        .sum(1)
        - z.double().square() / 2
        - math.log(2 * math.pi) / 2
        for k in range(2)
    ]
    exact = torch.stack([torch.logsumexp(one, 0) + math.log(16 / 4000) for one in joint])
    return model, pixels, y, exact


def test_the_bound_is_below_the_likelihood_and_the_importance_weighted_one_between(setting):
    model, pixels, y, exact = setting
    log_w = model.log_weights(pixels, y, torch.Generator().manual_seed(0), 2000).double()
    elbo, between = log_w.mean(0), importance_bound(log_w, 500)
    assert (elbo < between).all()
    assert (between < exact + 0.05).all()
    assert (exact - elbo > 0.01).all()


def test_the_closed_form_of_the_kl_gives_the_same_bound(setting):
    model, pixels, y, _ = setting
    dice = torch.Generator().manual_seed(1)
    found = torch.stack([model.log_likelihood(pixels, y, dice) for _ in range(400)]).double()
    log_w = model.log_weights(pixels, y, dice, 2000).double()
    error = (found.var(0) / 400 + log_w.var(0) / 2000).sqrt()
    assert ((found.mean(0) - log_w.mean(0)).abs() < 5 * error + 1e-3).all()
