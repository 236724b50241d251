"""The lab "diagram": what its buttons and controls do, for one visitor and for twelve."""

from __future__ import annotations

import functools
import itertools
import json
import threading
import time

import gradio as gr
import pytest
import torch

from apps import limits, live, worlds
from apps.tabs.gan import diagram, hands, lab
from apps.tabs.gan.play import Play
from apps.tabs.gan.settings import DEFAULTS, FASTER, RATES, check, two_scales
from tests.apps.gan_stage import BENT, numbers, same, visitor

pytestmark = pytest.mark.usefixtures("one_thread")


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


def test_who_ends_a_game_by_another_set_up_is_told_once(hand, monkeypatch):
    made, _ = hand
    me, heard = visitor("another"), []
    monkeypatch.setattr(gr, "Info", lambda sentence, **_: heard.append(sentence))
    made.changed(me, *values(g_width=32))  # in place of the recorded game, which is nobody's
    made.changed(me, *values(pack=True))  # and a game that has no past yet
    assert heard == []
    for _ in made.many(me, 3, *values(pack=True)):
        pass
    made.changed(me, *values(pack=True, rate_g=0.004, loss="Wasserstein"))  # the same game under other rules
    assert heard == []
    for _ in range(2):
        made.changed(me, *values(noise=1))
    assert heard == [hands.ANEW]
    run = made.run(me, *values(noise=1))
    next(run)
    for _ in range(2):  # both before the run has noticed
        assert made.changed(me, *values(g_layers=3)) == gr.skip()
    assert heard == [hands.ANEW] * 2
    before = made._benches.of(me).work
    while made._benches.of(me).work is before:
        next(run)
    run.close()
    made.reset(me, *values(seed=7))  # who asks for it need not be told
    assert heard == [hands.ANEW] * 2


def test_a_run_under_another_set_up_says_so_too(hand, monkeypatch):
    """If it comes before the change of the control does."""
    made, _ = hand
    me, heard = visitor("run anew"), []
    monkeypatch.setattr(gr, "Info", lambda sentence, **_: heard.append(sentence))
    for noise in (2, 1):
        assert heard == []
        for _ in made.step(me, *values(noise=noise)):
            pass
    made.changed(me, *values(noise=1))
    assert heard == [hands.ANEW]


def test_a_run_that_diverges_says_so_and_stands_where_it_was_finite(hand):
    made, built = hand
    me, wild = visitor("wild"), {"optimiser": "SGD", "rate_d": 1.0, "rate_g": 1.0, "loss": "least squares"}
    for _ in made.many(me, 10, *values()):
        pass
    *_, last = made.many(me, 3000, *values(**wild))
    assert hands.OUT_OF_BOUNDS in said(built, last)
    *_, last = made.many(me, 10, *values())
    assert hands.OUT_OF_BOUNDS not in said(built, last)


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
