"""The lab "diagram": what is drawn of a game and said of it, and the recorded game with which it opens."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from apps import worlds
from apps.tabs.gan import curves, data, frames, hands, lab
from apps.tabs.gan.play import Play
from apps.tabs.gan.settings import DEFAULTS, check
from tests.apps.gan_stage import finished, floats, titles
from tutorial.gans.losses import LOSSES
from tutorial.gans.view import value_floor
from tutorial.measurements import MeasurementsError
from tutorial.training import gan_lab

pytestmark = pytest.mark.usefixtures("one_thread")


def shown(**chosen):
    wish = check(**DEFAULTS | chosen)
    play = Play(wish.setup)
    look = finished(play, wish, n=30)
    return play, look


@pytest.mark.parametrize("loss", list(LOSSES))
@pytest.mark.parametrize("pack", [False, True])
def test_a_look_is_drawn_and_what_cannot_be_said_is_left_out_with_the_reason(loss, pack):
    play, look = shown(loss=loss, pack=pack)
    clips = hands.everything(play, look, "note")
    found, note = titles(clips["gauges"]), json.loads(clips["gauges"])["note"]
    critic = loss == "Wasserstein"
    assert ("what D sees right, in %" in found) != critic
    assert ("the best D for these fakes" in found) != critic
    assert ("C(G): against the best D" in found) != critic
    assert ("critic" in note) == ("no C(G)" in note) == critic
    assert ("pairs" in note) == (pack and not critic)
    assert sum(len(clip) for clip in clips.values()) < 120_000


@pytest.mark.parametrize("world", [name for name in data.NAMES if name != worlds.DRAWN])
@pytest.mark.parametrize("noise", [1, 2])
def test_every_world_is_drawn(world, noise):
    play, look = shown(world=world, noise=noise, shape="uniform")
    clips = hands.everything(play, look, "")
    note = json.loads(clips["gauges"])["note"]
    assert ("no modes to count" in note) == (data.modes(world) is None)
    assert ("not known" in note) == (data.density(world) is None)
    assert ("modes, in %" in titles(clips["gauges"])) == (data.modes(world) is not None)


def test_beside_the_value_stands_that_of_a_perfect_generator_estimated_alike():
    play, look = shown()
    panel = next(one for one in json.loads(curves.gauges(play, look))["panels"] if one["title"].startswith("C(G)"))
    lines = {layer["name"]: floats(layer) for layer in panel["layers"]}
    floor = value_floor(data.density(DEFAULTS["world"]))
    assert lines[curves.PERFECT][0, :, 1] == pytest.approx([floor, floor])
    assert lines["−log 4: q = p"][0, :, 1] == pytest.approx([-math.log(4)] * 2)
    assert floor != pytest.approx(-math.log(4), abs=1e-3)  # the two lines can be told apart
    assert panel["y"][0] < floor


def test_modes_are_counted_on_as_many_fakes_as_it_says():
    play, look = shown()
    angle = np.arange(8) * np.pi / 4
    centres = 2 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    apart = np.linalg.norm(look.view.fakes.numpy()[:, None] - centres, axis=2)
    near = apart.min(1) <= 3 * 0.1
    modes, share = len(set(apart.argmin(1)[near])), near.mean()
    text = f"{modes} of 8 modes in {len(apart)} fakes, {share:.0%} of them within 3σ of one"
    assert text in hands.told(play, look)


def test_the_picture_has_all_its_layers_and_names_the_scale():
    play, look = shown()
    (panel,) = json.loads(frames.frame(play, look, "note"))["panels"]
    named = dict.fromkeys(layer["name"] for layer in panel["layers"])
    assert list(named) == [frames.SAYS, frames.GRID, frames.DATA, frames.FAKES, frames.PUSH]
    assert f"a push of length 1 is a gradient of {look.view.scale:g}" in panel["title"]
    assert panel["takes"] == "points"


def test_losses_of_another_loss_are_not_drawn_on_the_same_axis(wish, unhurried):
    play = Play(wish.setup)
    finished(play, wish, n=10)
    other = check(**DEFAULTS | {"loss": "least squares"})
    look = finished(play, other, n=10)
    losses = json.loads(curves.gauges(play, look))["panels"][0]
    assert losses["layers"][0]["shape"][1] == 1
    assert "for the present loss only" in json.loads(curves.gauges(play, look))["note"]


def test_the_lab_opens_with_the_recorded_game_and_says_so():
    play, clips = lab.opening()
    note = json.loads(clips["frame"])["note"]
    assert f"A recorded game, made by {gan_lab.COMMAND}" in note
    assert f"turn {gan_lab.TURNS:,}" in note
    assert len(titles(clips["gauges"])) == 8
    assert play.game.finite


def test_the_recorded_game_is_that_of_its_command(tmp_path):
    gan_lab.record(tmp_path, turns=100)
    rows, checkpoint = gan_lab.recorded(tmp_path)
    shipped, _ = gan_lab.recorded()
    for name, value in rows[0].items():
        assert shipped[0][name] == pytest.approx(value, rel=0.02, abs=0.02), name
    assert checkpoint.turns == 100


def test_a_damaged_record_is_named(tmp_path):
    gan_lab.record(tmp_path, turns=50)
    content = json.loads((tmp_path / "gan_lab.json").read_text())
    content["checkpoint"]["numbers"][0] = content["checkpoint"]["numbers"][0][:40]
    (tmp_path / "gan_lab.json").write_text(json.dumps(content))
    with pytest.raises(MeasurementsError, match=r"damaged\. Make it again"):
        gan_lab.recorded(tmp_path)
