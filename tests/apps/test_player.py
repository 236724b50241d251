"""What the player sends to the browser, and what it refuses to send."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from apps import limits, player
from apps.player import promises

NAN, INF = float("nan"), float("inf")


def codes(layer) -> list[int]:
    return list(base64.b64decode(layer["data"]))


def test_a_heat_map_is_coded_evenly_between_its_ends_and_nan_has_a_code_of_its_own():
    values = np.array([[[-9.0, -3.0, 0.0, 3.0, 9.0, NAN]]])
    layer = player.heat(values, "z", low=-3, high=3, map="diverging")
    assert codes(layer) == [0, 0, 127, 254, 254, player.NOTHING]  # 0 lies exactly in the middle
    assert layer["range"] == [-3, 3]


def test_the_range_of_a_heat_map_is_that_of_its_numbers():
    layer = player.heat(np.array([[[2.0, NAN, 4.0]]]), "h")
    assert (layer["range"], codes(layer)) == ([2.0, 4.0], [0, player.NOTHING, 254])
    same = player.heat(np.array([[[5.0, NAN]]]), "h")
    assert (same["range"], codes(same)) == ([5.0, 5.0], [0, player.NOTHING])
    empty = player.heat(np.full((1, 1, 2), NAN), "h", low=0, high=1)
    assert codes(empty) == [player.NOTHING] * 2


def test_the_error_of_a_code_is_at_most_half_a_step():
    values = np.random.default_rng(0).uniform(-3, 3, (2, 20, 20))
    layer = player.heat(values, "z", low=-3, high=3)
    back = -3 + np.array(codes(layer)).reshape(values.shape) * 6 / 254
    assert np.abs(back - values).max() <= 3 / 254 + 1e-12


def test_a_logarithmic_axis_says_so():
    panel = player.panel([], x=(0, 1, "t"), y=(1e-3, 1, "loss", "log"))
    sent = json.loads(player.clip([panel]))["panels"][0]
    assert (sent["x"], sent["y"]) == ([0, 1, "t"], [1e-3, 1, "loss", "log"])


def test_a_curve_moves_if_it_has_frames_and_stays_if_not():
    x, y = np.arange(4.0), np.arange(12.0).reshape(3, 4)
    moving = player.curve(x, y, "real")
    assert moving["shape"] == [3, 4, 2]
    numbers = np.frombuffer(base64.b64decode(moving["data"]), "<f4").reshape(3, 4, 2)
    assert np.array_equal(numbers[2], np.stack([x, y[2]], axis=1))
    assert player.curve(x, y[0], "real")["shape"] == [1, 4, 2]


def test_a_mesh_says_where_each_of_its_lines_ends():
    layer = player.mesh([np.zeros((2, 5, 2)), np.ones((2, 3, 2))], "noise", "grid")
    assert (layer["shape"], layer["ends"]) == ([2, 8, 2], [5, 8])


def test_dots_behind_others_are_rings_in_the_legend():
    assert player.points(np.zeros((1, 5, 2)), "exact", "support vectors", ring=True)["ring"] is True
    assert "ring" not in player.points(np.zeros((1, 5, 2)), "exact", "support vectors")


def test_a_clip_opens_where_it_is_told_to():
    assert "start" not in json.loads(player.clip([], frames=3))
    assert json.loads(player.clip([], frames=3, start=1))["start"] == 1


def test_the_page_gets_every_script_in_one_scope():
    assert len(player.SCRIPTS) == len(list(player.HERE.glob("*.js")))
    assert all(path.read_text(encoding="utf-8") in player.HEAD for path in player.SCRIPTS)
    assert player.HEAD.startswith("<script>(() => {") and player.HEAD.endswith("})();</script>")


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: player.clip([], frames=3, labels=["a"]), "a label for each of 3 frames"),
        (lambda: player.clip([], rate=INF), "JSON"),
        (lambda: player.panel([], x=(0, 1, "")), "both axes or none"),
        (lambda: player.panel([], x=(1, 1, ""), y=(0, 1, "")), "from a lower to a higher"),
        (lambda: player.panel([], x=(0, 1, ""), y=(0, 1, "", "log")), "must begin above 0; got 0"),
        (lambda: player.panel([], x=(0, 1, ""), y=(1, 2, "", "ln")), "linear or, with .log., logarithmic"),
        (lambda: player.image(np.zeros((3, 8, 8, 3))), "in uint8"),
        (lambda: player.points(np.zeros((5, 2)), "real"), "3 dimensions"),
        (lambda: player.points(np.full((1, 5, 2), NAN), "real"), "finite"),
        (lambda: player.points(np.zeros((1, 5, 2)), "pink"), "one of real, generated"),
        (lambda: player.heat(np.zeros((2, 2)), "h"), "3 dimensions"),
        (lambda: player.heat(np.full((1, 2, 2), INF), "h"), "finite"),
        (lambda: player.heat(np.array([[[NAN, -INF]]]), "h", low=0, high=1), "finite"),
        (lambda: player.heat(np.full((1, 2, 2), NAN), "h"), "low ≤ high"),
        (lambda: player.heat(np.zeros((1, 2, 2)), "h", low=2, high=1), "low ≤ high"),
        (lambda: player.heat(np.zeros((1, 2, 2)), "h", high=INF), "low ≤ high"),
        (lambda: player.curve(np.arange(3), np.arange(3), "real", marker=[3]), "among the curve's 3 points"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_a_sentence(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


SQUARE = np.zeros((4, 2, 2, 3), np.uint8)


@pytest.mark.parametrize(("tiles", "across"), [(4, 1), (2, 2), (4, 0), (4, 3)])
def test_a_lens_needs_rows_to_blend_between(tiles, across):
    with pytest.raises(ValueError, match="two or more full rows"):
        player.lens(SQUARE[:tiles], across, follows=0)


@pytest.mark.parametrize("follows", [1, 2, -1])
def test_a_lens_follows_a_panel_with_axes(follows):
    plane = player.panel([], x=(0, 1, ""), y=(0, 1, ""))
    with pytest.raises(ValueError, match="must follow one of the panels with axes"):
        player.clip([plane, player.panel([player.lens(SQUARE, 2, follows=follows)])])
    player.clip([plane, player.panel([player.lens(SQUARE, 2, follows=0)])])


@pytest.mark.parametrize(
    ("numbers", "ends"),
    [([0.2, 30.0], (0.1, 100.0)), ([0.1, 1.0], (0.1, 1.0)), ([3.0, 4.0], (1.0, 10.0)), ([10.0], (10.0, 100.0))],
)
def test_a_logarithmic_axis_ends_at_powers_of_ten(numbers, ends):
    assert player.decades(np.array(numbers)) == pytest.approx(ends)
    assert player.decades(*(np.array([number]) for number in numbers)) == pytest.approx(ends)


def test_a_large_clip_does_not_travel_with_the_page():
    small, large = player.clip([], note="small"), player.clip([], note="large" * player.SMALL)
    assert player.player(small).value == small
    told = json.loads(player.player(large).value)
    assert list(told) == ["src"]
    assert Path(told["src"].removeprefix("gradio_api/file=")).read_text(encoding="utf-8") == large


def lies_at(address: str) -> str:
    return json.loads(address)["src"].removeprefix("gradio_api/file=")


def until_it_lies(place: str, text: str) -> None:
    end = time.monotonic() + 5
    while Path(place).read_text(encoding="utf-8") != text:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_promised_clip_is_made_once_when_it_is_first_asked_for():
    made, passed_on = [], []

    async def app(scope, receive, send):
        passed_on.append(scope["type"])

    def send(scope: dict) -> None:
        """In a thread of its own: this one may have a loop that runs, of a browser's that other tests have opened."""
        with ThreadPoolExecutor(1) as pool:
            pool.submit(asyncio.run, promises.Promises(app)(scope, None, None)).result()

    def ask(path: str) -> None:
        send({"type": "http", "path": path})

    place = lies_at(promises.promised(lambda: made.append("clip") or '"the clip"'))
    assert (Path(place).read_text(encoding="utf-8"), made) == ("null", [])
    ask("/gradio_api/file=/another")
    assert made == []
    ask(f"/gradio_api/file={place}")
    ask(f"/gradio_api/file={place}")
    until_it_lies(place, '"the clip"')
    promises.keep(place)
    assert made == ["clip"]
    send({"type": "lifespan"})
    assert passed_on == ["http"] * 3 + ["lifespan"]


def test_all_promised_clips_are_made_in_the_order_of_the_page(monkeypatch):
    monkeypatch.setattr(promises, "_PROMISED", {})  # pages of other tests have promised some too
    made = []
    places = [lies_at(promises.promised(lambda k=k: made.append(k) or str(k))) for k in (1, 2, 3)]
    promises.keep_all()
    for k, place in enumerate(places):
        until_it_lies(place, str(k + 1))
    assert made == [1, 2, 3]


def test_who_asks_comes_before_what_nobody_waits_for():
    made, begun, go_on = [], threading.Event(), threading.Event()

    def first() -> str:
        begun.set()
        go_on.wait(5)
        return "1"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(promises, "_PROMISED", {})
        places = [lies_at(promises.promised(make)) for make in (first, lambda: made.append(2) or "2")]
        places.append(lies_at(promises.promised(lambda: made.append(3) or "3")))
        promises.keep_all()
        assert begun.wait(5)
        asks = threading.Thread(target=promises.keep, args=(places[2],))
        asks.start()
        time.sleep(0.05)
        go_on.set()
        until_it_lies(places[1], "2")
        asks.join(5)
    assert made == [3, 2]


def test_an_opening_is_made_in_turns_and_what_is_said_of_it_lies_beside_the_clip():
    free = []

    def work():
        for _ in range(3):
            free.append(limits.CPU._free)
            time.sleep(limits.SLICE)
            yield None
        yield "1", "said of it"

    place = lies_at(promises.promised(work))
    promises.keep(place)
    assert free == [limits.CORES - 1] * 3  # it has a turn, as any run
    assert json.loads(Path(place).read_text(encoding="utf-8")) == {"clip": 1, "said": ["said of it"]}


def test_what_several_components_open_with_is_made_once():
    made = []

    def work():
        made.append("all")
        yield None
        yield "told", "1", "2"

    opening = promises.Opening(work)
    places = [lies_at(promises.promised(opening.part(*which))) for which in ((2,), (1, 0))]
    for place in places:
        promises.keep(place)
    assert [json.loads(Path(place).read_text(encoding="utf-8")) for place in places] == [
        2,
        {"clip": 1, "said": ["told"]},
    ]
    assert made == ["all"]


def test_what_nobody_waits_for_pauses_while_somebody_has_a_run_until_it_is_wanted(monkeypatch):
    monkeypatch.setattr(promises, "_PROMISED", {})
    begun, slices = threading.Event(), []

    def work():
        for k in range(3):
            begun.set()
            slices.append(k)
            time.sleep(limits.SLICE)
            yield None
        yield "1"

    place = lies_at(promises.promised(work))
    run = limits.RUNS.begin("somebody", "a lab")
    try:
        promises.keep_all()
        assert begun.wait(5)
        time.sleep(10 * limits.SLICE)
        assert slices == [0]
        promises.keep(place)  # from now on somebody waits for it
        until_it_lies(place, "1")
    finally:
        limits.RUNS.end(run)
    assert slices == [0, 1, 2]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_clip_that_cannot_be_made_is_not_waited_for_and_ends_no_other(monkeypatch):
    monkeypatch.setattr(promises, "_PROMISED", {})
    alone, first, second = (lies_at(promises.promised(make)) for make in (lambda: 1 / 0, lambda: 1 / 0, lambda: "2"))
    with pytest.raises(ZeroDivisionError):
        promises.keep(alone)
    promises.keep_all()
    until_it_lies(second, "2")
    assert not Path(alone).exists()
    assert not Path(first).exists()
