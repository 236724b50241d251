"""Many visitors at once."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from gradio_client import Client

from apps import limits

VISITORS = 12


@pytest.mark.slow
def test_as_many_as_may_draw_can_come_in_the_same_moment(url):
    address, begin = f"{url}gradio_api/call/sample", threading.Barrier(limits.AT_ONCE)

    def come(_: int) -> str:
        begin.wait()
        event = httpx.post(address, json={"data": ["", "", 0, 2.0, "ddim", 0, 0, 1, 64]}, timeout=30).json()["event_id"]
        return httpx.get(f"{address}/{event}", timeout=30).text

    with ThreadPoolExecutor(limits.AT_ONCE) as pool:
        answers = list(pool.map(come, range(limits.AT_ONCE)))
    assert all("Steps must be between 1 and 100" in answer for answer in answers)


@pytest.mark.slow
def test_a_class_of_visitors_is_served_and_each_gets_their_own(url):
    """Twelve press the button together; each gets the picture of their own seed, nobody an error."""
    clients = [Client(url, verbose=False) for _ in range(VISITORS)]

    def ask(k: int) -> bytes:
        _, files = clients[k].predict("a blue one with a crown", seed=k % 3, api_name="/sample")
        return Path(files[0]).read_bytes()

    begun = time.monotonic()
    with ThreadPoolExecutor(VISITORS) as pool:
        pictures = list(pool.map(ask, range(VISITORS)))
    assert time.monotonic() - begun < 30
    assert len(set(pictures)) == 3
    assert all(pictures[k] == pictures[k % 3] for k in range(VISITORS))
