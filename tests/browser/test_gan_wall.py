"""The labs "nine seeds at once", "mode collapse" and "vanishing gradients", as a visitor meets them."""

from __future__ import annotations

import re

import pytest

from apps.tabs.gan import collapse, vanishing, wall
from tests.alone import alone
from tests.browser.controls import choose, told, until

TITLES = """() => [...document.querySelectorAll("#wall .panel-title")].map((title) => title.textContent)"""
VALUES = """([lab, panel, name]) => {
  const layer = document.querySelector(`#${lab} clip-player`).panels[panel].layers.find((one) => one.name === name);
  return layer && Array.from(layer.values).slice(0, 200);
}"""
PIXELS = """([lab, panel]) => document.querySelector(`#${lab} clip-player`).panels[panel].canvas.toDataURL()"""


@pytest.fixture(scope="module")
def address():
    with alone(wall.lab, collapse.lab, vanishing.lab) as found:
        yield found


@pytest.fixture
def open_labs(watched, address):
    def go(width: int = 1200, height: int = 1000):
        page = watched(address, viewport={"width": width, "height": height})
        page.wait_for_function("document.querySelectorAll('#wall canvas').length === 10")
        page.wait_for_function("document.querySelectorAll('#collapse canvas').length === 3")
        page.wait_for_function("document.querySelectorAll('#vanishing canvas').length === 1")
        return page

    return go


@pytest.fixture
def page(open_labs):
    return open_labs()


def said(page, name: str) -> str:
    return page.locator(f"#{name}-said").inner_text()


def test_all_open_with_recorded_pictures_that_are_scrubbed_without_a_server(page):
    for text in (said(page, "wall"), said(page, "collapse"), told(page, "vanishing")):
        assert "by python -m tutorial.training.gan_collapse" in text
    page.wait_for_timeout(500)
    page.asked.clear()
    for lab, panels in (("wall", range(10)), ("collapse", (0, 2)), ("vanishing", range(1))):
        before = [page.evaluate(PIXELS, [lab, k]) for k in panels]
        page.locator(f"#{lab} input[type=range]").press("Home")
        after = [page.evaluate(PIXELS, [lab, k]) for k in panels]
        assert all(one != other for one, other in zip(before, after, strict=True))
    assert page.asked == []


def test_nine_seeds_are_played_stopped_and_played_to_the_end(page):
    titles = page.evaluate(TITLES)
    assert re.findall(r"seed (\d): \d of 8", " ".join(titles[:9])) == list("012345678")
    choose(page, "wall-remedy", "PacGAN2")
    page.click("#wall-play")
    until(page, lambda: " of 2,000 turns: " in said(page, "wall"), 30)
    first = page.evaluate(VALUES, ["wall", 0, "fakes"])
    until(page, lambda: page.evaluate(VALUES, ["wall", 0, "fakes"]) != first, 30)  # it streams
    page.click("#wall-stop")
    until(page, lambda: "Stopped there." in said(page, "wall"), 30)
    assert "wall-remedy=PacGAN2" in page.url
    page.click("#wall-play")
    until(page, lambda: "after 2,000 turns: " in said(page, "wall"), 120)
    assert "turns a second for all nine" in said(page, "wall")
    page.locator("#wall input[type=range]").press("Home")
    assert page.locator("#wall output").inner_text() == "turn 0"  # all of the way can be scrubbed


def test_a_guess_comes_before_the_table_and_a_row_is_played_beside_it(page):
    assert page.locator("#rates-table").count() == 0
    page.fill("#collapse-guess input[type=number]", "3")
    page.click("#collapse-reveal")
    page.wait_for_selector("#rates-table table")
    assert re.match(r"You said 3\. \d+ of 30 seeds cover all 8 modes", page.locator("#collapse-answer").inner_text())
    cells = page.locator("#rates-table tbody tr").first.locator("td")
    assert cells.last.inner_text() == "–"
    page.click("#rates-play")
    until(page, lambda: " of 2,000 turns" in said(page, "rates"), 30)
    page.click("#rates-stop")
    until(page, lambda: "Stopped after" in said(page, "rates"), 30)
    assert cells.last.inner_text() == "–"
    page.click("#rates-play")
    until(page, lambda: said(page, "rates").startswith("Seeds 1000 to 1008"), 120)
    assert re.match(r"\d of 9 · \d\.\d\d ± \d\.\d · \d+%", cells.last.inner_text())
    page.get_by_label("grid of 25").click()
    until(page, lambda: "all 25 covered" in page.locator("#rates-table").inner_text())
    assert cells.last.inner_text() == "–"  # nobody played that one


def test_one_game_is_played(page):
    before = page.evaluate(VALUES, ["collapse", 0, "fakes"])
    choose(page, "collapse-remedy", "two time scales")
    page.fill("#collapse-seed input", "5")
    page.click("#collapse-play")
    until(page, lambda: said(page, "collapse").startswith("Seed 5, remedy: two time scales."), 90)
    assert page.evaluate(VALUES, ["collapse", 0, "fakes"]) != before


def test_gradients_come_after_the_answer(page):
    page.locator("#vanishing-answer").get_by_label("Wasserstein").check()
    until(page, lambda: page.locator("#vanishing canvas").count() == 3, 30)
    assert said(page, "vanishing").startswith("You said: Wasserstein. ")
    assert re.search(r"minimax from update \d+ on", said(page, "vanishing"))
    assert "Two remedies." in said(page, "vanishing")
    page.wait_for_timeout(500)
    page.asked.clear()
    before = [page.evaluate(PIXELS, ["vanishing", k]) for k in range(3)]
    page.locator("#vanishing input[type=range]").press("Home")
    after = [page.evaluate(PIXELS, ["vanishing", k]) for k in range(3)]
    assert all(one != other for one, other in zip(before, after, strict=True))
    assert page.asked == []


def test_gradients_are_measured_and_stopped(page):
    before = page.evaluate(PIXELS, ["vanishing", 0])
    page.click("#vanishing-train")
    until(page, lambda: said(page, "vanishing").endswith("of 1,000 updates of D"), 30)
    page.click("#vanishing-stop")
    until(page, lambda: said(page, "vanishing").endswith("updates of D, then stopped."), 30)
    assert page.evaluate(PIXELS, ["vanishing", 0]) != before


def test_on_a_phone_nothing_is_wider_than_the_page_and_three_games_stand_in_a_row(open_labs):
    page = open_labs(width=390, height=844)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    tops = page.evaluate("[...document.querySelectorAll('#wall .panel')].map((panel) => panel.offsetTop)")
    assert tops[0] == tops[1] == tops[2] < tops[3] == tops[4] == tops[5] < tops[6]
