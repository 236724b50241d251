"""The best discriminator and the value of the game, against quadrature and torch.distributions."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal

from tutorial.data.toy2d import GaussianMixture, drawn, ring
from tutorial.gans.game import Game, Rules, Setup
from tutorial.gans.gauges import Gauges
from tutorial.gans.optimum import BLUR, blurred, game_value, log_density, optimal
from tutorial.gans.worlds import grid


def known(mixture: GaussianMixture) -> MixtureSameFamily:
    parts = MultivariateNormal(mixture.means.double(), mixture.spread**2 * torch.eye(2, dtype=torch.float64))
    return MixtureSameFamily(Categorical(mixture.weights.double()), parts)


@pytest.mark.parametrize("mixture", [ring(), grid()])
def test_the_density_of_a_mixture(mixture):
    x = mixture.sample(200, torch.Generator().manual_seed(0))
    assert torch.allclose(log_density(mixture, x).double(), known(mixture).log_prob(x.double()), atol=2e-3)


def test_the_best_discriminator_is_p_over_p_plus_q():
    generator = torch.Generator().manual_seed(0)
    fakes, x = torch.randn(100, 2, generator=generator), 2 * torch.randn(50, 2, generator=generator)
    p = known(blurred(ring())).log_prob(x.double()).exp()
    q = known(drawn(fakes, BLUR)).log_prob(x.double()).exp()
    assert torch.allclose(torch.sigmoid(optimal(ring(), fakes, x)).double(), p / (p + q), atol=1e-3)


def test_the_value_of_the_game_is_that_of_theorem_1():
    """Perfect fakes: nearly −log 4. Fakes elsewhere: nearly 0. Half the modes: as by quadrature."""
    generator = torch.Generator().manual_seed(0)
    perfect = game_value(ring(), ring().sample(4000, generator), generator)
    assert -math.log(4) - 0.02 < perfect < -math.log(4) + 0.1
    assert game_value(ring(), torch.full((400, 2), 20.0), generator) == pytest.approx(0, abs=1e-3)
    half = GaussianMixture(torch.full((4,), 0.25), ring().means[:4], ring().spread)
    places = torch.linspace(-4, 4, 400, dtype=torch.float64)
    x = torch.cartesian_prod(places, places)
    p, q = (known(blurred(mixture)).log_prob(x).exp() for mixture in (ring(), half))
    middle = (p + q) / 2
    cell = (places[1] - places[0]) ** 2
    jsd = 0.5 * cell * (torch.xlogy(p, p / middle).nansum() + torch.xlogy(q, q / middle).nansum())
    found = game_value(ring(), half.sample(4000, generator), generator)
    assert found == pytest.approx(-math.log(4) + 2 * jsd.item(), abs=0.08)


def test_gauges_read_what_is_there():
    gauges = Gauges(ring().sample, ring())
    game = Game(ring().sample, Setup(), range(3))
    game.turn()
    reading = gauges.read(game)
    fakes = game.fakes(gauges.z(game))
    seen = torch.sigmoid(game.discriminator(fakes)[..., 0]) <= 0.5
    assert torch.allclose(reading.seen_fake, seen.double().mean(1))
    assert reading.energy.shape == (3,)
    assert (reading.modes <= 8).all()
    game.rules = Rules(loss="Wasserstein")
    assert gauges.read(game).seen_real.isnan().all()
    assert Gauges(ring().sample, None).read(game).modes.isnan().all()
