"""What measures the contenders, on runs of no time at all."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from tutorial import measurements, weights
from tutorial.contest import denoising, search
from tutorial.contest.families import TRAININGS
from tutorial.contest.first_stage import Blurred, Sharpened
from tutorial.data.digits import digits
from tutorial.data.pixels import to_signed
from tutorial.gans.digits import unpacked
from tutorial.metrics import digits as judging
from tutorial.metrics.verdict import measured_reference
from tutorial.training import contest, contest_patch, contest_rates, evaluate_contest


@pytest.fixture(autouse=True)
def small(monkeypatch, one_thread):
    sizes = {
        "SAMPLES": 100,
        "FEW": 40,
        "AT_ONCE": 50,
        "WEIGHED": 20,
        "INVERTED": 3,
        "FILLED": 3,
        "TIMED": 4,
        "TRIES": 1,
    }
    for name, value in sizes.items():
        monkeypatch.setattr(evaluate_contest, name, value)
    monkeypatch.setattr(evaluate_contest, "FEW_STEPS", (1, 2))
    monkeypatch.setattr(search, "STEPS", 5)
    monkeypatch.setattr(denoising, "THERE_AND_BACK", 4)
    for kind in (*TRAININGS.values(), Blurred, Sharpened):
        monkeypatch.setattr(kind, "batch", 8)


@pytest.fixture(scope="module")
def known():
    *_, found = measured_reference(judging.load().classifier)
    return found


def test_a_run_is_measured_once_and_again_if_it_is_another(known, tmp_path, monkeypatch):
    contest.train("gan", 0, seconds=1, folder=contest.run_folder("gan", 0, tmp_path))
    found = evaluate_contest.measured(known, "gan", 0, tmp_path)
    assert found["n"] == 100
    assert {"frechet", "precision", "recall", "accuracy", "variety", "seconds_a_picture", "round_trip"} <= found.keys()
    assert "nats" not in found and "few_steps" not in found
    monkeypatch.setattr(evaluate_contest, "measure", lambda *_: {"n": 0})
    assert evaluate_contest.measured(known, "gan", 0, tmp_path) == found
    path = contest.run_folder("gan", 0, tmp_path) / "contest_gan.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"steps": -1}))
    assert evaluate_contest.measured(known, "gan", 0, tmp_path) == {"n": 0}


def test_the_record_holds_every_run_with_its_command_and_its_sheet(tmp_path, monkeypatch):
    monkeypatch.setattr(evaluate_contest, "TRAININGS", {name: TRAININGS[name] for name in ("vae", "pixel_diffusion")})
    monkeypatch.setattr(evaluate_contest, "SEEDS", (0, 1))
    assets = tmp_path / "assets"
    for family in ("vae", "pixel_diffusion"):
        for seed in (0, 1):
            where, ships = contest.run_folder(family, seed, tmp_path), None if seed else assets
            contest.train(family, seed, seconds=0.5, folder=where, assets=ships)
    evaluate_contest.record(tmp_path, tmp_path / "to", tmp_path / "figures" / "contest.png", assets)
    found = measurements.load("contest", needs=("families", "real", "budget"), folder=tmp_path / "to")
    for family, about in found["families"].items():
        assert [run["command"] for run in about["runs"]] == [contest.command(family, k, seconds=0.5) for k in (0, 1)]
        assert all(run["nats"]["standard_error"] > 0 for run in about["runs"])
        assert unpacked(about["sheets"]).shape == (2, 280, 280)
    card = weights.read_card("contest_vae", assets)
    assert card["measured"]["frechet"] == found["families"]["vae"]["runs"][0]["frechet"]
    steps = found["families"]["pixel_diffusion"]["runs"][0]["few_steps"]
    assert [row["steps"] for row in steps] == [1, 2]
    assert found["real"]["accuracy"] > 0.95
    assert (tmp_path / "figures" / "contest.png").stat().st_size > 1000


def test_rates_cover_three_decades_and_each_has_three_seeds():
    every = contest_rates.runs()
    assert len(set(every)) == 2 * 7 * 3
    for family in contest_rates.FAMILIES:
        rates = sorted({rate for name, rate, _ in every if name == family})
        assert math.log10(rates[-1] / rates[0]) == pytest.approx(3, abs=0.01)
        assert rates[3] == pytest.approx(TRAININGS[family].rate)


def test_a_training_that_diverges_has_no_scores(known, tmp_path, monkeypatch):
    run = ("gan", 1e-3, 0)
    trained = contest.train("gan", 0, rate=1e-3, seconds=0.5, folder=contest_rates.run_folder(run, tmp_path))
    found = contest_rates.quality(known, run, tmp_path, seconds=0.5, samples=100)
    assert found["command"].endswith("--family gan --seed 0 --rate 0.001 --seconds 0.5")
    assert found["frechet"] > 0
    other = ("gan", 1e-2, 0)
    trained.generator.last.bias[0] = math.nan
    monkeypatch.setattr(contest, "train", lambda *_, **settings: trained)
    monkeypatch.setattr(contest, "card_of", lambda family, where: found)
    contest_rates.run_folder(other, tmp_path).mkdir(parents=True)
    assert "frechet" not in contest_rates.quality(known, other, tmp_path, seconds=0.5, samples=100)


def test_the_patch_record_compares_both_with_real_digits(tmp_path, monkeypatch):
    monkeypatch.setattr(contest_patch, "SEEDS", (0,))
    monkeypatch.setattr(contest_patch, "JUDGED", 60)
    contest_patch.record(0.5, tmp_path, tmp_path)
    found = measurements.load("contest_patch", needs=("runs", "real"), folder=tmp_path)
    assert [run["patch"] for run in found["runs"]] == ["off", "on"]
    assert unpacked(found["sheets"]).shape == (3, 280, 280)
    assert found["real"]["edges"] > 0


def test_edges_and_the_signal_to_noise_ratio_are_what_numpy_says():
    x = to_signed(digits("test")[0][:3])
    array = x.numpy().astype(np.float64)
    expected = (np.diff(array, axis=3) ** 2).mean((1, 2, 3)) / 2 + (np.diff(array, axis=2) ** 2).mean((1, 2, 3)) / 2
    assert contest_patch.edges(x).numpy() == pytest.approx(expected, rel=1e-5)
    other = x + 0.1 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    mse = ((other.numpy() - array) ** 2).mean()
    assert contest_patch.psnr(x, other) == pytest.approx(10 * np.log10(4 / mse), rel=1e-5)
