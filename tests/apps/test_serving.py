"""The app from outside: how it starts, what its API answers, what it says when weights are gone."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import gradio as gr
import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from gradio_client.utils import QueueError
from PIL import Image

from apps import limits, shell
from apps.tabs.latent.draw import lab as draw
from tutorial import chapters

ROOT = Path(__file__).parents[2]


@pytest.fixture
def start(tmp_path):
    """Starts the app as a process, waits until it answers, and ends it whatever happens."""
    running = []

    def go(command: list[str], port: int, cwd: Path) -> str:
        env = os.environ | {"GRADIO_SERVER_PORT": str(port), "GRADIO_SERVER_NAME": "127.0.0.1"}
        with (tmp_path / "log").open("w") as log:
            process = subprocess.Popen([sys.executable, *command], cwd=cwd, env=env, stdout=log, stderr=log)
        running.append(process)
        url = f"http://127.0.0.1:{port}"
        for _ in range(900):
            assert process.poll() is None, (tmp_path / "log").read_text()
            try:
                urllib.request.urlopen(url, timeout=1)
                return url
            except OSError:
                time.sleep(0.1)
        raise AssertionError(f"not served within 90 s: {(tmp_path / 'log').read_text()}")

    yield go
    for process in running:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def client(url):
    """A program that uses the API; to get to know it takes each a third of a second."""
    return Client(url, verbose=False)


def test_it_starts_as_a_module_with_all_chapters(start):
    url = start(["-m", "apps"], 7931, ROOT)
    assert "Latent Diffusion, Hands On" in urllib.request.urlopen(url).read().decode()
    config = urllib.request.urlopen(f"{url}/config").read().decode()
    assert all(mark in config for mark in ('"birth"', '"draw"'))


def test_it_starts_as_a_script_from_anywhere_with_the_one_chapter_that_is_named(start, tmp_path):
    url = start([str(ROOT / "apps" / "__main__.py"), "start"], 7932, tmp_path)
    assert "Latent Diffusion, Hands On" in urllib.request.urlopen(url).read().decode()
    config = urllib.request.urlopen(f"{url}/config").read().decode()
    assert '"birth"' in config
    assert '"draw"' not in config


def test_the_page_is_light(url):
    """The chapters' opening clips, megabytes, are fetched when they are first seen, and what is sent is packed."""
    with httpx.stream("GET", url, headers={"accept-encoding": "gzip"}) as answer:
        page = answer.read()
        assert answer.num_bytes_downloaded < 450_000
    assert b"GANs" in page


def test_a_chapter_that_there_is_not_is_named():
    with pytest.raises(SystemExit, match="There is no chapter astrology; there are: "):
        shell.choose(["astrology"])
    assert [chapter.__name__.rsplit(".", 1)[1] for chapter in shell.choose(chapters.names())] == chapters.names()


@pytest.mark.parametrize(("damage", "port"), [("missing", 7933), pytest.param("corrupt", 7934, marks=pytest.mark.slow)])
def test_without_its_weights_it_says_which_file_and_which_command(start, tmp_path, damage, port):
    house = tmp_path / "house"
    for folder in ("apps", "tutorial", "assets"):
        shutil.copytree(ROOT / folder, house / folder, ignore=shutil.ignore_patterns("__pycache__"))
    unet = house / "assets" / "weights" / "unet.safetensors"
    unet.unlink() if damage == "missing" else unet.write_bytes(unet.read_bytes()[:1000])
    url = start(["-m", "apps", "latent"], port, house)
    config = urllib.request.urlopen(f"{url}/config").read().decode()
    assert "unet.safetensors" in config
    assert "tutorial.training.latent_diffusion" in config
    assert "Latent diffusion" in config
    assert '"birth"' not in config  # of a chapter that was not named
    with pytest.raises(AppError, match=r"unet\.safetensors"):
        Client(url, verbose=False).predict("a blue one", api_name="/sample")


def test_the_endpoint_is_typed_and_described(client):
    info = client.view_api(return_format="dict")["named_endpoints"]
    two_kinds = ["classify_toy", "support_vectors", "generate_toy", "seen_elsewhere", "score_drawing", "who_notices"]
    two_kinds += ["who_learns_faster", "working_harder"]
    families = ["train_families", "flow_layers", "pixel_cnn", "vae_latent", "gan_game"]
    gans = ["gan_train", "gan_wall", "gan_gradients", "gan_digits", "gan_metrics"]
    diffusion = ["forward", "train_denoiser", "score_field", "reverse", "quality_vs_steps", "objectives", "sample"]
    latent = ["attention", "autoencode", "guidance", "guidance_plane", "guidance_curve", "guidance_steps"]
    latent += ["negative_prompt", "compare", "edit"]
    assert set(info) == {f"/{name}" for name in (*two_kinds, *families, *gans, *diffusion, *latent)}
    assert all(endpoint["description"] for endpoint in info.values())
    parameters = {p["parameter_name"]: p["type"]["type"] for p in info["/sample"]["parameters"]}
    assert parameters == {
        "prompt": "string",
        "negative": "string",
        "steps": "integer",
        "guidance": "number",
        "sampler": "string",
        "eta": "number",
        "seed": "integer",
        "n": "integer",
        "side": "integer",
    }
    first, second = info["/sample"]["returns"]
    assert first["type"] == {"type": "string"}
    assert second["type"]["type"] == "array"


def test_the_endpoint_streams_progress_and_ends_with_png_files(client):
    job = client.submit("a blue one with a crown", steps=30, n=2, seed=7, api_name="/sample")
    cost, files = job.result()
    assert "60 network evaluations a picture" in cost
    assert [Path(file).name for file in files] == ["critter-7.png", "critter-8.png"]
    for file in files:
        with Image.open(file) as picture:
            assert (picture.format, picture.size) == ("PNG", (64, 64))
    progress = job.outputs()
    assert len(progress) > 2
    assert progress[0][0].startswith("step ")
    assert progress[0][1] == []


def test_one_client_has_few_runs_at_once(url, client):
    busy = Client(url, verbose=False)
    jobs = [busy.submit("", steps=100, n=9, api_name="/sample") for _ in range(limits.EACH)]
    for job in jobs:
        while not job.outputs():
            time.sleep(0.02)
    with pytest.raises(AppError, match=f"You have {limits.EACH} runs going on. Please wait"):
        busy.predict("", api_name="/sample")
    assert client.predict("", steps=1, api_name="/sample")
    for job in jobs:
        job.cancel()


def test_a_run_that_was_stopped_gives_no_half_picture():
    visitor = gr.Request(session_hash="a visitor")
    run = draw.sample(visitor, "a blue one", steps=100, n=9)
    next(run)
    limits.stop(visitor)
    with pytest.raises(gr.Error, match="was stopped"):
        list(run)


@pytest.mark.parametrize("full", ["runs", "queue"])
def test_a_client_that_finds_the_app_busy_is_told_so(served, client, monkeypatch, full):
    if full == "runs":
        monkeypatch.setattr(limits, "RUNS", limits.Runs(0, limits.EACH))
    else:
        monkeypatch.setattr(served._queue, "max_size", 0)
    with pytest.raises((AppError, QueueError), match=r"(The page is busy|Queue is full).* [Pp]lease try again"):
        client.predict("", api_name="/sample")


def test_the_same_call_gives_the_same_picture(client):
    first, again = (
        Path(client.predict("a green one", steps=4, seed=3, api_name="/sample")[1][0]).read_bytes() for _ in range(2)
    )
    other = Path(client.predict("a green one", steps=4, seed=4, api_name="/sample")[1][0]).read_bytes()
    assert first == again
    assert first != other


PROMPTS = {
    "empty": "",
    "10,000 characters": "a blue one" * 1000,
    "any Unicode": "\u202eقبعة 🦄 e\u0301 Ａ \0 \uffff",
    "markup": "<img src=x onerror=alert(1)>",
}


@pytest.mark.parametrize("prompt", PROMPTS)
def test_any_text_draws_something(client, prompt):
    _, [file] = client.predict(PROMPTS[prompt], steps=1, api_name="/sample")
    with Image.open(file) as picture:
        assert picture.size == (64, 64)


def ask(url: str, data: str) -> str:
    """What `/sample` answers to JSON that `json.dumps` would not write."""
    address = f"{url}gradio_api/call/sample"
    joined = httpx.post(address, content=f'{{"data": {data}}}', headers={"content-type": "application/json"})
    return httpx.get(f"{address}/{joined.json()['event_id']}", timeout=30).text


def test_half_a_character_draws_something(url):
    assert "critter-0.png" in ask(url, r'["half a unicorn: \ud83e", "", 1, 2.0, "ddim", 0, 0, 1, 64]')


@pytest.mark.parametrize("steps", ["NaN", "1e999"])
def test_what_is_no_number_in_json_is_refused_in_a_sentence(url, steps):
    assert "Steps must be a number between 1 and 100." in ask(url, f'["", "", {steps}, 2.0, "ddim", 0, 0, 1, 64]')


@pytest.mark.parametrize(
    "bad",
    [
        {"steps": 0},
        {"steps": -1},
        {"steps": 1e9},
        {"steps": 2.5},
        {"steps": "abc"},
        {"sampler": ["ddim"]},
        {"guidance": -3},
        {"sampler": "euler_ancestral"},
        {"n": 400},
        {"seed": -1},
        {"eta": [1]},
        {"prompt": "x" * 100_000},
    ],
    ids=str,
)
def test_bad_values_are_refused_in_a_sentence(client, bad):
    with pytest.raises(AppError) as refused:
        client.predict(**{"prompt": "a blue one"} | bad, api_name="/sample")
    assert "must be" in str(refused.value) or "at most" in str(refused.value)


def test_a_request_of_30_mb_is_refused_and_the_app_goes_on(url):
    address, body = f"{url}gradio_api/call/sample", b'{"data": ["' + b"x" * 30_000_000 + b'"]}'

    def in_pieces():
        for k in range(0, len(body), 100_000):
            yield body[k : k + 100_000]

    for content in (body, in_pieces()):  # with a length given beforehand, and without
        with contextlib.suppress(
            httpx.ReadError, httpx.RemoteProtocolError
        ):  # the server may hang up before it has heard everything
            answer = httpx.post(address, content=content, headers={"content-type": "application/json"}, timeout=30)
            assert answer.status_code == 413
            assert answer.json()["error"] == "A request may have at most 6,000,000 bytes."
    assert httpx.get(url).status_code == 200


@pytest.mark.slow
def test_a_port_in_use_is_stepped_over(start):
    start(["-m", "apps", "start"], 7936, ROOT)
    second = subprocess.Popen(
        [sys.executable, "-m", "apps", "start"],
        cwd=ROOT,
        env=os.environ | {"GRADIO_SERVER_PORT": "7936", "GRADIO_SERVER_NAME": "127.0.0.1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert second.stdout is not None
        said = next(line for line in second.stdout if "http" in line or "port" in line)
        assert "7937" in said
    finally:
        second.terminate()
        second.wait(10)


def test_a_slider_hands_on_what_is_no_number_for_the_checks_to_refuse(served):
    sliders = [block for block in served.blocks.values() if isinstance(block, gr.Slider)]
    assert len(sliders) > 20
    for slider in sliders:
        assert slider.preprocess(None) is None
        assert slider.preprocess("much") == "much"
        with pytest.raises(gr.Error):
            slider.preprocess(slider.maximum + 1)
