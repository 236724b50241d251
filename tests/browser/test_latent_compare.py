"""The lab "compare" as a visitor meets it, on a page of its own."""

from __future__ import annotations

import pytest

from apps.tabs.latent.compare import lab as compare
from tests.alone import alone
from tests.browser.controls import choose, until

GRID = "document.querySelector('#compare-grid .compared')"


@pytest.fixture(scope="module")
def address():
    with alone(compare.lab) as found:
        yield found


def said(page) -> str:
    return page.locator("#compare-said").inner_text()


def frame(page) -> str:
    return page.locator("#compare output").inner_text()


def titles(page) -> list[str]:
    return page.locator("#compare .panel-title").all_inner_texts()


def columns(page) -> list[str]:
    return page.locator("#compare-grid thead th").all_inner_texts()[1:]


def rows(page) -> list[str]:
    return page.locator("#compare-grid tbody th").all_inner_texts()


def pictures(page) -> int:
    return page.locator("#compare-grid td img").count()


def ready(page) -> None:
    """The opening grid and film are made when they are first seen; who comes first waits for them."""
    until(page, lambda: pictures(page) == 8, 150)
    page.locator("#compare").scroll_into_view_if_needed()
    until(page, lambda: page.locator("#compare canvas").count() == 4, 150)


def fill(page, part: str, text: str) -> None:
    page.fill(f"#compare-{part} :is(textarea, input)", text)


def test_it_opens_with_a_grid_a_refusal_loses_nothing_and_stop_keeps_what_there_is(watched, address):
    page = watched(address, viewport={"width": 1200, "height": 1400})
    ready(page)
    assert all("as asked" in text for text in page.locator("#compare-grid td").all_inner_texts())
    assert columns(page) == ["1", "2", "5", "20"]
    assert rows(page) == ["DDIM", "DPM-Solver++(2M)"]
    assert titles(page)[:2] == ["DDIM, steps 1", "DPM-Solver++(2M), steps 20"]
    assert page.locator("#compare-grid img").first.get_attribute("alt").startswith("Cell 1: ")
    too_much_is_refused(page)
    stop_keeps_what_there_is(page)


def too_much_is_refused(page) -> None:
    before = said(page)
    fill(page, "x-values", "100, 100, 100, 100, 100")
    page.click("#compare-run")
    page.locator(".toast-body").wait_for()
    assert "at most 1,600 are computed at a time" in page.locator(".toast-body").inner_text()
    assert (said(page), pictures(page)) == (before, 8)


def stop_keeps_what_there_is(page) -> None:
    fill(page, "x-values", "20, 21, 22, 23, 24")
    page.click("#compare-run")
    until(page, lambda: page.locator("#compare-grid .waiting").count() > 0, 150)
    page.click("#compare-stop")
    until(page, lambda: said(page).endswith("then stopped."), 90)
    there = pictures(page)
    assert 1 <= there < 10
    assert page.locator("#compare-grid .waiting").count() == 10 - there


def test_a_link_brings_a_grid_back_and_words_are_swapped_and_scrubbed_without_a_server(watched, address):
    page = watched(f"{address}?compare-x=steps&compare-x_values=1, 2&compare-y=seed&compare-y_values=7")
    until(page, lambda: "2 cells · 6 network evaluations" in said(page), 150)
    until(page, lambda: (columns(page), rows(page)) == (["1", "2"], ["7"]))
    choose(page, "compare-x", "word")
    until(page, lambda: page.input_value("#compare-x-values :is(textarea, input)").startswith("red"))
    choose(page, "compare-y", "nothing")
    fill(page, "x-values", "red, <b>blue")
    page.click("#compare-run")
    until(page, lambda: "2 cells · 80 network evaluations" in said(page), 150)
    until(page, lambda: columns(page) == ["red", "<b>blue"])
    until(page, lambda: titles(page)[:2] == ["red", "<b>blue"])
    assert page.locator(":is(#compare-grid, #compare) b").count() == 0
    assert "compare-x=word" in page.url
    until(page, lambda: frame(page) == "done · done")
    page.wait_for_timeout(500)
    page.asked.clear()
    page.locator("#compare").get_by_role("button", name="One frame back").click()
    until(page, lambda: frame(page) == "step 20 of 20 · step 20 of 20")
    assert page.asked == []


def test_on_a_phone_the_grid_scrolls_in_its_own_box_and_the_question_is_answered_by_running(watched, address):
    page = watched(f"{address}?__theme=dark", viewport={"width": 390, "height": 844})
    ready(page)
    assert page.evaluate("document.documentElement.scrollWidth <= 390")
    assert page.evaluate(f"{GRID}.scrollWidth > {GRID}.clientWidth")
    assert page.evaluate("document.querySelector('#compare-grid img').clientWidth") >= 120
    page.locator("#compare-answer").get_by_label("step 6–10").check()
    until(page, lambda: "You said: step 6–10." in page.locator("#compare-answered").inner_text(), 150)
    until(page, lambda: page.locator("#compare canvas").count() == 2)
    until(page, lambda: frame(page) == "done")
    assert page.evaluate("document.documentElement.scrollWidth <= 390")
