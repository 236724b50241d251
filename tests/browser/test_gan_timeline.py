"""The lab "timeline" of the chapter on GANs, as a visitor meets it, on a page of its own."""

from __future__ import annotations

import re

import pytest

from apps.tabs.gan import timeline
from tests.alone import alone
from tests.browser.controls import opened, told, until
from tutorial.gans.digits import SETTINGS, recorded, snapshots

PIXELS = "(id) => document.querySelector(`#${id} canvas`).toDataURL()"
SEED = "#timeline-seed input"


@pytest.fixture(scope="module")
def address():
    with alone(timeline.lab) as found:
        yield found


@pytest.fixture
def page(watched, address):
    opened = watched(address, viewport={"width": 1200, "height": 1400})
    ready(opened)
    return opened


def ready(page) -> None:
    page.wait_for_function("document.querySelectorAll('#timeline canvas').length === 7")
    page.wait_for_selector("#timeline-drawn canvas")
    until(page, lambda: page.locator("#timeline output").inner_text().startswith("round"))


def test_it_opens_with_the_end_of_the_healthy_run_and_a_hundred_digits(page):
    assert page.locator("#timeline output").inner_text().startswith(f"round {SETTINGS['healthy'].steps:,} ·")
    assert "Recorded: trained by" in told(page, "timeline")
    assert "python -m tutorial.training.evaluate_digit_gan" in told(page, "timeline")
    assert re.search(r"[\d.]+ ms for 100 digits", told(page, "timeline-drawn"))
    assert "Healthy." in page.locator("#timeline-story").inner_text()


def test_it_is_scrubbed_without_a_server(page):
    page.wait_for_timeout(500)
    page.asked.clear()
    before = page.evaluate(PIXELS, "timeline")
    slider = page.locator("#timeline input[type=range]")
    slider.focus()
    page.keyboard.press("Home")
    assert page.locator("#timeline output").inner_text() == "round 0 · 0 s"
    assert page.evaluate(PIXELS, "timeline") != before
    page.keyboard.press("ArrowRight")
    assert (
        page.locator("#timeline output").inner_text().startswith(f"round {snapshots(SETTINGS['healthy'].steps)[1]:,} ·")
    )
    assert page.asked == []


def test_another_run_is_another_film(page):
    page.locator("#timeline-run").get_by_text("collapsing").click()
    until(page, lambda: "Collapsing." in page.locator("#timeline-story").inner_text())
    steps = SETTINGS["collapsing"].steps
    until(page, lambda: page.locator("#timeline output").inner_text().startswith(f"round {steps:,} ·"))
    assert "--run collapsing" in told(page, "timeline")
    assert f"{recorded().films['collapsing'].numbers['recall'][-1]:.2f}" in page.locator("#timeline-story").inner_text()


def test_a_walk_is_drawn_and_plays(page):
    page.locator("#timeline-shows").get_by_text("a walk through the noise").click()
    page.wait_for_function("document.querySelectorAll('#timeline-drawn canvas').length === 3")
    assert "From the noise of seed 0 to that of seed 1" in told(page, "timeline-drawn")
    output = page.locator("#timeline-drawn output")
    until(page, lambda: output.inner_text() == "100% of the way")
    page.asked.clear()
    page.locator("#timeline-drawn").get_by_role("button", name="One frame back").click()
    assert output.inner_text() != "100% of the way"
    assert page.asked == []


def test_a_link_brings_it_back(watched, address):
    page = watched(f"{address}?timeline-run=over-trained&timeline-digit=8&timeline-seed=5")
    ready(page)
    until(page, lambda: "Over-trained." in page.locator("#timeline-story").inner_text(), 30)
    until(page, lambda: "as 8." in told(page, "timeline-drawn"), 30)
    steps = SETTINGS["over-trained"].steps
    until(page, lambda: page.locator("#timeline output").inner_text().startswith(f"round {steps:,} ·"), 30)
    assert page.locator("#timeline-run input:checked").input_value() == "over-trained"
    assert page.locator("#timeline-digit input[type=number]").input_value() == "8"
    opened(page, "More: seeds", SEED)
    assert page.locator(SEED).input_value() == "5"
    assert page.locator("#timeline-other input").input_value() == str(timeline.DEFAULTS["other"])


def test_a_bad_seed_is_refused_in_a_sentence(page):
    opened(page, "More: seeds", SEED)
    page.fill(SEED, "-1")
    page.click("#timeline-draw")
    page.wait_for_selector(".toast-body")
    assert "The seed must be between 0 and" in page.locator(".toast-body").inner_text()


def test_it_fits_a_phone_in_the_dark(watched, address):
    page = watched(f"{address}?__theme=dark", viewport={"width": 390, "height": 844})
    ready(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    first = page.locator("#timeline canvas").first.bounding_box()
    assert first["width"] > 250
