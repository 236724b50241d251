"""The labs on guidance: their endpoints, their questions, what they refuse, and what they say of what came out."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
import torch
from gradio_client import Client
from gradio_client.exceptions import AppError
from PIL import Image

from apps.tabs.latent.guidance import curve as guidance_curve
from apps.tabs.latent.guidance import curve_pictures as guidance_curve_pictures
from apps.tabs.latent.guidance import negative as guidance_negative
from apps.tabs.latent.guidance import plane as guidance_plane
from apps.tabs.latent.guidance import steps as guidance_steps
from apps.tabs.latent.guidance import strip as guidance_strip
from tests.alone import alone
from tests.apps.gan_stage import floats, titles
from tests.work import last
from tutorial.data.pixels import to_arrays
from tutorial.diffusion import guidance_plane as plane
from tutorial.diffusion import latent
from tutorial.diffusion.guidance_study import Interval
from tutorial.training.guidance_curve import COMMAND, MIDDLE, curve

pytestmark = pytest.mark.usefixtures("one_thread")
WORDS = "a blue one with a crown"
SOMEONE: gr.Request = SimpleNamespace(session_hash="someone")  # type: ignore[assignment]


@pytest.fixture(scope="module")
def client():
    labs = [guidance_strip, guidance_curve, guidance_negative, guidance_plane, guidance_steps]
    with alone(*(lab.lab for lab in labs)) as address:
        yield Client(address, verbose=False)


@pytest.fixture(scope="module")
def model():
    return latent.load()


def pixels(file) -> np.ndarray:
    return np.array(Image.open(file["path"] if isinstance(file, dict) else file)).astype(int)


# The strip.


def test_a_picture_of_the_endpoint_is_that_of_the_sampler(client, model):
    said, files, numbers = client.predict(WORDS, scale=3.0, steps=4, seed=7, n=2, api_name="/guidance")
    assert said.endswith(" s")
    drawn = to_arrays(model.draw(WORDS, guidance=3.0, steps=4, seed=7, n=2)).astype(int)
    assert len(files) == 2
    assert np.abs(pixels(files[1]) - drawn[1]).max() <= 1
    assert numbers["evaluations"] == 8
    assert set(numbers) == {"evaluations", "spread", "deviation"}


def test_an_interval_saves_evaluations_and_draws_another_picture(client):
    def asked(**settings):
        return client.predict(WORDS, steps=4, seed=7, api_name="/guidance", **settings)

    _, whole, all_steps = asked(scale=6.0)
    _, part, some_steps = asked(scale=6.0, from_t=800, to_t=400)
    _, plain, _ = asked(scale=1.0)
    _, none, no_steps = asked(scale=6.0, from_t=2, to_t=1)
    assert (all_steps["evaluations"], no_steps["evaluations"]) == (8, 4)
    assert 4 < some_steps["evaluations"] < 8
    assert "spread" not in all_steps
    assert np.abs(pixels(whole[0]) - pixels(part[0])).max() > 2
    assert np.abs(pixels(plain[0]) - pixels(none[0])).max() == 0


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"scale": 16}, "The scale must be between"),
        ({"from_t": 300, "to_t": 300}, "Guidance must begin at a noisier"),
        ({"from_t": 0}, "The time where guidance begins must be between"),
        ({"to_t": -1}, "The time where guidance ends must be between"),
        ({"n": 5}, "The number of noises must be between"),
        ({"steps": 0}, "Steps must be between"),
        ({"seed": 0.5}, "The seed must be a whole number"),
    ],
)
def test_bad_values_are_refused_in_a_sentence(client, values, sentence):
    with pytest.raises(AppError, match=sentence):
        client.predict(WORDS, **values, api_name="/guidance")


def test_the_strip_opens_at_1_and_what_comes_before_is_drawn_after_the_answer():
    first = json.loads(guidance_strip.opening())
    assert first["labels"] == [f"guidance {k}" for k in range(1, 16)]
    assert COMMAND in first["note"]
    assert [panel["title"] for panel in first["panels"]][:2] == ["noises 1 to 4", "how unlike each other"]
    assert len(guidance_strip.opening()) < 700_000
    *_, (said, film) = guidance_strip.answered(SOMEONE, guidance_strip.OTHER)
    assert said.startswith(f"You said: {guidance_strip.OTHER}. At 0 the formula leaves ε̂ = ε̂(∅)")
    shown = json.loads(film)
    assert shown["labels"][0] == "guidance 0"
    assert shown["panels"][0]["title"] == "at guidance 0"
    with pytest.raises(gr.Error, match="Your answer must be one of"):
        list(guidance_strip.answered(SOMEONE, "<b>"))


def test_what_is_read_off_a_strip_is_what_is_there():
    zero, usual = guidance_strip.recorded()[0], guidance_strip.recorded()[2]
    assert sum(guidance_strip.seen(usual).values()) > sum(guidance_strip.seen(zero).values()) + 4
    assert list(guidance_strip.seen(zero)) == ["mood smiling", "colour yellow", "ears long", "cheeks red"]
    assert "| colour yellow |" in guidance_strip.revealed("x", zero, usual)


def test_a_strip_is_drawn_scale_by_scale():
    wish = guidance_strip.check(WORDS, 900, 200, 2, 5, 1)
    found = [part for part in guidance_strip.work(wish) if part is not None]
    line, film = found[-1]
    clip = json.loads(film)
    assert clip["frames"] == 16
    assert titles(film) == ["noise 5", "standard deviation"]  # one noise is unlike nothing
    assert "network evaluations a picture: 2 at 0 and 1, " in line
    assert line.endswith("guided for 200 < t ≤ 900 only")


# The curve.


def test_the_curve_opens_with_fidelity_and_the_rest_comes_with_the_answer():
    recorded = curve()
    assert titles(guidance_curve.opening(recorded)) == ["prompt fidelity"]
    whole = guidance_curve.opening(recorded, whole=True)
    assert titles(whole) == ["prompt fidelity", "diversity", "one against the other"]
    assert COMMAND in json.loads(whole)["note"]
    said = guidance_curve.verdict(guidance_curve.ALIKE, recorded)
    plain = next(row for row in recorded.rows if row.scale == 1)
    assert f"is {plain.judged.spread.mean():.2f} at 1 and" in said
    assert said.count("\n| ") == len({row.scale for row in recorded.rows}) + 3  # head, line, and the drawings
    usual, part = (next(row for row in recorded.of(arm) if row.scale == 4) for arm in (Interval(1000, 0), MIDDLE))
    assert f"{part.evaluations} evaluations a picture instead of {usual.evaluations}" in said
    assert f"| 2 | {usual_cells(recorded, 2)} |" in said


def usual_cells(recorded, scale: float) -> str:
    """A row of the table, from the numbers by NumPy."""
    cells = []
    for row in (row for arm in (Interval(1000, 0), MIDDLE) for row in recorded.of(arm) if row.scale == scale):
        fidelity, apart = row.judged.fidelity.numpy(), row.judged.spread.numpy()
        errors = [values.std(ddof=1) / len(values) ** 0.5 for values in (fidelity, apart)]
        cells += [f"{fidelity.mean():.1%} ± {errors[0]:.1%}", f"{apart.mean():.2f} ± {errors[1]:.2f}"]
    return " | ".join(cells)


def test_bars_are_a_standard_error_up_and_down():
    recorded = curve()
    layer = json.loads(guidance_curve.opening(recorded))["panels"][0]["layers"][1]
    assert layer["kind"] == "mesh"
    values = recorded.rows[0].judged.fidelity.numpy()
    low, high = floats(layer)[0, :2, 1]
    assert (low + high) / 2 == pytest.approx(values.mean(), abs=1e-5)
    assert high - low == pytest.approx(2 * values.std(ddof=1) / len(values) ** 0.5, abs=1e-5)
    assert guidance_curve_pictures.error(torch.tensor([1.0, 3.0])) == pytest.approx(1)


def test_the_curve_is_measured_live(client):
    asked = {"scales": [0, 1, 4], "from_t": 800, "to_t": 300, "prompts": 2, "each": 2, "steps": 2}
    said, rows = client.predict(**asked, api_name="/guidance_curve")
    assert said == "5 of 5"
    assert [(row["from_t"], row["scale"]) for row in rows] == [(1000, 0), (800, 0), (1000, 1), (1000, 4), (800, 4)]
    assert all(len(row["fidelity"]) == len(row["spread"]) == 2 for row in rows)
    wish = guidance_curve.check([0, 1, 4], 800, 300, 2, 2, 2)
    line, film = last(guidance_curve.work(wish))
    assert line.startswith("| scale | fidelity, all steps | diversity, all steps | fidelity, 300 < t ≤ 800 only |")
    assert line.split("Evaluations of the network a picture, at most: all steps 4, ")[1].startswith("300 < t ≤ 800")
    assert titles(film)[1] == "diversity"
    assert json.loads(film)["note"].startswith("2 prompts, 2 pictures each: measured just now.")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"scales": "1"}, "2 to 16 scales"),
        ({"scales": "1, 1"}, "two different scales"),
        ({"scales": "1, many"}, "Each scale must be a number"),
        ({"scales": "1, nan"}, "Each scale must be a number"),
        ({"scales": "1, 99"}, "Each scale must be between"),
        ({"scales": 5}, "The scales must be a text"),
        ({"prompts": 12, "each": 8}, "480 pictures of 20 steps; 200 of 20 are the most"),
        ({"each": 1}, "Pictures of each prompt must be between"),
    ],
)
def test_a_curve_that_is_too_much_or_none_is_refused(values, sentence):
    with pytest.raises(gr.Error, match=sentence):
        guidance_curve.check(**guidance_curve.DEFAULTS | values)


# Negative prompts.


def test_the_arrows_add_up_and_both_pictures_are_the_samplers(client, model):
    wish = guidance_negative.check(WORDS, "at night", 5, 3, 4)
    found = last(guidance_negative.compared(wish))
    for look in found.looks:
        towards, unwanted, far, correction, total = look.arrows
        np.testing.assert_allclose(far[2:], 5 * towards[2:], atol=1e-2)
        np.testing.assert_allclose(correction[2:], -4 * unwanted[2:], atol=2e-2)
        np.testing.assert_allclose(far[2:] + correction[2:], total[2:], atol=1e-4)
        np.testing.assert_allclose(correction[:2], far[2:], atol=1e-4)  # it begins where the other ends
        assert np.linalg.norm(towards[2:]) == pytest.approx(look.prompt, rel=1e-4)
        cosine = towards[2:] @ unwanted[2:] / (look.prompt * look.negative)
        assert cosine == pytest.approx(look.cosine, abs=1e-4)
    for name, negative in (("without", ""), ("against", "at night")):
        drawn = to_arrays(model.draw(WORDS, negative=negative, guidance=5.0, steps=3, seed=4))[0].astype(int)
        assert np.abs(getattr(found, name)[-1].astype(int) - drawn).max() <= 1
    said, rows, files = client.predict(WORDS, "at night", scale=5, steps=3, seed=4, api_name="/negative_prompt")
    assert (said, len(rows), len(files)) == ("done", 3, 2)
    assert rows[1]["cosine"] == pytest.approx(found.looks[1].cosine, abs=1e-3)
    assert np.abs(pixels(files[1]) - found.against[-1].astype(int)).max() <= 1


def test_what_is_said_of_a_negative_prompt():
    wish = guidance_negative.check(WORDS, "at night", 4, 2, 4)
    line, film = last(guidance_negative.work(wish))
    assert "the first is added 4 times and the second taken away 3 times" in line
    assert titles(film)[0] == "what is added up"
    found = last(guidance_negative.compared(wish))
    assert "the second not at all" in guidance_negative.told(replace(wish, scale=1.0), found)
    assert "the second added 0.5 times" in guidance_negative.told(replace(wish, scale=0.5), found)
    with pytest.raises(gr.Error, match="what to steer away from"):
        guidance_negative.check(WORDS, "  ", 4, 2, 4)


# The plane.


def test_the_three_arrows_are_one_formula(client):
    said = client.predict(label="lower", scale=6, x=0.4, y=-0.1, t=600, api_name="/guidance_plane")
    assert list(said) == ["learned, 10% of labels dropped", "learned, no label ever dropped", "exact"]
    for answer in said.values():
        none, label, guided = (np.array(answer[name]) for name in ("none", "label", "guided"))
        np.testing.assert_allclose(guided, none + 6 * (label - none), atol=1e-4)
    exact = plane.exact(plane.world())(torch.tensor([[0.4, -0.1]]), torch.tensor([600]), torch.tensor([plane.LOWER]))
    assert said["exact"]["label"] == pytest.approx(exact[0].tolist(), abs=1e-5)
    np.testing.assert_allclose(said["learned, 10% of labels dropped"]["none"], said["exact"]["none"], atol=0.3)


def test_the_plane_shows_what_was_found():
    wish = guidance_plane.check(**guidance_plane.DEFAULTS)
    ways = last(guidance_plane.ways(wish, guidance_plane.shipped()))
    film = guidance_plane.film(wish, ways, guidance_plane.note(guidance_plane.shipped()))
    assert titles(film)[2] == "exact"
    assert len(film) < 700_000
    assert COMMAND in json.loads(film)["note"]
    kept, control, exact = (way.found.high_quality for way in ways)
    assert exact > 0.95
    assert kept > control + 0.4
    rows = guidance_plane.told(wish, ways).splitlines()[2:]
    assert rows[1].startswith(f"| learned, no label ever dropped | {control:.0%} |")


def test_a_pair_is_trained_with_the_dropout_asked_for(monkeypatch):
    monkeypatch.setattr(guidance_plane, "UPDATES", 40)
    wish = guidance_plane.check(**guidance_plane.DEFAULTS | {"dropout": 0.3})
    said, film, pair = last(guidance_plane.work(wish))
    assert pair.dropouts == (0.3, 0.0)
    assert pair.steps == 40
    assert "learned, 30% of labels dropped" in said
    assert "trained just now" in json.loads(film)["note"]
    *_, (again, _) = guidance_plane.shown(SOMEONE, *(guidance_plane.DEFAULTS | {"scale": 0}).values(), pair)
    assert "learned, 30% of labels dropped" in again


def test_a_link_shows_the_shipped_pair_and_trains_only_if_another_training_is_asked_for(monkeypatch):
    monkeypatch.setattr(guidance_plane, "UPDATES", 40)
    said, film, pair = last(guidance_plane.brought(guidance_plane.check(**guidance_plane.DEFAULTS | {"scale": 2})))
    assert "scale 2 |" in said
    assert COMMAND in json.loads(film)["note"]
    assert pair is None
    *_, trained = last(guidance_plane.brought(guidance_plane.check(**guidance_plane.DEFAULTS | {"dropout": 0.3})))
    assert (trained.dropouts, trained.steps) == ((0.3, 0.0), 40)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"label": "none"}, "The label must be one of"),
        ({"scale": -1}, "The scale must be between"),
        ({"x": 9}, "x must be between"),
        ({"t": 0}, "t must be between"),
    ],
)
def test_bad_places_are_refused(client, values, sentence):
    with pytest.raises(AppError, match=sentence):
        client.predict(**values, api_name="/guidance_plane")


# Step by step.


def test_steps_forth_and_back_and_on_with_another_scale(model):
    values = {"prompt": WORDS, "scale": 3, "steps": 6, "seed": 1}

    def pressed(move, n, way, **changed):
        *_, (said, film, there) = move(SOMEONE, n, (*(values | changed).values(), way))
        return said, json.loads(film), there

    _, _, way = pressed(guidance_steps.forward, 40, None)
    *_, plain = model.sample(WORDS, guidance=3.0, sampler="ddim", steps=6, seed=1)
    assert torch.equal(way.walk.x, plain.x_next)
    _, _, back = pressed(guidance_steps.backward, 1, way)
    said, clip, back = pressed(guidance_steps.backward, 3, back)
    assert said.endswith("step 2 of 6 (2 with scale 3).")
    assert back.left is not None
    assert back.left.steps == 6  # not the five of the press before
    assert [panel["title"] for panel in clip["panels"]][1] == "the way you left"
    said, clip, on = pressed(guidance_steps.forward, 40, back, scale=0)
    assert said.endswith("step 6 of 6 (2 with scale 3, then 4 with scale 0).")
    assert clip["frames"] == 6
    assert torch.equal(on.walk.taken[1].step.x_next, way.walk.taken[1].step.x_next)
    assert not torch.equal(on.walk.x, way.walk.x)
    _, _, new = pressed(guidance_steps.forward, 1, on, seed=2)
    assert (new.steps, new.wish.seed, new.left) == (1, 2, None)
    said, _, empty = pressed(guidance_steps.backward, 5, new)
    assert said.endswith("pure noise.")
    assert empty.steps == 0
    _, _, over = pressed(guidance_steps.forward, 1, on)
    assert over.steps == 1
    assert over.left is not None
    assert over.left.left is None


def test_a_scale_for_each_step(client, model):
    scales = [3.0] * 3 + [8.0] * 2
    said, files = client.predict(WORDS, scales, seed=1, api_name="/guidance_steps")
    assert said == "step 5 of 5"
    way = guidance_steps.begun(guidance_steps.check(WORDS, 3, 5, 1))
    for scale in scales:
        way = guidance_steps.further(way, scale)
    x = to_arrays(model.decode(way.walk.x))[0].astype(int)
    assert np.abs(pixels(files[0]) - x).max() <= 1
    for wrong, sentence in (([1.0], "a list of 2 to 40"), ([1.0, 20.0], "Each scale must be between")):
        with pytest.raises(AppError, match=sentence):
            client.predict(WORDS, wrong, api_name="/guidance_steps")


def test_every_endpoint_is_typed_and_described(client):
    info = client.view_api(return_format="dict")["named_endpoints"]
    names = ["guidance", "guidance_curve", "negative_prompt", "guidance_plane", "guidance_steps"]
    assert set(info) == {f"/{name}" for name in names}
    kinds = list(itertools.chain(*(endpoint["parameters"] for endpoint in info.values())))
    assert all(endpoint["description"] for endpoint in info.values())
    assert all(parameter["type"] for parameter in kinds)


def test_the_interval_of_everything_is_one_arm_and_another_two():
    assert len(guidance_curve.check(**guidance_curve.DEFAULTS).arms) == 1
    wish = guidance_curve.check(**guidance_curve.DEFAULTS | {"first": 500})
    assert wish.arms == [Interval(1000, 0), Interval(500, 0)]
