"""The handlers that labs share: what a visitor reads at the end of a run, and of one that was stopped."""

from __future__ import annotations

import time

import gradio as gr
import pytest

from apps import limits, wiring

VISITOR = gr.Request(session_hash="visitor")


def work(stop_at: int):
    """Three parts of a run; the visitor presses Stop while the one of that number is being computed."""

    def parts(_wish):
        for k in range(1, 4):
            if k == stop_at:
                limits.stop(VISITOR, "lab")
            yield f"{k} of 3", f"picture {k}", f"table {k}"

    return parts


def seen(stop_at: int) -> list[tuple]:
    return list(wiring.as_it_goes(work(stop_at), lambda wish: wish, "lab", pictures=2)(VISITOR, "wish"))


def test_a_run_that_ends_says_what_its_work_says_last():
    assert seen(stop_at=9) == [(f"{k} of 3", f"picture {k}", f"table {k}") for k in (1, 2, 3)]


@pytest.mark.parametrize("stop_at", [1, 2, 3])
def test_a_run_that_is_stopped_says_so_even_in_its_last_slice(stop_at):
    text, *shown = seen(stop_at)[-1]
    assert text.lower().endswith("stopped.")
    assert shown == [gr.skip(), gr.skip()]


def test_an_error_in_the_work_is_not_taken_for_a_stop():
    def broken(_wish):
        yield "1 of 3", "picture"
        raise limits.refuse("The numbers are out of bounds.")

    with pytest.raises(gr.Error, match="out of bounds"):
        list(wiring.as_it_goes(broken, lambda wish: wish, "lab")(VISITOR, "wish"))


def grown(stop_at: int) -> list[tuple]:
    def parts(_wish):
        for k in range(1, 4):
            if k == stop_at:
                limits.stop(VISITOR, "lab")
            yield k, f"picture {k}"
            time.sleep(limits.SLICE)  # each part in a slice of its own

    handler = wiring.growing(
        parts, lambda k: f"{k} of 3", lambda wish, k: (f"{wish}: {k}", f"all of {k}"), lambda wish: wish, "lab"
    )
    return list(handler(VISITOR, "wish"))


def test_what_grew_is_shown_whole_at_its_end():
    assert grown(stop_at=9) == [*((f"{k} of 3", f"picture {k}") for k in (1, 2, 3)), ("wish: 3", "all of 3")]


def test_what_grew_until_it_was_stopped_is_shown_whole_and_nothing_is_said_so():
    assert grown(stop_at=3)[-1] == ("wish: 2", "all of 2")
    assert grown(stop_at=1) == [("Stopped.", gr.skip())]
