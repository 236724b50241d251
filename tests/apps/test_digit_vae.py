"""The labs on the autoencoder of digits: what their endpoint and handlers answer, and what they refuse."""

from __future__ import annotations

import base64
import json

import gradio as gr
import numpy as np
import pytest
import torch
from gradio_client import Client
from gradio_client.exceptions import AppError
from scipy.stats import norm
from torch.distributions import Normal, kl_divergence

from apps import live, models, player
from apps.tabs.families import latent_codes, latent_gap, latent_pictures, latent_rate
from tutorial import weights
from tutorial.data.toy2d import lattice
from tutorial.families.digit_evidence import evidence
from tutorial.families.digit_vae import BETAS, evenly_along, file_name, quantiles


@pytest.fixture(scope="module")
def client(url):
    return Client(url, verbose=False)


def test_a_code_is_decoded(client):
    picture, numbers = client.predict(z=[0.3, -0.7], beta=10, api_name="/vae_latent")
    expected = models.digit_vae(10.0).decode(torch.tensor([[0.3, -0.7]])).sigmoid()[0, 0]
    assert np.allclose(picture, expected, atol=1e-6)
    assert numbers["log_prior"] == pytest.approx(norm.logpdf([0.3, -0.7]).sum(), abs=1e-5)
    assert set(numbers) == {"z1", "z2", "log_prior"}


@pytest.mark.parametrize(("digit", "beta", "k"), [(7, 0.1, 1), (5, 1, 100), (7, 10, 1000)])
def test_a_digit_gets_its_bound_its_parts_and_the_truth(client, digit, beta, k):
    picture, numbers = client.predict(digit=digit, beta=beta, k=k, api_name="/vae_latent")
    assert np.shape(picture) == (28, 28)
    assert numbers["label"] == latent_pictures.labels()[digit]
    assert numbers["elbo"] == pytest.approx(numbers["reconstruction"] - numbers["kl"], abs=1e-9)
    assert (numbers["elbo"] == numbers["bound"]) if k == 1 else (numbers["elbo"] < numbers["bound"])
    assert numbers["bound"] < numbers["log_evidence"] + 6 * numbers["bound_error"] + 2e-3
    exact = numbers["log_evidence"] - numbers["gap"]
    assert abs(numbers["elbo"] - exact) < 6 * numbers["elbo_error"] + 2e-3
    mean, logvar = models.digit_vae(float(beta)).encode(latent_pictures.shown()[digit : digit + 1])
    q = Normal(mean, (0.5 * logvar).exp())
    assert numbers["kl"] == pytest.approx(kl_divergence(q, Normal(0.0, 1.0)).sum().item(), rel=1e-5)


@pytest.mark.parametrize("k", [2, 10, 50])
def test_the_elbo_is_never_above_the_bound_and_both_say_how_far_to_trust_them(k):
    """Weights whose logarithms are normal: E log w = 0, and log of the mean of w is 1/2 in the limit."""
    answers = [
        latent_codes.bounds(torch.randn(1000, generator=torch.Generator().manual_seed(seed)), k) for seed in range(200)
    ]
    assert all(answer["elbo"] < answer["bound"] < 0.8 for answer in answers)
    for name in ("elbo", "bound"):
        spread = np.std([answer[name] for answer in answers])
        assert np.mean([answer[f"{name}_error"] for answer in answers]) == pytest.approx(spread, rel=0.2)


BAD = [
    ({}, "Give either a code"),
    ({"z": [0, 0], "digit": 3}, "Give either a code"),
    ({"z": [0, 0, 0]}, "pair of numbers"),
    ({"z": "here"}, "pair of numbers"),
    ({"z": ["a", "b"]}, "must be a number"),
    ({"z": [1e9, 0]}, "must be between"),
    ({"z": [0, 0], "beta": 2}, "β must be one of"),
    ({"z": [0, 0], "beta": "1"}, "must be a number"),
    ({"digit": 1000}, "between 0 and 999"),
    ({"digit": 1.5}, "whole number"),
    ({"digit": 3, "k": 100_000}, "between 1 and 1,000"),
    ({"digit": 3, "seed": -1}, "must be between"),
]


@pytest.mark.parametrize(("values", "sentence"), BAD, ids=range(len(BAD)))
def test_bad_values_are_refused_in_a_sentence(client, values, sentence):
    with pytest.raises(AppError, match=sentence):
        client.predict(**values, api_name="/vae_latent")


@pytest.mark.parametrize("path", [None, "walk", [], [[0, float("nan")]], [[0]], [[99, 0]], [[0, 0]] * 100_000])
def test_walks_that_are_none_are_refused(path):
    with pytest.raises(gr.Error):
        latent_codes.checked_path(path)


def test_a_point_walks_on_from_where_the_last_walk_ended():
    def event(points):
        return gr.EventData(None, {"points": points})

    assert latent_codes.stroke([[0, 0], [1, 1]], event([[2.0, 2.0]])) == [[1, 1], [2, 2]]
    assert latent_codes.stroke([[0, 0], [1, 1]], event([[2.0, 2.0], [3.0, 0.0]])) == [[2, 2], [3, 0]]
    with pytest.raises(gr.Error):
        latent_codes.stroke([[0, 0]], event("everywhere"))


def test_places_along_a_walk_are_equally_far_apart():
    corner = torch.tensor([[0.0, 0.0], [3.0, 0.0], [3.0, 1.0]])
    places = evenly_along(corner, 9)
    assert torch.allclose(places[[0, 6, 8]], corner, atol=1e-6)
    assert torch.allclose(places.diff(dim=0).norm(dim=1), torch.full((8,), 0.5), atol=1e-6)
    assert torch.equal(evenly_along(corner[:1], 4), corner[:1].expand(4, 2))
    same = torch.zeros(5, 2)
    assert torch.equal(evenly_along(same, 3), torch.zeros(3, 2))


def test_the_wall_shares_the_prior_and_the_lattice_covers_the_map():
    assert np.allclose(quantiles(3)[:3], [(x, norm.ppf(5 / 6)) for x in norm.ppf([1 / 6, 0.5, 5 / 6])], atol=1e-5)
    assert torch.allclose(lattice(2, 3.0), torch.tensor([[-1.5, 1.5], [1.5, 1.5], [-1.5, -1.5], [1.5, -1.5]]))


def layers(clip: str, panel: int) -> list[dict]:
    return json.loads(clip)["panels"][panel]["layers"]


def values(layer: dict) -> np.ndarray:
    return np.frombuffer(base64.b64decode(layer["data"]), "<f4").reshape(layer["shape"])


def test_the_map_highlights_one_kind_of_digit():
    wish = latent_codes.check(1, "3", 4, 0)
    others, meant = layers(latent_codes.picture(wish, latent_codes.CIRCLE), 0)[:2]
    labels = latent_pictures.labels()
    assert meant["shape"][1] == labels.count(3)
    assert all(note.startswith("a 3") for note in meant["notes"])
    assert others["shape"][1] + meant["shape"][1] == latent_pictures.DIGITS
    k = int(meant["notes"][0].split()[-1])
    mean, _ = models.digit_vae(1.0).encode(latent_pictures.shown()[k : k + 1])
    assert np.allclose(values(meant)[0, 0], mean[0], atol=1e-5)


@pytest.mark.parametrize("beta", BETAS)
def test_all_codes_are_on_the_map_and_on_the_prior_scale(beta):
    assert np.abs(latent_codes.codes(beta)).max() <= latent_codes.reach(beta)
    clip = latent_codes.picture(latent_codes.check(beta, "all", 0, 0), [[0.0, 0.0]])
    assert len(clip) < 500_000


def test_a_lens_needs_full_rows():
    with pytest.raises(ValueError, match="full rows"):
        player.lens(np.zeros((5, 28, 28, 3), np.uint8), 2, follows=0)


def test_bounds_in_the_gap_lab_rise_between_the_dashed_lines():
    *_, (_, clip) = filter(None, latent_gap.work(latent_gap.check(4, 10, 0)))
    looks = [(layer["colour"], layer.get("dashed", False)) for layer in layers(clip, 1)]
    assert len(set(looks)) == len(looks)  # no two can be taken for each other
    top, bottom, _, bound = (values(layer)[0, :, 1] for layer in layers(clip, 1))
    assert bound[0] == pytest.approx(bottom[0], abs=1.0)
    assert bound[-1] == pytest.approx(top[0], abs=0.3)
    assert (np.diff(bound) > -0.05).all()
    assert top[0] - bottom[0] > 1  # at this β the encoder is far off


def test_the_posterior_on_the_map_is_a_density():
    """The heat map's cells, times their size, hold as much as the note says."""
    wish = latent_gap.check(4, 1, 0)
    model, x = models.digit_vae(1.0), latent_pictures.shown()[4:5]
    (known,) = evidence(model, x)
    _, held = latent_gap.posterior(model, x, known, wish.seed)
    assert held == pytest.approx(1, abs=0.01)


def test_the_rate_lab_shows_what_the_cards_say():
    clip = latent_rate.opening()
    shown = values(layers(clip, 0)[1])[0]
    for (rate, distortion), beta in zip(shown, BETAS, strict=True):
        measured = weights.read_card(file_name(2, beta))["measured"]
        assert rate == pytest.approx(measured["kl"]["mean"], rel=1e-5)
        assert distortion == pytest.approx(-measured["reconstruction"]["mean"], rel=1e-5)


def test_a_training_walks_towards_the_recorded_runs_and_can_be_turned():
    bench: latent_rate.Bench = live.Bench()
    bench.settings = latent_rate.check(1, 0.002, 64, 0)
    work = live.work(bench, latent_rate.Run, lambda run: run.train(lambda: bench.settings.knobs), seconds=3)
    looks = [part for part in work if part is not None]
    run, last = looks[-1]
    assert last.elbo > looks[0][1].elbo + 100
    assert "Recorded, after" in latent_rate.told(run, last)
    drawn = layers(latent_rate.picture(run, "note"), 0)
    assert [layer["colour"] for layer in drawn] == ["exact", "generated", "field", "field"]
    assert values(drawn[-1])[0, 0] == pytest.approx([last.rate, last.distortion], rel=1e-4)
    bench.settings = latent_rate.check(10, 0.002, 64, 0)
    again = live.placed(bench, latent_rate.Run)
    assert again is not run
    assert again.training.step == 0


@pytest.mark.parametrize(("rate", "distortion"), [(0.1, 544.3), (0.3, 172.0), (25.0, 60.0)])
def test_the_axes_grow_to_hold_a_visitors_run(rate, distortion):
    run = latent_rate.Run(latent_rate.Setup(10.0, 0))
    run.way = [latent_rate.Point(0, 0.0, 545.0), latent_rate.Point(9, rate, distortion)]
    own, recorded = (latent_rate.plane(each) for each in (run, None))
    assert own["x"][0] < rate < own["x"][1]
    assert own["y"][0] < distortion < own["y"][1]
    for axis in ("x", "y"):  # and they hold what they held
        assert own[axis][0] <= recorded[axis][0] < recorded[axis][1] <= own[axis][1]
    run.way.append(latent_rate.recorded()[-1])
    assert latent_rate.plane(run)["y"] == recorded["y"]


def test_a_training_that_ran_out_of_bounds_is_refused_after_pause_too():
    bench: latent_rate.Bench = live.Bench()
    bench.settings = latent_rate.check(1, 0.002, 64, 0)
    run = live.placed(bench, latent_rate.Run)
    assert "0 updates" in json.loads(latent_rate.paused(bench))["note"]
    next(run.training.model.parameters()).data.fill_(float("nan"))
    with pytest.raises(gr.Error, match="Lower the learning rate"):
        latent_rate.paused(bench)
    assert len(run.way) == 1
    assert "nan" not in latent_rate.picture(run, "note")


def test_a_training_hands_on_finished_pictures(monkeypatch):
    """They are part of the work that takes turns, not made after it."""
    monkeypatch.setattr(latent_rate, "AT_A_TIME", 1.0)
    bench: latent_rate.Bench = live.Bench()
    bench.settings = latent_rate.check(1, 0.002, 64, 0)
    clips = [part for part in latent_rate.trained(bench) if part is not None]
    assert len(clips) > 1
    assert all("updates" in json.loads(clip)["note"] for clip in clips)


def test_the_gap_lab_draws_no_error_from_fewer_than_ten_groups():
    assert latent_gap.CODES / latent_gap.KS[-1] >= 10
    *_, (_, clip) = filter(None, latent_gap.work(latent_gap.check(**latent_gap.DEFAULTS)))
    assert f"from {latent_gap.CODES:,} codes" in json.loads(clip)["note"]


@pytest.mark.parametrize(
    "settings", [(2, 0.002, 64, 0), (1, 9, 64, 0), (1, float("nan"), 64, 0), (1, 0.002, 1e6, 0), (1, 0.002, 64, "x")]
)
def test_settings_of_a_training_that_are_out_of_bounds_are_refused(settings):
    with pytest.raises(gr.Error):
        latent_rate.check(*settings)
