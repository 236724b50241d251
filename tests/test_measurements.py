"""Recorded measurements: written with their command, refused in a sentence when damaged, and made again by it."""

from __future__ import annotations

import pytest

from tutorial import measurements
from tutorial.measurements import MeasurementsError, load, save
from tutorial.training import sampler_quality


def test_what_is_saved_is_loaded_with_its_command(tmp_path):
    save("speed", "make speed", {"rows": [1, 2]}, tmp_path)
    assert load("speed", needs=("rows",), folder=tmp_path) == {"command": "make speed", "rows": [1, 2]}


@pytest.mark.parametrize("text", ["", "[1]", "{}", '{"command": "x"}', "{"], ids=range(5))
def test_what_is_damaged_is_named(tmp_path, text):
    (tmp_path / "speed.json").write_text(text)
    with pytest.raises(MeasurementsError, match=r"git checkout -- assets/measurements/speed\.json"):
        load("speed", needs=("rows",), folder=tmp_path)


def test_every_shipped_measurement_has_a_command():
    for path in measurements.FOLDER.glob("*.json"):
        assert load(path.stem)["command"].startswith("python -m tutorial.")


def test_the_quality_of_samplers_is_measured_again_as_it_was(tmp_path):
    """At the smallest budgets: the same distances, whatever the clock says."""
    sampler_quality.measure(tmp_path, budgets=(2, 5))
    again, shipped = load("sampler_quality", folder=tmp_path), load("sampler_quality")
    few = {(row["sampler"], row["evaluations"]): row["distance"] for row in shipped["results"]}
    for row in again["results"]:
        assert row["distance"] == pytest.approx(few[row["sampler"], row["evaluations"]], rel=1e-3)
    assert again["floor"] == pytest.approx(shipped["floor"], rel=1e-3)
    assert again["convergence"]["Heun"][0][1] == pytest.approx(shipped["convergence"]["Heun"][0][1], rel=1e-3)
