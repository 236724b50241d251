"""What visitors draw and click, and which denoisers there are of it."""

from __future__ import annotations

import math
from types import SimpleNamespace

import gradio as gr
import pytest
import torch

from apps import models, worlds
from tutorial.data.toy2d import REACH


def event(**data) -> gr.EventData:
    return SimpleNamespace(_data=data)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("a cloud", "list of pairs"),
        ([[0, 0]] * (worlds.MOST + 1), "at most 2,000 points"),
        ([[0, 0], [1]], "pair of numbers"),
        ([[0, 0], {"x": 1, "y": 1}], "pair of numbers"),
        ([[0, 0], [float("nan"), 1]], "must be a number"),
        ([[0, 0], [True, 1]], "must be a number"),
        ([[0, 0], [0, REACH + 0.1]], "must be between"),
        ([], "Draw at least 3 different points"),
        ([[0, 0], [1, 1]], "in the plane needs more than two"),
        ([[0, 0], [1, 1]] * 20, "in the plane needs more than two"),
    ],
    ids=range(10),
)
def test_bad_points_are_refused_in_a_sentence(value, sentence):
    with pytest.raises(gr.Error, match=sentence):
        worlds.drawn(worlds.DRAWN, value)


def test_of_another_world_no_points_are_kept():
    assert worlds.drawn("spiral", "whatever") == ()


def test_strokes_join_and_two_places_wait_for_a_third():
    points, name = worlds.stroke([], event(points=[[0.5, 0.5]]))
    assert (points, name) == ([[0.5, 0.5]], worlds.DRAWN)
    two, _ = worlds.stroke(points, event(points=[[1, 1]] * 20))
    assert two == [[0.5, 0.5]] + [[1.0, 1.0]] * 20
    assert "at least 3 different ones" in worlds.unfinished(worlds.DRAWN, two)
    three, _ = worlds.stroke(two, event(points=[[2, 2]]))
    assert worlds.unfinished(worlds.DRAWN, three) is None
    points, _ = worlds.stroke(points, event(points=[[1, 1], [2, 2]]))
    assert points == [[0.5, 0.5], [1.0, 1.0], [2.0, 2.0]]
    for bad in (event(), event(points="x"), SimpleNamespace(_data="x")):
        with pytest.raises(gr.Error, match="list of points"):
            worlds.stroke([], bad)


@pytest.mark.parametrize(
    "data", [{}, {"x": "a", "y": 0, "frame": 0}, {"x": 0, "y": 9, "frame": 0}, {"x": 0, "y": 0, "frame": 5}, {"x": 0}]
)
def test_a_bad_click_is_refused_in_a_sentence(data):
    with pytest.raises(gr.Error, match="must be"):
        worlds.place(event(**data), 5)
    assert worlds.place(event(x=1, y=-2.5, frame=4.0), 5) == (1.0, -2.5, 4)


def test_there_is_an_exact_denoiser_of_what_is_a_mixture_and_a_learned_one_of_each_world():
    drawn = ((0.0, 0.0), (1.0, 1.0))
    near, _ = models.denoiser("exact", worlds.DRAWN, drawn).read(torch.tensor([[1.0, 1.0]]), 1)
    assert near.abs().max() < 0.1  # no noise is seen in one of the points
    assert models.denoiser("learned", "spiral").predicts == "eps"
    for kind, world, sentence in (
        ("exact", "spiral", "is known for"),
        ("learned", worlds.DRAWN, "Nothing has learned"),
        ("guessed", "spiral", "must be one of"),
    ):
        with pytest.raises(gr.Error, match=sentence):
            models.denoiser(kind, world, drawn)


def test_points_that_a_program_sends_are_not_passed_over():
    assert worlds.sent(worlds.DRAWN, [[0, 0]]) == [[0, 0]]
    assert worlds.sent("spiral", None) == []
    with pytest.raises(gr.Error, match="Points are for the data “draw your own”"):
        worlds.sent("spiral", [[0, 0], [1, 1]])


def test_what_is_no_number_or_too_far_out_is_put_out_of_the_picture():
    far = torch.tensor([[math.nan, 1.0], [math.inf, -math.inf], [1e9, 0.5]])
    expected = [[worlds.AWAY, 1.0], [worlds.AWAY, -worlds.AWAY], [worlds.AWAY, 0.5]]
    assert worlds.drawable(far).tolist() == expected
