"""The player in Chromium while clips stream in, and when it leaves the page."""

from __future__ import annotations

import json
import threading

import gradio as gr
import pytest
from starlette.middleware import Middleware

from apps import player
from apps.player import promises
from tests.browser.stage import everything, growing, pixel


@pytest.fixture
def page(opened):
    return opened()


def test_a_stream_is_drawn_as_it_comes(page):
    page.evaluate("""() => {
        window.frames_seen = [];
        const title = document.querySelector("#clip .panel-title");
        new MutationObserver(() => window.frames_seen.push([performance.now(), title.textContent]))
          .observe(title, {childList: true, characterData: true, subtree: true});
    }""")
    page.click("#go")
    page.wait_for_function("document.querySelector('#clip .panel-title').textContent === 'frame 39'")
    seen = page.evaluate("window.frames_seen")
    seconds = (seen[-1][0] - seen[0][0]) / 1000
    assert len({title for _, title in seen}) / seconds >= 10


def test_a_stream_keeps_what_is_hidden_and_which_button_has_the_focus(page):
    page.evaluate(f"document.querySelector('clip-player').load({json.dumps(growing(0))})")
    entry = page.get_by_role("button", name="samples")
    assert pixel(page, 0, 4 / 6, 2 / 6)[3] == 255  # the dots at (1, 1)
    entry.click()
    entry.evaluate("entry => { window.entry = entry; entry.focus(); }")
    page.evaluate("document.querySelector('#go').click()")
    page.wait_for_function("document.querySelector('#clip .panel-title').textContent === 'frame 39'")
    assert entry.evaluate("entry => entry === window.entry && entry === document.activeElement")
    assert entry.get_attribute("aria-pressed") == "false"
    assert pixel(page, 0, 4 / 6, 2 / 6)[3] < 60  # a grid may be there, but no dots
    assert pixel(page, 0, 0.3, 0.5)[3] > 200  # the line without a name is there


def test_who_looks_back_during_a_stream_stays_there_and_who_does_not_sees_the_newest(page):
    page.click("#go")
    page.wait_for_function("/^([2-9]|..) of \\1$/.test(document.querySelector('#clip output').textContent)")  # 5 of 5
    page.locator("#clip input[type=range]").focus()
    page.keyboard.press("Home")
    page.wait_for_function("document.querySelector('#clip input').max === '39'")
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
    page.wait_for_function("document.querySelector('#clip .panel-title').textContent === 'frame 39'")
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
    session.detach()
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
    gone = False
    for _ in range(20):
        session.send("HeapProfiler.collectGarbage")
        gone = gone or page.evaluate("window.gone.deref() === undefined")
        page.wait_for_timeout(50)
    session.detach()
    assert gone


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


def test_what_comes_while_an_opening_is_being_made_is_shown_at_once(watched):
    go_on = threading.Event()

    def opening() -> str:
        go_on.wait(120)
        return growing(0)

    with gr.Blocks() as blocks:
        clip = player.player(opening, elem_id="clip")
        gr.Button("Go").click(lambda: growing(7), None, clip)
    options = {"head": player.HEAD, "css_paths": [player.STYLE], "run_history": False}
    packing = {"middleware": [Middleware(promises.Promises)]}
    _, url, _ = blocks.launch(prevent_thread_lock=True, quiet=True, ssr_mode=False, app_kwargs=packing, **options)
    try:
        page = watched(url)
        page.get_by_text("This picture is being drawn").wait_for()
        page.get_by_role("button", name="Go", exact=True).click()
        page.get_by_text("frame 7").wait_for()
        assert page.locator("#clip canvas").count() == 3
        assert not go_on.is_set()  # the opening is still not made
        assert "being drawn" not in page.inner_text("#clip")
        go_on.set()
        page.reload()
        page.get_by_text("frame 0").wait_for()
        assert page.locator("#clip canvas").count() == 3
    finally:
        go_on.set()
        blocks.close()


def test_an_opening_is_fetched_as_its_player_comes_near_and_what_is_said_of_it_is_shown(watched):
    made = []

    def opening():
        made.append("it")
        yield growing(3), "said of **frame 3**"

    with gr.Blocks() as blocks:
        gr.HTML("<div style='height: 4000px'></div>", padding=False)
        clip = player.player(opening, elem_id="clip")
        player.tells(clip, gr.Markdown(elem_id="said"))
    options = {"head": player.HEAD, "css_paths": [player.STYLE], "run_history": False}
    packing = {"middleware": [Middleware(promises.Promises)]}
    _, url, _ = blocks.launch(prevent_thread_lock=True, quiet=True, ssr_mode=False, app_kwargs=packing, **options)
    try:
        page = watched(url)
        page.locator("#clip clip-player.coming").wait_for()
        page.wait_for_timeout(500)
        assert (made, page.locator("#clip canvas").count()) == ([], 0)
        page.locator("#clip").scroll_into_view_if_needed()
        page.get_by_text("frame 3", exact=True).first.wait_for()
        assert page.locator("#said strong").inner_text() == "frame 3"
        assert made == ["it"]
        assert page.locator("#clip .coming").count() == 0
    finally:
        blocks.close()
