"""The labs on losses and codes of GANs: what they say, and what they and the lab on times refuse."""

from __future__ import annotations

import json
import math

import gradio as gr
import pytest
import torch
from scipy import stats

from apps import models
from apps.tabs.gan import ask, ask_pictures, data, loss_pictures, loss_tells, overtraining
from tests.apps.gan_stage import titles
from tests.work import last
from tutorial import measurements
from tutorial.families.learners import FlowLearner
from tutorial.gans import loss_and_distance
from tutorial.gans.inversion import beyond
from tutorial.training import gan_race

pytestmark = pytest.mark.usefixtures("one_thread")


def test_the_losses_are_shown_before_the_distances_are():
    film, courses, floor = loss_tells.opening()
    assert len(titles(film)) == 4
    assert not any("distance" in title or "ρ" in title for title in titles(film))
    assert "recorded runs, made by python -m tutorial.training.gan_race loss" in film
    whole, table = loss_tells.shown(courses, floor)
    assert len(titles(whole)) == 12
    assert len(whole) < 500_000
    rho = stats.spearmanr(courses[-1].readings[0, :, 0], courses[-1].distances[:, 0]).statistic
    assert loss_and_distance.correlations(courses[-1], 0)[0][0].item() == pytest.approx(rho)
    assert table.count("\n| ") >= 4


def test_what_came_out_is_said_to_every_answer():
    _, courses, _ = loss_tells.opening()
    for answer in loss_tells.ANSWERS:
        assert answer in loss_tells.verdict(answer, courses)
    flat = loss_and_distance.LossCourse("flow", (0, 1, 2, 3), torch.rand(1, 4, 2), torch.rand(4, 2))
    firm = loss_and_distance.LossCourse("flow", (0, 1, 2, 3), flat.distances[None], flat.distances)
    assert "0.7 or more for flow" in loss_tells.outcome([firm])
    opposite = loss_and_distance.LossCourse("flow", (0, 1, 2, 3), -flat.distances[None], flat.distances)
    assert "none of them" in loss_tells.outcome([opposite])


def test_a_short_run_grows_and_ends_with_what_came_out(monkeypatch):
    for module in (loss_and_distance, loss_pictures):
        monkeypatch.setattr(module, "UPDATES", {"GAN": 40, "Wasserstein GAN": 40, "flow": 40})
    monkeypatch.setattr(loss_tells, "HERE", dict.fromkeys(loss_and_distance.READINGS, 1))
    told = [part for part in loss_tells.work(loss_tells.check("line", 3)) if part is not None]
    text, film, table = told[-1]
    assert text.startswith("line, run just now. Over the whole run ρ is")
    assert len(titles(film)) == 12
    assert "flow: −log p(x)" in table


@pytest.mark.parametrize("which", list(gan_race.GENERATORS))
def test_flow_and_generator_are_asked_for_a_point(which):
    world = gan_race.generators()[which].world
    x = ask_pictures.data.draw(world)(1, torch.Generator().manual_seed(3))
    wish = ask.check(which, *x[0].tolist(), 0)
    found = last(ask.asked(wish))
    flow = models.flow(world, "spline")
    with torch.no_grad():
        assert found.flow_log_p == pytest.approx(flow.log_prob(x).item())
    assert found.back < 1e-4
    made = wish.trained.generate(found.way.z[-1]).detach()
    assert torch.allclose((made - x).norm(dim=1), found.way.off[-1], atol=1e-5)
    table = ask.table(wish, found)
    assert "no answer" in table
    assert f"{beyond(torch.tensor(found.flow_z)).item():.1%}" in table
    assert len(ask_pictures.film(wish.trained, (wish.x, wish.y), found.way, found.flow_z, "")) < 500_000


def test_the_true_density_is_that_of_torch_distributions():
    found = last(ask.asked(ask.check("of the eight Gaussians", 1.9, 0.1, 0)))
    angle = torch.arange(8) * (math.pi / 4)
    means = 2 * torch.stack([angle.cos(), angle.sin()], dim=1)
    normal = torch.distributions.Independent(torch.distributions.Normal(means, 0.1), 1)
    mixture = torch.distributions.MixtureSameFamily(torch.distributions.Categorical(torch.ones(8)), normal)
    assert found.true_log_p == pytest.approx(mixture.log_prob(torch.tensor([1.9, 0.1])).item(), abs=1e-3)


def test_a_point_far_from_all_fakes_has_no_code_and_a_fake_has_one():
    trained = gan_race.generators()["of the eight Gaussians"]
    x, y = trained.generate(torch.tensor([[0.3, 0.4]]))[0].tolist()
    here = last(ask.asked(ask.check(trained.name, x, y, 0)))
    assert ask.kind(here) == ask.ORDINARY
    far = last(ask.asked(ask.check(trained.name, -3, 3, 0)))
    verdict = ask.verdict(ask.ORDINARY, far)
    assert ask.kind(far) in (ask.NOT, ask.FAR)
    assert ask.kind(far) in verdict
    assert ask.verdict(None, far) == ""


def test_it_opens_with_a_point_on_a_mode_and_judges_an_answer_by_a_point_in_a_gap():
    first = last(ask.asked(ask.check(**ask.DEFAULTS)))
    assert math.hypot(ask.DEFAULTS["x"] + 2, ask.DEFAULTS["y"]) < 0.1  # a mode of the ring, of spread 0.1
    assert first.codes
    assert not first.gap
    opening, _ = last(ask.work(ask.check(**ask.DEFAULTS)))
    for clip, there in ((opening, False), (ask.film(ask.check(**ask.DEFAULTS), first, revealed=True), True)):
        (near,) = [panel for panel in json.loads(clip)["panels"] if panel["title"].startswith("where codes were found")]
        assert ("heat" in {layer["kind"] for layer in near["layers"]}) == there
    for answer in ask.ANSWERS:
        assert "among the data: click one in a gap" in ask.verdict(answer, first)
    angle = math.pi / 8  # half-way between the first two modes
    between = last(ask.asked(ask.check(**ask.DEFAULTS | {"x": 2 * math.cos(angle), "y": 2 * math.sin(angle)})))
    assert between.gap
    for answer in ask.ANSWERS:
        assert ask.verdict(answer, between) == f"You said: {answer}. Of the point that is marked: {ask.kind(between)}."


def test_the_record_is_read_once(monkeypatch):
    read, load = [], measurements.load
    monkeypatch.setattr(measurements, "load", lambda *args, **options: read.append(args) or load(*args, **options))
    ask.known.cache_clear()
    wishes = [ask.check(**ask.DEFAULTS | {"x": x}) for x in (0.0, 1.0, 2.0)]
    assert len(read) == 1
    assert len({id(wish.trained) for wish in wishes}) == 1


def test_a_generator_that_dropped_modes_covers_fewer():
    found = gan_race.generators()
    modes = [found[name].modes for name in list(gan_race.GENERATORS)[:2]]
    assert modes[0] == 8
    assert modes[1] < 8
    assert all(0.05 < one.folded <= 0.5 for one in found.values())  # what the chapter says of them: they fold


@pytest.mark.parametrize("lab", ["losses", "race"])
def test_what_samples_are_compared_with_is_built_once(lab, monkeypatch):
    built = []
    before = loss_tells.Held.__init__
    monkeypatch.setattr(loss_tells.Held, "__init__", lambda self, *a: (built.append(1), before(self, *a))[1])
    work = (
        loss_tells.work(loss_tells.check("line", 3))
        if lab == "losses"
        else overtraining.race_work(overtraining.check("line", 3))
    )
    assert next(work) is None  # and others have their turn before the first look
    assert built == [1]
    for _ in range(5):
        next(work)
    assert built == [1]


@pytest.mark.parametrize(
    ("check", "values", "sentence"),
    [
        (loss_tells.check, ("draw your own", 0), "The data must be one of"),
        (loss_tells.check, ("line", 0.5), "whole number"),
        (ask.check, ("of nothing", 0, 0, 0), "The generator must be one of"),
        (ask.check, ("of the two moons", math.nan, 0, 0), "x₁ must be a number"),
        (ask.check, ("of the two moons", 0, 4, 0), "x₂ must be between"),
        (ask.check, ("of the two moons", 0, 0, None), "The seed must be a number"),
        (overtraining.check, (["line"], 0), "The data must be one of"),
        (overtraining.check, ("line", -1), "The seed must be between"),
    ],
)
def test_bad_values_are_refused_in_a_sentence(check, values, sentence):
    with pytest.raises(gr.Error, match=sentence):
        check(*values)


def test_without_the_record_each_lab_says_how_to_get_it_back(monkeypatch):
    def missing(*_args, **_options):
        raise measurements.MeasurementsError("The measurement gan_race.json is missing or damaged.")

    ask.known.cache_clear()
    monkeypatch.setattr(measurements, "load", missing)
    for module in (loss_tells, ask, overtraining):
        with gr.Blocks() as page:
            module.lab(page)
        texts = [block.value for block in page.blocks.values() if isinstance(block, gr.Markdown)]
        assert texts == ["### This lab cannot open\nThe measurement gan_race.json is missing or damaged."]


def test_a_damaged_record_is_named(tmp_path):
    measurements.save(gan_race.NAME, gan_race.COMMAND, {"generators": [{"name": "x"}], "race": 3}, tmp_path)
    for read in (gan_race.generators, gan_race.races):
        with pytest.raises(measurements.MeasurementsError, match=r"damaged\. Make it again"):
            read(tmp_path)
    with pytest.raises(measurements.MeasurementsError, match="missing or damaged"):
        gan_race.past(tmp_path)


def test_the_recorded_flow_begins_where_its_command_does():
    """The first look and the next, made again."""
    course = next(one for one in gan_race.losses() if one.arm == "flow")
    held = loss_tells.Held(data.draw(gan_race.WORLD), loss_and_distance.SAMPLES)
    learner: FlowLearner = loss_and_distance._flow(held.draw, 0)
    for _ in range(course.steps[1]):
        learner.update()
    with torch.no_grad():
        nll = learner.nll(held.data).mean().item()
    assert course.readings[0, 1, 0].item() == pytest.approx(nll, abs=0.02)
