"""The lab "pixels", as a visitor meets it."""

from __future__ import annotations

import re

import pytest

from tests.browser.controls import stands_still, stroke, told, until

TAB = "Four families"


@pytest.fixture
def page(open_page):
    page = open_page("pixels", tab=TAB)
    page.wait_for_selector("#pixels canvas")
    page.locator("#pixels").scroll_into_view_if_needed()
    return page


def frame(page) -> str:
    return page.locator("#pixels output").inner_text()


def likely(page, at: int) -> list[int]:
    """The codes of p(white) in a frame; 255 where nothing is drawn yet."""
    return page.evaluate(
        """(at) => {
          const layer = document.querySelector("#pixels clip-player").panels[2].layers[0];
          const [frames, height, width] = layer.shape;
          return Array.from(layer.values.subarray(at * height * width, (at + 1) * height * width));
        }""",
        at,
    )


def frames(page) -> int:
    return page.evaluate("document.querySelector('#pixels clip-player').panels[2].layers[0].shape[0]")


def slide(page, control: str, key: str) -> None:
    """Moves a slider by a key, and draws."""
    page.locator(f"#{control} input[type=range]").press(key)
    page.click("#pixels-go")


def nats(page) -> str:
    return page.locator("#pixels-numbers").inner_text()


def weighed(page, name: str) -> float:
    """−log p of the digit that is begun with."""
    return float(re.search(rf"{name}, all of it\s+([\d.]+)", nats(page))[1])


def test_it_opens_with_a_finished_drawing_and_figures_that_say_where_they_come_from(page):
    assert frame(page) == "28 of 28 rows"
    assert "9 digits" in told(page, "pixels")
    assert "recorded by python -m tutorial.training.evaluate_pixel_cnn" in nats(page)
    assert "not strictly comparable" in nats(page)
    assert "Recorded by" in page.locator("#pixels-times").inner_text()


def test_scrubbing_goes_row_by_row_and_asks_the_server_nothing(page):
    asked = len(page.asked)
    assert frames(page) == 15
    for _ in range(5):
        page.locator("#pixels input[type=range]").press("ArrowLeft")
    assert frame(page) == "23 of 28 rows"
    empty = [likely(page, at).count(255) for at in (0, 9, 14)]
    assert empty[0] - empty[1] == 9 * 9 * 28  # nine digits, nine rows
    assert empty[1] - empty[2] == 9 * 5 * 28
    assert len(page.asked) == asked


def test_from_nothing_all_28_rows_are_drawn_and_stream(page):
    page.get_by_label("nothing", exact=True).check()
    until(page, lambda: "784 pixels" in told(page, "pixels") and frames(page) == 29, 30)
    assert "all of it" not in nats(page)


def test_keeping_all_rows_draws_nothing(page):
    slide(page, "pixels-kept", "End")
    until(page, lambda: told(page, "pixels").startswith("0 pixels"), 30)
    assert frames(page) == 1


def test_letting_go_of_a_slider_draws(page):
    slider = page.locator("#pixels-kept input[type=range]")
    slider.click(position={"x": 0.9 * slider.bounding_box()["width"], "y": 5})
    until(page, lambda: frames(page) < 8 and f"{28 * (frames(page) - 1)} pixels" in told(page, "pixels"), 30)
    assert frames(page) > 1  # a row for each frame but the first
    slider.press("End")  # keys let go of it too
    until(page, lambda: frames(page) == 1, 30)


def test_another_test_digit_is_weighed(page):
    before = weighed(page, "Test digit 0")
    slide(page, "pixels-number", "ArrowRight")
    until(page, lambda: "Test digit 1," in nats(page), 30)
    assert weighed(page, "Test digit 1") != before


def test_a_drawing_can_be_stopped(page):
    stop_soon = """() => { // a drawing may take less time than a click from here
      if (document.querySelector("#pixels output").textContent === "28 of 28 rows") return setTimeout(stopSoon, 5);
      document.querySelector("#pixels-stop").click();
    }"""
    page.evaluate(f"() => {{ const stopSoon = {stop_soon}; stopSoon(); }}")
    page.get_by_label("nothing", exact=True).check()
    until(page, lambda: "Stopped" in told(page, "pixels"), 30)
    assert frames(page) < 29
    assert stands_still(page, "pixels")
    page.click("#pixels-go")
    until(page, lambda: frames(page) == 29, 30)


def test_a_digit_of_ones_own_is_finished(page):
    stroke(page, "pixels", (0.5, 0.2), (0.55, 0.5))
    until(page, lambda: "Your digit, all of it" in nats(page), 30)
    assert page.get_by_label("draw your own", exact=True).last.is_checked()
    own = weighed(page, "Your digit")
    page.click("#pixels-clear")
    until(page, lambda: weighed(page, "Your digit") < own, 30)  # an empty page is likelier than a lonely stroke


def test_the_times_are_measured_here(page):
    page.click("#pixels-time")
    until(page, lambda: "Measured here, just now" in page.locator("#pixels-times").inner_text(), 60)
    assert "Recorded" not in page.locator("#pixels-times").inner_text()


def test_a_link_brings_the_settings_back(page, watched):
    slide(page, "pixels-kept", "Home")
    until(page, lambda: "pixels-kept=0" in page.url, 30)
    other = watched(page.url, viewport={"width": 1200, "height": 1000})
    other.wait_for_selector("#pixels canvas")
    until(other, lambda: frames(other) == 29, 30)
    assert other.locator("#pixels-kept input[type=number]").input_value() == "0"
