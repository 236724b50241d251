"""The lab "tasks": what each of six families can do, what comes out, and what is refused."""

from __future__ import annotations

import json
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
import torch

from apps import player
from apps.tabs.closing import contenders, ink, tasks, tasks_shown, tasks_work
from tests.apps.closing_stage import staged
from tutorial.contest.contender import TASKS
from tutorial.data.digits import digits
from tutorial.data.pixels import to_signed
from tutorial.training.contest_recorded import board

pytestmark = pytest.mark.usefixtures("one_thread")
CANNOT = {
    "fill_in": set(),
    "invert": {"pixel_cnn"},
    "interpolate": {"pixel_cnn"},
    "log_likelihood": {"gan", "latent_diffusion"},
}


@pytest.fixture(scope="module", autouse=True)
def stage():
    with staged() as folder:
        yield folder


def wish(**change) -> tasks.Wish:
    return tasks.check(**tasks.DEFAULTS | change)


@pytest.fixture(scope="module", params=TASKS)
def attempted(request, stage, one_thread_throughout):
    """What all six came to, asked for one of the tasks."""
    asked = wish(task=request.param, number=4).asked()
    all_ = tasks_work.attempts(asked)
    for _ in tasks_work.run(all_):
        pass
    return asked, all_


def test_each_family_does_it_or_says_why_not(attempted):
    asked, all_ = attempted
    refused = {one.name for one in all_ if one.refused}
    assert refused == CANNOT[asked.task]
    for one in all_:
        assert one.over
        answer = one.model.answers[asked.task]
        assert answer.done == (not one.refused)
        if one.refused:
            assert one.refused == answer.how and one.found is None


def test_what_comes_out_has_its_shape(attempted):
    asked, all_ = attempted
    shapes = {
        "fill_in": (4, 1, 28, 28),
        "invert": (1, 1, 28, 28),
        "interpolate": (9, 1, 1, 28, 28),
        "log_likelihood": (10,),
    }
    for one in all_:
        if one.found is not None:
            assert tuple(one.found.shape) == shapes[asked.task]
            assert one.found.isfinite().all()
    if asked.task == "fill_in":
        for one in all_:
            assert (one.found[:, :, :14] - asked.x[:, :, :14]).abs().max() == 0  # the given half
    clip = json.loads(tasks_shown.clip(asked, all_, ""))
    assert len(clip["panels"]) == 7
    assert clip["frames"] == (9 if asked.task == "interpolate" else 1)
    assert sum("impossible" in panel["title"] for panel in clip["panels"]) == len(CANNOT[asked.task])


def test_an_exact_inverse_leads_back_and_its_likelihood_is_the_models():
    asked = wish(task="invert", number=7).asked()
    flow = next(one for one in tasks_work.attempts(asked) if one.name == "flow")
    while not flow.over:
        flow.move()
    assert tasks_work.off(flow.found, asked.x) < 0.01
    asked = wish(task="log_likelihood", number=7, seed=3).asked()
    one = next(one for one in tasks_work.attempts(asked) if one.name == "pixel_cnn")
    while not one.over:
        one.move()
    model = contenders.contender("pixel_cnn")
    for k in (0, 9):
        dice = torch.Generator().manual_seed(3)
        assert one.found[k].item() == pytest.approx(
            model.log_likelihood(asked.pixels, torch.tensor([k]), dice).item(), rel=1e-4
        )


def test_a_digit_is_said_to_be_what_it_is_or_what_one_says():
    _, labels = digits("test")
    asked = wish(number=11).asked()
    assert asked.digit == labels[11]
    assert wish(number=11, told="3").asked().digit == 3
    other = to_signed(asked.other)
    assert any(
        torch.equal(to_signed(digits("test")[0][k : k + 1]), other) for k in range(12, 200) if labels[k] == labels[11]
    )


@pytest.mark.parametrize(
    ("half", "rows", "columns"),
    zip(
        tasks_work.HALVES,
        (slice(14, 28), slice(0, 14), slice(0, 28)),
        (slice(0, 28), slice(0, 28), slice(14, 28)),
        strict=True,
    ),
)
def test_the_half_that_is_missing_is_the_one_that_is_named(half, rows, columns):
    mask = wish(half=half).asked().mask
    assert mask[rows, columns].all() and mask.sum() == 28 * 14


def test_strokes_become_soft_ink_and_add_up():
    own, source = tasks.stroke(ink.BLANK, SimpleNamespace(_data={"points": [[14, 4], [14, 24]]}))
    assert source == tasks.OWN
    grey = np.array(own)
    assert grey[14, 14] == 255 and grey[14, 13] == 255 and grey[14, 20] == 0
    assert 0 < grey[14, 12] < 255
    more, _ = tasks.stroke(own, SimpleNamespace(_data={"points": [[4, 14]]}))
    assert (np.array(more) >= grey).all() and np.array(more)[13, 4] > 0
    asked = wish(source=tasks.OWN, own=own).asked()
    assert torch.equal(asked.pixels[0, 0], torch.tensor(own, dtype=torch.uint8))
    assert tasks.clear() == (ink.BLANK, tasks.TEST)


@pytest.mark.parametrize(
    "points", [None, [], "line", [[1]], [[1, "a"]], [[float("nan"), 1]], [[99, 1]], [[1, 1]] * (player.STROKE + 1)]
)
def test_bad_strokes_are_refused(points):
    with pytest.raises(gr.Error, match="must be"):
        tasks.stroke(ink.BLANK, SimpleNamespace(_data={"points": points}))


@pytest.mark.parametrize(
    "change",
    [
        {"task": "draw"},
        {"source": "mine"},
        {"number": 10_000},
        {"number": None},
        {"half": "left half"},
        {"told": 3},
        {"seed": -1},
        {"source": tasks.OWN, "own": [[0] * 28] * 27},
        {"source": tasks.OWN, "own": [[256] * 28] * 28},
    ],
)
def test_bad_settings_are_refused(change):
    with pytest.raises(gr.Error, match=r"must be"):
        wish(**change)


def test_the_table_tells_who_can_do_what():
    html = tasks_shown.table(board())
    assert html.count("Impossible. ") == 4 and html.count("Done: ") == 20
    assert "0.400 off" in html  # the GAN's, as made up
