"""The lab "a game of two networks": its film, its endpoint, and what both refuse."""

from __future__ import annotations

import json
import math

import gradio as gr
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from apps.tabs.families import gan
from tutorial.data.toy2d import ring
from tutorial.families import gan_game
from tutorial.measurements import MeasurementsError
from tutorial.training import point_gan

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def client(url):
    return Client(url, verbose=False)


def test_the_lab_opens_with_the_recorded_film_and_says_so():
    note, film = gan.opening()
    assert "A recorded game, made by python -m tutorial.training.point_gan" in note
    clip = json.loads(film)
    assert clip["frames"] == gan_game.FRAMES
    assert len(film) < 500_000


def test_the_recorded_film_is_that_of_its_command():
    """The first rounds, played again."""
    shipped = point_gan.recorded()
    for frame in gan_game.game(*gan_game.data(ring().sample, 0)):
        if frame is None:
            continue
        recorded = next(one for one in shipped if one.step == frame.step)
        assert (frame.fakes - recorded.fakes).abs().max() < 0.02
        assert (frame.opinion - recorded.opinion).abs().max() < 0.02
        assert frame.loss == pytest.approx(recorded.loss, abs=1e-3)
        if frame.step > 100:
            return


def test_a_damaged_film_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(gan_game, "UPDATES", 40)
    point_gan.record(tmp_path)
    assert point_gan.recorded(tmp_path)[-1].step == 40
    content = json.loads((tmp_path / "point_gan.json").read_text())
    (tmp_path / "point_gan.json").write_text(json.dumps(content | {"fakes": content["fakes"][:40]}))
    with pytest.raises(MeasurementsError, match=r"damaged\. Make it again"):
        point_gan.recorded(tmp_path)


def test_a_game_reports_its_frames(client):
    job = client.submit(world="two moons", seed=2, api_name="/gan_game")
    said, rows = job.result(timeout=200)
    assert said == "2,000 of 2,000 rounds played"
    assert len(rows) == gan_game.FRAMES
    assert len(job.outputs()) == gan_game.FRAMES
    assert rows[-1]["energy"] < rows[0]["energy"]


def test_numbers_out_of_bounds_get_a_sentence():
    with pytest.raises(gr.Error, match=r"out of bounds\. Lower the learning rate"):
        for _ in gan.work(gan.Wish("eight Gaussians", 1e20, 0)):
            pass


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"world": "draw your own"}, "The data must be one of"),
        ({"world": ["spiral"]}, "The data must be one of"),
        ({"rate": 5}, "The learning rate must be between"),
        ({"rate": "fast"}, "The learning rate must be a number"),
        ({"seed": 1.5}, "whole number"),
        ({"seed": -1}, "The seed must be between"),
    ],
)
def test_bad_values_are_refused_in_a_sentence(client, values, sentence):
    with pytest.raises(AppError, match=sentence):
        client.predict(**values, api_name="/gan_game")


def test_nan_is_refused():
    with pytest.raises(gr.Error, match="must be a number"):
        gan.check(**gan.DEFAULTS | {"rate": math.nan})
