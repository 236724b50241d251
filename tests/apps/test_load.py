"""Many visitors at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from gradio_client import Client

VISITORS = 12


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
