"""The recording of the chapter "Two kinds of models", made small, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from tutorial import measurements
from tutorial.data.digits import digits
from tutorial.data.principal import FITTED, zeros_and_ones, zeros_and_ones_components
from tutorial.training import two_kinds
from tutorial.two_kinds import kinds, novelty
from tutorial.two_kinds.learning_curves import AMOUNTS, CONTENDERS, LOGISTIC, MIXTURE, PAIRS, SIZES


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("measured")
    two_kinds.measure(folder, repeats=2, fits=1)
    return measurements.load("two_kinds", needs=("repeats", "fitted", "fits", "learning", "spaces"), folder=folder)


def test_every_pair_and_space_is_measured(recorded):
    assert recorded["command"] == two_kinds.COMMAND
    assert (recorded["repeats"], recorded["fits"], recorded["fitted"]) == (2, 1, FITTED)
    assert list(recorded["learning"]) == [f"{first} and {second}" for first, second in PAIRS]
    for found in recorded["learning"].values():
        assert {name: [band["examples"] for band in rows] for name, rows in found["labelled"].items()} == {
            name: list(SIZES) for name in CONTENDERS
        }
        assert {name: [band["examples"] for band in rows] for name, rows in found["unlabelled"].items()} == {
            name: list(AMOUNTS) for name in (MIXTURE, LOGISTIC)
        }
        assert [band["examples"] for band in found["lead"]] == list(SIZES)
    for space in recorded["spaces"].values():
        assert list(space["novelty"]) == list(novelty.SCORES)
        assert [row["model"] for row in space["effort"]] == [*kinds.DISCRIMINATIVE, *kinds.GENERATIVE]


def test_the_recorded_curve_is_that_of_scikit_learns_doubt(recorded):
    pictures, labels = digits("test")
    known, at = zeros_and_ones("training", 10), zeros_and_ones_components(10).project(pictures).double().numpy()
    theirs = LogisticRegression(tol=1e-8).fit(known.points[:FITTED].double().numpy(), known.labels[:FITTED].numpy())
    area = roc_auc_score((labels > 1).numpy(), -np.abs(theirs.decision_function(at)))
    curve = recorded["spaces"]["10"]["novelty"]["logistic regression"]
    assert curve["area"] == pytest.approx(area, abs=2e-3)
    assert np.trapezoid(curve["found"], curve["false_alarms"]) == pytest.approx(area, abs=5e-3)
