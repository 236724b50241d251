"""The labs on guidance as a visitor meets them, on a page of their own."""

from __future__ import annotations

import pytest

from apps.tabs.latent.guidance import curve as guidance_curve
from apps.tabs.latent.guidance import negative as guidance_negative
from apps.tabs.latent.guidance import plane as guidance_plane
from apps.tabs.latent.guidance import steps as guidance_steps
from apps.tabs.latent.guidance import strip as guidance_strip
from tests.alone import alone
from tests.browser.controls import opened, told, until

LABS = (guidance_strip, guidance_plane, guidance_curve, guidance_steps, guidance_negative)
CANVASES = {"guidance-strip": 3, "plane": 3, "tradeoff": 1, "onward-film": 2, "negative-film": 4}
"""Of each lab as it opens."""


@pytest.fixture(scope="module")
def address():
    with alone(*(lab.lab for lab in LABS)) as found:
        yield found


@pytest.fixture
def open_labs(watched, address):
    def go(width: int = 1200, height: int = 1200, theme: str = "light"):
        page = watched(f"{address}?__theme={theme}", viewport={"width": width, "height": height})
        for lab in CANVASES:  # a player's clip is fetched when it is first seen
            page.locator(f"#{lab}").scroll_into_view_if_needed()
            until(page, lambda lab=lab: canvases(page, lab) == CANVASES[lab], 120)
        return page

    return go


@pytest.fixture
def page(open_labs):
    return open_labs()


def canvases(page, lab: str) -> int:
    return page.locator(f"#{lab} canvas").count()


def text(page, part: str) -> str:
    return page.locator(f"#{part}").inner_text()


def scrubbed(page, lab: str) -> None:
    """One frame back changes what is shown, and asks the server nothing."""
    page.wait_for_timeout(500)
    page.asked.clear()
    before = page.locator(f"#{lab} output").inner_text()
    page.locator(f"#{lab}").get_by_role("button", name="One frame back").click()
    assert page.locator(f"#{lab} output").inner_text() != before
    assert page.asked == []


def set_number(page, control: str, value: str) -> None:
    page.fill(f"#{control} input[type=number]", value)
    page.press(f"#{control} input[type=number]", "Enter")


def test_the_strip_is_scrubbed_and_what_comes_before_it_is_drawn_after_the_answer(page):
    assert "python -m tutorial.training.guidance_curve" in told(page, "guidance-strip")
    scrubbed(page, "guidance-strip")
    page.locator("#guidance-answer").get_by_label("critters, but not those asked for").check()
    until(page, lambda: "You said: critters, but not those asked for." in text(page, "guidance-said"), 90)
    until(page, lambda: canvases(page, "guidance-strip") == 4)
    assert "colour yellow" in text(page, "guidance-said")


def test_all_scales_are_drawn_and_stopped(page):
    opened(page, "More: steps, first seed", "#guidance-steps input[type=number]")
    set_number(page, "guidance-steps", "4")
    page.click("#guidance-draw")
    until(page, lambda: "of 16 scales drawn" in text(page, "guidance-said"), 60)
    page.click("#guidance-stop")
    until(page, lambda: text(page, "guidance-said").endswith("then stopped."), 60)
    assert "guidance-steps=4" in page.url


def test_the_plane_follows_the_scale_and_a_click(page):
    scrubbed(page, "plane")
    set_number(page, "plane-scale", "1")
    page.locator("#plane-scale input[type=range]").dispatch_event("pointerup")
    until(page, lambda: "scale 1" in text(page, "plane-said"), 60)
    canvas = page.locator("#plane canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    canvas.click(position={"x": 0.7 * box["width"], "y": 0.5 * box["height"]})
    opened(page, "More: place of the arrows, seed", "#plane-x input")
    until(page, lambda: float(page.input_value("#plane-x input")) > 0.5, 60)
    assert float(page.input_value("#plane-x input")) < 3  # within the picture, where it was clicked


def test_two_networks_are_trained_and_stopped(page):
    page.click("#plane-train")
    until(page, lambda: "of 2,500 updates" in text(page, "plane-said"), 60)
    assert "trained just now" in told(page, "plane")
    page.click("#plane-stop")
    until(page, lambda: text(page, "plane-said").endswith("then stopped."), 60)


def test_diversity_comes_with_the_answer_and_is_measured_again(page):
    page.locator("#tradeoff-answer").get_by_label("more alike").check()
    until(page, lambda: canvases(page, "tradeoff") == 3, 60)
    assert "You said: more alike." in text(page, "tradeoff-said")
    page.fill("#tradeoff-scales :is(textarea, input)", "1, 6")
    opened(page, "More: prompts, pictures, steps", "#tradeoff-steps input[type=number]")
    set_number(page, "tradeoff-steps", "2")
    set_number(page, "tradeoff-each", "2")
    page.click("#tradeoff-measure")
    until(page, lambda: "s." in text(page, "tradeoff-said")[-3:], 120)
    until(page, lambda: "measured just now" in told(page, "tradeoff"))


def test_a_list_that_is_none_is_refused_in_a_sentence(page):
    before = told(page, "tradeoff")
    page.fill("#tradeoff-scales :is(textarea, input)", "strong")
    page.click("#tradeoff-measure")
    page.locator(".toast-body").first.wait_for()
    assert "Please give 2 to 16 scales" in page.locator(".toast-message-text").first.inner_text()
    assert told(page, "tradeoff") == before


def test_a_drawing_is_taken_back_and_gone_on_with(page):
    page.click("#onward-five")
    until(page, lambda: "step 7 of 12" in text(page, "onward-said"), 60)
    assert canvases(page, "onward-film") == 3  # what it had come to is beside it
    set_number(page, "onward-scale", "9")
    page.click("#onward-step")
    until(page, lambda: "7 with scale 3, then 1 with scale 9" in text(page, "onward-said"), 60)
    page.click("#onward-run")
    until(page, lambda: "step 12 of 12" in text(page, "onward-said"), 60)
    scrubbed(page, "onward-film")


def test_a_negative_prompt_is_drawn(page):
    scrubbed(page, "negative-film")
    page.fill("#negative-negative textarea", "in the snow")
    opened(page, "More: steps, seed", "#negative-steps input[type=number]")
    set_number(page, "negative-steps", "4")
    page.click("#negative-draw")
    until(page, lambda: "the second taken away 3 times" in text(page, "negative-said"), 90)
    assert "“in the snow”" in told(page, "negative-film")


def test_on_a_phone_nothing_runs_out_of_the_page(open_labs):
    page = open_labs(width=390, height=844, theme="dark")
    assert page.evaluate("document.documentElement.scrollWidth <= 390")
