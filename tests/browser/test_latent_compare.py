"""The lab "compare" as a visitor meets it, on a page of its own."""

from __future__ import annotations

import pytest

from apps.tabs.latent.compare import lab as compare
from tests.alone import alone
from tests.browser.controls import choose, until

SAID = "#compare-said"


@pytest.fixture(scope="module")
def address():
    with alone(compare.lab) as found:
        yield found


@pytest.fixture
def page(watched, address):
    opened = watched(address, viewport={"width": 1200, "height": 1400})
    ready(opened)
    return opened


def ready(page) -> None:
    """The opening grid and film are made as the page is built; who comes first waits for them."""
    until(page, lambda: page.locator("#compare-grid img").count() == 8, 150)
    page.wait_for_function("document.querySelectorAll('#compare canvas').length === 4", timeout=150_000)


def fill(page, part: str, text: str) -> None:
    page.fill(f"#compare-{part} :is(textarea, input)", text)


def run(page, last: str) -> None:
    page.click("#compare-run")
    until(page, lambda: last in page.locator(SAID).inner_text(), 150)


def test_it_opens_with_a_grid_and_a_film(page):
    cells = page.locator("#compare-grid td").all_inner_texts()
    assert all("as asked" in text for text in cells)
    assert page.locator("#compare-grid thead th").all_inner_texts()[1:] == ["1", "2", "5", "20"]
    assert page.locator("#compare-grid tbody th").all_inner_texts() == ["DDIM", "DPM-Solver++(2M)"]
    assert page.locator("#compare-grid img").first.get_attribute("alt").startswith("Cell 1: ")


def test_a_grid_is_drawn_and_scrubbed_without_a_server(page):
    choose(page, "compare-x", "word")
    until(page, lambda: page.input_value("#compare-x-values :is(textarea, input)").startswith("red"))
    choose(page, "compare-y", "nothing")
    fill(page, "x-values", "red, <b>blue")
    run(page, "2 cells · 80 network evaluations")
    assert page.locator("#compare-grid thead th").all_inner_texts()[1:] == ["red", "<b>blue"]
    assert page.locator("#compare-grid b").count() == 0
    assert "compare-x=word" in page.url
    until(page, lambda: page.locator("#compare output").inner_text() == "done · done")
    page.wait_for_timeout(500)
    page.asked.clear()
    page.locator("#compare").get_by_role("button", name="One frame back").click()
    assert page.locator("#compare output").inner_text() == "step 20 of 20 · step 20 of 20"
    assert page.asked == []


def test_stop_keeps_what_there_is(page):
    fill(page, "x-values", "20, 21, 22, 23, 24")
    page.click("#compare-run")
    until(page, lambda: page.locator("#compare-grid td img").count() in (1, 2), 150)
    page.click("#compare-stop")
    until(page, lambda: page.locator(SAID).inner_text().endswith("then stopped."), 90)
    there = page.locator("#compare-grid td img").count()
    assert 1 <= there < 10
    assert page.locator("#compare-grid .waiting").count() == 10 - there


def test_too_much_is_refused_in_a_sentence(page):
    before = page.locator(SAID).inner_text(), page.locator("#compare-grid td img").count()
    fill(page, "x-values", "100, 100, 100, 100, 100")
    page.click("#compare-run")
    page.locator(".toast-body").wait_for()
    assert "at most 1,600 are computed at a time" in page.locator(".toast-body").inner_text()
    said, pictures = before
    assert page.locator(SAID).inner_text().endswith(said)  # nothing is lost
    assert page.locator("#compare-grid td img").count() == pictures


def test_the_question_is_answered_by_running(page):
    page.locator("#compare-answer").get_by_label("step 6–10").check()
    until(page, lambda: "You said: step 6–10." in page.locator("#compare-answered").inner_text(), 150)
    until(page, lambda: page.locator("#compare canvas").count() == 2)
    assert page.locator("#compare output").inner_text() == "done"


def test_a_link_brings_the_grid_back(watched, address):
    page = watched(f"{address}?compare-x=steps&compare-x_values=1, 2&compare-y=seed&compare-y_values=7")
    until(page, lambda: "2 cells · 6 network evaluations" in page.locator(SAID).inner_text(), 150)
    assert page.locator("#compare-grid tbody th").all_inner_texts() == ["7"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_on_a_phone_the_grid_scrolls_in_its_own_box(watched, address, theme):
    page = watched(f"{address}?__theme={theme}", viewport={"width": 390, "height": 844})
    ready(page)
    assert page.evaluate("document.documentElement.scrollWidth <= 390")
    box = "document.querySelector('#compare-grid .compared')"
    assert page.evaluate(f"{box}.scrollWidth > {box}.clientWidth")
    assert page.evaluate("document.querySelector('#compare-grid img').clientWidth") >= 120
