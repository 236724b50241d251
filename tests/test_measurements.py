"""Recorded measurements: written with their command, refused in a sentence when damaged, and made again by it."""

from __future__ import annotations

import base64

import pytest
import torch

from tutorial import measurements
from tutorial.measurements import MeasurementsError, load, packed, read, save, unpacked
from tutorial.training import sampler_quality


def test_what_is_saved_is_loaded_with_its_command(tmp_path):
    save("speed", "make speed", {"rows": [1, 2]}, tmp_path)
    assert load("speed", needs=("rows",), folder=tmp_path) == {"command": "make speed", "rows": [1, 2]}


@pytest.mark.parametrize("text", ["", "[1]", "{}", '{"command": "x"}', "{"], ids=range(5))
def test_what_is_damaged_is_named(tmp_path, text):
    (tmp_path / "speed.json").write_text(text)
    with pytest.raises(MeasurementsError, match=r"git checkout -- assets/measurements/speed\.json"):
        load("speed", needs=("rows",), folder=tmp_path)


@pytest.mark.parametrize(
    "build",
    [
        lambda found: found["rows"]["x"],
        lambda found: found["other"],
        lambda found: int(found["endless"]),
        lambda found: unpacked("!", "<f4", (1,)),
        lambda found: unpacked(found["packed"], "<f4", (7,)),
    ],
    ids=range(5),
)
def test_what_nothing_can_be_made_of_is_damaged_and_says_how_to_make_it_again(tmp_path, build):
    save(
        "speed", "make speed", {"rows": [1], "endless": float("inf"), "packed": packed(torch.ones(3), "<f4")}, tmp_path
    )
    assert read("speed", lambda found: found["rows"], folder=tmp_path) == [1]
    with pytest.raises(MeasurementsError, match=r"speed\.json is damaged\. Make it again: `make speed`"):
        read("speed", build, folder=tmp_path)


@pytest.mark.parametrize(("kind", "bytes_each"), [("<f4", 4), ("<f2", 2), ("u1", 1)])
def test_packed_numbers_come_back_in_their_shape(kind, bytes_each):
    numbers = torch.tensor([[0.0, 1.0, 255.0], [3.0, 2.0, 7.0]])
    text = packed(numbers, kind)
    assert len(base64.b64decode(text)) == numbers.numel() * bytes_each
    assert torch.equal(unpacked(text, kind, (-1, 3)), numbers)


def test_every_shipped_measurement_has_a_command():
    for path in measurements.FOLDER.glob("*.json"):
        assert load(path.stem)["command"].startswith("python -m tutorial.")


def distances(rows: list[dict]) -> dict[tuple[str, int], float]:
    return {(row["sampler"], row["evaluations"]): row["distance"] for row in rows}


def test_the_quality_of_samplers_is_measured_again_as_it_was(tmp_path):
    """At the smallest budgets: the same distances, whatever the clock says."""
    sampler_quality.measure(tmp_path, budgets=(2, 5))
    again, shipped = load("sampler_quality", folder=tmp_path), load("sampler_quality")
    assert again["worlds"].keys() == shipped["worlds"].keys()
    for world, found in again["worlds"].items():
        few = distances(shipped["worlds"][world]["results"])
        assert distances(found["results"]) == pytest.approx(
            {key: few[key] for key in distances(found["results"])}, rel=1e-3
        )
        assert found["floor"] == pytest.approx(shipped["worlds"][world]["floor"], rel=1e-3)
    assert again["convergence"]["Heun"][0][1] == pytest.approx(shipped["convergence"]["Heun"][0][1], rel=1e-3)


@pytest.mark.slow
def test_the_quality_of_samplers_on_digits_is_measured_again_as_it_was(tmp_path):
    sampler_quality.measure_digits(tmp_path, budgets=(2,))
    again, shipped = load("sampler_quality_digits", folder=tmp_path), load("sampler_quality_digits")
    few = distances(shipped["results"])
    assert distances(again["results"]) == pytest.approx(
        {key: few[key] for key in distances(again["results"])}, rel=1e-2
    )
    assert again["floor"] == pytest.approx(shipped["floor"], rel=1e-3)


def test_what_the_chapter_says_of_ddim_and_ddpm_was_measured():
    """Each sentence on Song et al. 2021, "DDIM", table 1: where ours agrees, and where not."""
    ahead_of_ddim = 0
    for world, found in load("sampler_quality")["worlds"].items():
        points = distances(found["results"])
        assert points["DDIM", 10] < points["DDPM", 10], world
        ahead_of_ddim += points["DDPM, variance β", 10] < points["DDIM", 10]
    assert ahead_of_ddim == 3
    found = distances(load("sampler_quality_digits")["results"])
    few, many = (2, 3, 5), (50, 100)
    assert all(found["DDIM", n] < found["DDPM, variance β", n] for n in few)
    assert not all(found["DDIM", n] < found["DDPM", n] for n in few)
    assert all(found["DDPM, variance β", n] < min(found["DDPM", n], found["DDIM", n]) for n in many)
