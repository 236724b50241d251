"""The player in Chromium: every kind of layer, scrubbing without the server, clicks, strokes and keys, streams."""

from __future__ import annotations

import json
import re
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
    field = player.heat(np.array([[[-3, 3], [np.nan, 0]]]), "field", map="diverging", unit="σ")
    x = np.geomspace(1, 100, 21)
    error = player.curve(x, 1 / x, "generated", "error")
    nothing = player.curve(x[:2], np.zeros(2), "exact", "nothing")  # has no place on a logarithmic axis
    return player.clip(
        [
            player.panel([player.image(greys)], title="<img src=x onerror=alert(1)>"),
            player.panel(layers, title="Samples", takes="click", **AXES),
            player.panel([loss, floor], title="Loss", x=(0, T - 1, "step"), y=(0, 1, "nats")),
            player.panel([player.points(walk[:1], "real")], title="Your own", takes="points", **AXES),
            player.panel([field], title="Field"),
            player.panel([error, nothing], title="Error", x=(1, 100, "n", "log"), y=(0.01, 1, "error", "log")),
        ],
        frames=T,
        labels=[f"t = {k}" for k in range(T)],
    )


def growing(k: int) -> str:
    """The clip of a training after its step k: one frame more than before, two plain pictures, a line without name."""
    dots = player.points(np.full((k + 1, 100, 2), 1.0), "generated", "samples")
    axis = player.curve(np.array([-3, 3]), np.zeros(2), "exact")
    grey = np.full((k + 1, 64, 64, 3), 100 + k, np.uint8)
    heat = player.heat(np.full((1, 8, 8), k), "steps")
    panels = [
        player.panel([dots, axis], title=f"frame {k}", **AXES),
        player.panel([player.image(grey)]),
        player.panel([heat]),
    ]
    return player.clip(panels, frames=k + 1)


def stream():
    """Forty clips as a training would send them, fifteen a second."""
    for k in range(40):
        yield growing(k)
        time.sleep(1 / 15)


@pytest.fixture(scope="module")
def stage():
    """A page with a player, a box that says what was clicked or drawn, and buttons to stream, hide and show."""

    def heard(event: gr.EventData) -> str:
        return json.dumps(event._data)

    with gr.Blocks() as page:
        clip = player.player(everything(), elem_id="clip")
        said = gr.Textbox(elem_id="said")
        go, hide, show = gr.Button("Stream", elem_id="go"), gr.Button("Hide"), gr.Button("Show")
        clip.click(heard, None, said)
        clip.input(heard, None, said)
        go.click(stream, None, clip)
        hide.click(lambda: gr.update(visible=False), None, clip)
        show.click(lambda: gr.update(visible=True), None, clip)
    _, url, _ = page.launch(
        prevent_thread_lock=True,
        quiet=True,
        run_history=False,
        ssr_mode=False,
        head=player.HEAD,
        css_paths=[player.STYLE],
    )
    yield url
    page.close()


@pytest.fixture
def opened(watched, stage):
    """Opens the page in a browser of some kind, and waits for the player's last frame."""

    def go(**settings):
        page = watched(stage, **{"viewport": {"width": 1200, "height": 900}} | settings)
        page.wait_for_function("document.querySelectorAll('#clip canvas').length === 6")
        page.wait_for_function("document.querySelector('#clip output').textContent === 't = 19'")
        return page

    return go


@pytest.fixture
def page(opened):
    return opened()


def at(page, panel: int, u: float, v: float) -> tuple[float, float]:
    """Where on the screen a place of a panel is: (0, 0) is inside its axes on the upper left, (1, 1) lower right."""
    canvas = page.locator("#clip canvas").nth(panel)
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    area = page.evaluate(f"document.querySelector('clip-player').panels[{panel}].area")
    return box["x"] + area["x"] + u * area["w"], box["y"] + area["y"] + v * area["h"]


def tip(page, panel: int, u: float, v: float) -> str:
    """What the player says when the pointer is there."""
    page.mouse.move(*at(page, panel, u, v))
    return page.locator("#clip .tip").nth(panel).inner_text()


def pixel(page, panel: int, u: float, v: float) -> list[int]:
    """Red, green, blue and opacity of what is drawn there."""
    return page.evaluate(
        """([k, u, v]) => {
            const { canvas, area } = document.querySelector("clip-player").panels[k];
            const scale = canvas.width / canvas.clientWidth;
            const [x, y] = [area.x + u * area.w, area.y + v * area.h].map((side) => Math.floor(side * scale));
            return [...canvas.getContext("2d").getImageData(x, y, 1, 1).data];
        }""",
        [panel, u, v],
    )


def heard(page, word: str) -> dict:
    """What the page's handler was told last, once it contains a word."""
    page.wait_for_function(f"document.querySelector('#said textarea').value.includes('{word}')")
    return json.loads(page.input_value("#said textarea"))


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
    told = heard(page, "panel")
    assert (told["panel"], told["frame"]) == (1, T - 1)
    assert abs(told["x"]) < 1
    assert abs(told["y"]) < 1
    box = page.locator("#clip canvas").nth(3).bounding_box()
    page.mouse.move(box["x"] + 80, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 160, box["y"] + 120, steps=5)
    page.mouse.up()
    points = np.array(heard(page, "points")["points"])
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
    entry = page.get_by_role("button", name="density 0 1 nats")
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


def test_a_heat_map_shows_and_says_nothing_where_there_is_nothing(page):
    assert pixel(page, 4, 0.25, 0.75)[3] == 0
    assert tip(page, 4, 0.25, 0.75) == ""
    assert pixel(page, 4, 0.75, 0.75) == [247, 247, 247, 255]  # the middle of blue, white and red
    assert tip(page, 4, 0.75, 0.75) == "field 0 σ"
    assert tip(page, 4, 0.25, 0.25) == "field ≤ −3 σ"


def test_the_legend_of_a_heat_map_is_a_bar_of_its_own_colours(page):
    entry = page.locator("#clip .legend").nth(4).get_by_role("button")
    assert entry.inner_text().split() == ["field", "−3", "3", "σ"]
    bar = entry.locator("i").evaluate("bar => getComputedStyle(bar).backgroundImage")
    colours = [[int(c) for c in rgb.split(", ")] for rgb in re.findall(r"rgb\((.*?)\)", bar)]
    assert colours[0] == pixel(page, 4, 0.25, 0.25)[:3]
    assert colours[-1] == pixel(page, 4, 0.75, 0.25)[:3]


def test_logarithmic_axes_are_drawn_marked_and_read_in_decades(page):
    for share in (0.25, 0.5, 0.75):
        assert pixel(page, 5, share, share)[3] > 200  # 1 / x is a straight line down
    assert tip(page, 5, 0.5, 0.5) == "(10, 0.1)\nerror 0.1\nnothing 0"
    assert tip(page, 5, 0.75, 0.25).startswith("(31.62, 0.3162)\nerror 0.03162")
    labels = page.evaluate("""() => {
        const written = [], native = CanvasRenderingContext2D.prototype.fillText;
        CanvasRenderingContext2D.prototype.fillText = function (text) { if (text) written.push(text); };
        document.querySelector("clip-player").panels[5].draw();
        CanvasRenderingContext2D.prototype.fillText = native;
        return written;
    }""")
    assert labels == ["10⁰", "10¹", "10²", "n", "10⁻²", "10⁻¹", "10⁰", "error"]


def test_by_keys_alone_a_place_is_picked_and_a_point_drawn(page):
    canvas = page.locator("#clip canvas").nth(1)
    assert "Samples. Arrow keys move a crosshair" in canvas.get_attribute("aria-label")
    assert page.locator("#clip .crosshair:visible").count() == 0
    page.locator("#clip canvas").nth(0).scroll_into_view_if_needed()
    page.locator("#clip .legend button").first.focus()
    page.keyboard.press("Shift+Tab")
    assert canvas.evaluate("canvas => canvas === document.activeElement")
    assert page.locator("#clip .crosshair:visible").count() == 1
    for key in ("ArrowRight", "Shift+ArrowRight", "ArrowUp"):
        page.keyboard.press(key)
    spoken = page.locator("#clip .tip").nth(1)
    assert spoken.get_attribute("aria-live") == "polite"
    assert spoken.inner_text().startswith("(0.72, 0.12)\n")
    page.keyboard.press("Enter")
    told = heard(page, "frame")
    assert (told["panel"], told["frame"]) == (1, T - 1)  # the arrows moved the crosshair, not the frames
    assert (told["x"], told["y"]) == pytest.approx((0.72, 0.12))
    page.locator("#clip canvas").nth(3).focus()
    assert spoken.inner_text() == ""
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Enter")
    assert heard(page, "points")["points"] == [pytest.approx([-0.6, 0])]


def test_arrows_home_end_and_space_work_everywhere_in_the_player(page):
    frame = page.locator("#clip output")
    page.get_by_role("button", name="floor").focus()
    page.keyboard.press("ArrowLeft")
    assert frame.inner_text() == "t = 18"
    page.keyboard.press("Home")
    assert frame.inner_text() == "t = 0"
    page.keyboard.press("End")
    assert frame.inner_text() == "t = 19"
    page.keyboard.press("Space")  # on a button it presses that button, here
    assert page.get_by_role("button", name="floor").get_attribute("aria-pressed") == "false"
    assert frame.inner_text() == "t = 19"
    page.locator("#clip canvas").first.click()  # a picture, which takes nothing itself
    page.keyboard.press("Space")
    page.get_by_role("button", name="Pause").wait_for()
    assert page.locator("#clip .crosshair:visible").count() == 0


def test_a_finger_moves_the_slider_and_picks_a_place(opened):
    page = opened(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    slider = page.locator("#clip input[type=range]")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box["height"] >= 24  # WCAG 2.5.8
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert 5 < int(page.locator("#clip output").inner_text().split()[-1]) < 14
    page.touchscreen.tap(*at(page, 1, 0.75, 0.25))
    told = heard(page, "frame")
    assert (told["x"], told["y"]) == pytest.approx((1.5, 1.5), abs=0.1)


def test_a_long_stroke_is_thinned_evenly(page):
    (left, y), (right, _) = at(page, 3, 0.1, 0.5), at(page, 3, 0.9, 0.5)
    page.mouse.move(left, y)
    page.mouse.down()
    page.evaluate(  # as the browser would tell of a slow drag, but in no time
        """([left, right, y, count]) => {
            for (let k = 1; k <= count; k++) {
                const place = { pointerId: 1, clientX: left + (k / count) * (right - left), clientY: y };
                document.querySelectorAll("#clip canvas")[3].dispatchEvent(new PointerEvent("pointermove", place));
            }
        }""",
        [left, right, y, 3 * player.STROKE],
    )
    page.mouse.up()
    x = np.array(heard(page, "points")["points"])[:, 0]
    assert len(x) == player.STROKE
    assert (x[0], x[-1]) == pytest.approx((-2.4, 2.4), abs=0.02)
    assert np.diff(x) == pytest.approx(4.8 / player.STROKE, rel=0.5)


def test_a_stream_keeps_what_is_hidden_and_which_button_has_the_focus(page):
    page.evaluate(f"document.querySelector('clip-player').load({json.dumps(growing(0))})")
    entry = page.get_by_role("button", name="samples")
    assert pixel(page, 0, 4 / 6, 2 / 6)[3] == 255  # the dots at (1, 1)
    entry.click()
    entry.evaluate("entry => { window.entry = entry; entry.focus(); }")
    page.evaluate("document.querySelector('#go').click()")
    page.wait_for_function("document.querySelector('#clip .panel-title').textContent === 'frame 39'", timeout=20_000)
    assert entry.evaluate("entry => entry === window.entry && entry === document.activeElement")
    assert entry.get_attribute("aria-pressed") == "false"
    assert pixel(page, 0, 4 / 6, 2 / 6)[3] < 60  # a grid may be there, but no dots
    assert pixel(page, 0, 0.3, 0.5)[3] > 200  # the line without a name is there


def test_who_looks_back_during_a_stream_stays_there_and_who_does_not_sees_the_newest(page):
    page.click("#go")
    page.wait_for_function("/^([2-9]|..) of \\1$/.test(document.querySelector('#clip output').textContent)")  # 5 of 5
    page.locator("#clip input[type=range]").focus()
    page.keyboard.press("Home")
    page.wait_for_function("document.querySelector('#clip input').max === '39'", timeout=20_000)
    assert page.locator("#clip output").inner_text() == "1 of 40"
    page.keyboard.press("End")
    assert page.locator("#clip output").inner_text() == "40 of 40"


def test_a_stream_does_not_flicker(page):
    page.evaluate(f"document.querySelector('clip-player').load({json.dumps(growing(0))})")
    page.wait_for_function("document.querySelectorAll('#clip canvas').length === 3")
    page.evaluate("""() => {
        window.blank = window.painted = 0;
        const look = () => {
            for (const canvas of [...document.querySelectorAll("#clip canvas")].slice(1)) {
                const { width, height } = canvas;
                const opacity = canvas.getContext("2d").getImageData(width / 2, height / 2, 1, 1).data[3];
                if (opacity === 255) window.painted++; else window.blank++;
            }
            requestAnimationFrame(look);
        };
        look();
    }""")
    page.click("#go")
    page.wait_for_function("document.querySelector('#clip .panel-title').textContent === 'frame 39'", timeout=20_000)
    assert page.evaluate("window.painted") > 80
    assert page.evaluate("window.blank") == 0


def test_a_stream_leaves_nothing_behind(page):
    clips = json.dumps([growing(k) for k in range(10)])
    page.evaluate("""() => {
        window.decoded = 1; // the picture on show
        const { createImageBitmap: make, ImageBitmap: { prototype } } = window, { close } = prototype;
        window.createImageBitmap = (...from) => { window.decoded++; return make(...from); };
        prototype.close = function () { window.decoded--; close.call(this); };
    }""")
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def held(times: int) -> dict[str, float]:
        page.evaluate(
            """async ([clips, times]) => {
                const player = document.querySelector("clip-player");
                for (let k = 0; k < times; k++) await player.load(clips[k % clips.length]);
            }""",
            [json.loads(clips), times],
        )
        for _ in range(3):
            session.send("HeapProfiler.collectGarbage")
        return {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}

    before, after = held(50), held(250)
    assert page.evaluate("window.decoded") == 1  # again
    assert after["Nodes"] <= before["Nodes"] + 20
    assert after["JSEventListeners"] <= before["JSEventListeners"] + 5
    assert after["JSHeapUsedSize"] <= before["JSHeapUsedSize"] + 1e6


def test_of_clips_that_come_faster_than_they_can_be_shown_the_last_is_shown(page):
    page.evaluate(
        "clips => { for (const clip of clips) document.querySelector('clip-player').load(clip); }",
        [growing(k) for k in range(10)],
    )
    page.wait_for_function("document.querySelector('#clip .panel-title').textContent === 'frame 9'")
    assert page.locator("#clip output").inner_text() == "10 of 10"


def test_a_player_that_leaves_the_page_stops_and_the_next_one_works(page):
    page.evaluate("""() => {
        const player = document.querySelector("clip-player");
        window.draws = 0;
        const draw = player.draw.bind(player);
        player.draw = () => { window.draws++; draw(); };
        window.left = player;
        player.step(-Infinity);
        player.play();
    }""")
    page.get_by_role("button", name="Hide").click()
    page.wait_for_function("!window.left.isConnected")
    draws, frame = page.evaluate("[window.draws, window.left.at]")
    page.evaluate("document.body.classList.toggle('dark')")
    page.evaluate("window.left.style.width = '300px'")
    page.wait_for_timeout(500)
    assert page.evaluate("[window.draws, window.left.at]") == [draws, frame]
    page.get_by_role("button", name="Show").click()
    page.wait_for_function("document.querySelectorAll('#clip canvas').length === 6")
    light, dark = (
        page.evaluate("""async () => {
            document.body.classList.toggle("dark");
            await new Promise((done) => setTimeout(done, 100));
            return document.querySelectorAll("#clip canvas")[2].toDataURL();
        }""")
        for _ in range(2)
    )
    assert light != dark  # the new one's observers are at work
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("document.querySelector('#clip output').textContent === 't = 3'")


def test_nothing_holds_a_player_that_left_the_page(page):
    page.evaluate("""() => {
        const player = document.createElement("clip-player");
        player.innerHTML = document.querySelector("clip-player").innerHTML;
        player.querySelector(".panels").replaceChildren();
        document.body.append(player);
        player.mount({ value: "" }, () => {}, () => {});
        player.remove();
        window.gone = new WeakRef(player);
    }""")
    session = page.context.new_cdp_session(page)
    for _ in range(20):
        session.send("HeapProfiler.collectGarbage")
        if page.evaluate("window.gone.deref() === undefined"):
            return
        page.wait_for_timeout(100)
    pytest.fail("It is still in memory.")


def test_a_hidden_tab_only_hides_a_player(watched):
    """Gradio mounts a tab's components when it is first opened, and leaves them in the page from then on."""
    with gr.Blocks() as blocks, gr.Tabs():
        with gr.Tab("One"):
            player.player(everything(), elem_id="clip")
        with gr.Tab("Two"):
            gr.Markdown("Nothing here")
    _, url, _ = blocks.launch(
        prevent_thread_lock=True, quiet=True, ssr_mode=False, head=player.HEAD, css_paths=[player.STYLE]
    )
    page = watched(url)
    page.wait_for_function("document.querySelector('#clip output')?.textContent === 't = 19'")
    page.evaluate("window.shown = document.querySelector('clip-player')")
    page.get_by_role("tab", name="Two").click()
    page.wait_for_function("window.shown.clientWidth === 0")
    page.evaluate("document.body.classList.toggle('dark')")
    page.get_by_role("tab", name="One").click()
    page.wait_for_function("window.shown.clientWidth > 0")
    assert page.evaluate("window.shown === document.querySelector('clip-player')")
    page.locator("#clip canvas").nth(1).hover()
    assert "density" in page.locator("#clip .tip").nth(1).inner_text()
    blocks.close()
