"""The labs of the chapter "Two kinds of models" from drawing on, as a visitor meets them."""

from __future__ import annotations

import re

import pytest

from tests.browser.controls import choose, stands_still, stroke, told, until

TAB = "Two kinds"
LABS = ("draws", "elsewhere", "letter", "novelty", "learners", "effort")


@pytest.fixture
def page(open_page):
    page = open_page(*LABS, tab=TAB)
    page.wait_for_selector("#effort canvas")
    return page


def said(page, lab: str) -> str:
    """What stands below a lab's pictures, without the seconds that Gradio counts above it while it waits."""
    return page.locator(f"#{lab}-said [data-testid=markdown]").inner_text()


def seen(page, lab: str, panel: int) -> list:
    """The numbers of a panel's first layer that has some."""
    return page.evaluate(
        """([lab, panel]) => {
          const layers = document.querySelector(`#${lab} clip-player`).panels[panel].layers;
          return Array.from(layers.find((layer) => layer.values).values.slice(0, 50));
        }""",
        [lab, panel],
    )


def test_all_labs_open_with_a_finished_picture(page):
    for lab in LABS:
        page.wait_for_selector(f"#{lab} canvas")
        assert told(page, lab)
    for lab in ("novelty", "learners", "effort"):
        assert "recorded by python -m tutorial.training.two_kinds" in told(page, lab)


def test_another_model_draws_and_a_classifier_climbs(page):
    choose(page, "draws-model", "QDA")
    page.locator("#draws-space").get_by_label("10").check()
    page.click("#draws-go")
    until(page, lambda: told(page, "draws").startswith("QDA, 10 components"))
    choose(page, "draws-model", "logistic regression, climbing")
    page.locator("#draws-digit").get_by_label("1").check()
    page.click("#draws-go")
    until(page, lambda: "The judge, who is a discriminative model too" in told(page, "draws"))
    page.wait_for_timeout(500)  # the clip comes after the words
    asked = len(page.asked)
    for _ in range(5):
        page.locator("#draws input[type=range]").press("ArrowLeft")
    assert page.locator("#draws output").inner_text() == "step 70 of 80"
    assert len(page.asked) == asked


def test_a_click_asks_both_models(page):
    until(page, lambda: "p(1 given x)\t1 − " in said(page, "elsewhere"))
    before = said(page, "elsewhere")
    page.locator("#elsewhere canvas").first.click(position={"x": 150, "y": 150})
    page.wait_for_url("**elsewhere-x=**")
    x, y = (float(re.search(rf"elsewhere-{axis}=([-.\d]+)", page.url)[1]) for axis in "xy")
    place = f"At ({x:.2f}, {y:.2f}):".replace("-", "−")
    assert place not in before
    until(page, lambda: place in said(page, "elsewhere"))
    assert "p(x)" in said(page, "elsewhere")


def test_the_map_is_asked_by_keys(page):
    until(page, lambda: said(page, "elsewhere") != "")
    before = said(page, "elsewhere")
    page.locator("#elsewhere canvas").nth(1).focus()
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Enter")
    assert "At (1.60, 0.00)" not in before
    until(page, lambda: "At (1.60, 0.00)" in said(page, "elsewhere"))
    assert "elsewhere-x=1.6" in page.url


def test_a_letter_is_drawn_in_strokes_and_cleared(page):
    page.click("#clear-letter")
    until(page, lambda: "Draw a letter" in told(page, "letter"))
    assert page.locator("#letter-said table").count() == 0
    stroke(page, "letter", (0.5, 0.2), (0.5, 0.8))
    until(page, lambda: "Go on drawing" in told(page, "letter"))
    until(page, lambda: "small MLP\t1, with" in said(page, "letter"))
    alone = said(page, "letter")
    stroke(page, "letter", (0.2, 0.2), (0.8, 0.2))
    until(page, lambda: said(page, "letter") != alone)
    dots = "document.querySelector('#letter clip-player').panels[0].layers[1].values"
    right = f"Math.max(...{dots}.filter((_, k) => k % 2 === 0))"
    until(page, lambda: 0.7 < page.evaluate(right) < 0.9)  # both strokes are on the paper
    page.click("#clear-letter")
    until(page, lambda: "Draw a letter" in told(page, "letter"))


def test_a_test_digit_is_looked_at(page):
    before = said(page, "letter")
    choose(page, "letter-subject", "a test digit 0")
    assert "logistic regression\t0, with" not in before
    until(page, lambda: "logistic regression\t0, with" in said(page, "letter"))


def test_each_space_and_pair_shows_what_was_recorded_of_it(page):
    page.locator("#novelty-space").get_by_label("10").check()
    until(page, lambda: told(page, "novelty").startswith("10 components, recorded by"))
    page.locator("#learners-pair").get_by_label("4 and 9").check()
    until(page, lambda: told(page, "learners").startswith("4 and 9: 30 repeats, recorded by"))
    page.locator("#effort-space").get_by_label("2", exact=True).check()
    until(page, lambda: told(page, "effort").startswith("2 components, recorded by"))
    assert "2 components" in page.locator("#effort-table").inner_text()


def test_learning_is_measured_again_and_stops(page):
    before = seen(page, "learners", 0)
    page.locator("#learners-pair").get_by_label("3 and 5").check()
    page.click("#learners-go")
    until(page, lambda: "repeats done" in told(page, "learners"), 30)
    page.click("#learners-go")  # a second click during a run is passed over
    page.click("#learners-stop")
    until(page, lambda: "then stopped" in told(page, "learners"))
    assert stands_still(page, "learners")
    assert seen(page, "learners", 0) != before


def test_who_notices_is_measured_again(page):
    page.locator("#novelty-space").get_by_label("2", exact=True).check()
    page.click("#novelty-go")
    until(page, lambda: told(page, "novelty").startswith("2 components, measured just now"), 30)
    legend = page.locator("#novelty .legend").all_inner_texts()
    assert sum(text.count("AUC") for text in legend) == 3 + 9  # chance in each panel, and all scores


def test_who_works_is_measured_and_stops(page):
    page.click("#effort-go")
    until(page, lambda: "models done" in told(page, "effort"), 30)
    page.click("#effort-stop")
    until(page, lambda: "then stopped" in told(page, "effort"))
    assert stands_still(page, "effort")


def test_a_link_brings_back_what_was_seen(watched, url_of):
    page = watched(
        f"{url_of(TAB, *LABS)}?elsewhere-separates=small MLP&elsewhere-explains=QDA&elsewhere-x=-6&elsewhere-y=2.5"
    )
    page.wait_for_selector("#elsewhere canvas")
    until(page, lambda: "At (−6.00, 2.50)" in said(page, "elsewhere"))
    assert "small MLP: p(0 given x)" in said(page, "elsewhere")


@pytest.mark.parametrize(("lab", "setting", "value"), [("novelty", "space", "10"), ("effort", "space", "2")])
def test_a_link_to_a_recording_shows_it_and_measures_nothing(watched, url_of, lab, setting, value):
    page = watched(f"{url_of(TAB, *LABS)}?{lab}-{setting}={value}")
    page.wait_for_selector(f"#{lab} canvas")
    until(page, lambda: told(page, lab).startswith(f"{value} components, recorded by"))
    assert page.locator(f"#{lab}-{setting}").get_by_label(value, exact=True).is_checked()
    assert stands_still(page, lab)


@pytest.mark.parametrize(("lab", "going"), [("effort", "models done"), ("novelty", "scores done")])
def test_another_choice_ends_a_measurement_and_its_recording_stays(page, lab, going):
    page.click(f"#{lab}-go")
    until(page, lambda: going in told(page, lab), 30)
    page.locator(f"#{lab}-space").get_by_label("10", exact=True).check()
    until(page, lambda: told(page, lab).startswith("10 components, recorded by"))
    assert stands_still(page, lab)
    page.click(f"#{lab}-go")
    until(page, lambda: going in told(page, lab), 30)
    page.click(f"#{lab}-recorded")
    until(page, lambda: told(page, lab).startswith("10 components, recorded by"))
    assert stands_still(page, lab)


def test_on_a_phone_every_table_is_whole_without_scrolling(open_page):
    page = open_page(width=390, tab=TAB)
    for lab in ("look", "elsewhere", "letter"):  # whose tables come with their pictures
        page.locator(f"#{lab}").scroll_into_view_if_needed()
        page.wait_for_selector(f"#{lab} canvas")
    page.wait_for_selector("#letter-said table")
    tables = page.evaluate(
        """[...document.querySelectorAll(".prose table")].filter((table) => table.offsetParent).map((table) =>
          [getComputedStyle(table).display, table.getBoundingClientRect().right])"""
    )
    assert len(tables) >= 4
    assert all(display == "table" and right <= 390 for display, right in tables)
