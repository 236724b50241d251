"""The labs on losses, codes and times of GANs, as a visitor meets them."""

from __future__ import annotations

import pytest

from tests.browser.controls import told, until

TAB = "GANs"


@pytest.fixture
def page(open_page):
    page = open_page("loss", "ask", "overtraining", tab=TAB)
    for lab, canvases in (("losses", 4), ("ask", 4), ("race", 1), ("past", 1)):
        page.locator(f"#{lab}").scroll_into_view_if_needed()
        page.wait_for_function(f"document.querySelectorAll('#{lab} canvas').length === {canvases}")
    return page


def text(page, part: str) -> str:
    return page.locator(f"#{part}").inner_text()


def canvases(page, lab: str) -> int:
    return page.locator(f"#{lab} canvas").count()


def test_the_distances_come_after_the_answer(page):
    assert "recorded runs, made by python -m tutorial.training.gan_race loss" in told(page, "losses")
    page.locator("#losses-answer").get_by_label("all four").check()
    until(page, lambda: canvases(page, "losses") == 12, 30)
    assert "You said: all four." in text(page, "losses-said")
    assert "Wasserstein critic" in text(page, "losses-table")
    page.wait_for_timeout(500)
    page.asked.clear()
    page.locator("#losses").get_by_role("button", name="One frame back").click()
    assert page.locator("#losses output").inner_text() != "100% of the run"
    assert page.asked == []


def test_three_are_trained_and_stopped(page):
    page.click("#losses-run")
    until(page, lambda: "GAN, arm 1 of 3: look" in text(page, "losses-said"), 60)
    until(page, lambda: canvases(page, "losses") >= 6, 60)
    page.click("#losses-stop")
    until(page, lambda: text(page, "losses-said").endswith("then stopped."), 30)
    assert "losses-seed=100" in page.url


def test_a_click_asks_for_the_point_and_the_search_is_scrubbed(page):
    page.locator("#ask-answer").get_by_label("yes, an ordinary one").check()
    before = text(page, "ask-table")
    canvas = page.locator("#ask canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    canvas.click(position={"x": 0.5 * box["width"], "y": 0.5 * box["height"]})
    until(page, lambda: text(page, "ask-table") != before, 60)
    until(page, lambda: "You said: yes, an ordinary one." in text(page, "ask-said"), 60)
    assert "no answer" in text(page, "ask-table")
    x, y = (float(page.input_value(f"#ask-{axis} input")) for axis in "xy")
    assert abs(x) < 1
    assert abs(y) < 1
    page.wait_for_timeout(500)
    page.asked.clear()
    page.locator("#ask").get_by_role("button", name="One frame back").click()
    assert page.locator("#ask output").inner_text().startswith("step ")
    assert page.asked == []


def test_the_table_of_the_race_comes_with_the_answer(page):
    assert "recorded runs, made by" in told(page, "race")
    assert page.locator("#race-table table").count() == 0
    page.locator("#race-answer").get_by_label("the GAN").check()
    until(page, lambda: " of 10" in text(page, "race-table"), 30)


@pytest.mark.parametrize(
    ("lab", "answer", "panels", "going"),
    [("race", "the GAN", 2, "updates, energy distance"), ("past", "they get worse", 3, "of 6,000 turns")],
)
def test_the_rest_is_drawn_after_the_answer_and_run_and_stopped(page, lab, answer, panels, going):
    page.locator(f"#{lab}-answer").get_by_label(answer).check()
    until(page, lambda: canvases(page, lab) == panels, 30)
    assert f"You said: {answer}." in text(page, f"{lab}-said")
    page.click(f"#{lab}-run")
    until(page, lambda: going in text(page, f"{lab}-said"), 60)
    page.click(f"#{lab}-stop")
    until(page, lambda: text(page, f"{lab}-said").endswith("then stopped."), 30)


def test_on_a_phone_nothing_runs_out_of_the_page(open_page):
    page = open_page("loss", "ask", "overtraining", width=390, height=844, tab=TAB)
    page.wait_for_function("document.querySelectorAll('#ask canvas').length === 4")
    assert page.evaluate("document.documentElement.scrollWidth <= 390")
