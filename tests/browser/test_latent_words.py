"""The lab "what the words do", as a visitor meets it."""

from __future__ import annotations

import pytest

from apps.tabs.latent.words import lab as words
from tests.alone import alone
from tests.browser.controls import choose, opened, told, until
from tests.browser.drawing import EVIL, nothing_became_markup

ANSWER = "it stays"


@pytest.fixture(scope="module")
def address():
    with alone(words.lab) as found:
        yield found


@pytest.fixture
def visit(watched, address):
    def go(query: str = "", width: int = 1200, height: int = 1000):
        page = watched(f"{address}?__theme=light{query}", viewport={"width": width, "height": height})
        for lab, count in (("words", 4), ("words-strip", 8)):
            page.locator(f"#{lab}").scroll_into_view_if_needed()
            until(page, lambda lab=lab, count=count: canvases(page, lab) == count, 200)
        page.locator("#words-arms").scroll_into_view_if_needed()
        until(page, lambda: canvases(page, "words-arms") >= 1, 200)
        return page

    return go


def canvases(page, lab: str) -> int:
    return page.locator(f"#{lab} canvas").count()


def titles(page, lab: str) -> list[str]:
    return page.locator(f"#{lab} .panel-title").all_inner_texts()


def said(page) -> str:
    return page.locator("#words-said").inner_text()


def arms(page) -> int:
    """How many there are; a run that was refused says why."""
    assert page.locator(".toast-body").all_inner_texts() == []
    return canvases(page, "words-arms")


def quick(page) -> None:
    """Few steps and one picture, for the next run."""
    opened(page, "More: steps", "#words-steps input[type=number]")
    for box, value in (("steps", 3), ("n", 1)):
        field = page.locator(f"#words-{box} input[type=number]")
        field.fill(str(value))
        field.press("Tab")


def test_it_opens_with_a_picture_and_is_scrubbed_without_asking(visit):
    page = visit()
    assert told(page, "words").startswith("Drawn when the app started.")
    assert titles(page, "words")[1] == "where “crown” is looked up"
    assert titles(page, "words-arms") == ["as it is"]
    assert page.locator("#words output").inner_text() == "mean of all steps"
    page.wait_for_timeout(500)
    page.asked.clear()
    page.locator("#words").get_by_role("button", name="One frame back").click()
    assert page.locator("#words output").inner_text().startswith("step 20: t = ")
    assert page.asked == []


def test_another_word_and_resolution_are_shown(visit):
    page = visit()
    choose(page, "words-word", "blue")
    until(page, lambda: "“blue”" in titles(page, "words")[1], 120)
    choose(page, "words-resolution", "4×4")
    until(page, lambda: "4×4" in titles(page, "words")[2], 120)
    assert "“blue”" in titles(page, "words")[1]  # the word stays chosen


def test_the_answer_is_given_by_running(visit):
    page = visit()
    page.locator("#words-answer").get_by_label(ANSWER, exact=True).check()
    until(page, lambda: arms(page) == 3, 200)
    until(page, lambda: f"You said: {ANSWER}. The reader sees a crown in" in said(page), 200)
    assert page.locator("#words-table").inner_text().strip()


def test_a_prompt_of_ones_own_is_drawn_and_never_markup(visit):
    page = visit()
    quick(page)
    page.fill("#words-prompt textarea", EVIL)
    until(page, lambda: page.input_value("#words-word input") == "1", 120)
    page.click("#words-draw")
    until(page, lambda: said(page).startswith("With the word × 0"), 120)
    assert titles(page, "words")[1] == "where “1” is looked up"
    assert canvases(page, "words-arms") == 3
    assert nothing_became_markup(page)


def test_a_link_brings_word_and_weight_back_and_a_run_is_stopped(visit):
    page = visit("&words-prompt=a+red+one+at+night&words-word=night&words-weight=2&words-steps=50")
    until(page, lambda: "arm 1 of 3, step" in said(page), 120)
    page.click("#words-stop")
    until(page, lambda: said(page).endswith("then stopped."), 120)
    assert page.input_value("#words-word input") == "night"
    assert page.input_value("#words-weight input[type=number]") == "2"


def test_on_a_phone_nothing_runs_out_of_the_page(visit):
    page = visit(width=390, height=844)
    assert page.evaluate("document.documentElement.scrollWidth <= 390")
