"""The lab "race" and its endpoint: fair turns, what is timed, what is shown, and what is refused."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest
import torch
from gradio_client import Client
from gradio_client.exceptions import AppError
from PIL import Image

from apps import limits
from apps.tabs.closing import race, race_pictures, race_work
from apps.tabs.closing.contenders import NAMES, contender, sheet
from tests.alone import alone
from tests.apps.closing_stage import staged
from tutorial.contest.denoising import Diffusion
from tutorial.data.pixels import to_pixels
from tutorial.training.contest_recorded import board

pytestmark = pytest.mark.usefixtures("one_thread")
FEW = torch.arange(20) % 10


@pytest.fixture(scope="module", autouse=True)
def stage():
    with staged() as folder:
        yield folder


@pytest.fixture(scope="module")
def client(stage):
    with alone(race.lab) as address:
        yield Client(address, verbose=False)


@pytest.fixture(scope="module")
def raced(one_thread_throughout):
    """A race to its end, and how far all were after each move."""
    there = race_work.start(FEW, 3)
    past = [[(one.seconds, one.over) for one in there.runners] for _ in race_work.run(there)]
    return there, past


def test_whoever_has_computed_least_is_next(raced):
    there, past = raced
    assert there.over and [one.name for one in there.runners] == list(NAMES)
    before = [(0.0, False)] * len(NAMES)
    for now in past:
        (moved,) = [k for k, (one, other) in enumerate(zip(before, now, strict=True)) if one != other]
        assert before[moved][0] == min(seconds for seconds, over in before if not over)
        before = now


def test_each_family_draws_what_it_draws_alone(raced):
    there, _ = raced
    for one in there.runners:
        groups = FEW.split(race_work.AT_ONCE) if isinstance(one.model, Diffusion) else [FEW]
        alone_ = [one.model.draw(some, torch.Generator().manual_seed(3 + k)) for k, some in enumerate(groups)]
        assert (one.picture - torch.cat(alone_)).abs().max() < 1e-3, one.name


def test_what_was_seen_is_in_order_and_ends_with_the_picture(raced):
    there, _ = raced
    for one in there.runners:
        times = [when for when, _ in one.seen]
        assert times == sorted(times) and times[-1] <= one.seconds
        assert torch.equal(one.seen[-1][1], one.picture)
        assert (one.at_second(0.0) == -1).all()
        assert torch.equal(one.at_second(one.seconds), one.picture)
    rows = next(one for one in there.runners if one.name == "pixel_cnn").seen
    assert len(rows) >= 28  # row by row
    half = rows[13][1]
    assert (half[:, :, 14:] == -1).all()


def test_the_film_goes_from_the_first_picture_to_the_last(raced):
    there, _ = raced
    *_, clip = race_pictures.film(there, 10)
    film = json.loads(clip)
    assert film["frames"] == race_work.FRAMES == len(film["labels"])
    assert len(clip) < 500_000
    times = race_work.moments(there)
    assert times == sorted(times)
    assert times[-1] == pytest.approx(max(one.seconds for one in there.runners))


def test_digits_stand_in_rows():
    x = torch.linspace(-1, 1, 6).reshape(6, 1, 1, 1).expand(-1, 1, 28, 28)
    picture = sheet(x, 3)
    assert picture.shape == (1, 56, 84, 3)
    assert picture[0, 0, 83, 0] == to_pixels(x)[2, 0, 0, 0] and picture[0, 55, 0, 0] == to_pixels(x)[3, 0, 0, 0]


def test_the_lab_opens_with_what_was_recorded():
    film, table = race_pictures.recorded_film(board())
    assert len(json.loads(film)["panels"]) == len(NAMES)
    assert "Recorded by python -m tests contest" in film and "Recorded by python -m tests contest" in table
    assert table.count("<tr>") == 1 + len(NAMES)


def test_the_work_tells_shows_and_ends_with_what_is_read():
    *_, (said, clip, table) = (part for part in race.work(race.check("3", 1)) if part is not None)
    assert said.startswith("All are there")
    assert json.loads(clip)["frames"] == race_work.FRAMES
    assert "…" not in table


def test_no_move_keeps_others_waiting():
    """Processor time of this thread; the largest moves are rows of the PixelCNN and steps of diffusions."""
    import time

    there, taken = race_work.start(torch.arange(race.MANY) % 10, 0), []
    moves = race_work.run(there)
    for _ in range(150):
        begun = time.thread_time()
        if next(moves, None) is None:
            break
        taken.append(time.thread_time() - begun)
    assert sorted(taken)[-5] < 4 * limits.SLICE


def test_the_endpoint_races(client):
    job = client.submit(n=10, families=["vae", "gan"], seed=5, api_name="/race")
    said, rows = job.result(timeout=120)
    assert said.startswith("All are there")
    assert [row["family"] for row in rows] == ["vae", "gan"]
    for row in rows:
        assert row["done"] and row["seconds"] > 0 and 0 <= row["accuracy"] <= 1 and row["evaluations"] == 1
        model = contender(row["family"])
        assert row["parameters"] == sum(one.numel() for one in model.parameters())
        png = Image.open(io.BytesIO(base64.b64decode(row["sheet"].split(",")[1])))
        drawn = to_pixels(model.draw(torch.arange(10), torch.Generator().manual_seed(5)))
        found = np.asarray(png.convert("L"), dtype=int).reshape(28, 10, 28).swapaxes(0, 1)
        assert abs(found - drawn[:, 0].numpy().astype(int)).max() <= 1


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"digit": "ten"}, "The digit must be one of"),
        ({"digit": 3}, "The digit must be one of"),
        ({"seed": -1}, "The seed must be between"),
        ({"seed": 1.5}, "whole number"),
        ({"n": 0}, "The number of digits must be between"),
        ({"n": 65}, "The number of digits must be between"),
        ({"families": ["vae", "gans"]}, "A family must be one of"),
        ({"families": "vae"}, "list of names"),
    ],
)
def test_bad_values_are_refused_in_a_sentence(client, values, sentence):
    with pytest.raises(AppError, match=sentence):
        client.predict(**values, api_name="/race")
