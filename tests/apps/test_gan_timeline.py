"""The lab "timeline" and its endpoint: what they show, what they answer, and what they refuse."""

from __future__ import annotations

import base64
import io
import json
import re
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
import torch
from gradio_client import Client
from gradio_client.exceptions import AppError
from PIL import Image

from apps import models
from apps.tabs.gan import timeline, timeline_panels
from apps.tabs.gan.timeline import DEFAULTS, MANY, WALK, check, work
from tests.alone import alone
from tests.apps.gan_stage import floats
from tutorial import measurements
from tutorial.gans.digits import SETTINGS, draw, load, recorded
from tutorial.metrics import digits as judging


@pytest.fixture(scope="module")
def client():
    with alone(timeline.lab) as address:
        yield Client(address, verbose=False)


def sheet(layer: dict) -> np.ndarray:
    """The tiles of an image layer, (T, H, W)."""
    with Image.open(io.BytesIO(base64.b64decode(layer["data"]))) as picture:
        grey = np.array(picture.convert("L"))
    columns, tiles = layer["columns"], layer["tiles"]
    rows = -(-tiles // columns)
    h, w = grey.shape[0] // rows, grey.shape[1] // columns
    return grey.reshape(rows, h, columns, w).swapaxes(1, 2).reshape(-1, h, w)[:tiles]


def last(wish: timeline.Wish) -> dict:
    *_, clip = work(wish)
    assert clip is not None
    return json.loads(clip)


def test_the_endpoint_draws_what_the_generator_draws(client):
    pictures, read, milliseconds = client.predict(digit=7, seed=3, n=5, api_name="/gan_digits")
    x = draw(load(), torch.full((5,), 7), seed=3)
    assert np.array(pictures) == pytest.approx((x[:, 0].numpy() + 1) / 2, abs=1e-4)
    with torch.no_grad():
        assert read == judging.load().classifier(x).argmax(1).tolist()
    assert 0 < milliseconds < 5000


BAD = [
    ({"digit": 10}, "between 0 and 9"),
    ({"digit": 2.5}, "whole number"),
    ({"digit": "three"}, "must be a number"),
    ({"n": 0}, "between 1 and 100"),
    ({"n": 101}, "between 1 and 100"),
    ({"seed": -1}, "must be between"),
    ({"seed": 2**31}, "must be between"),
    ({"seed": True}, "must be a number"),
]


@pytest.mark.parametrize(("values", "sentence"), BAD, ids=range(len(BAD)))
def test_bad_values_are_refused_in_a_sentence(client, values, sentence):
    with pytest.raises(AppError, match=sentence):
        client.predict(**values, api_name="/gan_digits")


@pytest.mark.parametrize(
    ("name", "value"),
    [("run", "happy"), ("run", ["healthy"]), ("shows", None), ("digit", float("nan")), ("seed", 0.5), ("other", "one")],
)
def test_the_lab_refuses_them_too(name, value):
    with pytest.raises(gr.Error, match=r"must be"):
        check(**DEFAULTS | {name: value})


@pytest.mark.parametrize("run", SETTINGS)
def test_a_film_shows_what_was_recorded(run):
    record = recorded()
    known, clip = record.films[run], json.loads(timeline.film(run))
    assert clip["frames"] == len(known.steps) == len(clip["labels"])
    seconds = known.steps[-1] * record.ms_a_round / 1000
    assert clip["labels"][-1] == f"round {known.steps[-1]:,} · {seconds:.0f} s"
    assert f"--run {run}" in clip["note"]
    pictures, distance, fidelity, feedback, *_ = clip["panels"]
    shown = sheet(pictures["layers"][0])
    assert np.array_equal(shown, known.sheets)
    drawn, floor = map(floats, distance["layers"])
    assert drawn[0, :, 0].tolist() == known.steps
    assert drawn[0, :, 1] == pytest.approx(np.array(known.numbers["frechet"]), rel=1e-5)
    assert floor[0, :, 1] == pytest.approx([record.real["frechet"]] * 2)
    assert distance["y"][3] == "log"
    by_name = {layer["name"]: floats(layer)[0, :, 1] for layer in (*fidelity["layers"], *feedback["layers"])}
    assert by_name["recall"] == pytest.approx(known.numbers["recall"])
    assert by_name["random feedback"].tolist() == [0.5, 0.5]
    assert len(timeline.film(run)) < 700_000


def test_the_losses_begin_after_the_first_rounds():
    """At round 0 nothing has been lost yet; the marker waits at the first number."""
    known = recorded().films["healthy"]
    layer = timeline_panels.losses(known)["layers"][0]
    assert floats(layer)[0, 0, 0] == known.steps[1]
    assert layer["marker"][:3] == [0, 0, 1]
    assert layer["marker"][-1] == len(known.steps) - 2


def test_the_story_has_the_numbers_of_the_record():
    record = recorded()
    for run, known in record.films.items():
        said, best = timeline_panels.story(record, run), known.best()
        lowest = min(known.numbers["frechet"])
        assert known.numbers["frechet"][best] == lowest
        assert f"smallest, {lowest:.3g}, after round {known.steps[best]:,}" in said
        assert f"recall {known.numbers['recall'][-1]:.2f}" in said


def test_a_hundred_digits_take_one_pass_whose_time_is_told():
    clip = last(check(**DEFAULTS | {"shows": MANY, "digit": 4, "seed": 9}))
    found = re.search(r"One pass of the network: ([\d.]+) ms for 100 digits", clip["note"])
    assert found
    assert 0.1 < float(found[1]) < 2000
    (wall,) = sheet(clip["panels"][0]["layers"][0])
    x = draw(load(), torch.full((100,), 4), seed=9)
    assert wall.shape == (5 * 28, 20 * 28)
    for k in (0, 19, 20, 99):
        row, column = divmod(k, 20)
        tile = wall[28 * row : 28 * (row + 1), 28 * column : 28 * (column + 1)]
        assert np.abs(tile / 127.5 - 1 - x[k, 0].numpy()).max() < 0.01  # this sheet is lossless


def test_a_walk_begins_and_ends_where_it_should():
    clip = last(check(**DEFAULTS | {"shows": WALK, "digit": 6, "seed": 2, "other": 5}))
    large, everyone, sure = clip["panels"]
    way = sheet(large["layers"][0])
    assert clip["frames"] == len(way) == timeline.FRAMES
    for frame, seed in ((0, 2), (-1, 5)):
        x = draw(load(), torch.arange(10), seed=seed)[:1]  # a class that is not the walk's, by the same noise
        assert np.abs(sheet(everyone["layers"][0])[frame, :28, :28] / 127.5 - 1 - x[0, 0].numpy()).max() < 0.02
        x = draw(load(), torch.tensor([6]), seed=seed)
        assert np.abs(way[frame] / 127.5 - 1 - x[0, 0].numpy()).max() < 0.02
        with torch.no_grad():
            read = judging.load().classifier(x).softmax(1)[0, 6].item()
        assert floats(sure["layers"][0])[0, frame, 1] == pytest.approx(read, abs=1e-3)


def test_no_piece_of_a_drawing_is_long():
    """At most a hundred digits between two places to pause."""
    seen = []
    hook = models.digit_gan().register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    request = SimpleNamespace(session_hash="a visitor")
    for shows in timeline.SHOWS:
        for _ in work(check(**DEFAULTS | {"shows": shows})):
            assert sum(seen) <= timeline.AT_ONCE
            seen.clear()
    (found,) = timeline.gan_digits(request, n=100)
    hook.remove()
    assert seen == [len(found[0])] == [100]


def test_without_its_record_the_lab_says_how_to_get_it_back(monkeypatch, tmp_path):
    monkeypatch.setattr(measurements, "FOLDER", tmp_path)
    for known in (timeline.record, timeline.film):
        known.cache_clear()
    monkeypatch.setattr(timeline.gan, "recorded", lambda: recorded(tmp_path))
    with gr.Blocks() as page, gr.Tab("GAN"):
        timeline.lab(page)
    said = [block.value for block in page.blocks.values() if isinstance(block, gr.Markdown)]
    assert any("git checkout -- assets/measurements/digit_gan.json" in text for text in said)
