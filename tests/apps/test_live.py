"""Benches: settings reach a run while it runs, each visitor has their own, and nobody's stays for ever."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import gradio as gr
import pytest
from gradio_client import Client

from apps import limits, live
from apps.tabs.reverse import train


def visitor(name: str) -> gr.Request:
    return SimpleNamespace(session_hash=name)  # type: ignore[return-value]


@pytest.fixture
def benches():
    with gr.Blocks() as page:
        return live.Benches(page)


def test_each_visitor_has_a_bench_and_finds_it_again(benches):
    benches.of(visitor("a")).work = "a's"
    assert benches.of(visitor("b")).work is None
    assert benches.of(visitor("a")).work == "a's"


def test_the_bench_of_whoever_has_been_away_longest_is_cleared_first(benches, monkeypatch):
    monkeypatch.setattr(live, "MOST", 2)
    for name in ("a", "b", "a", "c"):
        benches.of(visitor(name)).work = name
    assert len(benches) == 2
    assert benches.of(visitor("a")).work == "a"
    assert benches.of(visitor("b")).work is None


def test_two_runs_never_share_a_bench(benches):
    bench = benches.of(visitor("a"))
    with bench.alone():
        assert bench.busy
        with pytest.raises(gr.Error, match="running already"), bench.alone():
            pass
    assert not bench.busy


@pytest.fixture
def counter():
    """A page with a run that repeats what its visitor's slider says, until that is 9."""
    with gr.Blocks() as page:
        benches: live.Benches[int, None] = live.Benches(page)
        slider, said, go = gr.Slider(0, 9, 1, step=1), gr.Textbox(), gr.Button()

        def repeat(request: gr.Request, level: int):
            benches.of(request).settings = level
            while (now := benches.of(request).settings) < 9:
                yield str(now)
                time.sleep(0.02)

        def turn(request: gr.Request, level: int):
            benches.of(request).settings = level

        go.click(repeat, slider, said, api_name="repeat", concurrency_limit=None)
        slider.input(turn, slider, api_name="turn")
    page.queue().launch(prevent_thread_lock=True, quiet=True)
    yield page
    page.close()


def test_a_run_reads_what_its_visitor_changes_and_nobody_elses(counter):
    one, other = Client(counter.local_url, verbose=False), Client(counter.local_url, verbose=False)
    runs = [one.submit(1, api_name="/repeat"), other.submit(2, api_name="/repeat")]

    def wait_for(said: str) -> None:
        end = time.monotonic() + 20
        while said not in runs[0].outputs() or not runs[1].outputs():
            assert time.monotonic() < end
            time.sleep(0.02)

    wait_for("1")
    one.predict(7, api_name="/turn")
    wait_for("7")
    one.predict(9, api_name="/turn")
    runs[0].result(timeout=20)
    other.predict(9, api_name="/turn")
    runs[1].result(timeout=20)
    assert set(runs[0].outputs()) == {"1", "7"}
    assert set(runs[1].outputs()) == {"2"}


def test_thirty_visitors_who_train_all_make_progress():
    """When the last has had twenty updates, each has had pictures, and nobody many times what another has."""
    stop, done = threading.Event(), [0] * 30

    def visit(k: int) -> int:
        bench: train.Bench = live.Bench()
        bench.settings = train.check(**train.DEFAULTS | {"seed": k, "hidden": 32})
        pictures = 0
        for _ in limits.run(visitor(str(k)), train.work(bench)):
            pictures += 1
            done[k] = bench.work.training.step
            if stop.is_set():
                break
        return pictures

    with ThreadPoolExecutor(30) as pool:
        visits = [pool.submit(visit, k) for k in range(30)]
        end = time.monotonic() + 60
        while min(done) < 20 and time.monotonic() < end:
            time.sleep(0.1)
        stop.set()
        pictures = [visit.result(timeout=10) for visit in visits]
    assert min(pictures) >= 1
    assert min(done) >= 20
    assert max(done) < 20 * min(done)


def test_a_training_that_diverges_is_ended_with_a_sentence():
    bench: train.Bench = live.Bench()
    bench.settings = train.check(**train.DEFAULTS | {"hidden": 16})
    work = train.work(bench)
    next(work)
    for parameter in bench.work.training.average.parameters():
        parameter.data.fill_(float("nan"))
    with pytest.raises(gr.Error, match="out of bounds"):
        for _ in work:
            pass


def test_a_training_that_is_stopped_before_its_first_look_leaves_the_bench_in_order():
    """As a visitor does who presses Pause at once: the bench is free, and holds the training as far as it came."""
    bench: train.Bench = live.Bench()
    bench.settings = train.check(**train.DEFAULTS | {"hidden": 16})
    with bench.alone():
        run = limits.run(visitor("a"), train.work(bench), "train")
        limits.stop(visitor("a"), "train")  # before it has begun: nothing to stop
        next(run)
        limits.stop(visitor("a"), "train")
        assert list(run) == []
    assert not bench.busy
    assert bench.work.look(float("nan")).step == bench.work.training.step


def test_stop_in_one_lab_leaves_the_others_running():
    def forever():
        while True:
            yield 1

    one, other = (limits.run(visitor("a"), forever(), lab) for lab in ("one", "other"))
    assert (next(one), next(other)) == (1, 1)
    limits.stopper("one")(visitor("a"))
    assert list(one) == []
    assert next(other) == 1
    other.close()


def test_another_set_up_is_another_training_in_mid_run():
    bench: train.Bench = live.Bench()
    bench.settings = train.check(**train.DEFAULTS | {"hidden": 16})
    work = train.work(bench)
    next(work)
    first = bench.work
    bench.settings = train.check(**train.DEFAULTS | {"hidden": 24})
    for _ in range(3):
        next(work)
    assert bench.work is not first
    assert bench.work.training.network.config.hidden == 24
