"""The recipe of the models with an exact density: what it leaves loads, and it stands where it is run."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tutorial import weights
from tutorial.data.toy2d import WORLDS
from tutorial.families import shipped
from tutorial.families.autoregressive import AutoregressiveConfig
from tutorial.families.flow import SHAPES
from tutorial.families.learners import AutoregressiveLearner, FlowLearner
from tutorial.training import point_likelihoods

WORLD = "two moons"


def test_it_leaves_what_loads_and_a_card_that_says_what_it_is(tmp_path):
    data, generator = WORLDS[WORLD](1000, torch.Generator().manual_seed(0)), torch.Generator().manual_seed(0)
    flow = FlowLearner(data, SHAPES["affine"], generator)
    name = shipped.flow_name(WORLD, "affine")
    point_likelihoods.ship(name, WORLD, flow, rate=1e-3, updates=2, folder=tmp_path)
    loaded, x = shipped.flow(WORLD, "affine", tmp_path), data[:50]
    assert torch.allclose(loaded.log_prob(x), flow.average.log_prob(x), atol=0.05)  # stored in half precision
    other = AutoregressiveLearner(data, AutoregressiveConfig(first=1), generator)
    name = shipped.autoregressive_name(WORLD, 1)
    point_likelihoods.ship(name, WORLD, other, rate=1e-3, updates=2, folder=tmp_path)
    assert shipped.autoregressive(WORLD, 1, tmp_path).config.first == 1
    card = weights.read_card(name, tmp_path)
    measured = card["measured"]
    assert card["command"] == point_likelihoods.COMMAND
    assert card["updates"] == 2
    assert measured["integral"] == pytest.approx(1, abs=0.01)
    assert measured["errors_above_floor"] == pytest.approx(
        measured["above_floor"] / measured["standard_error"], rel=0.02, abs=0.1
    )
    assert "inversion" not in measured  # nobody claims it of an autoregressive model
    assert 0 < weights.read_card(shipped.flow_name(WORLD, "affine"), tmp_path)["measured"]["inversion"] < 1e-4
    assert card["measured"]["nll"] == pytest.approx(
        card["measured"]["floor"] + card["measured"]["above_floor"], abs=2e-4
    )


def test_a_missing_model_is_named_with_the_command_that_makes_it(tmp_path):
    with pytest.raises(weights.WeightsError, match="flow_spline_two_moons"):
        shipped.flow(WORLD, folder=tmp_path)


def test_the_command_stands_in_the_makefile():
    makefile = (Path(__file__).parents[2] / "Makefile").read_text(encoding="utf-8")
    assert f"\t{point_likelihoods.COMMAND.replace('python -m', '$(BIN)/python -m')}\n" in makefile
