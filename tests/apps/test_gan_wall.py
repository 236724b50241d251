"""The lab "nine seeds at once": what it opens with, its endpoint, what it refuses, and how fast it is."""

from __future__ import annotations

import base64
import json
import time

import numpy as np
import pytest
import torch
from gradio_client import Client
from gradio_client.exceptions import AppError

from apps import limits
from apps.tabs.gan import collapse, vanishing, wall, wall_pictures
from tests.alone import alone
from tutorial.gans.game import Game, Setup
from tutorial.gans.rates import Crowd
from tutorial.gans.worlds import MODES, WORLDS
from tutorial.metrics.coverage import coverage
from tutorial.training import gan_collapse

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def client():
    with alone(wall.lab) as address:
        yield Client(address, verbose=False)


@pytest.mark.parametrize("lab", [wall, collapse])
def test_each_opens_with_what_was_recorded_and_says_so(lab):
    note, clip = lab.opening()
    assert f"by {gan_collapse.COMMAND}" in note
    assert json.loads(clip)["frames"] > 20
    assert len(clip) < 520_000


def test_the_recorded_wall_is_that_of_its_command():
    """The first turns, played again."""
    wish, shipped = wall.check(**wall.DEFAULTS), gan_collapse.wall()
    film = next(film for film in wall.played(wish) if film is not None and film.frames[-1].turns > 100)
    for frame, recorded in zip(film.frames, shipped, strict=False):
        assert frame.turns == recorded.turns
        assert (frame.fakes[:, : gan_collapse.WALL_SHOWN] - recorded.fakes).abs().max() < 0.05


def test_a_wall_reports_its_frames(client):
    job = client.submit(remedy="PacGAN2", seed=4, api_name="/gan_wall")
    said, rows = job.result(timeout=300)
    assert said.startswith("2,000 of 2,000 turns: ")
    assert len(rows) == wall_pictures.FRAMES + 1
    assert len(job.outputs()) == wall_pictures.FRAMES + 1
    games = Crowd(
        WORLDS["eight Gaussians"],
        range(4, 13),
        modes=MODES["eight Gaussians"],
        remedy="PacGAN2",
        setup=Setup(),
        rules=gan_collapse.RULES,
    )
    first = games.frame()
    assert rows[0]["modes"] == [coverage(MODES["eight Gaussians"], fakes).modes for fakes in first.fakes]


def test_a_world_without_modes_has_distances(client):
    job = client.submit(world="spiral", loss="Wasserstein", rate_g=0.001, api_name="/gan_wall")
    said, rows = next(part for part in job if len(part[1]) > 3)
    job.cancel()
    assert "energy distance" in said
    assert all(energy > 0 for energy in rows[-1]["energy"])
    film = wall_pictures.Film("spiral", 0, 2000, list(_frames("spiral", 40)), None)
    assert "energy distance" in wall_pictures.told(film)
    assert json.loads(wall_pictures.whole(film))["panels"][-1]["y"][3] == "log"


def _frames(world: str, turns: int, broken: int | None = None):
    games = Crowd(
        WORLDS[world], range(9), modes=MODES.get(world), remedy="none", setup=Setup(), rules=gan_collapse.RULES
    )
    if broken is not None:
        with torch.no_grad():
            games.game.generator.numbers[0][broken] = torch.nan
    return [frame for frame in games.play(turns, 4) if frame is not None]


@pytest.mark.parametrize("world", ["eight Gaussians", "spiral"])
def test_one_seed_out_of_bounds_is_said_and_the_others_go_on(world):
    film = wall_pictures.Film(world, 5, 40, _frames(world, 40, broken=2), 1.0)
    clip = json.loads(wall_pictures.whole(film))
    titles = [panel["title"] for panel in clip["panels"][:9]]
    assert titles[2] == "seed 7: out of bounds"
    assert all("out of bounds" not in title for k, title in enumerate(titles) if k != 2)
    assert "nan" not in wall_pictures.told(film)
    json.dumps([wall_pictures.row(frame) for frame in film.frames], allow_nan=False)


def test_the_strip_counts_the_seeds_of_each_frame():
    frames = _frames("eight Gaussians", 200)
    film = wall_pictures.Film("eight Gaussians", 0, 200, frames, None)
    heat, mean = wall_pictures.strip(film, [0])["layers"]
    assert heat["shape"] == [1, 9, wall_pictures.FRAMES + 1]
    codes = np.frombuffer(base64.b64decode(heat["data"]), np.uint8).reshape(9, -1)
    for column, frame in enumerate(frames):
        for modes in range(9):
            n = int((frame.modes == modes).sum())
            assert codes[8 - modes, column] == (round(254 * n / 9) if n else 255)
    assert mean["shape"] == [1, len(frames), 2]


def test_showing_nine_games_costs_little_beside_playing_them():
    """So a wall makes nearly as many turns a second as the game, and ten frames or more."""
    wish = wall.check(**wall.DEFAULTS)
    game = Game(WORLDS[wish.world], Setup(), wish.seeds, wish.rules)
    bare, begun = 0.0, time.process_time()
    film = None
    for part in wall.work(wish):
        if part is not None:  # both in turn: how fast the processor is depends on who else is at it
            film = part[0]
            between = time.process_time()
            for _ in range(10):
                game.turn()
            bare += time.process_time() - between
    spent = time.process_time() - begun - bare
    assert film is not None
    assert film.over
    assert spent / film.turns < 1.6 * bare / game.turns


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"world": "draw your own"}, "The data must be one of"),
        ({"loss": ["minimax"]}, "The loss must be one of"),
        ({"remedy": "hope"}, "The remedy must be one of"),
        ({"rate_d": 5}, "D’s learning rate must be between"),
        ({"rate_g": "fast"}, "G’s learning rate must be a number"),
        ({"turns": 100_000}, "The number of turns must be between"),
        ({"turns": 2001}, "The number of turns must be one of"),
        ({"seed": 1.5}, "whole number"),
        ({"seed": 2**31 - 1}, "The first seed must be between"),
    ],
)
def test_bad_values_are_refused_in_a_sentence(client, values, sentence):
    with pytest.raises(AppError, match=sentence):
        client.predict(**values, api_name="/gan_wall")


def test_no_slice_of_the_work_keeps_others_waiting():
    """Between two places to pause lies little computing."""
    for work in (wall.work(wall.check(**wall.DEFAULTS)), vanishing.work(vanishing.check(**vanishing.DEFAULTS))):
        slices, begun = [], time.process_time()
        for _ in zip(range(150), work, strict=False):
            slices.append(time.process_time() - begun)
            begun = time.process_time()
        assert sorted(slices)[-3] < limits.SLICE
