"""The lab "diagram": its endpoint, and what it refuses."""

from __future__ import annotations

import math

import gradio as gr
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from apps.tabs.gan import data, lab
from apps.tabs.gan.settings import DEFAULTS, check
from tests.alone import alone
from tests.apps.gan_stage import BENT
from tutorial.gans.game import Game

pytestmark = pytest.mark.usefixtures("one_thread")
BAD = [
    ({"world": "checkerboard"}, "The data must be one of"),
    ({"world": ["spiral"]}, "The data must be one of"),
    ({"world": "draw your own"}, "Draw at least 3 different points"),
    ({"world": "draw your own", "points": [[0, 0], [1, 1]] * 20}, "Draw at least 3 different points"),
    ({"points": [[0, 0], [1, 1]]}, "Points are for the data"),
    ({"world": "draw your own", "points": [[0, 0], [9, 1]]}, "A point.s coordinate must be between"),
    ({"noise": 3}, "The noise must be between"),
    ({"shape": "Cauchy"}, "The kind of noise must be one of"),
    ({"generator_layers": 4}, "hidden layers must be between"),
    ({"discriminator_width": 65}, "neurons must be between"),
    ({"generator_width": 4.5}, "whole number"),
    ({"pack": "yes"}, "PacGAN must be on or off"),
    ({"spectral": 1}, "Spectral norm must be on or off"),
    ({"averaged": None}, "Average must be on or off"),
    ({"loss": "hinge"}, "The loss must be one of"),
    ({"optimiser": "LBFGS"}, "The optimiser must be one of"),
    ({"rate_d": 0}, "learning rate must be between"),
    ({"rate_g": "fast"}, "learning rate must be a number"),
    ({"k_d": 6}, "updates in a turn must be between"),
    ({"batch": 151}, "The batch must be even"),
    ({"r1": -1}, "The weight of R1 must be between"),
    ({"seed": -1}, "The seed must be between"),
    ({"turns": 20_001}, "The number of turns must be between"),
    ({"optimiser": "SGD", "rate_d": 1, "rate_g": 1, "loss": "least squares", "turns": 5000}, "out of bounds"),
]


@pytest.fixture(scope="module")
def client():
    with alone(lab.lab) as address:
        yield Client(address, verbose=False)


def test_the_endpoint_reports_while_it_trains_and_at_its_end(client):
    job = client.submit(turns=300, seed=3, api_name="/gan_train")
    text, found = job.result(timeout=120)
    assert text.startswith("turn 300 · ")
    assert found["turns"] == 300
    assert {"loss_d", "loss_g", "slope_d", "slope_g", "seen_real", "seen_fake", "modes", "value"} <= found.keys()
    game = Game(data.draw("eight Gaussians"), check(**DEFAULTS).setup.setup, [3], check(**DEFAULTS).rules)
    for _ in range(300):
        game.turn()
    assert found["loss_d"] == pytest.approx(game.loss_d.item(), rel=1e-3)


def test_the_endpoint_takes_points_and_says_only_what_can_be_said(client):
    _, found = client.predict(world="draw your own", points=BENT, loss="Wasserstein", turns=20, api_name="/gan_train")
    assert not {"modes", "high_quality", "seen_real", "seen_fake"} & found.keys()
    assert all(math.isfinite(value) for value in found.values())


@pytest.mark.parametrize(("chosen", "sentence"), BAD)
def test_bad_values_are_refused_in_a_sentence(client, chosen, sentence):
    with pytest.raises(AppError, match=sentence):
        client.predict(**{"turns": 1} | chosen, api_name="/gan_train")


@pytest.mark.parametrize("name", ["rate_d", "batch", "r1", "seed", "k_g"])
def test_nan_is_refused(name):
    with pytest.raises(gr.Error, match="must be a number"):
        check(**DEFAULTS | {name: math.nan})
