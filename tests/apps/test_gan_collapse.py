"""The lab "mode collapse": a film, a guess, the table of remedies, and what it refuses."""

from __future__ import annotations

import base64
import json
import math
from functools import partial

import gradio as gr
import numpy as np
import pytest
import torch

from apps.tabs.gan import collapse, collapse_pictures, published, wall
from tests.apps.gan_stage import floats
from tests.work import last
from tutorial.gans.rates import Crowd, Frame
from tutorial.gans.worlds import MODES
from tutorial.metrics.coverage import coverage
from tutorial.training import gan_collapse, pacgan

pytestmark = pytest.mark.usefixtures("one_thread")


def test_a_collapsed_game_is_shown_with_the_way_of_its_mean():
    wish = collapse.check("none", 3)
    frames, growing = last(collapse.work(wish))
    assert len(frames) == gan_collapse.HOPS_FRAMES + 1
    assert frames[-1].turns == collapse_pictures.TURNS
    plane, closest, _ = json.loads(collapse_pictures.film(frames, whole=True))["panels"]
    trail = next(layer for layer in plane["layers"] if layer["kind"] == "mesh")
    ways = floats(trail)
    means = np.stack([frame.fakes[0, : gan_collapse.HOPS_SHOWN].numpy().mean(0) for frame in frames])
    assert np.allclose(ways[50], means[50 - collapse_pictures.TRAIL : 51], atol=1e-4)
    shares = np.frombuffer(base64.b64decode(closest["layers"][0]["data"]), np.uint8).reshape(8, -1) / 254
    assert np.allclose(shares.sum(0), 1, atol=8 * 0.5 / 254)
    assert json.loads(growing)["frames"] == len(frames)
    assert f"{int(frames[-1].modes[0])} of 8 modes" in collapse.told(wish, frames)


def test_a_guess_is_answered_with_the_record():
    recorded = collapse.rows()
    row = recorded[0]
    said = collapse.answer(7, recorded)
    assert said.startswith(f"You said 7. **{row.all_covered} of {len(row.modes)}** seeds cover all 8 modes")
    assert row.all_covered == sum(n == 8 for n in row.modes)
    with pytest.raises(gr.Error, match="Your guess must be between"):
        collapse.answer(31, recorded)


def test_the_table_is_computed_from_the_seeds():
    rows = [
        gan_collapse.Row("eight Gaussians", "none", (8, 8, 2), (0.9, 0.8, 0.1)),
        gan_collapse.Row("eight Gaussians", "R1", (8, 8, 8), (0.5, 0.5, 0.5)),
    ]
    fresh = {("eight Gaussians", "R1"): gan_collapse.Row("eight Gaussians", "R1", (1, 3), (0.25, 0.25))}
    lines = collapse_pictures.table("eight Gaussians", rows, fresh).splitlines()
    assert lines[2] == "| none | 2 of 3 | 6.00 ± 3.5 | 60% | – |"
    assert lines[3] == "| R1 | 3 of 3 | 8.00 ± 0.0 | 50% | 0 of 2 · 2.00 ± 1.4 · 25% |"


def test_a_fresh_row_is_the_same_games(monkeypatch):
    monkeypatch.setattr(collapse, "rate", partial(gan_collapse.rate, turns=30))
    row = last(collapse.fresh(collapse.check_row("grid of 25", "EMA", 1000)))
    assert isinstance(row, gan_collapse.Row)
    games = gan_collapse.crowd("grid of 25", "EMA", range(1000, 1009))
    *_, frame = (frame for frame in games.play(30, 1) if frame is not None)
    rule = [coverage(MODES["grid of 25"], fakes) for fakes in frame.fakes]
    assert row.modes == tuple(one.modes for one in rule)
    assert row.high_quality == pytest.approx([one.high_quality for one in rule])


def test_published_and_ours_stand_side_by_side():
    rows = [
        pacgan.Row(world, arm, tuple(modes), (0.9, 0.95), 4000)
        for world, pairs in {
            "ring of 8": ((6, 8), (8, 8), (8, 8)),
            "grid of 25": ((17, 18), (17, 19), (25, 25)),
        }.items()
        for arm, modes in zip(pacgan.ARMS, pairs, strict=True)
    ]
    table = published.table(rows).splitlines()
    assert table[2] == "| ring of 8 | GAN | 6.3 ± 0.5 | 7.00 ± 1.4 | 6 | 92.5% ± 3.5 | 4,000 |"
    assert table[7].startswith(f"| grid of 25 | {pacgan.MENDED} | – | 25.00 ± 0.0 |")
    assert published.difference(rows, "ring of 8").endswith("+ 1.00 ± 1.00, no more than these seeds can tell apart.")


def test_bad_values_of_the_film_and_the_table_are_refused():
    with pytest.raises(gr.Error, match="The remedy must be one of"):
        collapse.check("hope", 0)
    with pytest.raises(gr.Error, match="The seed must be a number"):
        collapse.check("none", math.nan)
    with pytest.raises(gr.Error, match="The data must be one of"):
        collapse.check_row("spiral", "none", 0)
    with pytest.raises(gr.Error, match="The first seed must be between"):
        collapse.check_row("eight Gaussians", "none", -1)


def test_numbers_out_of_bounds_get_a_sentence(monkeypatch):
    def broken(self):
        shape = (len(self.game.seeds), 10, 2)
        return Frame(self.game.turns, torch.full(shape, torch.nan), torch.zeros(shape[0], 8, dtype=torch.float64), None)

    monkeypatch.setattr(Crowd, "frame", broken)
    with pytest.raises(gr.Error, match=r"out of bounds\. Lower the learning rate"):
        last(wall.played(wall.check(**wall.DEFAULTS)))
    with pytest.raises(gr.Error, match=r"out of bounds\. Choose another"):
        last(collapse.played(collapse.check("none", 0)))
