"""The lab "judge": what the page carries, and what the browser fetches."""

from __future__ import annotations

import base64
import json
from urllib.request import urlopen

import gradio as gr
import numpy as np
import pytest

from apps.tabs.gan import judge
from tutorial import measurements
from tutorial.gans import turing


@pytest.fixture(scope="module")
def served():
    with gr.Blocks() as page:
        judge.lab(page)
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, run_history=False, ssr_mode=False)
    yield url, page
    page.close()


def components(page) -> dict[str, dict]:
    return {one["props"].get("elem_id"): one["props"] for one in page.get_config_file()["components"]}


def test_the_page_is_light_and_the_sheet_is_fetched_whole(served):
    url, page = served
    game = components(page)["judge"]
    assert len(json.dumps(game, ensure_ascii=False).encode()) < 15_000
    with urlopen(url + json.loads(game["value"])["src"]) as answer:
        content = answer.read()
    assert content.decode() == judge.sheet(turing.load())
    assert len(content) < 150_000


def test_the_sheet_holds_the_recorded_digits_and_what_each_score_says():
    sources = turing.load()
    sheet = json.loads(judge.sheet(sources))
    assert sheet["verdicts"] == [turing.verdict(k) for k in range(sheet["rounds"] + 1)]
    assert sum(source["real"] for source in sheet["sources"]) == 1
    for source, sent in zip(sources, sheet["sources"], strict=True):
        bits = np.unpackbits(np.frombuffer(base64.b64decode(sent["pixels"]), np.uint8))
        assert (bits.reshape(sent["count"], 1, sheet["side"], sheet["side"]) == source.pictures.numpy()).all()
    table = np.frombuffer(base64.b64decode(sheet["intervals"]), np.uint8).reshape(-1, 2)
    low, high = turing.wilson(41, sheet["most"])
    assert table[(sheet["most"] - 1) * (sheet["most"] + 2) // 2 + 41].tolist() == [round(100 * low), round(100 * high)]


def test_the_note_says_how_the_digits_were_made(served):
    said = components(served[1])["judge-note"]["value"]
    assert turing.COMMAND in said
    for source in turing.load():
        assert source.real or f"{source.name} ({source.made})" in said
    assert "on average half" in said and "your answers stay there" in " ".join(said.split())


def test_without_the_digits_the_lab_says_how_to_get_them_back(monkeypatch, tmp_path):
    monkeypatch.setattr(turing, "load", lambda: measurements.load("who_drew", folder=tmp_path))
    with gr.Blocks() as page:
        judge.lab(page)
    (only,) = [one["props"] for one in page.get_config_file()["components"] if one["type"] == "markdown"]
    assert "This lab cannot open" in only["value"]
    assert "git checkout -- assets/measurements/who_drew.json" in only["value"]
