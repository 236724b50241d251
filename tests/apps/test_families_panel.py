"""The lab "panel": its handlers, its endpoint, and what both refuse."""

from __future__ import annotations

import json
import math
import re
from contextlib import closing
from html.parser import HTMLParser

import gradio as gr
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from apps import live, worlds
from apps.tabs.families import panel, standings
from tutorial.measurements import MeasurementsError
from tutorial.metrics.divergence import entropy
from tutorial.training import point_families

FAMILIES = ["flow", "autoregressive", "GAN", "VAE", "diffusion"]
MOST = 500_000
"""Characters of a clip that the page still takes quickly."""

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def client(url):
    return Client(url, verbose=False)


def bench(**change) -> panel.Bench:
    """A bench with the default settings but for these."""
    mine: panel.Bench = live.Bench()
    mine.settings = panel.check(**panel.DEFAULTS | change)
    return mine


class Table(HTMLParser):
    """The texts of a table's cells, row by row."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data):
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += f" {data}"


def test_the_lab_opens_with_the_recorded_run_and_says_so():
    film, table, curves = panel.opening()
    assert all(1000 < len(clip) < MOST for clip in (film, table, curves))
    clip = json.loads(film)
    assert "A recorded run, made by python -m tutorial.training.point_families" in clip["note"]
    assert len(clip["panels"]) == 1 + len(FAMILIES)
    head, *rows = Table(table).rows
    assert len(head) == len(standings.COLUMNS)
    assert [row[0].strip() for row in rows] == FAMILIES
    assert all(len(row) == len(head) and all(row) for row in rows)


def test_what_is_recorded_is_made_again_and_loads(tmp_path):
    point_families.record(1.0, tmp_path)
    state = point_families.recorded(tmp_path)
    assert [standing.name for standing in state.standings] == FAMILIES
    assert all(standing.thorough is not None and standing.updates > 0 for standing in state.standings)
    damaged = json.loads((tmp_path / "point_families.json").read_text())
    del damaged["state"]["standings"][2]["quick"]["energy"]
    (tmp_path / "point_families.json").write_text(json.dumps(damaged))
    with pytest.raises(MeasurementsError, match=r"damaged\. Make it again"):
        point_families.recorded(tmp_path)


def test_the_recorded_run_holds_what_the_lab_promises():
    """Half a minute of computing: the exact families close to the floor, diffusion on the modes."""
    state = point_families.recorded()
    found = {standing.name: standing for standing in state.standings}
    assert point_families.SECONDS <= state.seconds < point_families.SECONDS + 2
    assert found["flow"].thorough.excess.mean < 0.25
    assert found["autoregressive"].thorough.excess.mean < 0.15
    assert found["diffusion"].quick.coverage.modes == 8
    assert found["diffusion"].quick.coverage.high_quality >= 0.9
    assert found["diffusion"].thorough.excess.mean > 0.2  # as the chapter says: good samples, and a loose bound
    shares = [standing.seconds for standing in state.standings]
    assert max(shares) - min(shares) < 0.1


def test_training_goes_on_where_it_paused_and_a_new_setup_begins_anew():
    mine = bench()
    for _ in panel.work(mine, updates=2):
        pass
    first = mine.work
    for _ in panel.work(mine, updates=3):
        pass
    assert mine.work is first
    assert {learner.step for learner in first.comparison.learners} == {5}
    mine.settings = panel.check(**panel.DEFAULTS | {"kind": "affine", "first": 1})
    for _ in panel.work(mine, updates=1):
        pass
    assert mine.work is not first
    flow, autoregressive, *_ = mine.work.comparison.learners
    assert flow.average.config.kind == "affine"
    assert autoregressive.average.config.first == 1


def test_rate_and_batch_act_in_mid_run():
    mine = bench()
    with closing(panel.work(mine)) as going:
        for _ in range(6):
            next(going)
        same = mine.work
        mine.settings = panel.check(**panel.DEFAULTS | {"rate": 0.01, "batch": 64})
        for _ in range(10):
            next(going)
    assert mine.work is same
    assert {(learner.rate, learner.batch) for learner in same.comparison.learners} == {(0.01, 64)}


def test_a_cleared_bench_ends_the_run():
    mine = bench()
    going = panel.work(mine)
    next(going)
    mine.work = None
    assert list(going) == []


@pytest.mark.parametrize("when", [0, 1, 5, -1], ids=["at once", "early", "between", "at the end"])
def test_other_data_during_the_measuring_is_what_is_shown(when):
    """As it happens after Pause, after an update of each, and between two strokes; no later picture is of the old."""
    mine = bench()
    for _ in panel.work(mine, updates=1):
        pass
    whole = sum(1 for _ in panel.measured(mine))
    going = panel.measured(mine)
    for _ in range(1 + when % whole):
        next(going)
    old = mine.work
    mine.settings, mine.work = panel.check(**panel.DEFAULTS | {"world": "spiral"}), None
    found = [look for look in going if look is not None]
    assert {run.setup.world for run, _ in found} == {"spiral"}
    run, state = found[-1]
    assert mine.work is run
    assert run is not old
    assert "before they have learned anything" in panel.halted(state)


def test_a_reset_during_the_measuring_begins_anew():
    mine = bench()
    for _ in panel.work(mine, updates=1):
        pass
    going = panel.measured(mine)
    next(going)
    mine.work = None
    *_, (run, state) = (look for look in going if look is not None)
    assert mine.work is run
    assert {standing.updates for standing in state.standings} == {0}


def test_between_two_pauses_little_is_computed():
    """So that others have their turn: here in seconds of this thread's own."""
    import time

    mine, longest = bench(), 0.0
    going = panel.work(mine, seconds=3)
    next(going)  # the start: data, and five networks
    while True:
        begun = time.thread_time()
        if next(going, StopIteration) is StopIteration:
            break
        longest = max(longest, time.thread_time() - begun)
    assert longest < 0.25


def test_numbers_out_of_bounds_get_a_sentence_and_reset_mends_it():
    mine = bench(rate=0.1)
    mine.settings = panel.Wish(mine.settings.setup, panel.Knobs(rate=1e18))
    with pytest.raises(gr.Error, match=r"out of bounds\. Lower the learning rate"):
        for _ in panel.work(mine):
            pass
    with pytest.raises(gr.Error, match="out of bounds"):
        for _ in panel.measured(mine):
            pass
    mine.work, mine.settings = None, panel.check(**panel.DEFAULTS)
    *_, (run, state) = panel.measured(mine)
    assert [standing.updates for standing in state.standings] == [0] * 5
    assert all(len(part) > 1000 for part in panel.shown(run, state))


@pytest.mark.parametrize(
    "points",
    [
        [[0.0, 0.0], [0.0, 0.001], [0.001, 0.0]],
        [[-3.0, -3.0], [3.0, 3.0], [-3.0, 3.0]],
        [[x / 100 - 3, 0.0] for x in range(2000 // 4)] * 4,
    ],
    ids=["three that nearly meet", "three corners", "two thousand"],
)
def test_any_points_that_a_visitor_may_draw_work(points):
    mine = bench(world=worlds.DRAWN, drawn=points)
    for _ in panel.work(mine, updates=5):
        pass
    *_, (run, state) = panel.measured(mine)
    assert state.entropy is not None
    assert all(math.isfinite(standing.quick.energy) for standing in state.standings)
    assert all(len(part) < MOST for part in panel.shown(run, state))


def test_nothing_in_the_table_becomes_markup():
    html = standings._row(["<b>x</b>", "a & b", "<img src=x onerror=alert(1)>"])
    assert "<b>" not in html
    assert "<img" not in html
    assert "a &amp; b" in html


def test_training_streams_and_ends_with_all_measured(client):
    job = client.submit(updates=40, seed=3, api_name="/train_families")
    said, rows = job.result(timeout=120)
    assert re.fullmatch(r"[\d.]+ s of computing, [\d.]+ s of it for each to learn in", said)
    assert [row["family"] for row in rows] == FAMILIES
    assert [row["updates"] for row in rows] == [40] * 5
    by_name = {row["family"]: row for row in rows}
    assert by_name["GAN"]["nll"] is None
    assert by_name["GAN"]["inversion"] is None
    for name in ("flow", "autoregressive", "VAE", "diffusion"):
        assert by_name[name]["nll"] > by_name[name]["nll_floor"] - 3 * by_name[name]["excess_error"]
    assert by_name["flow"]["inversion"] < 1e-4
    again = {row["family"]: row for row in client.predict(updates=40, seed=3, api_name="/train_families")[1]}
    for name in FAMILIES:  # the same start and batches: the same likelihood, whatever the clock says
        assert by_name[name]["nll"] == pytest.approx(again[name]["nll"], abs=1e-6)


@pytest.mark.parametrize("drawn", [(), [[-1.0, 0.5], [1.0, 0.0], [1.0, 0.5]]], ids=["two moons", "drawn points"])
def test_a_density_without_modes_to_count_has_a_floor_and_no_coverage(drawn):
    """Its floor is the mean over fresh points of −log of their density, which quadrature over the plane gives too."""
    mine = bench(world=worlds.DRAWN if drawn else "two moons", drawn=drawn)
    *_, (run, state) = panel.measured(mine)
    density = worlds.density(run.setup.world, run.setup.drawn)
    assert abs(state.entropy.mean - entropy(density)) < 4 * state.entropy.error
    assert all(standing.quick.coverage is None for standing in state.standings)
    assert "= floor" in standings.rows(state)
    assert {row[4].strip() for row in Table(standings.rows(state)).rows[1:]} == {"–"}


def test_a_world_without_a_known_density_has_no_floor(client):
    _, rows = client.predict(world="spiral", seconds=1, api_name="/train_families")
    assert all(row["nll_floor"] is None and row["modes"] is None for row in rows)
    assert rows[0]["nll"] is not None
    assert rows[0]["excess"] is None


BAD = [
    ({"world": "atlantis"}, "The data must be one of"),
    ({"world": ["spiral"]}, "The data must be one of"),
    ({"seconds": 31}, "The time must be between"),
    ({"seconds": "long"}, "The time must be a number"),
    ({"updates": 0}, "The number of updates must be between"),
    ({"updates": 1.5}, "whole number"),
    ({"rate": 1}, "The learning rate must be between"),
    ({"kind": "planar"}, "must be one of: affine, spline"),
    ({"first": 2}, "The coordinate that comes first must be between"),
    ({"batch": 10**9}, "The batch must be between"),
    ({"seed": -1}, "The seed must be between"),
    ({"world": "draw your own"}, "Draw at least 3 different points"),
    ({"world": "draw your own", "points": [[0, 0], [1, 1]] * 20}, "Draw at least 3 different points"),
    ({"world": "draw your own", "points": [[-1.2345678901234567e-100] * 2] * 100_000}, "at most 2,000 points"),
    ({"world": "draw your own", "points": [[9, 9], [1, 1]]}, "must be between"),
    ({"world": "draw your own", "points": "all"}, "list of pairs"),
]


@pytest.mark.parametrize(("values", "sentence"), BAD, ids=range(len(BAD)))
def test_bad_values_are_refused_in_a_sentence(client, values, sentence):
    with pytest.raises(AppError, match=sentence):
        client.predict(**values, api_name="/train_families")


@pytest.mark.parametrize("change", [{"rate": math.nan}, {"batch": math.inf}, {"seed": None}, {"first": True}])
def test_what_json_cannot_send_is_refused_too(change):
    with pytest.raises(gr.Error, match="must be"):
        panel.check(**panel.DEFAULTS | change)


def test_points_that_are_no_numbers_are_refused():
    with pytest.raises(gr.Error, match="must be a number"):
        panel.check(**panel.DEFAULTS | {"world": worlds.DRAWN, "drawn": [[math.nan, 0.0], [1.0, 1.0]]})
