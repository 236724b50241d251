"""The lab "diagram": its game goes on, back and forth again; its handlers, its endpoint, and what both refuse."""

from __future__ import annotations

import base64
import functools
import itertools
import json
import math
import threading
import time
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
import torch
from gradio_client import Client
from gradio_client.exceptions import AppError

from apps import limits, live, worlds
from apps.tabs.gan import curves, data, diagram, frames, hands, lab
from apps.tabs.gan import play as play_module
from apps.tabs.gan.play import KEPT, ROWS, Kept, Play
from apps.tabs.gan.settings import DEFAULTS, FASTER, RATES, check, two_scales
from tutorial.gans.game import Game
from tutorial.gans.losses import LOSSES
from tutorial.gans.view import value_floor
from tutorial.measurements import MeasurementsError
from tutorial.training import gan_lab

pytestmark = pytest.mark.usefixtures("one_thread")
BENT = [[-1.0, -1.0], [0.0, 1.0], [1.0, -1.0]]


@pytest.fixture(scope="module")
def client():
    """Of a page with this lab alone."""
    with gr.Blocks() as page, gr.Tab("GANs"):
        lab.lab(page)
    _, url, _ = page.queue(default_concurrency_limit=None).launch(
        prevent_thread_lock=True, quiet=True, ssr_mode=False, run_history=False
    )
    yield Client(url, verbose=False)
    page.close()


@pytest.fixture
def wish():
    return check(**DEFAULTS)


@pytest.fixture
def unhurried(monkeypatch):
    """A game is looked at only as each handler ends, however slow the machine is."""
    monkeypatch.setattr(play_module, "FRAME", math.inf)


def visitor(name: str) -> gr.Request:
    return SimpleNamespace(session_hash=name)  # type: ignore[return-value]


def finished(play: Play, wish, part="turn", n=1):
    *_, look = play.train(lambda: wish, part, n)
    return look


def numbers(play: Play) -> list[torch.Tensor]:
    return list(play.game.checkpoint().numbers)


def same(one, other) -> bool:
    """But for rounding: the order of additions may depend on where in memory the numbers lie."""
    return all(torch.allclose(a, b, atol=1e-4) for a, b in zip(one, other, strict=True))


# --- what is kept ---


@pytest.mark.parametrize("n", [1, 5, 60, 61, 500, 10_000])
def test_what_is_kept_is_bounded_and_evenly_spread_and_has_the_last(n):
    kept: Kept[int] = Kept(KEPT)
    for place in range(n):
        kept.add(place, place)
    assert kept.items == kept.places
    assert kept.items[0] == 0
    assert kept.items[-1] == n - 1
    assert min(n, KEPT // 2) <= len(kept.items) <= KEPT
    gaps = np.diff(kept.items)
    assert len(set(gaps[:-1])) <= 1
    assert n == 1 or gaps[-1] <= gaps[0]


def test_what_came_after_a_place_is_forgotten():
    kept: Kept[int] = Kept(4)
    for place in range(10):
        kept.add(place, place)
    kept.cut(4)
    assert kept.items == [0, 4]
    kept.add(5, 50)
    assert kept.items == [0, 4, 50]


# --- the game ---


def test_a_run_is_the_game_of_its_settings(wish):
    play = Play(wish.setup)
    finished(play, wish, n=30)
    game = Game(data.draw(wish.setup.world), wish.setup.setup, [wish.setup.seed], wish.rules)
    for _ in range(30):
        game.turn()
    assert same(numbers(play), game.checkpoint().numbers)


def test_going_on_from_a_rewound_moment_plays_the_same_again(wish, unhurried):
    play = Play(wish.setup)
    for _ in range(6):
        finished(play, wish, n=20)
    there, row = numbers(play), play.present
    play.back(2)
    assert play.present.turns == play.game.turns == 40
    assert len(play.marks.items) == 7  # those after it are kept until it goes on
    play.back(6)
    assert same(numbers(play), there)
    play.back(2)
    for _ in range(4):
        finished(play, wish, n=20)
    assert same(numbers(play), there)
    assert play.present.turns == row.turns
    assert play.present.energy == pytest.approx(row.energy, rel=1e-3)
    assert [mark.row.turns for mark in play.marks.items] == [0, 20, 40, 60, 80, 100, 120]


def test_of_an_abandoned_branch_nothing_is_kept(wish, unhurried):
    play, other = Play(wish.setup), check(**DEFAULTS | {"loss": "least squares"})
    for _ in range(4):
        finished(play, wish, n=20)
    for rules, n in ((wish, 7), (other, 5), (other, 6)):
        play.back(2)
        finished(play, rules, n=n)
        assert [mark.row.turns for mark in play.marks.items] == [0, 20, 40, 40 + n]
        assert [row.turns for row in play.rows.items] == [0, 20, 40, 40 + n]
        assert play.rows.items[-1].loss == rules.rules.loss


def test_after_numbers_out_of_bounds_the_past_stays_one_course(wish, unhurried):
    play = Play(wish.setup)
    finished(play, wish, n=20)
    with torch.no_grad():
        play.game.generator.flat.fill_(math.nan)
    play.look(averaged=False)
    assert play.diverged
    finished(play, wish, n=5)
    play.back(1)
    finished(play, wish, n=3)
    assert [row.turns for row in play.rows.items] == [mark.row.turns for mark in play.marks.items] == [0, 20, 23]


def test_what_a_broken_off_run_left_is_looked_at_under_its_own_rules(hand, unhurried):
    made, built = hand
    me = visitor("broken off")
    made.reset(me, *values())
    bench = made._benches.of(me)
    bench.settings = check(**DEFAULTS)
    for _ in itertools.islice(hands.work(bench), 7):
        pass
    play = bench.work
    assert play.moved
    update = made.changed(me, *values(loss="least squares"))
    assert said(built, update).startswith("turn 7 · ")
    assert not play.moved
    assert [(row.turns, row.loss) for row in play.rows.items] == [(0, DEFAULTS["loss"]), (7, DEFAULTS["loss"])]


def test_a_recorded_past_goes_on_in_the_order_of_its_turns(wish, unhurried):
    play, _ = lab.opening()
    finished(play, wish, n=3)
    turns = [row.turns for row in play.rows.items]
    assert turns == sorted(set(turns))
    assert play.rows.places == sorted(set(play.rows.places))
    assert turns[-1] == gan_lab.TURNS + 3


def test_half_turns_move_one_network_each_and_are_counted(wish, unhurried):
    play = Play(wish.setup)
    play.go_on(wish)
    for part, moves, held in [("D", "discriminator", "generator"), ("G", "generator", "discriminator")]:
        before, still = (getattr(play.game, name).flat.clone() for name in (moves, held))
        look = finished(play, wish, part)
        assert not torch.equal(getattr(play.game, moves).flat, before)
        assert torch.equal(getattr(play.game, held).flat, still)
    assert look.row.turns == 0
    assert play.alone == (1, 1)
    assert hands.told(play, look).startswith("turn 0 + 1 step of D alone + 1 step of G alone · ")
    play.back(1)
    assert play.alone == (1, 0)


def test_rules_change_in_mid_run_and_a_setup_begins_another_game(wish):
    bench: hands.Bench = live.Bench()
    bench.settings = wish
    work = hands.work(bench)
    for _ in range(5):
        next(work)
    first = bench.work
    assert first is not None
    bench.settings = check(**DEFAULTS | {"loss": "Wasserstein", "rate_g": 0.004})
    next(work)
    assert bench.work is first
    assert first.game.rules == bench.settings.rules
    bench.settings = check(**DEFAULTS | {"g_layers": 3})
    for _ in range(3):
        next(work)
    assert bench.work is not first
    assert bench.work is not None
    assert bench.work.setup.setup.generator == (16, 16, 16)


def test_a_game_that_diverges_is_set_back_to_where_it_was_finite(wish, unhurried):
    play = Play(wish.setup)
    finished(play, wish, n=20)
    there = numbers(play)
    wild = check(**DEFAULTS | {"optimiser": "SGD", "rate_d": 1.0, "rate_g": 1.0, "loss": "least squares"})
    look = finished(play, wild, n=3000)
    assert play.diverged
    assert look.view.finite
    assert play.game.finite
    assert look.row.turns >= 20
    play.back(1)
    assert same(numbers(play), there)
    assert not math.isnan(finished(play, wish, n=5).row.energy)
    assert not play.diverged


def test_looks_are_no_more_than_a_third_of_the_work_on_a_slow_machine(wish, monkeypatch):
    play, looking, seconds = Play(wish.setup), 0.0, 3.0
    look = play.look

    def slow(*args, **options):
        nonlocal looking
        begun = time.monotonic()
        time.sleep(0.2)
        found = look(*args, **options)
        looking += time.monotonic() - begun
        return found

    monkeypatch.setattr(play, "look", slow)
    begun = time.monotonic()
    for _ in play.train(lambda: wish):
        if time.monotonic() - begun > seconds:
            break
    assert looking < 0.45 * (time.monotonic() - begun)


# --- what is drawn ---


def shown(**chosen):
    wish = check(**DEFAULTS | chosen)
    play = Play(wish.setup)
    look = finished(play, wish, n=30)
    return play, look


def titles(clip: str) -> list[str]:
    return [panel["title"] for panel in json.loads(clip)["panels"]]


@pytest.mark.parametrize("loss", list(LOSSES))
@pytest.mark.parametrize("pack", [False, True])
def test_a_look_is_drawn_and_what_cannot_be_said_is_left_out_with_the_reason(loss, pack):
    play, look = shown(loss=loss, pack=pack)
    clips = hands.everything(play, look, "note")
    found, note = titles(clips["gauges"]), json.loads(clips["gauges"])["note"]
    critic = loss == "Wasserstein"
    assert ("what D sees right, in %" in found) != critic
    assert ("the best D for these fakes" in found) != critic
    assert ("critic" in note) == critic
    assert ("pairs" in note) == (pack and not critic)
    assert sum(len(clip) for clip in clips.values()) < 120_000


@pytest.mark.parametrize("world", [name for name in data.NAMES if name != worlds.DRAWN])
@pytest.mark.parametrize("noise", [1, 2])
def test_every_world_is_drawn(world, noise):
    play, look = shown(world=world, noise=noise, shape="uniform")
    clips = hands.everything(play, look, "")
    note = json.loads(clips["gauges"])["note"]
    assert ("no modes to count" in note) == (data.modes(world) is None)
    assert ("not known" in note) == (data.density(world) is None)
    assert ("modes, in %" in titles(clips["gauges"])) == (data.modes(world) is not None)


def layers(panel: dict) -> dict[str, np.ndarray]:
    """The numbers of a panel's layers by their names."""
    return {
        layer["name"]: np.frombuffer(base64.b64decode(layer["data"]), "<f4").reshape(layer["shape"])
        for layer in panel["layers"]
    }


def test_beside_the_value_stands_that_of_a_perfect_generator_estimated_alike():
    play, look = shown()
    panel = next(one for one in json.loads(curves.gauges(play, look))["panels"] if one["title"].startswith("C(G)"))
    lines = layers(panel)
    floor = value_floor(data.density(DEFAULTS["world"]))
    assert lines[curves.PERFECT][0, :, 1] == pytest.approx([floor, floor])
    assert lines["−log 4: q = p"][0, :, 1] == pytest.approx([-math.log(4)] * 2)
    assert floor != pytest.approx(-math.log(4), abs=1e-3)  # the two lines can be told apart
    assert panel["y"][0] < floor


def test_modes_are_counted_on_as_many_fakes_as_it_says():
    play, look = shown()
    angle = np.arange(8) * np.pi / 4
    centres = 2 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    apart = np.linalg.norm(look.view.fakes.numpy()[:, None] - centres, axis=2)
    near = apart.min(1) <= 3 * 0.1
    modes, share = len(set(apart.argmin(1)[near])), near.mean()
    text = f"{modes} of 8 modes in {len(apart)} fakes, {share:.0%} of them within 3σ of one"
    assert text in hands.told(play, look)


def test_the_picture_has_all_its_layers_and_names_the_scale():
    play, look = shown()
    (panel,) = json.loads(frames.frame(play, look, "note"))["panels"]
    named = dict.fromkeys(layer["name"] for layer in panel["layers"])
    assert list(named) == [frames.SAYS, frames.GRID, frames.DATA, frames.FAKES, frames.PUSH]
    assert f"a push of length 1 is a gradient of {look.view.scale:g}" in panel["title"]
    assert panel["takes"] == "points"


def test_losses_of_another_loss_are_not_drawn_on_the_same_axis(wish, unhurried):
    play = Play(wish.setup)
    finished(play, wish, n=10)
    other = check(**DEFAULTS | {"loss": "least squares"})
    look = finished(play, other, n=10)
    losses = json.loads(curves.gauges(play, look))["panels"][0]
    assert losses["layers"][0]["shape"][1] == 1
    assert "for the present loss only" in json.loads(curves.gauges(play, look))["note"]


# --- the opening ---


def test_the_lab_opens_with_the_recorded_game_and_says_so():
    play, clips = lab.opening()
    note = json.loads(clips["frame"])["note"]
    assert f"A recorded game, made by {gan_lab.COMMAND}" in note
    assert f"turn {gan_lab.TURNS:,}" in note
    assert len(titles(clips["gauges"])) == 8
    assert play.game.finite


def test_the_recorded_game_is_that_of_its_command(tmp_path):
    gan_lab.record(tmp_path, turns=100)
    rows, checkpoint = gan_lab.recorded(tmp_path)
    shipped, _ = gan_lab.recorded()
    for name, value in rows[0].items():
        assert shipped[0][name] == pytest.approx(value, rel=0.02, abs=0.02), name
    assert checkpoint.turns == 100


def test_a_damaged_record_is_named(tmp_path):
    gan_lab.record(tmp_path, turns=50)
    content = json.loads((tmp_path / "gan_lab.json").read_text())
    content["checkpoint"]["numbers"][0] = content["checkpoint"]["numbers"][0][:40]
    (tmp_path / "gan_lab.json").write_text(json.dumps(content))
    with pytest.raises(MeasurementsError, match=r"damaged\. Make it again"):
        gan_lab.recorded(tmp_path)


# --- the handlers ---


@pytest.fixture
def hand():
    """Handlers with the components that they fill, and how their updates are read."""
    with gr.Blocks() as page:
        built = diagram.build(lab.opening()[1])
        made = hands.Hands(live.Benches(page), built)
    return made, built


def values(drawn=(), **chosen):
    return [*(DEFAULTS | chosen).values(), list(drawn)]


def said(built, update) -> str:
    return json.loads(update[built.pictures["frame"]])["note"]


def test_steps_and_turns_and_rewinding_by_hand(hand, unhurried):
    made, built = hand
    me = visitor("steps")
    *_, last = made.step(me, *values())
    assert said(built, last).startswith("turn 1 · ")
    *_, last = made.many(me, 40, *values())
    assert said(built, last).startswith("turn 41 · ")
    assert last[built.rewind]["maximum"] == last[built.rewind]["value"] >= 2
    back = made.rewind(me, 1, *values())
    assert "turn 1 · " in said(built, back)
    assert "rewound" in said(built, back)
    *_, last = made.step_d(me, *values())
    assert said(built, last).startswith("turn 1 + 1 step of D alone · ")
    *_, last = made.step_g(me, *values())
    assert "1 step of G alone" in said(built, last)
    fresh = made.reset(me, *values())
    assert said(built, fresh).startswith("turn 0 · ")
    assert "before anything was learned" in said(built, fresh)


def test_reset_begins_with_the_same_initialisation(hand):
    made, built = hand
    me = visitor("reset")
    made.reset(me, *values())
    first = numbers(made._benches.of(me).work)
    for _ in made.many(me, 20, *values()):
        pass
    assert not same(numbers(made._benches.of(me).work), first)
    assert said(built, made.reset(me, *values())).startswith("turn 0 · ")
    assert all(torch.equal(a, b) for a, b in zip(numbers(made._benches.of(me).work), first, strict=True))


def test_slow_motion_plays_few_turns_and_pause_ends_it_at_once(hand):
    made, built = hand
    me, seen = visitor("slow"), []
    made.reset(me, *values())
    ticking = threading.Timer(1.2, made.pause, (me,))
    ticking.start()
    begun = time.monotonic()
    for update in made.slowly(me, *values()):
        seen.append(said(built, update))
    assert 2 <= len(seen) <= 6
    assert "slow motion" in seen[0]
    assert "paused" in seen[-1]
    assert time.monotonic() - begun < 8
    turns = [text.split(" · ")[0] for text in seen]
    assert turns[:2] == ["turn 1", "turn 2"]


def test_a_control_that_is_moved_shows_the_standing_game_under_it(hand):
    made, built = hand
    me = visitor("moved")
    untouched = made.changed(me, *values(rate_g=0.004))
    assert untouched == gr.skip()  # the recorded game stays in sight
    update = made.changed(me, *values(g_width=32))
    assert said(built, update).startswith("turn 0 · ")
    update = made.changed(me, *values(world="spiral"))
    assert "modes" not in said(built, update)
    blank = made.changed(me, *values(world=worlds.DRAWN, drawn=[]))
    assert "Draw a few points" in said(built, blank)
    *_, last = made.step(me, *values(world=worlds.DRAWN, drawn=BENT))
    assert said(built, last).startswith("turn 1 · ")


def test_a_run_that_diverges_says_so_and_stands_where_it_was_finite(hand):
    made, built = hand
    me, wild = visitor("wild"), {"optimiser": "SGD", "rate_d": 1.0, "rate_g": 1.0, "loss": "least squares"}
    for _ in made.many(me, 10, *values()):
        pass
    *_, last = made.many(me, 3000, *values(**wild))
    assert hands.OUT_OF_BOUNDS in said(built, last)
    *_, last = made.many(me, 10, *values())
    assert hands.OUT_OF_BOUNDS not in said(built, last)


def test_a_run_waits_for_what_is_being_shown_and_keeps_a_second_run_away(hand):
    made, built = hand
    me = visitor("both")
    made.reset(me, *values())
    bench = made._benches.of(me)
    with bench.alone():  # as a control that was moved does
        waiting = threading.Thread(target=lambda: list(made.step(me, *values())))
        waiting.start()
        time.sleep(0.3)
        assert bench.work.game.turns == 0
    waiting.join(20)
    assert bench.work.game.turns == 1
    run = made.run(me, *values())
    next(run)
    begun = time.monotonic()
    with pytest.raises(gr.Error, match="running already"):
        next(made.step(me, *values()))
    assert time.monotonic() - begun < 2
    assert made.changed(me, *values(rate_g=0.004)) == gr.skip()
    run.close()
    assert said(built, made.changed(me, *values())).startswith("turn ")


def test_no_rewinding_without_a_game(hand):
    made, _ = hand
    with pytest.raises(gr.Error, match="Press Run first"):
        made.rewind(visitor("nobody"), 0, *values())


@pytest.mark.parametrize("rate", RATES)
def test_two_time_scales_are_what_the_button_says_or_refused(rate):
    if rate > max(RATES) / 4:
        with pytest.raises(gr.Error, match=r"goes up to 0\.256, which is less than 4 × G’s: choose 0\.064 or less"):
            two_scales(rate)
    else:
        assert two_scales(rate) == pytest.approx(FASTER * rate)
        assert two_scales(rate) in RATES


@pytest.mark.parametrize("press", ["run", "many"])
def test_a_run_that_computed_too_long_says_so_and_goes_on(hand, monkeypatch, press):
    made, built = hand
    me = visitor(f"tired {press}")
    monkeypatch.setattr(hands, "work", functools.partial(hands.work, seconds=0.2))
    *_, last = made.run(me, *values()) if press == "run" else made.many(me, diagram.MOST_TURNS, *values())
    assert said(built, last).endswith(hands.TIRED)
    turns = made._benches.of(me).work.game.turns
    assert 0 < turns < diagram.MOST_TURNS
    *_, last = made.many(me, 1, *values())
    assert said(built, last).startswith(f"turn {turns + 1:,} · ")
    assert said(built, last).endswith(" · paused")


def test_slow_motion_is_one_run_from_its_first_turn_to_its_last(hand):
    made, _ = hand
    me, others = visitor("one run"), []
    slow = made.slowly(me, *values())
    next(slow)  # between two turns
    try:
        for _ in range(limits.EACH - 1):
            others.append(limits.RUNS.begin("one run", "another lab"))
        with pytest.raises(gr.Error, match=f"You have {limits.EACH} runs going on"):
            limits.RUNS.begin("one run", "another lab")
        next(slow)
        slow.close()
        others.append(limits.RUNS.begin("one run", "another lab"))
    finally:
        for run in others:
            limits.RUNS.end(run)


@pytest.mark.parametrize("k", range(6))
def test_reset_ends_slow_motion_whenever_it_comes(hand, monkeypatch, k):
    """As the game is asked for the k-th time whether it has diverged, which every turn does here and there."""
    made, built = hand
    me, asked = visitor(f"reset {k}"), []

    def diverged(play) -> bool:
        asked.append(play)
        if len(asked) == k + 1:
            made.reset(me, *values())
        return play._was

    made.reset(me, *values())
    monkeypatch.setattr(
        Play, "diverged", property(diverged, lambda play, was: setattr(play, "_was", was)), raising=False
    )
    made.reset(me, *values())
    asked.clear()
    begun, seen = time.monotonic(), []
    for update in made.slowly(me, *values()):
        seen.append(said(built, update))
        assert time.monotonic() - begun < 20
    assert len(asked) > k
    assert "before anything was learned" in seen[-1]


def test_twelve_visitors_all_make_progress_in_games_of_their_own():
    done, stop = [0] * 12, threading.Event()

    def visit(k: int) -> None:
        bench: hands.Bench = live.Bench()
        bench.settings = check(**DEFAULTS | {"seed": k})
        for play, look in limits.run(visitor(f"crowd {k}"), hands.work(bench)):
            done[k] = look.row.turns
            assert play.setup.seed == k
            if stop.is_set():
                break

    threads = [threading.Thread(target=visit, args=(k,)) for k in range(12)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + 60
    while min(done) < 20 and time.monotonic() < end:
        time.sleep(0.1)
    stop.set()
    for thread in threads:
        thread.join(20)
    assert min(done) >= 20


# --- the endpoint ---


def test_the_endpoint_reports_while_it_trains_and_at_its_end(client):
    job = client.submit(turns=300, seed=3, api_name="/gan_train")
    text, found = job.result(timeout=120)
    assert text.startswith("turn 300 · ")
    assert found["turns"] == 300
    assert {"loss_d", "loss_g", "slope_d", "slope_g", "seen_real", "seen_fake", "modes", "value"} <= found.keys()
    game = Game(data.draw("eight Gaussians"), check(**DEFAULTS).setup.setup, [3], check(**DEFAULTS).rules)
    for _ in range(300):
        game.turn()
    assert found["loss_d"] == pytest.approx(game.loss_d.item(), rel=1e-3)


def test_the_endpoint_takes_points_and_says_only_what_can_be_said(client):
    _, found = client.predict(world="draw your own", points=BENT, loss="Wasserstein", turns=20, api_name="/gan_train")
    assert not {"modes", "high_quality", "seen_real", "seen_fake"} & found.keys()
    assert all(math.isfinite(value) for value in found.values())


BAD = [
    ({"world": "checkerboard"}, "The data must be one of"),
    ({"world": ["spiral"]}, "The data must be one of"),
    ({"world": "draw your own"}, "Draw at least 2 different points"),
    ({"points": [[0, 0], [1, 1]]}, "Points are for the data"),
    ({"world": "draw your own", "points": [[0, 0], [9, 1]]}, "A point.s coordinate must be between"),
    ({"noise": 3}, "The noise must be between"),
    ({"shape": "Cauchy"}, "The kind of noise must be one of"),
    ({"generator_layers": 4}, "hidden layers must be between"),
    ({"discriminator_width": 65}, "neurons must be between"),
    ({"generator_width": 4.5}, "whole number"),
    ({"pack": "yes"}, "PacGAN must be on or off"),
    ({"spectral": 1}, "Spectral norm must be on or off"),
    ({"averaged": None}, "Average must be on or off"),
    ({"loss": "hinge"}, "The loss must be one of"),
    ({"optimiser": "LBFGS"}, "The optimiser must be one of"),
    ({"rate_d": 0}, "learning rate must be between"),
    ({"rate_g": "fast"}, "learning rate must be a number"),
    ({"k_d": 6}, "updates in a turn must be between"),
    ({"batch": 151}, "The batch must be even"),
    ({"r1": -1}, "The weight of R1 must be between"),
    ({"seed": -1}, "The seed must be between"),
    ({"turns": 20_001}, "The number of turns must be between"),
    ({"optimiser": "SGD", "rate_d": 1, "rate_g": 1, "loss": "least squares", "turns": 5000}, "out of bounds"),
]


@pytest.mark.parametrize(("chosen", "sentence"), BAD)
def test_bad_values_are_refused_in_a_sentence(client, chosen, sentence):
    with pytest.raises(AppError, match=sentence):
        client.predict(**{"turns": 1} | chosen, api_name="/gan_train")


@pytest.mark.parametrize("name", ["rate_d", "batch", "r1", "seed", "k_g"])
def test_nan_is_refused(name):
    with pytest.raises(gr.Error, match="must be a number"):
        check(**DEFAULTS | {name: math.nan})


def test_rows_of_a_long_run_stay_few(wish):
    play = Play(wish.setup)
    play.go_on(wish)
    for _ in range(ROWS + 30):
        play.look(False, thorough=False)
    assert len(play.rows.items) <= ROWS
    assert len(play.marks.items) <= KEPT


# --- the speed ---


@pytest.mark.slow
def test_it_plays_600_turns_a_second_while_it_streams_ten_pictures_a_second():
    """On two cores that do nothing else; `python -m tests.gans.bench` prints the numbers."""
    from tests.gans.bench import streamed

    speed = max((streamed() for _ in range(3)), key=lambda found: found.turns)
    assert speed.turns >= 600
    assert speed.frames >= 10
