"""The player in Chromium: every kind of layer, scrubbing without the server, clicks and strokes, streams."""

from __future__ import annotations

import json
import time

import gradio as gr
import numpy as np
import pytest

from apps import player

T = 20
AXES = {"x": (-3.0, 3.0, "x₁"), "y": (-3.0, 3.0, "x₂")}
SCRUB = """() => {
  const slider = document.querySelector("#clip input[type=range]");
  const canvas = document.querySelectorAll("#clip canvas")[0];
  const times = [], seen = new Set();
  for (let k = 0; k < 40; k++) {
    const begun = performance.now();
    slider.value = k % 20;
    slider.dispatchEvent(new Event("input"));
    seen.add(canvas.getContext("2d").getImageData(20, 20, 1, 1).data.join());
    times.push(performance.now() - begun);
  }
  return { median: times.sort((a, b) => a - b)[20], seen: seen.size };
}"""


def everything() -> str:
    """A clip with every kind of layer; the frames of the first panel are plain greys, each darker than the last."""
    generator = np.random.default_rng(0)
    greys = np.repeat(np.linspace(250, 10, T).astype(np.uint8), 64 * 64 * 3).reshape(T, 64, 64, 3)
    walk = np.cumsum(generator.normal(size=(T, 50, 2)) * 0.2, 0)
    density = generator.random((1, 30, 30))
    score = np.concatenate([walk[:1], -0.1 * walk[:1]], axis=2)
    steps = np.arange(T)
    layers = [
        player.heat(density, "density", unit="nats"),
        player.lines(walk, "noise", "paths"),
        player.arrows(score, "field", "score"),
        player.points(walk, "generated", "samples"),
    ]
    loss = player.curve(steps, np.exp(-steps / 5), "generated", "loss", marker=range(T))
    floor = player.curve(steps, np.full(T, 0.2), "exact", "floor", dashed=True)
    return player.clip(
        [
            player.panel([player.image(greys)], title="<img src=x onerror=alert(1)>"),
            player.panel(layers, title="Samples", takes="click", **AXES),
            player.panel([loss, floor], title="Loss", x=(0, T - 1, "step"), y=(0, 1, "nats")),
            player.panel([player.points(walk[:1], "real")], title="Your own", takes="points", **AXES),
        ],
        frames=T,
        labels=[f"t = {k}" for k in range(T)],
    )


def stream():
    """Forty frames as a training would send them, fifteen a second."""
    generator = np.random.default_rng(0)
    for k in range(40):
        dots = player.points(generator.normal(size=(1, 500, 2)), "generated", "samples")
        yield player.clip([player.panel([dots], title=f"frame {k}", **AXES)])
        time.sleep(1 / 15)


@pytest.fixture(scope="module")
def stage():
    """A page with one player, a box that says what was clicked or drawn, and a button that streams."""

    def heard(event: gr.EventData) -> str:
        return json.dumps(event._data)

    with gr.Blocks() as page:
        clip = player.player(everything(), elem_id="clip")
        said = gr.Textbox(elem_id="said")
        go = gr.Button("Stream", elem_id="go")
        clip.click(heard, None, said)
        clip.input(heard, None, said)
        go.click(stream, None, clip)
    _, url, _ = page.launch(
        prevent_thread_lock=True,
        quiet=True,
        run_history=False,
        ssr_mode=False,
        head=f"<script>{player.SCRIPT.read_text(encoding='utf-8')}</script>",
        css_paths=[player.STYLE],
    )
    yield url
    page.close()


@pytest.fixture
def page(watched, stage):
    opened = watched(stage, viewport={"width": 1200, "height": 800})
    opened.wait_for_function("document.querySelectorAll('#clip canvas').length === 4")
    opened.wait_for_function("document.querySelector('#clip output').textContent === 't = 19'")
    return opened


def test_scrubbing_is_instant_and_asks_nobody(page):
    page.wait_for_timeout(300)
    page.asked.clear()
    measured = page.evaluate(SCRUB)
    page.wait_for_timeout(300)
    assert measured["median"] <= 16
    assert measured["seen"] == T  # each frame did draw another grey
    assert page.asked == []


def test_it_plays_pauses_and_steps_by_button_and_key(page):
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("parseInt(document.querySelector('#clip output').textContent.slice(4)) >= 4")
    page.get_by_role("button", name="Pause").click()
    stopped = page.locator("#clip output").inner_text()
    page.wait_for_timeout(300)
    assert page.locator("#clip output").inner_text() == stopped
    page.get_by_role("button", name="One frame forth").click()
    at = int(stopped.split()[-1]) + 1
    assert page.locator("#clip output").inner_text() == f"t = {at}"
    page.locator("#clip input[type=range]").focus()
    page.keyboard.press("ArrowLeft")
    assert page.locator("#clip output").inner_text() == f"t = {at - 1}"
    page.keyboard.press("Home")
    assert page.locator("#clip output").inner_text() == "t = 0"
    page.keyboard.press(" ")
    page.wait_for_function("document.querySelector('#clip output').textContent !== 't = 0'")


def test_a_click_tells_its_place_and_a_stroke_its_points(page):
    page.locator("#clip canvas").nth(1).click()
    page.wait_for_function("document.querySelector('#said textarea').value.includes('panel')")
    told = json.loads(page.input_value("#said textarea"))
    assert (told["panel"], told["frame"]) == (1, T - 1)
    assert abs(told["x"]) < 1
    assert abs(told["y"]) < 1
    box = page.locator("#clip canvas").nth(3).bounding_box()
    page.mouse.move(box["x"] + 80, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 160, box["y"] + 120, steps=5)
    page.mouse.up()
    page.wait_for_function("document.querySelector('#said textarea').value.includes('points')")
    points = np.array(json.loads(page.input_value("#said textarea"))["points"])
    assert len(points) >= 5
    assert (np.diff(points[:, 0]) >= 0).all()  # to the right
    assert (np.diff(points[:, 1]) <= 0).all()  # and down


def test_hovering_tells_values(page):
    page.locator("#clip canvas").nth(1).hover()
    assert "density 0." in page.locator("#clip .tip").nth(1).inner_text()
    assert "nats" in page.locator("#clip .tip").nth(1).inner_text()
    page.locator("#clip canvas").nth(2).hover()
    assert "floor 0.2" in page.locator("#clip .tip").nth(2).inner_text()


def test_the_legend_hides_a_layer(page):
    before = page.evaluate("document.querySelectorAll('#clip canvas')[1].toDataURL()")
    entry = page.get_by_role("button", name="density")
    entry.click()
    assert entry.get_attribute("aria-pressed") == "false"
    assert page.evaluate("document.querySelectorAll('#clip canvas')[1].toDataURL()") != before
    entry.click()
    assert page.evaluate("document.querySelectorAll('#clip canvas')[1].toDataURL()") == before


def test_texts_of_a_clip_are_never_markup(page):
    assert page.locator("#clip .panel-title").first.inner_text() == "<img src=x onerror=alert(1)>"
    assert page.locator("#clip .panel img").count() == 0


def test_a_stream_is_drawn_as_it_comes(page):
    page.evaluate("""() => {
        window.frames_seen = [];
        const title = document.querySelector("#clip .panel-title");
        new MutationObserver(() => window.frames_seen.push([performance.now(), title.textContent]))
          .observe(title, {childList: true, characterData: true, subtree: true});
    }""")
    page.click("#go")
    page.wait_for_function("document.querySelector('#clip .panel-title').textContent === 'frame 39'", timeout=20_000)
    seen = page.evaluate("window.frames_seen")
    seconds = (seen[-1][0] - seen[0][0]) / 1000
    assert len({title for _, title in seen}) / seconds >= 10


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: player.clip([], frames=3, labels=["a"]), "a label for each of 3 frames"),
        (lambda: player.panel([], x=(0, 1, "")), "both axes or none"),
        (lambda: player.panel([], x=(1, 1, ""), y=(0, 1, "")), "from a lower to a higher"),
        (lambda: player.image(np.zeros((3, 8, 8, 3))), "in uint8"),
        (lambda: player.points(np.zeros((5, 2)), "real"), "3 dimensions"),
        (lambda: player.points(np.full((1, 5, 2), np.nan), "real"), "finite"),
        (lambda: player.points(np.zeros((1, 5, 2)), "pink"), "one of real, generated"),
        (lambda: player.heat(np.zeros((1, 2, 2)), "h", low=2, high=1), "low ≤ high"),
        (lambda: player.curve(np.arange(3), np.arange(3), "real", marker=[3]), "among the curve's 3 points"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_a_sentence(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()
