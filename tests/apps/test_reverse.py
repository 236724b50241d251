"""The endpoints of the chapter "Reverse diffusion": what they answer, and what they refuse."""

from __future__ import annotations

import math

import pytest
import torch
from gradio_client import Client
from gradio_client.exceptions import AppError

from tutorial.data.toy2d import ring
from tutorial.diffusion.exact import posterior_mean
from tutorial.diffusion.points import SCHEDULE


@pytest.fixture(scope="module")
def client(url):
    return Client(url, verbose=False)


def test_training_reports_and_gets_better(client):
    job = client.submit(updates=1500, api_name="/train_denoiser")
    said, numbers = job.result(timeout=120)
    first = job.outputs()[0][1]
    assert said.startswith("1,500 updates")
    assert numbers["step"] == 1500
    assert numbers["energy"] < first["energy"]
    assert numbers["modes"] == 8
    assert numbers["floor"] < 0.05


def test_training_on_drawn_points(client):
    _, numbers = client.predict(
        world="draw your own", points=[[0, 0], [1, 1], [0, 1]], updates=200, hidden=32, api_name="/train_denoiser"
    )
    assert numbers["step"] == 200
    assert math.isfinite(numbers["energy"])


def test_the_field_at_a_point_is_the_closed_form(client):
    answer = client.predict(x=0.5, y=1.0, t=300, api_name="/score_field")
    exact = posterior_mean(ring(), SCHEDULE, torch.tensor([[0.5, 1.0]]), 300)[0]
    assert answer["exact_x0"] == pytest.approx(exact.tolist(), abs=1e-4)
    assert sum(answer["posterior"]) == pytest.approx(1, abs=1e-5)
    assert max(answer["posterior"]) == answer["posterior"][1]  # the mode at 45°
    assert math.dist(answer["learned_x0"], answer["exact_x0"]) < 0.3


def test_the_way_back_ends_on_data(client):
    said, numbers, points = client.predict(denoiser="exact", sampler="heun", steps=100, api_name="/reverse")
    assert numbers["evaluations"] == 199
    assert numbers["solver_error"] < 0.05
    near = torch.cdist(torch.tensor(points), ring().means).min(1).values < 0.3
    assert near.float().mean() > 0.95
    assert "network evaluations" in said


def test_quality_is_measured_for_all_samplers(client):
    _, rows = client.predict(most=5, denoiser="exact", api_name="/quality_vs_steps")
    assert {row["sampler"] for row in rows} == {"DDPM, variance β", "DDPM", "DDIM", "Heun", "DPM-Solver++(2M)"}
    assert max(row["evaluations"] for row in rows) == 5
    assert all(row["distance"] >= 0 for row in rows)


MANY = [[0.0, 0.0]] * 100_000
DRAWN = {"world": "draw your own"}
BAD = [
    ("/train_denoiser", {"world": "atlantis"}, "must be one of"),
    ("/train_denoiser", {"world": ["spiral"]}, "must be one of"),
    ("/train_denoiser", {"rate": 3}, "must be between"),
    ("/train_denoiser", {"rate": "fast"}, "must be a number"),
    ("/train_denoiser", {"batch": 17.5}, "whole number"),
    ("/train_denoiser", {"hidden": 1e9}, "must be between"),
    ("/train_denoiser", {"layers": 0}, "must be between"),
    ("/train_denoiser", {"updates": -1}, "must be between"),
    ("/train_denoiser", {"seed": -1}, "must be between"),
    ("/train_denoiser", DRAWN, "Draw at least 3 different points"),
    ("/train_denoiser", DRAWN | {"points": [[1, 1]]}, "Draw at least 3 different points"),
    ("/train_denoiser", DRAWN | {"points": [[1, 1], [0, 1]]}, "Draw at least 3 different points"),
    ("/train_denoiser", DRAWN | {"points": MANY}, "at most 2,000 points"),
    ("/train_denoiser", DRAWN | {"points": [[1, 2, 3], [1, 1]]}, "pair of numbers"),
    ("/train_denoiser", DRAWN | {"points": [["a", "b"], [1, 1]]}, "must be a number"),
    ("/train_denoiser", DRAWN | {"points": [[9, 9], [1, 1]]}, "must be between"),
    ("/train_denoiser", DRAWN | {"points": "many"}, "list of pairs"),
    ("/score_field", {"t": 0}, "between 1 and 1,000"),
    ("/score_field", {"x": 1e9}, "between -3.0 and 3.0"),
    ("/reverse", {"sampler": "euler_ancestral"}, "must be one of"),
    ("/reverse", {"steps": 1001}, "between 1 and 1,000"),
    ("/reverse", {"steps": 2.5}, "whole number"),
    ("/reverse", {"eta": 2}, "between 0 and 1"),
    ("/reverse", {"world": "spiral", "denoiser": "exact"}, "exact denoiser is known"),
    ("/quality_vs_steps", {"most": 1}, "between 2 and 1,000"),
    ("/quality_vs_steps", {"world": "spiral", "denoiser": "exact"}, "exact denoiser is known"),
]


@pytest.mark.parametrize(("endpoint", "values", "sentence"), BAD, ids=range(len(BAD)))
def test_bad_values_are_refused_in_a_sentence(client, endpoint, values, sentence):
    with pytest.raises(AppError, match=sentence):
        client.predict(**values, api_name=endpoint)


def test_nan_is_refused():
    """JSON has no NaN, but Python's does, and so the checks meet it."""
    import gradio as gr

    from apps import worlds

    with pytest.raises(gr.Error, match="must be a number"):
        worlds.drawn(worlds.DRAWN, [[float("nan"), 0.0], [1.0, 1.0]])
