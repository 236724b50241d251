"""The lab "diagram" of the chapter about GANs, as a visitor meets it."""

from __future__ import annotations

import re

import pytest

from apps.tabs.gan import lab
from tests.alone import alone
from tests.browser.controls import choose, stands_still, stroke, told, until

FRAME = "diagram-frame"
NODES = ["codes", "warp", "fakes", "opinion", "real"]
LAYER = """([lab, panel, name]) => {
  const layers = document.querySelector(`#${lab} clip-player`).panels[panel].layers;
  const layer = layers.find((one) => one.name === name);
  return layer && Array.from(layer.values);
}"""
PIXELS = "(name) => document.querySelector(`#diagram-${name} canvas`).toDataURL()"


@pytest.fixture(scope="module")
def address():
    with alone(lab.lab) as found:
        yield found


@pytest.fixture
def visit(watched, address):
    def go(query: str = "", width: int = 1200, height: int = 1000):
        page = watched(f"{address}?__theme=light{query}", viewport={"width": width, "height": height})
        for name in ("frame", "gauges", *NODES):
            page.locator(f"#diagram-{name}").scroll_into_view_if_needed()
            page.wait_for_selector(f"#diagram-{name} canvas")
        page.evaluate("window.scrollTo(0, 0)")
        return page

    return go


@pytest.fixture
def page(visit):
    return visit()


def turns(page) -> int:
    """Of the visitor's own game; −1 for the recorded one."""
    note = told(page, FRAME)
    found = re.match(r"turn ([\d,]+)", note)
    return int(found[1].replace(",", "")) if found and "recorded" not in note else -1


def pause(page) -> None:
    page.click("#diagram-pause")
    stands = ("paused", "before anything was learned", "Run goes on from here")
    until(page, lambda: told(page, FRAME).endswith(stands), 60)


def test_it_opens_with_a_recorded_game_that_says_so(page):
    assert "A recorded game, made by python -m tutorial.training.gan_lab" in told(page, FRAME)
    assert page.evaluate("document.querySelectorAll('#diagram-gauges canvas').length") == 8


def test_everything_moves_while_it_runs_and_stands_when_it_is_paused(page):
    page.click("#diagram-step")
    until(page, lambda: turns(page) == 1, 60)
    before = {name: page.evaluate(PIXELS, name) for name in ("frame", "gauges", *NODES)}
    page.click("#diagram-run")
    until(page, lambda: turns(page) > 30, 120)
    until(page, lambda: re.search(r"[\d,]+ turns a second", told(page, FRAME)) is not None, 60)
    pause(page)
    assert stands_still(page, FRAME)
    after = {name: page.evaluate(PIXELS, name) for name in before}
    assert [name for name in before if before[name] == after[name]] == ["codes", "real"]


def test_one_step_moves_one_network(page):
    """A step of D leaves the fakes where they were; a step of G leaves the map as it was, but under other fakes."""
    page.click("#diagram-reset")
    until(page, lambda: turns(page) == 0, 60)
    fakes, verdicts = ([FRAME, 0, name] for name in ("fakes G(z)", "D: fake … data"))
    first = page.evaluate(LAYER, fakes), page.evaluate(LAYER, verdicts)
    for said in ("1 step of D alone", "2 steps of D alone", "3 steps of D alone"):
        page.click("#diagram-step_d")
        until(page, lambda said=said: said in told(page, FRAME), 60)
    assert page.evaluate(LAYER, fakes) == first[0]
    second = page.evaluate(LAYER, verdicts)
    assert second != first[1]
    page.click("#diagram-step_g")
    until(page, lambda: "1 step of G alone" in told(page, FRAME), 60)
    assert page.evaluate(LAYER, fakes) != first[0]
    assert page.evaluate(LAYER, verdicts) == second


def test_it_goes_back_and_the_same_turns_come_again(page):
    page.click("#diagram-step")
    until(page, lambda: turns(page) == 1, 60)
    page.fill("#diagram-n input", "20")
    page.click("#diagram-many")
    until(page, lambda: turns(page) == 21 and "paused" in told(page, FRAME), 90)
    fakes = page.evaluate(LAYER, [FRAME, 0, "fakes G(z)"])
    slider = page.locator("#diagram-rewind input[type=range]")
    slider.focus()
    page.keyboard.press("Home")
    until(page, lambda: turns(page) == 0 and "rewound" in told(page, FRAME), 60)
    page.keyboard.press("ArrowRight")
    until(page, lambda: turns(page) == 1, 60)
    page.click("#diagram-many")
    until(page, lambda: turns(page) == 21 and "paused" in told(page, FRAME), 90)
    again = page.evaluate(LAYER, [FRAME, 0, "fakes G(z)"])
    assert again == pytest.approx(fakes, abs=1e-3)  # the order of additions may differ, and with it the last digit


def test_a_rate_acts_in_mid_run_and_layers_begin_another_game(page):
    page.click("#diagram-run")
    until(page, lambda: turns(page) > 150, 120)
    page.click("#diagram-two_scales")
    until(page, lambda: page.locator("#diagram-set-rate_d input").input_value() == "0.008", 30)
    before = turns(page)
    until(page, lambda: turns(page) > before, 60)  # the same game
    choose(page, "diagram-set-loss", "Wasserstein")
    until(page, lambda: "critic" in told(page, "diagram-gauges"), 60)
    assert turns(page) > before
    before = turns(page)
    choose(page, "diagram-set-g_layers", "3")
    until(page, lambda: 0 <= turns(page) < before, 60)
    pause(page)


def test_two_time_scales_that_cannot_be_are_refused_in_a_sentence(page):
    choose(page, "diagram-set-rate_g", "0.256")
    before = page.locator("#diagram-set-rate_d input").input_value()
    page.click("#diagram-two_scales")
    page.get_by_text("choose 0.064 or less for G first").wait_for()
    assert page.locator("#diagram-set-rate_d input").input_value() == before


def test_switches_and_noise_are_on_their_nodes(page):
    for name in ("spectral", "pack", "averaged"):
        page.locator(f"#diagram-set-{name} input").check()
    until(page, lambda: turns(page) == 0, 60)  # pairs are another game
    assert "D judges pairs" in told(page, "diagram-gauges")
    before = page.evaluate(PIXELS, "codes")
    choose(page, "diagram-set-noise", "1-D")
    until(page, lambda: page.evaluate(PIXELS, "codes") != before, 60)
    page.click("#diagram-step")
    until(page, lambda: turns(page) == 1, 60)


def test_strokes_become_data_of_the_next_game(page):
    stroke(page, FRAME, (0.4, 0.4), (0.7, 0.5))
    until(page, lambda: page.locator("#diagram-set-world input").input_value() == "draw your own", 30)
    until(page, lambda: turns(page) == 0, 60)
    x = page.evaluate(LAYER, [FRAME, 0, "data x"])[::2]
    assert -1.6 < min(x) < max(x) < 2.1
    page.click("#diagram-step")
    until(page, lambda: turns(page) == 1, 60)
    page.click("#diagram-clear")
    until(page, lambda: "Draw a few points" in told(page, FRAME), 60)


def test_layers_of_the_picture_are_switched_off_in_the_browser(page):
    page.wait_for_timeout(500)
    page.asked.clear()
    for name in ("G of a grid of z", "data x", "fakes G(z)", "−∂loss/∂fake", "D: fake … data"):
        before = page.evaluate(PIXELS, "frame")
        page.locator(f"#{FRAME} .entry", has_text=name).click()
        assert page.evaluate(PIXELS, "frame") != before, name
    assert page.asked == []


def test_a_link_brings_the_settings_back_and_plays(page, visit):
    page.locator("#diagram-set-spectral input").check()
    choose(page, "diagram-set-world", "spiral")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click("#copy-diagram")
    page.wait_for_function("document.querySelector('#copy-diagram').textContent === 'Copied'")
    query = page.evaluate("navigator.clipboard.readText()").split("?")[1]
    other = visit("&" + query)
    until(other, lambda: turns(other) > 0, 90)
    assert other.locator("#diagram-set-world input").input_value() == "spiral"
    assert other.locator("#diagram-set-spectral input").is_checked()
    assert not other.locator("#diagram-set-pack input").is_checked()
    pause(other)


def test_on_a_phone_the_nodes_stand_one_under_the_other(visit):
    page = visit(width=390, height=844)
    tops = [page.locator(f"#diagram-{name}").bounding_box()["y"] for name in ("frame", *NODES)]
    assert tops == sorted(tops)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
