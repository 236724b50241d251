"""The labs "flow" and "slices" without a browser: the endpoint, what is refused, and what the films hold."""

from __future__ import annotations

import base64
import json
import math
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
import torch
from gradio_client import Client
from gradio_client.exceptions import AppError

from apps import limits, worlds
from apps.tabs.families import flow, slices
from tutorial.data import toy2d
from tutorial.families import shipped
from tutorial.families.flow import BOX
from tutorial.families.truth import DENSITIES, conditional
from tutorial.families.warping import way


@pytest.fixture(scope="module")
def client(url):
    return Client(url, verbose=False)


def test_the_endpoint_writes_out_the_change_of_variables(client):
    for world, kind, layers in (("eight Gaussians", "spline", 4), ("two moons", "affine", 8)):
        places, logdets, sums = client.predict(world=world, kind=kind, x=2.0, y=0.1, api_name="/flow_layers")
        assert (len(places), len(logdets)) == (layers + 1, layers)
        assert places[0] == pytest.approx([2.0, 0.1])
        noise = -(places[-1][0] ** 2 + places[-1][1] ** 2) / 2 - math.log(2 * math.pi)
        assert sums["log_normal"] == pytest.approx(noise, abs=1e-4)
        assert sums["log_p"] == pytest.approx(noise + sum(logdets), abs=1e-3)
        model = shipped.flow(world, kind)
        assert sums["log_p"] == pytest.approx(model.log_prob(torch.tensor([[2.0, 0.1]])).item(), abs=1e-4)
        assert sums["round_trip"] < 1e-4


def test_on_the_data_the_flow_is_close_to_the_truth(client):
    _, _, sums = client.predict(x=2.05, y=0.05, api_name="/flow_layers")
    distance = 0.05**2 + 0.05**2
    exact = math.log(1 / 8) - math.log(2 * math.pi * 0.1**2) - distance / (2 * 0.1**2)
    assert sums["exact_log_p"] == pytest.approx(exact, abs=1e-4)
    assert sums["log_p"] == pytest.approx(exact, abs=0.4)


BAD = [
    ({"world": "spiral"}, "must be one of: eight Gaussians, two moons"),
    ({"world": ["two moons"]}, "must be one of"),
    ({"kind": "planar"}, "must be one of: affine, spline"),
    ({"x": 4}, "x must be between"),
    ({"y": -1e300}, "y must be between"),
    ({"x": "left"}, "x must be a number"),
    ({"y": [0]}, "y must be a number"),
    ({"x": True}, "x must be a number"),
]


@pytest.mark.parametrize(("values", "sentence"), BAD, ids=range(len(BAD)))
def test_bad_values_are_refused_in_a_sentence(client, values, sentence):
    with pytest.raises(AppError, match=sentence):
        client.predict(**values, api_name="/flow_layers")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"layer": "one that sings"}, "must be one of"),
        ({"fold": float("nan")}, "must be a number"),
        ({"fold": 2.5}, "must be between"),
        ({"zeros": 2.5}, "whole number"),
        ({"zeros": 300}, "must be between"),
    ],
)
def test_bad_settings_of_the_lab_are_refused(values, sentence):
    with pytest.raises(gr.Error, match=sentence):
        flow.check(**flow.DEFAULTS | values)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [({"world": "spiral"}, "must be one of"), ({"order": 0}, "must be one of"), ({"seed": -1}, "must be between")],
)
def test_bad_settings_of_the_slices_are_refused(values, sentence):
    with pytest.raises(gr.Error, match=sentence):
        slices.check(**slices.DEFAULTS | values)


def layer(clip: dict, panel: int, name: str) -> np.ndarray:
    """The numbers of a layer, by its name."""
    (found,) = (one for one in clip["panels"][panel]["layers"] if one["name"] == name)
    kind = np.uint8 if found["kind"] == "heat" else np.float32
    return np.frombuffer(base64.b64decode(found["data"]), kind).reshape(found["shape"])


def film(**values) -> tuple[dict, str]:
    wish = flow.check(**flow.DEFAULTS | values)
    *_, (clip, table) = filter(None, flow.work(wish, flow.START))
    return json.loads(clip), table


def test_the_film_begins_with_data_ends_with_noise_and_bends_one_direction_at_a_time():
    clip, table = film()
    data = layer(clip, 0, "data")
    assert len(data) == clip["frames"] == len(clip["labels"]) == 33
    assert np.linalg.norm(data[0], axis=1).mean() == pytest.approx(2, abs=0.05)  # the ring
    assert np.abs(np.linalg.norm(data[-1], axis=1).mean() - math.sqrt(math.pi / 2)) < 0.2  # of N(0, I)
    grid = layer(clip, 0, "a grid")
    still = [(np.diff(grid[8 * k : 8 * k + 9], axis=0) == 0).all((0, 1)).tolist() for k in range(4)]
    assert still == [[True, False], [False, True]] * 2
    assert "**" in table
    assert len(json.dumps(clip)) < 500_000


def test_the_budget_ends_at_the_likelihood_of_the_data():
    clip, _ = film(world="two moons")
    total, volume, fit = (
        layer(clip, 2, name)[0, :, 1] for name in ("log p, their sum", "Σ log |det|", "log N(where it is; 0, I)")
    )
    assert np.allclose(total, volume + fit, atol=1e-5)
    assert volume[0] == 0
    truth = layer(clip, 2, "log p of the truth")[0, 0, 1]
    assert truth - 0.03 < total[-1] < truth + 0.03


def test_a_fold_is_found_out_by_the_way_back_and_by_the_sum():
    clip, table = film(layer=flow.FOLD, fold=-0.5)
    assert clip["frames"] == 41
    assert "the fold moves x₂" in table
    worst, mass = (float(part) for part in _numbers(clip["note"]))
    assert worst > 1
    assert abs(mass - 1) > 0.1
    data = layer(clip, 0, "data")
    assert data[24, :, 1].min() >= -0.5 - 1e-6  # right after the fold


def _numbers(note: str) -> tuple[str, str]:
    worst = note.split("to within ")[1].split(";")[0]
    return worst, note.split("−5 to 5 is ")[1].split(";")[0]


def test_a_squash_shows_in_the_sum_of_log_determinants():
    intact, squashed = film()[0], film(layer=flow.SQUASH, zeros=4)[0]
    after = layer(squashed, 2, "Σ log |det|")[0, 24, 1] - layer(intact, 2, "Σ log |det|")[0, 16, 1]
    assert after == pytest.approx(-4 * math.log(10), abs=1e-3)
    assert float(squashed["note"].split("to within ")[1].split(";")[0]) > 1
    assert "∫" not in squashed["note"]  # nearly all of p is outside of the square, which says nothing of the squash


def clicked(**data) -> gr.EventData:
    return gr.EventData(None, data)


def test_a_click_beyond_the_picture_is_refused():
    assert worlds.place(clicked(x=3.4, y=-3.4, frame=3), 33, BOX) == (3.4, -3.4, 3)
    for bad in (
        {"x": 4, "y": 0, "frame": 0},
        {"x": 0, "y": 0, "frame": 33},
        {"x": float("nan"), "y": 0, "frame": 0},
        {},
    ):
        with pytest.raises(gr.Error, match="must be"):
            worlds.place(clicked(**bad), 33, BOX)


@pytest.mark.parametrize("layer", flow.LAYERS)
@pytest.mark.parametrize("world", shipped.WORLDS)
def test_every_point_of_the_data_that_is_seen_can_be_clicked_in_every_frame(layer, world):
    wish = flow.check(**flow.DEFAULTS | {"layer": layer, "world": world})
    points = way(wish.flow, toy2d.WORLDS[world](4, torch.Generator().manual_seed(0)), wish.between).places
    for frame in range(0, wish.frames, 3):
        for x, y in points[frame].tolist():
            if max(abs(x), abs(y)) <= BOX:
                found = torch.tensor([flow.came_from(wish, (x, y), frame)])
                assert (way(wish.flow, found, wish.between).places[frame, 0] - torch.tensor([x, y])).norm() < 1e-2


def test_where_a_fold_takes_nothing_a_click_is_refused():
    wish = flow.check(**flow.DEFAULTS | {"layer": flow.FOLD, "fold": -0.5})
    with pytest.raises(gr.Error, match="click another"):
        flow.came_from(wish, (0.0, -1.0), 24)  # below the crease, right after the fold


def test_a_click_is_worked_on_among_the_runs(monkeypatch):
    with gr.Blocks() as page, gr.Tab("Four families"):
        flow.lab(page)
    (pick,) = (one.fn for one in page.fns.values() if one.name == "pick")
    labs, run = [], limits.run

    def recorded(request, work, lab=""):
        labs.append(lab)
        return run(request, work, lab)

    monkeypatch.setattr(limits, "run", recorded)
    request = SimpleNamespace(session_hash="somebody")
    assert list(pick(request, clicked(x=2.0, y=0.1, frame=0), *flow.DEFAULTS.values())) == [pytest.approx((2.0, 0.1))]
    assert labs == ["flow"]


@pytest.mark.parametrize("order", slices.ORDERS)
def test_slices_are_learned_beside_exact(order):
    wish = slices.check(**slices.DEFAULTS | {"order": order, "world": "two moons"})
    *_, (sent, table) = filter(None, slices.work(wish))
    clip = json.loads(sent)
    learned, exact = layer(clip, 2, "learned"), layer(clip, 2, "exact")
    assert learned.shape == exact.shape == (61, 181, 2)
    step = 6 / 180
    assert np.allclose(learned[20:41, :, 1].sum(1) * step, 1, atol=0.02)
    cuts, at = torch.linspace(-3, 3, 61), torch.linspace(-3, 3, 181)
    truth = conditional(DENSITIES["two moons"], slices.ORDERS.index(order), cuts, at).exp().numpy()
    assert np.allclose(exact[..., 1], truth, atol=1e-4)
    assert np.abs(learned - exact)[25:36, :, 1].mean() < 0.05
    line = layer(clip, 0, "the slice")
    assert np.allclose(line[:, :, slices.ORDERS.index(order)], cuts[:, None], atol=1e-6)
    assert table.count("learned") == table.count("exact") == 2


@pytest.mark.parametrize("order", slices.ORDERS)
def test_points_are_drawn_one_coordinate_after_the_other(order):
    wish = slices.check(**slices.DEFAULTS | {"order": order, "shows": slices.DRAWING, "seed": 5})
    *_, (sent, _) = filter(None, slices.work(wish))
    there, first = layer(json.loads(sent), 1, "drawn"), slices.ORDERS.index(order)
    assert (np.diff(there[:, :, first], axis=0) == 0).all()
    assert (there[: slices.FALL, :, 1 - first] == -3).all()
    drawn = shipped.autoregressive("eight Gaussians", first).sample(slices.DRAWN, torch.Generator().manual_seed(5))
    assert np.allclose(there[-1], drawn.numpy(), atol=1e-6)
    falling = layer(json.loads(sent), 0, "first coordinates")
    assert (falling[0, :, 1] >= 0).all()
    assert (falling[slices.FALL :, :, 1] == 0).all()


def test_the_chain_rule_at_a_point_adds_up():
    said = slices.said(slices.check(**slices.DEFAULTS), 2.05, 0.05).replace("− ", "−").replace("+ ", "")
    first, second, whole = (
        float(part.strip("*").replace("−", "-")) for part in [*said.split(" = ")[2].split()[:2], said.split("**")[1]]
    )
    assert whole == pytest.approx(first + second, abs=0.02)
