"""A run ends within a second when its visitor presses Stop, closes the page, or hangs up."""

from __future__ import annotations

import queue
import time

import httpx
import pytest
from gradio_client import Client

from tests.browser.drawing import set_number
from tutorial.diffusion.latent import LatentDiffusion

LONG = {
    "prompt": "a blue one",
    "negative": "",
    "steps": 100,
    "guidance": 3.0,
    "sampler": "heun",
    "eta": 0.0,
    "seed": 1,
    "n": 9,
    "side": 64,
}


@pytest.fixture
def last_steps(monkeypatch):
    """A queue that gets, of each run that ends, the number of the last step that it took."""
    ends: queue.SimpleQueue[int] = queue.SimpleQueue()
    sample = LatentDiffusion.sample

    def watched(self, *arguments, **settings):
        taken = 0
        try:
            for step in sample(self, *arguments, **settings):
                taken = step.i + 1
                yield step
        finally:
            ends.put(taken)

    monkeypatch.setattr(LatentDiffusion, "sample", watched)
    return ends


def drawing(open_page):
    """A page in which a long run has begun."""
    page = open_page("draw")
    page.locator("button", has_text="More").click()
    page.locator("#sampler input").click()
    page.get_by_role("option", name="Heun").click()
    set_number(page, "steps", 100)
    set_number(page, "n", 9)
    page.click("#draw")
    page.wait_for_selector("#drawing canvas")
    return page


def test_when_stop_is_pressed(open_page, last_steps):
    page = drawing(open_page)
    page.click("#stop")
    assert 0 < last_steps.get(timeout=1) < 100


@pytest.mark.parametrize("how", ["closed", "left"])
def test_when_the_page_is_closed_or_left(open_page, last_steps, how):
    page = drawing(open_page)
    page.close() if how == "closed" else page.goto("about:blank")
    assert 0 < last_steps.get(timeout=1) < 100
    page.errors.clear()  # what was broken off


def test_when_a_client_cancels(url_of, last_steps):
    job = Client(url_of("Latent diffusion", "draw"), verbose=False).submit(**LONG, api_name="/sample")
    while not job.outputs():
        time.sleep(0.02)
    job.cancel()
    assert 0 < last_steps.get(timeout=1) < 100


def test_when_a_connection_is_cut(url_of, last_steps):
    address = f"{url_of('Latent diffusion', 'draw')}gradio_api/call/sample"
    event = httpx.post(address, json={"data": list(LONG.values())}).json()["event_id"]
    with httpx.stream("GET", f"{address}/{event}") as stream:
        assert "event: generating" in stream.iter_lines()
    assert 0 < last_steps.get(timeout=1) < 100
