"""The lab "scoreboard" and its endpoint: table, picture, what a click opens, and what is measured again."""

from __future__ import annotations

import json
import re
import statistics
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
import torch
from gradio_client import Client
from gradio_client.exceptions import AppError

from apps.tabs.closing import scatter, scoreboard, scoreboard_shown, scoreboard_work
from apps.tabs.closing.contenders import NAMES
from tests.alone import alone
from tests.apps.closing_stage import FRECHET, SECONDS, staged
from tests.apps.gan_stage import floats
from tutorial.contest.judging import Scores
from tutorial.data.digits import CLASSES
from tutorial.training.contest_recorded import COLUMNS

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module", autouse=True)
def stage():
    with staged() as folder:
        yield folder


@pytest.fixture(scope="module")
def client(stage):
    with alone(scoreboard.lab) as address:
        yield Client(address, verbose=False)


@pytest.fixture(scope="module")
def board(stage):
    return scoreboard.board()


def clicked(x, y):
    return SimpleNamespace(_data={"x": x, "y": y, "frame": 0, "panel": 0})


def test_the_table_has_all_families_by_all_columns(board):
    html = scoreboard_shown.table(board)
    rows = re.findall(r"<tr><th scope=\"row\">(.*?)</th>(.*?)</tr>", html)
    assert [name for name, _ in rows] == [*(family.label for family in board.families.values()), "other real digits"]
    assert all(cells.count("<td") == len(COLUMNS) for _, cells in rows)
    assert html.count("<button") == len(COLUMNS)
    cells = dict(rows)["GAN"]
    sorts = [float(value) for value in re.findall(r'data-sort="([^"]+)"', cells)]
    assert sorts[0] == pytest.approx(FRECHET["gan"])
    assert "recorded by python -m tests contest" in html.lower()


def test_only_a_best_that_is_better_is_bold(board):
    html = scoreboard_shown.table(board)
    bold = [
        name for name, cells in re.findall(r"<th scope=\"row\">(.*?)</th>(.*?)</tr>", html) if 'class="best"' in cells
    ]
    assert "pixel diffusion" in bold and "GAN" in bold and "PixelCNN" in bold  # distance, seconds, nats
    assert "VAE" not in bold  # first among equals only


def test_means_stand_in_the_picture_with_their_bars(board):
    clip = json.loads(scatter.chart(board, "seconds_a_picture", "frechet", ("gan", 0)))
    (panel,) = clip["panels"]
    own = [layer for layer in panel["layers"] if layer.get("name") == "GAN"]
    bars, seeds, mean = own
    assert floats(mean)[0, 0] == pytest.approx([SECONDS["gan"], FRECHET["gan"]], rel=1e-5)
    assert len(floats(seeds)[0]) == 3
    spread = statistics.stdev(board.families["gan"].values("frechet"))
    ends = floats(bars)[0, 2:]
    assert ends[1, 1] - ends[0, 1] == pytest.approx(2 * spread, rel=1e-4)
    assert panel["takes"] == "click"


def test_who_has_no_such_number_is_named(board):
    clip = json.loads(scatter.chart(board, "nats", "frechet", ("vae", 0)))
    assert "no such number: GAN, latent diffusion." in clip["note"]


@pytest.mark.parametrize("x", list(COLUMNS))
def test_every_column_can_be_drawn_against_every_other(board, x):
    for y in COLUMNS:
        clip = scatter.chart(board, x, y, ("pixel_cnn", 2))
        assert len(clip) < 100_000


def test_a_click_opens_the_nearest_dot(board):
    for name, family in board.families.items():
        for k in range(3):
            at = clicked(family.values("seconds_a_picture")[k], family.values("frechet")[k])
            assert scoreboard.pick("seconds_a_picture", "frechet", at) == (name, k)


@pytest.mark.parametrize("data", [None, {}, {"x": "a", "y": 1}, {"x": float("nan"), "y": 1}])
def test_a_click_that_is_none_is_refused(data):
    with pytest.raises(gr.Error, match="The place must be a number"):
        scoreboard.pick("recall", "frechet", SimpleNamespace(_data=data))


def test_a_run_opens_to_its_digits_and_its_command(board):
    _, sheet, about = scoreboard.shown("recall", "frechet", "flow", 2)
    assert "flow, seed 2" in json.loads(sheet)["panels"][0]["title"]
    assert "`python -m tests --family flow --seed 2`" in about
    assert "`python -m tests contest`" in about
    assert "nats" in about


@pytest.mark.parametrize(
    "change", [{"x": "beauty"}, {"y": ["recall"]}, {"family": "GAN"}, {"run": 3}, {"run": 0.5}, {"run": float("nan")}]
)
def test_bad_settings_are_refused(change):
    with pytest.raises(gr.Error, match=r"must be"):
        scoreboard.check(**scoreboard.DEFAULTS | change)


def test_the_error_is_that_of_a_mean():
    found = [Scores(100, value, 0.5, 0.5, 0.9, 0.8, 1.0, 0.0) for value in (1.0, 2.0, 6.0)]
    one = scoreboard_work.summary(found)["frechet"]
    assert one.mean == 3.0
    assert one.error == pytest.approx(np.std([1, 2, 6], ddof=1) / 3**0.5)
    assert scoreboard_work.summary(found[:1])["frechet"].error == 0.0


def test_digits_are_drawn_for_their_classes_and_timed():
    classes = torch.arange(CLASSES).repeat(2)
    work = scoreboard_work.drawn("gan", classes, 7)
    while True:
        try:
            next(work)
        except StopIteration as end:
            x, seconds = end.value
            break
    assert x.shape == (20, 1, 28, 28) and seconds > 0
    levels = (x + 1) * 127.5
    assert (levels - levels.round()).abs().max() < 1e-3  # as pixels store them


def test_a_family_is_measured_beside_real_digits(client):
    job = client.submit(family="vae", sets=2, seed=3, api_name="/scoreboard")
    said, (own, real) = job.result(timeout=200)
    assert said == "VAE: 2 of 2 sets of 100 digits drawn and judged"
    assert (own["family"], own["sets"], real["family"], real["sets"]) == ("vae", 2, "real digits", 2)
    assert real["accuracy"]["mean"] > 0.97 > own["accuracy"]["mean"]
    assert real["frechet"]["mean"] < own["frechet"]["mean"]  # one that has learned nothing
    assert real["frechet"]["error"] > 0
    assert len(job.outputs()) == 2


def test_the_recorded_board_is_told_to_programs(client):
    said, rows = client.predict(api_name="/scoreboard")
    assert said == "recorded by python -m tests contest"
    assert len(rows) == 3 * len(NAMES) + 1
    assert rows[0]["family"] == "vae" and rows[0]["frechet"] == pytest.approx(0.9 * FRECHET["vae"])
    assert rows[-1]["family"] == "real digits" and rows[-1]["nats"] is None


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"family": "diffusion"}, "The family must be one of"),
        ({"family": "gan", "sets": 3}, "The number of sets must be one of"),
        ({"family": "gan", "sets": 1000}, "The number of sets must be between"),
        ({"family": "gan", "seed": -1}, "The seed must be between"),
    ],
)
def test_bad_values_are_refused_in_a_sentence(client, values, sentence):
    with pytest.raises(AppError, match=sentence):
        client.predict(**values, api_name="/scoreboard")
