"""The labs on guidance as a visitor meets them, all on a page of their own, which takes long to open."""

from __future__ import annotations

import pytest

from apps.tabs.latent.guidance import curve as guidance_curve
from apps.tabs.latent.guidance import negative as guidance_negative
from apps.tabs.latent.guidance import plane as guidance_plane
from apps.tabs.latent.guidance import steps as guidance_steps
from apps.tabs.latent.guidance import strip as guidance_strip
from tests.alone import alone
from tests.browser.controls import opened, told, until
from tutorial.training.guidance_curve import COMMAND

LABS = (guidance_strip, guidance_plane, guidance_curve, guidance_steps, guidance_negative)
CANVASES = {"guidance-strip": 3, "plane": 3, "tradeoff": 1, "onward-film": 2, "negative-film": 4}
"""Of each lab as it opens."""


@pytest.fixture(scope="module")
def address():
    with alone(*(lab.lab for lab in LABS)) as found:
        yield found


@pytest.fixture
def open_labs(watched, address):
    def go(query: str = "", width: int = 1200, height: int = 1200, theme: str = "light"):
        page = watched(f"{address}?__theme={theme}{query}", viewport={"width": width, "height": height})
        for lab in CANVASES:  # all: those that are still to come would ask the server while another is scrubbed
            until(page, lambda lab=lab: seen(page, lab), 120)
        return page

    return go


def seen(page, lab: str) -> bool:
    """Scrolls to a lab, since a player's clip is fetched when it is first seen; whether it has come."""
    page.locator(f"#{lab}").scroll_into_view_if_needed()
    return canvases(page, lab) == CANVASES[lab]


def canvases(page, lab: str) -> int:
    return page.locator(f"#{lab} canvas").count()


def frame(page, lab: str) -> str:
    return page.locator(f"#{lab} output").inner_text()


def text(page, part: str) -> str:
    return page.locator(f"#{part}").inner_text()


def scrubbed(page, lab: str) -> None:
    """One frame back changes what is shown, and asks the server nothing."""
    page.wait_for_timeout(500)
    page.asked.clear()
    before = frame(page, lab)
    page.locator(f"#{lab}").get_by_role("button", name="One frame back").click()
    until(page, lambda: frame(page, lab) != before)
    assert page.asked == []


def set_number(page, control: str, value: str) -> None:
    page.fill(f"#{control} input[type=number]", value)
    page.press(f"#{control} input[type=number]", "Enter")


def stopped(page, lab: str, said: str) -> None:
    page.click(f"#{lab}-stop")
    until(page, lambda: text(page, said).endswith("then stopped."), 60)


def test_strip_and_curve_show_the_rest_after_the_answer_and_are_run_anew(open_labs):
    page = open_labs()
    the_strip(page)
    mine = told(page, "guidance-strip")
    a_list_that_is_none_is_refused(page)
    the_curve(page)
    assert told(page, "guidance-strip") == mine  # the curve left the visitor's own strip as it was


def the_strip(page) -> None:
    assert COMMAND in told(page, "guidance-strip")
    scrubbed(page, "guidance-strip")
    page.locator("#guidance-answer").get_by_label("critters, but not those asked for").check()
    until(page, lambda: "You said: critters, but not those asked for." in text(page, "guidance-said"), 90)
    until(page, lambda: canvases(page, "guidance-strip") == 4)
    assert "colour yellow" in text(page, "guidance-said")
    opened(page, "More: steps, first seed", "#guidance-steps input[type=number]")
    set_number(page, "guidance-steps", "4")
    page.click("#guidance-draw")
    until(page, lambda: "of 16 scales drawn" in text(page, "guidance-said"), 60)
    stopped(page, "guidance", "guidance-said")
    until(page, lambda: COMMAND not in told(page, "guidance-strip"))
    assert "guidance-steps=4" in page.url


def a_list_that_is_none_is_refused(page) -> None:
    before = told(page, "tradeoff"), text(page, "tradeoff-said")
    page.fill("#tradeoff-scales :is(textarea, input)", "strong")
    page.click("#tradeoff-measure")
    page.locator(".toast-body").first.wait_for()
    assert "Please give 2 to 16 scales" in page.locator(".toast-message-text").first.inner_text()
    assert (told(page, "tradeoff"), text(page, "tradeoff-said")) == before


def the_curve(page) -> None:
    page.locator("#tradeoff-answer").get_by_label("more alike").check()
    until(page, lambda: "You said: more alike." in text(page, "tradeoff-said"), 60)
    until(page, lambda: canvases(page, "tradeoff") == 3)
    page.fill("#tradeoff-scales :is(textarea, input)", "1, 6")
    opened(page, "More: prompts, pictures, steps", "#tradeoff-steps input[type=number]")
    set_number(page, "tradeoff-steps", "2")
    set_number(page, "tradeoff-each", "2")
    page.click("#tradeoff-measure")
    until(page, lambda: "s." in text(page, "tradeoff-said")[-3:], 120)
    until(page, lambda: "measured just now" in told(page, "tradeoff"))


def test_the_plane_is_moved_and_trained_a_drawing_taken_back_and_words_steered_away_from(open_labs):
    page = open_labs()
    the_plane(page)
    on_with_another_scale(page)
    a_negative_prompt(page)
    assert "step 12 of 12" in text(page, "onward-said")  # the labs left one another's work as it was
    assert text(page, "plane-said").endswith("then stopped.")


def the_plane(page) -> None:
    scrubbed(page, "plane")
    set_number(page, "plane-scale", "1")
    page.locator("#plane-scale input[type=range]").dispatch_event("pointerup")
    until(page, lambda: "scale 1" in text(page, "plane-said"), 60)
    assert "plane-scale=1&" in page.url
    canvas = page.locator("#plane canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    canvas.click(position={"x": 0.7 * box["width"], "y": 0.5 * box["height"]})
    opened(page, "More: place of the arrows, seed", "#plane-x input")
    until(page, lambda: float(page.input_value("#plane-x input")) > 0.5, 60)
    assert float(page.input_value("#plane-x input")) < 3  # within the picture, where it was clicked
    page.click("#plane-train")
    until(page, lambda: "of 2,500 updates" in text(page, "plane-said"), 60)
    until(page, lambda: "trained just now" in told(page, "plane"))
    stopped(page, "plane", "plane-said")


def on_with_another_scale(page) -> None:
    page.click("#onward-five")
    until(page, lambda: "step 7 of 12" in text(page, "onward-said"), 60)
    until(page, lambda: canvases(page, "onward-film") == 3)  # what it had come to is beside it
    set_number(page, "onward-scale", "9")
    page.click("#onward-step")
    until(page, lambda: "7 with scale 3, then 1 with scale 9" in text(page, "onward-said"), 60)
    page.click("#onward-run")
    until(page, lambda: "step 12 of 12" in text(page, "onward-said"), 60)
    until(page, lambda: frame(page, "onward-film").startswith("step 12: "))
    scrubbed(page, "onward-film")


def a_negative_prompt(page) -> None:
    scrubbed(page, "negative-film")
    page.fill("#negative-negative textarea", "in the snow")
    opened(page, "More: steps, seed", "#negative-steps input[type=number]")
    set_number(page, "negative-steps", "4")
    page.click("#negative-draw")
    until(page, lambda: "the second taken away 3 times" in text(page, "negative-said"), 90)
    until(page, lambda: "“in the snow”" in told(page, "negative-film"))


def test_on_a_phone_a_link_brings_the_plane_back_and_nothing_runs_out_of_the_page(open_labs):
    page = open_labs("&plane-scale=2&plane-label=lower", width=390, height=844, theme="dark")
    until(page, lambda: "“lower”, scale 2" in text(page, "plane-said"), 60)
    assert page.locator("#plane-scale input[type=number]").input_value() == "2"
    assert "trained ahead" in told(page, "plane")  # nothing is trained for a link to what is shipped
    assert page.evaluate("document.documentElement.scrollWidth <= 390")
