"""The player in Chromium: every kind of layer, scrubbing without the server, clicks, strokes and keys."""

from __future__ import annotations

import re

import numpy as np
import pytest

from apps import player
from tests.browser.stage import SCRUB, T, at, heard, pixel, tip


@pytest.fixture
def page(opened):
    return opened()


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


def test_every_axis_has_two_numbers_at_least_and_room_for_them(page):
    """Also one on either side of 0, one within a decade, and one with room for one power of ten in two."""
    generator = np.random.default_rng(0)
    axes = [(-8.3, 1.2, "", 130), (-0.4, 0.4, "", 130), (2.1, 2.9, "log", 130), (0.1, 10, "log", 60)]
    for scale in ("", "log"):
        low, span = 10 ** generator.uniform(-4, 4, 200), generator.uniform(0.05, 20, 200)
        pixels = generator.uniform(100, 400, 200)
        axes += [
            (a if scale else -a * share, a * (1 + by), scale, p)
            for a, by, p, share in zip(
                low.tolist(), span.tolist(), pixels.tolist(), generator.uniform(-0.9, 2, 200).tolist(), strict=True
            )
        ]
    found = page.evaluate(
        """(axes) => {
            const Axis = document.querySelector("clip-player").panels[2].x.constructor;
            const numbers = ([low, high, scale, pixels]) => new Axis([low, high, "", scale]).ticks(pixels);
            return axes.map((axis) => numbers(axis).filter(({ label }) => label));
        }""",
        axes,
    )
    for (low, high, scale, pixels), numbers in zip(axes, found, strict=True):
        values, labels = [one["value"] for one in numbers], [one["label"] for one in numbers]
        assert len(set(labels)) == len(labels) >= 2, (low, high, scale, pixels, labels)
        slack = 1e-6 * (high - low)
        assert low - slack <= min(values) < max(values) <= high + slack
        assert scale or len(labels) <= pixels / 18


@pytest.mark.parametrize("width", [1200, 390])
@pytest.mark.parametrize(("low", "high"), [(0, 20000), (-0.002, 0.002)])
def test_no_number_below_an_axis_is_cut_off(opened, width, low, high):
    page = opened(viewport={"width": width, "height": 900})
    cut, written = page.evaluate(
        """([low, high]) => {
            const panel = document.querySelector("clip-player").panels[2], written = [];
            panel.x = new panel.x.constructor([low, high, "turns"]);
            const native = CanvasRenderingContext2D.prototype.fillText;
            CanvasRenderingContext2D.prototype.fillText = function (text, x) {
                if (this.textAlign === "center" && x) written.push([text, x, this.measureText(text).width / 2]);
            };
            panel.draw();
            CanvasRenderingContext2D.prototype.fillText = native;
            const outside = ([text, x, half]) => x - half < -0.01 || x + half > panel.canvas.clientWidth + 0.01;
            return [written.filter(outside), written.map(([text]) => text)];
        }""",
        [low, high],
    )
    assert cut == []
    assert str(high) in written


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


def test_a_clip_that_cannot_be_fetched_says_so(browser, stage):
    page = browser.new_page()  # not a watched one: the browser tells of what is broken here on purpose
    page.route("**/opening-clips-*/**", lambda route: route.abort())
    page.goto(stage)
    page.wait_for_function("document.querySelector('#clip .note')?.textContent.includes('Reload the page')")
    assert page.locator("#clip canvas").count() == 0
    page.close()
