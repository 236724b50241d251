"""The labs of "Objectives", called as the page calls them."""

from __future__ import annotations

from contextlib import closing

import gradio as gr
import pytest
import torch
from gradio_client import Client

from apps.tabs.objectives import bound, train, views
from tutorial.diffusion.objective import KINDS
from tutorial.diffusion.point_training import Knobs

MOST = 500_000
"""Characters of a clip that the page still takes quickly."""

pytestmark = pytest.mark.usefixtures("one_thread")


def test_the_labs_open_with_finished_pictures_of_modest_size():
    clips = [views.picture(**views.DEFAULTS), *train.opening(), *bound.opening()[:2]]
    assert all(1000 < len(clip) < MOST for clip in clips)
    assert "A recorded run" in clips[1]


@pytest.mark.parametrize(
    ("check", "change", "sentence"),
    [
        (views, {"world": "nowhere"}, "The data must be one of"),
        (views, {"predicts": "score"}, "What is predicted must be one of"),
        (views, {"world": "spiral", "predicts": "v"}, "only a network that predicts ε"),
        (train, {"rate": float("nan")}, "The learning rate must be a number"),
        (train, {"hidden": 10_000}, "The width must be between"),
        (bound, {"variance": ["beta"]}, "The reverse variance must be one of"),
        (bound, {"steps": 1001}, "The number of steps must be between"),
        (bound, {"points": 10**9}, "The number of points must be between"),
        (bound, {"spread": 0}, "The spread must be between"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(check, change, sentence):
    with pytest.raises(gr.Error, match=sentence):
        check.check(**check.DEFAULTS | change)


def test_a_network_of_any_kind_can_be_asked_and_is_close_to_the_exact_answer():
    for predicts in KINDS:
        asked = views.denoisers("eight Gaussians", predicts)
        x = views.grid()[:, :20] * 0.3
        t = torch.full((len(x[5]),), 500)
        network, exact = (denoise(x[5], t, None) for denoise in asked.values())
        assert (network - exact).square().mean().sqrt() < 0.5


def test_the_three_differ_only_in_what_they_are_asked_for():
    run = train.Run(train.check(**train.DEFAULTS | {"hidden": 16}).setup)
    first = list(run.trainings["eps"].network.parameters())
    for training in run.trainings.values():
        assert all(torch.equal(a, b) for a, b in zip(first, training.network.parameters(), strict=True))
    with closing(run.train(Knobs)) as going:
        while run.step < 2 * train.CHUNK:  # the last of a round has had its second chunk
            next(going)
    states = [training.generator.get_state() for training in run.trainings.values()]
    assert all(torch.equal(states[0], state) for state in states)  # so each had the same points, times and noise
    assert {training.step for training in run.trainings.values()} == {2 * train.CHUNK}
    assert [training.knobs.predicts for training in run.trainings.values()] == list(KINDS)


def test_training_brings_each_closer_to_the_exact_answer():
    run = train.Run(train.check(**train.DEFAULTS | {"hidden": 64, "batch": 64}).setup)
    before = run.looks()
    with closing(run.train(Knobs)) as going:
        while run.step < 400:
            next(going)
    after = run.looks()
    for kind in KINDS:
        assert after[kind].excess[8:].mean() < 0.2 * before[kind].excess[8:].mean()  # from t = 200 on


def test_the_bound_comes_in_batches_and_stays_above_the_truth():
    wish = bound.check(**bound.DEFAULTS | {"steps": 50, "points": 64})
    looks = [now for now in bound.measure(wish) if now is not None]
    assert [len(now.truth) for now in looks] == [16, 32, 48, 64]
    for found in bound.numbers(looks[-1]).values():
        assert found["bound"] == pytest.approx(found["prior"] + found["steps"] + found["last"], abs=1e-9)
        assert found["gap"] > -3 * found["error"]


def test_the_network_is_measured_only_on_what_it_learned():
    few = {"steps": 10, "points": 16}
    for change, who in (({}, ["exact", "network"]), ({"modes": 3}, ["exact"]), ({"spread": 0.5}, ["exact"])):
        *_, last = bound.measure(bound.check(**bound.DEFAULTS | few | change))
        assert list(last.bounds) == who
        assert len(bound.shown(last)) == 3


def test_a_program_gets_the_bound_as_numbers(url):
    client = Client(url, verbose=False)
    numbers = client.predict(variance="beta", steps=20, points=32, modes=1, spread=1.0, seed=3, api_name="/objectives")
    assert set(numbers) == {"exact"}
    assert numbers["exact"]["bound"] > 0
    with pytest.raises(Exception, match="The number of steps must be between"):
        client.predict(variance="beta", steps=5000, points=32, modes=1, spread=1.0, seed=3, api_name="/objectives")
