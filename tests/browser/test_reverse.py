"""The labs of the chapter "Reverse diffusion", as a visitor meets them."""

from __future__ import annotations

import re
import time

import pytest

from tests.browser.controls import choose, stands_still, stroke, told, until

TAB = "Reverse diffusion"
LINE = (0.4, 0.4), (0.7, 0.5)


@pytest.fixture
def page(open_page):
    page = open_page("train", "field", "walk", "pictures", "quality", tab=TAB)
    for player in ("training", "field", "walk", "pictures", "quality"):
        page.locator(f"#{player}").scroll_into_view_if_needed()
        page.wait_for_selector(f"#{player} canvas")
    return page


def updates(page) -> int:
    found = re.match(r"([\d,]+) updates", told(page, "training"))
    return int(found[1].replace(",", "")) if found else -1


def test_it_opens_with_a_recorded_run_that_says_so(page):
    assert "24,000 updates" in told(page, "training")
    assert "recorded run, made by" in told(page, "training")
    assert "recorded by" in told(page, "quality")


def test_training_runs_pauses_goes_on_and_begins_anew(page):
    page.click("#train")
    until(page, lambda: 0 < updates(page) < 20_000)
    first = updates(page)
    until(page, lambda: updates(page) > first)
    page.click("#pause")
    until(page, lambda: stands_still(page, "training"))
    held = updates(page)
    page.click("#step")
    until(page, lambda: updates(page) > held)
    page.click("#reset")
    until(page, lambda: updates(page) == 0)
    page.wait_for_timeout(1000)
    assert updates(page) == 0  # nothing of what was reset comes after it


def test_the_learning_rate_acts_in_mid_run(page):
    """At the highest rate the loss rises above what it was."""
    page.click("#train")
    until(page, lambda: 1000 < updates(page) < 20_000)  # no longer the recorded run, and the loss falls slowly
    page.get_by_label("Learning rate").click()
    page.get_by_role("option", name="0.1", exact=True).click()
    before = updates(page)
    script = "document.querySelector('#training clip-player').panels[1].layers[0].values"
    last = f"(() => {{ const v = {script}; return v[v.length - 1]; }})()"
    calm = page.evaluate(last)
    until(page, lambda: page.evaluate(last) > 1.3 * calm)
    assert updates(page) > before  # the same run
    page.click("#pause")


def test_strokes_become_data(page):
    stroke(page, "training", *LINE)
    until(page, lambda: page.get_by_label("Data", exact=True).first.input_value() == "draw your own")
    until(page, lambda: updates(page) == 0)
    data = """() => {
      const layer = document.querySelector("#training clip-player").panels[0].layers.find((one) => one.name === "data");
      const x = layer.values.filter((_, i) => i % 2 === 0);
      return [Math.min(...x), Math.max(...x)];
    }"""
    low, high = page.evaluate(data)  # the stroke went from 0.4 to 0.7 of the picture's width, axis and margin included
    assert -1.5 < low < high < 2
    page.click("#train")
    until(page, lambda: updates(page) > 20)
    assert page.evaluate(data) == [low, high]
    page.click("#pause")


def test_a_click_asks_about_a_point(page):
    before = page.locator("#asked").inner_text()
    page.locator("#field canvas").first.click(position={"x": 150, "y": 90})
    until(page, lambda: page.locator("#asked").inner_text() != before)
    assert "exact" in page.locator("#asked").inner_text()


def test_from_one_start_noise_fans_out_and_the_flow_does_not(page):
    page.get_by_label("one starting point, new noise").check()
    page.click("#walk-button")
    ends = """(k) => {
      const layer = document.querySelector("#walk clip-player").panels[k].layers.find((l) => l.name === "on their way");
      const [frames, n] = layer.shape;
      const last = layer.values.subarray((frames - 1) * n * 2);
      const xs = Array.from({length: n}, (_, i) => last[2 * i]);
      return Math.max(...xs) - Math.min(...xs);
    }"""
    until(page, lambda: page.evaluate(ends, 1) < 1e-3)
    assert page.evaluate(ends, 0) > 2


def test_noise_walks_to_what_a_visitor_draws(page):
    stroke(page, "walk", *LINE)
    ends = """() => {
      const layer = document.querySelector("#walk clip-player").panels[1].layers.find((l) => l.name === "on their way");
      const [frames, n] = layer.shape;
      const last = layer.values.subarray((frames - 1) * n * 2);
      return Math.min(...Array.from({length: n}, (_, i) => last[2 * i]));
    }"""
    until(page, lambda: page.evaluate(ends) > -1.5)  # nothing was drawn in the left quarter
    assert page.locator("#walk-world input").input_value() == "draw your own"
    assert page.locator("#walked").inner_text().count("energy distance to data") == 2
    page.click("#clear-walk")
    until(page, lambda: "Draw a few points" in told(page, "walk"))
    assert page.evaluate("document.querySelector('#walk clip-player').panels[0].layers[0].values.length") == 0


def test_the_field_of_what_a_visitor_draws_is_exact(page):
    choose(page, "field-world", "draw your own")
    until(page, lambda: "Draw a few points" in told(page, "field"))
    stroke(page, "field", *LINE)
    until(page, lambda: "each of your points" in told(page, "field"))
    page.locator("#field canvas").nth(1).click(position={"x": 150, "y": 90})
    until(page, lambda: "Bayes" in page.locator("#asked").inner_text())
    assert "learned" not in page.locator("#asked").inner_text()


def test_scrubbing_a_walk_asks_the_server_nothing(page):
    asked = len(page.asked)
    for _ in range(10):
        page.locator("#walk input[type=range]").press("ArrowLeft")
    assert len(page.asked) == asked


def test_a_picture_goes_to_its_noise_and_back(page):
    page.get_by_label("to its noise and back").check()
    page.click("#pictures-go")
    until(page, lambda: "PSNR" in told(page, "pictures"), 30)


@pytest.mark.slow
def test_a_digit_walks_back_between_and_to_its_noise(page):
    choose(page, "pictures-subject", "the digit 8")
    page.click("#pictures-go")
    until(page, lambda: "the digit 8: " in told(page, "pictures"), 30)
    page.get_by_label("to its noise and back").check()
    page.click("#pictures-go")
    until(page, lambda: "PSNR" in told(page, "pictures"), 30)
    page.get_by_label("between two noises").check()
    page.click("#pictures-go")
    until(page, lambda: "Half-way" in told(page, "pictures"), 30)
    arc, line = map(float, re.findall(r"\d\.\d\d", told(page, "pictures")))
    assert abs(arc - 1) < 0.1
    assert abs(line - 0.5**0.5) < 0.1


def test_each_world_shows_what_was_recorded_of_it(page):
    for world in ("MNIST digits", "spiral", "eight Gaussians"):
        choose(page, "quality-world", world)
        until(page, lambda world=world: told(page, "quality").startswith(f"{world}, learned denoiser, recorded by"))
        distance = "Fréchet distance" if world == "MNIST digits" else "energy distance"
        assert f"{distance} to data" in page.locator("#quality").inner_text()


def test_the_quality_on_digits_is_measured_again(page):
    choose(page, "quality-world", "MNIST digits")
    page.click("#measure")
    until(page, lambda: "of 20 walks done" in told(page, "quality"), 30)
    page.click("#quality-stop")
    until(page, lambda: "then stopped" in told(page, "quality"))
    assert stands_still(page, "quality")


@pytest.mark.slow
def test_training_streams_ten_pictures_a_second(page):
    page.click("#train")
    until(page, lambda: 100 < updates(page) < 20_000)
    seen, end = set(), time.monotonic() + 5
    while time.monotonic() < end:
        seen.add(updates(page))
        page.wait_for_timeout(10)
    page.click("#pause")
    assert len(seen) >= 50


def test_quality_is_measured_again_and_stops(page):
    page.click("#measure")
    until(page, lambda: "walks done" in told(page, "quality"))
    page.click("#quality-stop")
    until(page, lambda: "then stopped" in told(page, "quality"))
    assert stands_still(page, "quality")
