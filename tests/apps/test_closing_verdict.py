"""What is read of the contest's records, and the verdict that is worked out from them."""

from __future__ import annotations

import copy
import json
import statistics

import pytest

from apps.tabs.closing import verdict
from tests.apps import closing_stage
from tutorial import measurements
from tutorial.measurements import MeasurementsError
from tutorial.training import contest_recorded, contest_verdict
from tutorial.training.contest_recorded import COLUMNS, apart, enough
from tutorial.training.contest_verdict import GAN, LATENT, PIXEL


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("records")
    closing_stage.records(made)
    return made


@pytest.fixture(scope="module")
def board(folder):
    return contest_recorded.board(folder)


@pytest.fixture(scope="module")
def findings(folder, board):
    return contest_verdict.findings(board, contest_recorded.rates(folder), contest_recorded.patch(folder))


def changed(folder, tmp_path, change):
    """The scoreboard after a change of its record."""
    content = json.loads((folder / "contest.json").read_text())
    change(content["families"])
    command = content.pop("command")
    measurements.save("contest", command, content, tmp_path)
    return contest_recorded.board(tmp_path)


def test_means_and_spreads_are_over_the_seeds(board):
    gan = board.families[GAN]
    values = [closing_stage.FRECHET[GAN] * (0.9 + 0.1 * seed) for seed in closing_stage.SEEDS]
    assert gan.values("frechet") == pytest.approx(values)
    assert gan.mean("frechet") == pytest.approx(sum(values) / 3)
    assert gan.spread("frechet") == pytest.approx(statistics.stdev(values))
    assert gan.values("nats") == [] and gan.mean("nats") is None
    assert board.families["vae"].values("nats") == [1100.0, 1101.0, 1102.0]
    assert gan.sheets.shape == (3, 280, 280)


def test_families_are_ranked_by_what_is_better(board):
    by_distance = sorted(closing_stage.FRECHET, key=closing_stage.FRECHET.__getitem__)
    assert [family.name for family in board.ranked("frechet")] == by_distance
    assert [family.name for family in board.ranked("recall")] == by_distance  # made up so: higher is better
    assert {family.name for family in board.ranked("nats")} == set(closing_stage.NATS)
    with pytest.raises(ValueError, match="Nothing is better"):
        board.ranked("variety")


@pytest.mark.parametrize("name", ["contest", "contest_rates", "contest_patch"])
def test_a_missing_or_damaged_record_is_named(folder, tmp_path, name):
    read = {
        "contest": contest_recorded.board,
        "contest_rates": contest_recorded.rates,
        "contest_patch": contest_recorded.patch,
    }
    with pytest.raises(MeasurementsError, match=f"{name}.json is missing"):
        read[name](tmp_path)
    content = json.loads((folder / f"{name}.json").read_text())
    if name == "contest":
        del content["families"]["gan"]["sheets"]
    else:
        content["runs"] = [{"family": 3}]
    (tmp_path / f"{name}.json").write_text(json.dumps(content))
    with pytest.raises(MeasurementsError, match=f"{name}.json is damaged. Make it again"):
        read[name](tmp_path)


def test_numbers_are_apart_if_no_seed_comes_between():
    assert apart([1, 2], [3, 4]) == -1
    assert apart([3, 4], [1, 2]) == 1
    assert apart([1, 3], [2, 4]) == 0
    assert apart([], [1.0]) == 0


def test_every_finding_is_of_a_lab_and_in_plain_figures(findings):
    assert len(findings) == 9
    for one in findings:
        assert one.lab in verdict.LABS
        assert "nan" not in one.found and "None" not in one.found and "e+" not in one.found
        assert one.found.endswith(".")


def test_what_is_said_of_speed_is_what_the_record_has(findings, board):
    found = next(one for one in findings if one.about == "speed")
    parts = found.found.split("times as long: ")[1].split(". ")[0].rstrip(".").split(", ")
    said = {label: float(times) for label, times in (part.rsplit(" ", 1) for part in parts)}
    for name, family in board.families.items():
        if name != GAN:
            assert said[family.label] == pytest.approx(
                closing_stage.SECONDS[name] / closing_stage.SECONDS[GAN], rel=0.01
            )
    assert found.word == "as usually told"


def test_the_fewest_steps_are_the_first_that_are_near_enough(board):
    level = statistics.fmean(1.2 * value for value in board.families[GAN].values("frechet"))
    for name in (PIXEL, LATENT):
        best = closing_stage.FRECHET[name]
        wanted = next((s for s in closing_stage.FEW_STEPS if best * (1 + 40 / s**2) <= level), None)
        assert enough(board.families[name], level) == wanted
    assert enough(board.families[PIXEL], 0.0) is None


def test_trainings_that_end_well_are_counted(folder):
    rates = contest_recorded.rates(folder)
    for family in (GAN, PIXEL):
        scores = [run["frechet"] for run in rates.runs if run["family"] == family and "frechet" in run]
        well, all_, best = rates.ended_well(family)
        assert (well, all_, best) == (sum(one <= 2 * min(scores) for one in scores), 21, min(scores))
    assert rates.broken(GAN) == 3 and rates.broken(PIXEL) == 0


def test_a_verdict_turns_with_its_record(folder, tmp_path, findings):
    """Each sentence that compares says the other thing of the other record."""
    words = {one.about: one.word for one in findings}
    assert set(words.values()) == {"as usually told", ""}

    def swap(families):
        gan, pixel = (families[name]["runs"] for name in (GAN, PIXEL))
        for one, other in zip(gan, pixel, strict=True):
            for name in ("frechet", "recall", "seconds_a_picture", "frechet_of_few"):
                one[name], other[name] = other[name], one[name]

    other = changed(folder, tmp_path, swap)
    assert contest_verdict.quality(other).word == "not as usually told"
    assert contest_verdict.coverage(other).word == "not as usually told"
    assert contest_verdict.speed(other).word == "not as usually told"
    assert "the GAN comes nearest to real digits" in contest_verdict.quality(other).found


def test_seeds_that_overlap_cannot_tell(folder, tmp_path):
    def near(families):
        for k, run in enumerate(families[PIXEL]["runs"]):
            run["frechet"] = families[GAN]["runs"][k]["frechet"] + 0.01

    board = changed(folder, tmp_path, near)
    assert contest_verdict.quality(board).word == "the seeds cannot tell"
    assert "no farther ahead" in contest_verdict.quality(board).found


def test_the_page_escapes_what_is_said(findings):
    evil = copy.copy(findings[0])
    object.__setattr__(evil, "found", "<img src=x onerror=alert(1)>")
    html = verdict.html([evil])
    assert "<img" not in html and "&lt;img" in html
    assert html.count("<a href=") == 1


def test_columns_write_their_numbers():
    assert COLUMNS["frechet"].text(12.345) == "12.3" and COLUMNS["frechet"].text(12345.6) == "12,346"
    assert COLUMNS["seconds_a_picture"].text(0.0123) == "12.3 ms" and COLUMNS["seconds_alone"].text(2.5) == "2.5 s"
    assert COLUMNS["recall"].text(0.456) == "45.6%"
