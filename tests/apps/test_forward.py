"""The forward chapter's labs from inside and its endpoint from outside: good values, bad ones, and bad pictures."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
import torch
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from apps import worlds
from apps.pictures import LARGEST, png_bytes, read_picture
from apps.tabs.forward import dissolve, ending, jump, spend, subjects
from apps.worlds import plane, stroke
from tests.apps.test_pictures import png_of_size
from tests.work import last
from tutorial.data.digits import DataError
from tutorial.diffusion.schedule import Schedule

LABS = {lab.__name__.rsplit(".", 1)[1]: lab for lab in (dissolve, jump, spend, ending)}
POINTS = [[0.0, 0.0], [1.0, 1.0], [-1.0, 0.5]]
LONGEST = 500_000
"""Characters of a clip: more would slow the page down."""
PIXELS = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)


# --- labs ---
@pytest.mark.parametrize("data", subjects.NAMES)
@pytest.mark.parametrize("lab", LABS.values(), ids=LABS)
def test_every_lab_shows_all_data_in_a_value_that_a_page_can_take(lab, data):
    drawn = POINTS if data == worlds.DRAWN else ()
    value = last(lab.film(lab.check(**lab.DEFAULTS | {"data": data, "steps": 60, "drawn": drawn})))
    assert len(value) < LONGEST
    assert json.loads(value)["note"]


@pytest.mark.parametrize("lab", LABS.values(), ids=LABS)
def test_what_a_lab_opens_with_is_small_enough(lab):
    assert len(last(lab.film(lab.check(**lab.DEFAULTS)))) < LONGEST


@pytest.mark.parametrize("schedule", subjects.SCHEDULES)
def test_the_shortest_schedule_has_a_frame_for_each_time(schedule):
    clip = json.loads(last(dissolve.film(dissolve.check("spiral", schedule, 10, 0))))
    assert clip["frames"] == 11


BAD = [
    ("data", "<b>", "The data must be one of"),
    ("data", ["digits"], "The data must be one of"),
    ("steps", 9, "between 10 and 1,000"),
    ("steps", 1001, "between 10 and 1,000"),
    ("steps", math.nan, "must be a number"),
    ("steps", 50.5, "whole number"),
    ("steps", "60", "must be a number"),
    ("seed", -1, "between 0"),
    ("seed", True, "must be a number"),
    ("drawn", [], "Draw at least 3 different points"),
    ("drawn", [[1.0, 1.0], [0.0, 0.0]], "Draw at least 3 different points"),
    ("drawn", [[0.0, 0.0]] * 100_000, "at most 2,000 points"),
    ("drawn", [[math.nan, 0.0], [1.0, 1.0]], "coordinate must be a number"),
    ("drawn", [[9.0, 0.0], [1.0, 1.0]], "between -3"),
    ("drawn", "points", "list of pairs"),
]


@pytest.mark.parametrize(("field", "value", "sentence"), BAD, ids=range(len(BAD)))
@pytest.mark.parametrize("lab", LABS.values(), ids=LABS)
def test_a_bad_value_is_refused_in_a_sentence(lab, field, value, sentence):
    changed = {field: value} | ({"data": worlds.DRAWN} if field == "drawn" else {})
    with pytest.raises(gr.Error, match=sentence):
        lab.check(**lab.DEFAULTS | changed)


@pytest.mark.parametrize(
    ("lab", "field"), [(dissolve, "schedule"), (jump, "schedule"), (jump, "factor"), (ending, "one"), (ending, "other")]
)
@pytest.mark.parametrize("value", ["quadratic", None, ["cosine"]])
def test_a_strange_choice_is_refused_in_a_sentence(lab, field, value):
    with pytest.raises(gr.Error, match="must be one of"):
        lab.check(**lab.DEFAULTS | {field: value})


def test_missing_handwriting_is_named(monkeypatch):
    def gone(part):
        raise DataError(f"The data file of the {part} digits is missing.")

    monkeypatch.setattr(subjects, "digits", gone)
    with pytest.raises(gr.Error, match="test digits is missing"):
        last(dissolve.film(dissolve.check(**dissolve.DEFAULTS | {"data": "digits"})))


def test_a_point_drawn_alone_is_kept_and_others_join_it():
    def event(sent):
        return SimpleNamespace(_data=sent)

    one, data = stroke([], event({"panel": 0, "points": [[0.5, 0.5]]}))
    assert (one, data) == ([[0.5, 0.5]], worlds.DRAWN)
    assert json.loads(plane(one))["panels"][0]["layers"][0]["shape"] == [1, 1, 2]
    two, _ = stroke(one, event({"panel": 0, "points": [[1.0, 0.5]]}))
    assert [tuple(point) for point in two] == [(0.5, 0.5), (1.0, 0.5)]
    for sent in (None, [], {"points": None}, {"points": [[math.inf, 0.0], [0.0, 0.0]]}):
        with pytest.raises(gr.Error, match="must be"):
            stroke([], event(sent))


def test_the_mistake_is_seen_and_the_truth_is_not_mistaken():
    right, wrong = (
        json.loads(last(jump.film(jump.check("two moons", "linear", 1000, factor, 3))))["note"] for factor in jump.STEPS
    )
    assert "two samples of one thing" in right
    assert "not the same distribution" in wrong


def test_under_stable_diffusions_schedule_critters_come_out_too_dark():
    """The cosine schedule's samples have the data's mean brightness; those of the other lack most of it."""
    note = json.loads(last(ending.film(ending.check(**ending.DEFAULTS))))["note"]
    scaled, cosine, data = (
        float(part.split("mean ")[1].split(",")[0].replace("−", "-"))
        for part in (*note.split(";")[:2], note.split("The data: ")[1])
    )
    assert scaled < data / 2
    assert cosine == pytest.approx(data, abs=0.1)  # 0.3 / √64 is a standard error of 0.04


# --- pictures ---
@pytest.fixture
def saved(tmp_path):
    """A file with this content, or a picture saved in a format: its path."""

    def go(content: bytes | Image.Image, kind: str = "PNG", **options) -> Path:
        path = tmp_path / "file"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            content.save(path, kind, **options)
        return path

    return go


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("RGB", "JPEG"), ("CMYK", "JPEG"), ("L", "PNG"), ("P", "GIF"), ("RGBA", "WEBP"), ("I;16", "PNG"), ("1", "PNG")],
)
def test_pictures_of_every_kind_are_read(saved, mode, kind):
    picture = Image.new(mode, (30, 50), 0)
    assert read_picture(saved(picture, kind), 16).shape == (16, 16, 3)


def test_a_picture_is_cropped_to_its_middle_turned_upright_and_white_where_it_is_clear(saved):
    wide = np.zeros((20, 60, 4), np.uint8)
    wide[:, 20:30] = (255, 0, 0, 255)
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    read = read_picture(saved(Image.fromarray(wide), "PNG", exif=exif), 20)
    assert (read[10, 15] == (255, 0, 0)).all()  # the red half was on the left
    assert (read[10, 5] == 255).all()


BAD_PICTURES = {
    "text": (b"hello", "no undamaged picture"),
    "nothing": (b"", "no undamaged picture"),
    "cut off": (png_bytes(PIXELS)[:200], "no undamaged picture"),
    "an SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no undamaged picture"),
    "a BMP": (b"BM" + bytes(100), "no undamaged picture"),
    "a bomb of 13,000 × 13,000": (png_of_size(13_000, 13_000), "no undamaged picture"),
    "a bomb of 2³¹ − 1 each way": (png_of_size(2**31 - 1, 2**31 - 1), "no undamaged picture"),
    "a little too large": (png_of_size(LARGEST + 1, 10), "must have 8 to 4,096 pixels"),
    "of one pixel": (png_of_size(1, 1), "must have 8 to 4,096 pixels"),
}


@pytest.mark.filterwarnings("error::PIL.Image.DecompressionBombWarning")  # as the app does; pytest has its own
@pytest.mark.parametrize("kind", BAD_PICTURES)
def test_a_bad_picture_is_refused_in_a_sentence(saved, kind):
    content, sentence = BAD_PICTURES[kind]
    with pytest.raises(gr.Error, match=sentence):
        read_picture(saved(content), 64)


def test_a_picture_that_moves_is_refused_in_a_sentence(saved):
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    with pytest.raises(gr.Error, match="moves"):
        read_picture(saved(frames[0], "GIF", save_all=True, append_images=frames[1:]), 64)


# --- endpoint ---
@pytest.fixture(scope="module")
def client(url):
    return Client(url, verbose=False)


def test_the_endpoint_answers_with_numbers_and_points(client):
    numbers, how, points, files = client.predict("eight Gaussians", "cosine", 1000, 1000, 3, api_name="/forward")
    x = torch.tensor(points)
    assert (how, files, tuple(x.shape)) == ("quadrature", [], (500, 2))
    assert numbers["abar"] == pytest.approx(Schedule.cosine().abar[-1].item())
    assert numbers["snr_db"] == pytest.approx(10 * math.log10(numbers["abar"]), abs=1e-3)
    assert abs(numbers["kl"]) < 1e-8
    assert numbers["std"] == pytest.approx(x.std().item(), rel=1e-4) == pytest.approx(1, abs=4 / 2000**0.5)


def test_the_endpoint_noises_a_visitors_picture(client, saved):
    file = handle_file(saved(Image.fromarray(PIXELS)))
    numbers, how, points, [noised] = client.predict("your own picture", t=0, picture=file, api_name="/forward")
    assert (how, points) == ("closed form", [])
    with Image.open(noised) as picture:
        assert (picture.format, picture.size) == ("PNG", (64, 64))
        assert np.array(picture).mean() / 127.5 - 1 == pytest.approx(numbers["mean"], abs=0.01)


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ({"data": "cats"}, "must be one of"),
        ({"schedule": ["cosine"]}, "must be one of"),
        ({"T": 1e9}, "between 10 and 1,000"),
        ({"t": 501, "T": 500}, "between 0 and 500"),
        ({"t": "half"}, "must be a number"),
        ({"seed": -1}, "between 0"),
        ({"data": "draw your own"}, "Draw at least 3"),
        ({"data": "draw your own", "points": [[1, 2, 3], [1, 2, 3]]}, "pair of numbers"),
        ({"data": "your own picture"}, "Choose a picture"),
        ({"data": "your own picture", "picture": "/etc/passwd"}, "uploaded file"),
        ({"data": "your own picture", "picture": {"path": "/etc/passwd"}}, "uploaded file"),
    ],
    ids=str,
)
def test_the_endpoint_refuses_bad_values_in_a_sentence(client, bad, sentence):
    with pytest.raises(AppError, match=sentence):
        client.predict(**{"data": "spiral"} | bad, api_name="/forward")
