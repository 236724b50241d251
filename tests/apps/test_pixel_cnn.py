"""The lab "pixels" and its endpoint: what they answer, and what they refuse."""

from __future__ import annotations

import itertools
import re
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
import torch
from gradio_client import Client
from gradio_client.exceptions import AppError

from apps import limits, models
from apps.tabs.families import pixels
from apps.tabs.families.pixel_panels import PEN, inked, maps
from tutorial import weights
from tutorial.data.digits import black_and_white
from tutorial.families import pixel_cnn
from tutorial.families.pixel_cnn import nats


@pytest.fixture(scope="module")
def client(url):
    return Client(url, verbose=False)


def bar(on: int = 1) -> list[list[int]]:
    """An upright line in the middle."""
    return [[on if column in (13, 14) and 4 <= row < 24 else 0 for column in range(28)] for row in range(28)]


def test_a_test_digit_is_finished_and_weighed(client):
    ways, weighed, whole = client.predict(test_digit=3, rows=20, n=2, seed=5, api_name="/pixel_cnn")
    x = torch.tensor(ways, dtype=torch.float32)[:, None]
    given = black_and_white()[3:4]
    assert torch.equal(x[:, :, :20], given[:, :, :20].repeat(2, 1, 1, 1))
    model = pixel_cnn.load()
    assert weighed == pytest.approx(nats(model, x).tolist(), abs=1e-2)
    assert whole == pytest.approx(nats(model, given).item(), abs=1e-2)
    assert client.predict(test_digit=3, rows=20, n=2, seed=5, api_name="/pixel_cnn")[0] == ways


def test_a_digit_of_ones_own_is_kept_as_it_is(client):
    ways, weighed, whole = client.predict(digit=bar(), rows=28, n=1, api_name="/pixel_cnn")
    assert ways == [bar()]
    assert weighed == [whole]


def test_no_piece_of_the_largest_drawing_is_long():
    """Sixteen ways from fourteen rows: what is given is looked at once, and what is drawn is weighed one by one."""
    passes = []
    model = models.pixel_cnn()
    seen = model.register_forward_pre_hook(lambda _, inputs: passes.append(len(inputs[0])))
    request = SimpleNamespace(session_hash="a visitor")
    found = list(pixels.pixel_cnn(request, n=16))
    seen.remove()
    assert passes == [1] * (1 + 16 + 1)
    assert len(found[-1][0]) == len(found[-1][1]) == 16


def test_a_growing_drawing_is_made_into_pictures_within_its_turns(monkeypatch):
    free = []

    def noted(*given, **settings):
        free.append(limits.CPU._free)
        return "a clip"

    monkeypatch.setattr(pixels, "picture", noted)
    monkeypatch.setattr(pixels, "FRAME", 0)
    shown = list(pixels.run(SimpleNamespace(session_hash="a visitor"), *pixels.DEFAULTS.values()))
    assert len(free) == len(shown) == 14 + 1
    assert max(free) < limits.CORES


def test_times_stand_beside_those_of_the_others():
    """As recorded on two cards, and as measured here."""
    table = pixels.recorded(*(weights.read_card(name) for name in ("pixel_cnn", "digit_vae_2_beta_1")))
    row = re.search(r"variational autoencoder draws it \| 1 \| ([\d.]+)", table)
    assert float(row[1]) == pytest.approx(weights.read_card("digit_vae_2_beta_1")["measured"]["ms_alone"], abs=0.005)
    *_, here = pixels.timing()
    drawn, decoded = (
        float(re.search(rf"{name} \| \d+ \| ([\d.]+)", here)[1])
        for name in ("PixelCNN draws 28 rows", "variational autoencoder draws it")
    )
    assert 0 < decoded < drawn / 10


def test_grey_becomes_black_or_white(client):
    grey = [[0.4 * pixel for pixel in row] for row in bar()]
    ways, *_ = client.predict(digit=grey, rows=28, n=1, api_name="/pixel_cnn")
    assert ways == [bar(on=0)]


BAD = [
    ({"test_digit": 10_000}, "between 0 and 9,999"),
    ({"test_digit": "seven"}, "must be a number"),
    ({"rows": 29}, "between 0 and 28"),
    ({"rows": 3.5}, "whole number"),
    ({"n": 17}, "between 1 and 16"),
    ({"n": 0}, "between 1 and 16"),
    ({"seed": -1}, "must be between"),
    ({"digit": []}, "list of 28 rows"),
    ({"digit": "a picture"}, "list of 28 rows"),
    ({"digit": [[0] * 28] * 27}, "list of 28 rows"),
    ({"digit": [[0] * 27] * 28}, "list of 28 numbers"),
    ({"digit": [["0"] * 28] * 28}, "must be a number"),
    ({"digit": [[2] * 28] * 28}, "between 0 and 1"),
    ({"digit": [[0] * 1000] * 28}, "list of 28 numbers"),
]


@pytest.mark.parametrize(("values", "sentence"), BAD, ids=range(len(BAD)))
def test_bad_values_are_refused_in_a_sentence(client, values, sentence):
    with pytest.raises(AppError, match=sentence):
        client.predict(**values, api_name="/pixel_cnn")


def test_nan_is_refused():
    with pytest.raises(gr.Error, match="must be a number"):
        pixels.grid([[float("nan")] * 28] * 28)


def test_ink_is_where_the_stroke_is_near():
    """Against the distance to many points of the stroke."""
    stroke = np.array([[3.0, 25.0], [20.0, 22.0], [6.0, 2.0]])
    dense = np.concatenate([np.linspace(a, b, 400) for a, b in itertools.pairwise(stroke)])
    for row in range(28):
        for column in range(28):
            middle = np.array([column + 0.5, 27.5 - row])
            distance = np.linalg.norm(dense - middle, axis=1).min()
            if abs(distance - PEN) > 0.05:
                assert inked(stroke)[row, column] == (distance < PEN)


def test_a_dot_is_ink_too():
    assert inked(np.array([[14.5, 13.5]]))[14, 14]
    assert inked(np.array([[0.0, 28.0]]))[0, 0]


@pytest.mark.parametrize("points", [None, [], "many", [[1, 2, 3]], [[1, float("nan")]], [[-1, 2]], [[1, 1]] * 501])
def test_bad_strokes_are_refused_in_a_sentence(points):
    with pytest.raises(gr.Error, match=r"must be|number"):
        pixels.stroke(pixels.clear()[0], gr.EventData(None, {"points": points}))


def test_strokes_add_up():
    first, source = pixels.stroke(pixels.clear()[0], gr.EventData(None, {"points": [[5, 5], [5, 20]]}))
    both, _ = pixels.stroke(first, gr.EventData(None, {"points": [[20, 5], [20, 20]]}))
    assert source == pixels.OWN
    assert np.sum(both) == 2 * np.sum(first) > 0


def test_maps_show_only_the_rows_that_were_there():
    values = torch.arange(2.0 * 784).reshape(2, 1, 28, 28)
    seen = maps(values, [0, 5, 28])
    assert np.isnan(seen[0]).all()
    assert np.array_equal(seen[1][:5, :28], values[0, 0, :5].numpy())
    assert np.isnan(seen[1][5:]).all()
    assert np.array_equal(seen[2][:, 29:], values[1, 0].numpy())
