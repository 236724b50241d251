"""The first labs of the chapter "Two kinds of models", as a visitor meets them."""

from __future__ import annotations

import re

import pytest

from tests.browser.controls import choose, stands_still, told, until

TAB = "Two kinds"


@pytest.fixture
def page(open_page):
    page = open_page("look", "support", tab=TAB)
    for player in ("look", "look-digit", "support"):
        page.wait_for_selector(f"#{player} canvas")
    return page


def place(page, panel: int, across: float, down: float) -> dict[str, float]:
    """Where on a panel's canvas a place inside its axes is, given as shares of their width and height."""
    area = page.evaluate(f"document.querySelector('#look clip-player').panels[{panel}].area")
    return {"x": area["x"] + across * area["w"], "y": area["y"] + down * area["h"]}


def click(page, panel: int, across: float, down: float) -> None:
    """Clicks on a panel of the first lab."""
    page.locator("#look canvas").nth(panel).click(position=place(page, panel, across, down))


def fitted(page) -> int:
    return int(re.search(r"Fitted to ([\d,]+) points", told(page, "look"))[1].replace(",", ""))


def answer(page) -> str:
    return page.locator("#look-answer [data-testid=markdown]").inner_text()


def titles(page, lab: str) -> list[str]:
    return page.locator(f"#{lab} .panel-title").all_inner_texts()


def mode(page, name: str) -> None:
    page.locator("#look-mode").get_by_label(name, exact=True).click()


def test_it_opens_with_both_models_and_an_answer(page):
    assert titles(page, "look")[:2] == ["linear SVM: which of the two?", "QDA: how likely at all?"]
    assert fitted(page) == 300
    assert "support vectors" in told(page, "look")
    assert "p(x, 0)" in answer(page)
    assert titles(page, "look-digit") == ["a 0 of MNIST", "its place, decoded"]


def test_a_click_asks_about_a_place(page):
    before = answer(page)
    click(page, 1, 0.95, 0.5)  # right of all digits
    until(page, lambda: answer(page) != before)
    assert re.search(r"·10⁻", answer(page))
    until(page, lambda: titles(page, "look-digit") == ["this place, decoded"])


def test_other_models_say_other_things(page):
    choose(page, "look-discriminative", "logistic regression")
    until(page, lambda: titles(page, "look")[0].startswith("logistic regression"))
    assert "support vectors" not in told(page, "look")
    assert "none" not in answer(page)
    choose(page, "look-generative", "kernel density")
    until(page, lambda: titles(page, "look")[1].startswith("kernel density"))
    assert fitted(page) == 300


def test_points_are_added_moved_deleted_and_brought_back(page):
    mode(page, "adds a 1")
    click(page, 0, 0.1, 0.1)
    until(page, lambda: fitted(page) == 301)
    mode(page, "deletes the nearest")
    click(page, 0, 0.1, 0.1)
    until(page, lambda: fitted(page) == 300)
    click(page, 1, 0.4, 0.4)
    until(page, lambda: fitted(page) == 299)
    mode(page, "moves a point")
    click(page, 0, 0.4, 0.6)
    picked = "document.querySelector('#look clip-player').panels[0].layers.some((layer) => layer.name === 'picked')"
    until(page, lambda: page.evaluate(picked))
    click(page, 0, 0.9, 0.9)
    until(page, lambda: not page.evaluate(picked))
    assert fitted(page) == 299
    page.click("#look-undo")
    until(page, lambda: fitted(page) == 300)


def test_no_click_of_many_quick_ones_is_lost(page):
    mode(page, "adds a 1")
    for k in range(8):
        click(page, 0, 0.1 + 0.02 * k, 0.1)
    until(page, lambda: fitted(page) == 308)
    page.click("#look-undo")
    until(page, lambda: fitted(page) == 300)
    assert stands_still(page, "look")  # none of them comes late


def test_the_picture_under_the_pointer_moves_without_the_server(page):
    asked = []
    pixel = """() => {
      const canvas = document.querySelectorAll("#look canvas")[2];
      const [x, y] = [canvas.width / 2, canvas.height / 2].map(Math.round);
      return canvas.getContext("2d").getImageData(x, y, 1, 1).data[0];
    }"""
    canvas = page.locator("#look canvas").first
    canvas.hover()
    page.on("request", lambda request: asked.append(request.url))
    seen = []
    for across in (0.39, 0.74):  # among the zeros, whose middle is empty, and among the ones, whose middle is ink
        canvas.hover(position=place(page, 0, across, 0.57))
        page.wait_for_timeout(200)
        seen.append(page.evaluate(pixel))
    assert seen[0] < 90
    assert seen[1] > 160
    assert asked == []


def test_the_keyboard_asks_too(page):
    before = answer(page)
    canvas = page.locator("#look canvas").nth(1)
    canvas.focus()
    for _ in range(4):
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Enter")
    until(page, lambda: answer(page) != before)
    assert answer(page).startswith("At (")


def test_deleting_all_but_the_support_vectors(page):
    said = page.locator("#support-said")
    assert "of 200 points are support vectors" in said.inner_text()
    assert page.locator("#support .entry i.ring").count() == 2  # in the legend of each picture, as on it
    assert page.locator("#support .controls").is_hidden()
    page.click("#support-delete")
    until(page, lambda: "test digits that change sides" in said.inner_text())
    until(page, lambda: page.locator("#support output").inner_text() == "both fitted again")
    cells = [row.inner_text().split("\t") for row in said.locator("tr").all()]
    moved = next(row for row in cells if row[0].startswith("largest move"))
    assert float(moved[1]) < 1e-4
    assert float(moved[2]) > 0.1
    page.locator("#support").get_by_label("One frame back").click()
    assert page.locator("#support output").inner_text() == "only the 13 support vectors"
    page.click("#support-back")
    until(page, lambda: page.locator("#support .controls").is_hidden())


def test_a_link_brings_the_settings_back(page, watched):
    choose(page, "look-generative", "LDA")
    until(page, lambda: "look-generative=LDA" in page.url)
    again = watched(page.url)
    again.wait_for_selector("#look canvas")
    until(again, lambda: titles(again, "look")[1].startswith("LDA"))
    assert again.locator("#look-generative input").input_value() == "LDA"


def test_a_bad_link_is_refused_in_a_sentence(watched, url_of):
    page = watched(f"{url_of(TAB, 'look', 'support')}?look-digits=1e9")
    page.get_by_text("The number of digits must be between").wait_for()
    page.wait_for_selector("#look canvas")
    assert fitted(page) == 300


def test_clicks_that_leave_too_little_are_refused_and_nothing_is_lost(page):
    """Of twenty digits, all of one class are deleted but one; the next click is refused, and the picture stays."""
    digits = page.locator("#look-digits input[type=number]")
    digits.fill("20")
    digits.press("Tab")
    page.click("#look-fit")
    until(page, lambda: fitted(page) == 20)
    mode(page, "deletes the nearest")
    for left in range(19, 11, -1):
        click(page, 0, 0.05, 0.5)
        until(page, lambda left=left: fitted(page) == left or page.locator(".toast-body").count() > 0)
        if page.locator(".toast-body").count():
            break
    page.locator(".toast-body").first.wait_for()
    assert "class" in page.locator(".toast-body").first.inner_text()
    held = fitted(page)
    assert held > 11
    mode(page, "adds a 0")
    click(page, 0, 0.1, 0.5)
    until(page, lambda: fitted(page) == held + 1)
