"""How visitors share the processor: in turns, in order, nobody holds on to a place, and nobody has too many."""

from __future__ import annotations

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import gradio as gr
import pytest

from apps import limits
from apps.limits import Runs, Turns, shared


@pytest.fixture
def one_core(monkeypatch):
    monkeypatch.setattr(limits, "CPU", Turns(1))


def work(steps: int, seconds: float = 0.03, log: list | None = None, name: str = ""):
    """Works for that many steps, and notes in the log when it did and when it was closed."""
    try:
        for k in range(steps):
            time.sleep(seconds)
            if log is not None:
                log.append(name)
            yield k
    finally:
        if log is not None:
            log.append(f"{name} closed")


def computing(steps: int, seconds: float = 0.03, log: list | None = None, name: str = ""):
    """The same, and computes meanwhile."""
    for k in work(steps, 0, log, name):
        begun = time.thread_time()
        while time.thread_time() - begun < seconds:
            pass
        yield k


def test_no_more_work_at_once_than_there_are_cores():
    turns, inside, most = Turns(2), 0, 0
    lock = threading.Lock()

    def visit(_: int) -> None:
        nonlocal inside, most
        for _ in range(10):
            with turns.turn():
                with lock:
                    inside += 1
                    most = max(most, inside)
                time.sleep(0.001)
                with lock:
                    inside -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(visit, range(8)))
    assert (inside, most) == (0, 2)


def test_visitors_take_turns_instead_of_queueing_up(one_core):
    """Between two slices of one visitor, everybody else has one."""
    log: list[str] = []
    names = "abcde"
    start = threading.Barrier(len(names))

    def visit(name: str) -> list[int]:
        start.wait()
        return list(shared(work(16, log=log, name=name)))

    with ThreadPoolExecutor(len(names)) as pool:
        results = list(pool.map(visit, names))
    assert results == [list(range(16))] * len(names)
    slices = [name for name, _ in itertools.groupby(name for name in log if len(name) == 1)]
    for k in range(len(names), len(slices) - 2 * len(names)):
        assert len(set(slices[k : k + len(names)])) == len(names)


def test_a_newcomer_sees_something_soon_although_thirty_are_busy(one_core):
    """Thirty runs of a second each would make a queue of half a minute; in turns it is one slice each."""
    stop = threading.Event()

    def busy(_: int) -> None:
        run = shared(work(1000, 0.01))
        while not stop.is_set():
            next(run)
        run.close()

    with ThreadPoolExecutor(31) as pool:
        pool.map(busy, range(30))
        time.sleep(0.5)
        begun = time.monotonic()
        next(shared(work(20, 0.01)))
        waited = time.monotonic() - begun
        stop.set()
    assert waited < 30 * (limits.SLICE + 0.02) + 0.5


def test_whoever_leaves_frees_the_place_and_ends_the_work(one_core):
    log: list[str] = []
    run = shared(work(100, log=log, name="a"))
    next(run)
    run.close()
    assert log[-1] == "a closed"
    assert list(shared(work(1))) == [0]  # the place is free


def test_an_error_in_the_work_frees_the_place(one_core):
    def fails():
        yield 1
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        list(shared(fails()))
    assert list(shared(work(1))) == [0]


def test_what_computes_too_long_is_ended_with_a_sentence(one_core):
    log: list[str] = []
    with pytest.raises(gr.Error, match=r"longer than 0\.1 s"):
        list(shared(computing(100, log=log, name="a"), seconds=0.1))
    assert log[-1] == "a closed"


def test_waiting_does_not_count_as_computing(one_core):
    def visit(_: int) -> list[int]:
        return list(shared(computing(10), seconds=0.6))  # 0.3 s each, six of them: the last waits far longer than that

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(visit, range(6))) == [list(range(10))] * 6


def visitor(name: str) -> gr.Request:
    return gr.Request(session_hash=name)


def begun(name: str, log: list | None = None):
    """A run of this visitor that has taken its first step."""
    run = limits.run(visitor(name), work(100, 0.001, log, name))
    next(run)
    return run


@pytest.fixture
def few(monkeypatch):
    """Three runs are too many for all, and two for one visitor."""
    monkeypatch.setattr(limits, "RUNS", Runs(most=3, each=2))


def test_who_has_too_many_runs_is_told_to_wait_and_others_are_not(few):
    first, _second = begun("a"), begun("a")
    with pytest.raises(gr.Error, match="You have 2 runs going on"):
        begun("a")
    _other = begun("b")
    first.close()
    begun("a")


@pytest.mark.parametrize("how", ["ends", "is closed", "is stopped"])
def test_on_a_busy_page_the_next_one_waits_until_a_run_is_over(few, how):
    run, *_others = begun("a"), begun("b"), begun("c")
    with pytest.raises(gr.Error, match="is busy"):
        begun("d")
    if how == "ends":
        assert list(run) == list(range(1, 100))
    elif how == "is closed":
        run.close()
    else:
        limits.stop(visitor("a"))
        with pytest.raises(gr.Error, match="is busy"):
            begun("d")  # it has not noticed yet
        assert list(run) == []
    begun("d")


def test_a_run_that_fails_is_over(few):
    def fails():
        yield 0
        raise RuntimeError("broken")

    for _ in range(4):
        with pytest.raises(RuntimeError, match="broken"):
            list(limits.run(visitor("a"), fails()))


def test_stop_ends_all_runs_of_the_visitor_and_nobody_elses(few):
    log: list[str] = []
    mine, mine_too, other = begun("a", log), begun("a", log), begun("b")
    limits.stop(visitor("a"))
    assert (list(mine), list(mine_too)) == ([], [])
    assert log.count("a closed") == 2
    assert list(other) == list(range(1, 100))
