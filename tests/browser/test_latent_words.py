"""The lab "what the words do", as a visitor meets it."""

from __future__ import annotations

import pytest

from apps.tabs.latent.words import lab as words
from tests.alone import alone
from tests.browser.controls import choose, opened, refused, told, until
from tests.browser.drawing import EVIL, nothing_became_markup

ANSWER = "it stays"
LONG = 200
"""Seconds that may pass on a machine that does much else."""


@pytest.fixture(scope="module")
def address():
    with alone(words.lab) as found:
        yield found


@pytest.fixture
def visit(watched, address):
    def go(query: str = "", width: int = 1200, height: int = 1000):
        return watched(f"{address}?__theme=light{query}", viewport={"width": width, "height": height})

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


def fill(page, box: str, value: float) -> None:
    field = page.locator(f"#words-{box} input[type=number]")
    field.fill(str(value))
    field.press("Tab")


def test_it_opens_with_a_picture_is_scrubbed_without_asking_and_shows_other_words(visit):
    page = visit()
    for player, count in (("words", 4), ("words-strip", 8), ("words-arms", 1)):
        page.locator(f"#{player}").scroll_into_view_if_needed()
        until(page, lambda player=player, count=count: canvases(page, player) == count, LONG)
    assert told(page, "words").startswith("Drawn here, since the app started.")
    assert titles(page, "words")[1] == "looked up: “crown”"
    assert titles(page, "words-arms") == ["as it is"]
    assert page.locator("#words output").inner_text() == "mean of all steps"
    page.wait_for_timeout(500)
    page.asked.clear()
    page.locator("#words").get_by_role("button", name="One frame back").click()
    assert page.locator("#words output").inner_text().startswith("step 20: t = ")
    assert page.asked == []
    choose(page, "words-word", "blue")
    until(page, lambda: "“blue”" in titles(page, "words")[1], LONG)
    choose(page, "words-resolution", "4×4")
    until(page, lambda: "4×4" in titles(page, "words")[2], LONG)
    assert "“blue”" in titles(page, "words")[1]  # the word stays chosen


def test_the_answer_is_given_by_running_and_then_a_prompt_of_ones_own_is_drawn_and_never_markup(visit):
    page = visit()
    page.locator("#words-answer").get_by_label(ANSWER, exact=True).check()
    until(page, lambda: arms(page) == 3, LONG)
    until(page, lambda: f"You said: {ANSWER}. The reader sees a crown in" in said(page), LONG)
    assert page.locator("#words-table").inner_text().strip()
    opened(page, "More: steps", "#words-steps input[type=number]")
    for box, value in (("steps", 3), ("n", 1)):
        fill(page, box, value)
    page.fill("#words-prompt textarea", EVIL)
    until(page, lambda: page.input_value("#words-word input") == "1", LONG)
    page.click("#words-draw")
    until(page, lambda: said(page).startswith("With the word × 0"), LONG)
    assert titles(page, "words")[1] == "looked up: “1”"
    assert arms(page) == 3
    assert nothing_became_markup(page)
    before = said(page)
    fill(page, "seed", -1)
    page.click("#words-draw")
    assert "The seed must be between" in refused(page)
    assert said(page) == before  # nothing is lost
    assert (canvases(page, "words"), canvases(page, "words-arms")) == (4, 3)


def test_on_a_phone_a_link_brings_word_and_weight_back_and_a_run_is_stopped(visit):
    link = "&words-prompt=a+red+one+at+night&words-word=night&words-weight=2&words-steps=50"
    page = visit(link, width=390, height=844)
    until(page, lambda: "arm 1 of 3, step" in said(page), LONG)
    page.click("#words-stop")
    until(page, lambda: said(page).endswith("then stopped."), LONG)
    assert page.input_value("#words-word input") == "night"
    assert page.input_value("#words-weight input[type=number]") == "2"
    assert page.evaluate("document.documentElement.scrollWidth <= 390")
