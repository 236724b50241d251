"""The recorded curve and strip of guidance: made again in small, read back, and refused when damaged."""

from __future__ import annotations

import json

import pytest
import torch

from tutorial import measurements, weights
from tutorial.diffusion import latent
from tutorial.diffusion.guidance_measured import topics
from tutorial.diffusion.guidance_study import Interval, evaluations, times
from tutorial.metrics.fidelity import read_labels
from tutorial.training import guidance_curve
from tutorial.training.guidance_curve import COMMAND, CURVE, MIDDLE, SCALES, STRIP_NOISES, STRIP_SEED

pytestmark = pytest.mark.usefixtures("one_thread")
WHOLE = Interval(1000, 0)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("record")
    guidance_curve.record(folder, prompts=2, each=2, scales=(1, 3), steps=2)
    return folder


def test_what_is_recorded_is_read_back(recorded):
    curve = guidance_curve.curve(recorded)
    assert measurements.load("guidance", folder=recorded)["command"] == COMMAND
    assert [(row.interval, row.scale) for row in curve.rows] == [(WHOLE, 1.0), (WHOLE, 3.0), (MIDDLE, 3.0)]
    assert curve.each == 2
    asked = times(latent.load(), 2)
    for row in curve.rows:
        assert row.judged.fidelity.shape == row.judged.spread.shape == (2,)
        assert row.evaluations == evaluations(asked, row.scale, row.interval)
    assert curve.drawings.fidelity.min() > 0.9


def test_the_strip_is_the_same_noises_at_every_scale(recorded):
    strip, model = guidance_curve.strip(recorded), latent.load()
    assert strip.shape == (len(SCALES), STRIP_NOISES, *model.shape)
    settings = {"seed": STRIP_SEED, "n": STRIP_NOISES, "steps": 2}
    for k in (0, 1, 15):
        *_, step = model.sample(guidance_curve.PROMPT, guidance=float(SCALES[k]), **settings)
        torch.testing.assert_close(strip[k], step.x_next, atol=0.02, rtol=0.01)  # half precision


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("rows", [], guidance_curve.curve),
        ("drawings", {"fidelity": [1.0], "spread": [1.0, 2.0]}, guidance_curve.curve),
        ("strip", "AAAA", guidance_curve.strip),
        ("strip_shape", [4, 8], guidance_curve.strip),
    ],
)
def test_a_damaged_record_is_refused_in_a_sentence(recorded, tmp_path, name, value, read):
    content = json.loads((recorded / "guidance.json").read_text()) | {name: value}
    (tmp_path / "guidance.json").write_text(json.dumps(content))
    with pytest.raises(measurements.MeasurementsError, match="Make it again"):
        read(tmp_path)


def test_the_prompt_of_the_strip_asks_for_what_is_looked_for():
    """On pictures that the program draws."""
    labels = {value: (column, index) for value, column, index in guidance_curve.asked_labels()}
    assert set(labels) == {"mood smiling", "colour yellow", "ears long", "cheeks red"}
    for words in ("smiling", "yellow", "long ears", "red cheeks"):
        assert words in guidance_curve.PROMPT
    model, reader = latent.load(), weights.load("reader")
    strip = guidance_curve.strip()
    read = read_labels(reader, model.decode(strip[SCALES.index(2)]))
    right = torch.stack([read[:, column] == index for column, index in labels.values()])
    assert right.double().mean() > 0.8


def test_the_shipped_curve_has_every_scale_and_rises_from_0():
    """No number of the weights themselves: at 0 words are not read, so almost any other scale is better."""
    curve = guidance_curve.curve()
    whole, middle = curve.of(WHOLE), curve.of(MIDDLE)
    assert [row.scale for row in whole] == list(map(float, CURVE))
    assert [row.scale for row in middle] == [float(scale) for scale in CURVE if scale > 1]
    assert len(curve.rows) == len(whole) + len(middle)
    zero, usual = (next(row for row in whole if row.scale == scale) for scale in (0, 2))
    assert usual.judged.fidelity.mean() > zero.judged.fidelity.mean() + 0.3
    assert zero.judged.spread.mean() > usual.judged.spread.mean()
    assert zero.evaluations < usual.evaluations
    assert all(row.evaluations < usual.evaluations for row in middle)
    assert len(topics(len(curve.drawings.fidelity))) == len(zero.judged.fidelity)
