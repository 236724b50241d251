"""The lab "edit" as a visitor meets it, on a page of its own."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from apps.tabs.latent.edit import lab as edit
from tests.alone import alone
from tests.browser.controls import choose, opened, stroke, told, until

SAID = "#edit-said"
MASK = "#edit-mask :is(textarea, input)"


@pytest.fixture(scope="module")
def address():
    with alone(edit.lab) as found:
        yield found


@pytest.fixture
def page(watched, address):
    opened = watched(address, viewport={"width": 1200, "height": 1600})
    ready(opened)
    return opened


def ready(page) -> None:
    """The opening film is made as the page is built; who comes first waits for it."""
    page.wait_for_function("document.querySelectorAll('#edit canvas').length === 4", timeout=150_000)
    page.wait_for_selector("#edit-canvas canvas")


def quick(page) -> None:
    """Few steps."""
    opened(page, "More: strength", MASK)
    page.fill("#edit-steps input[type=number]", "3")
    page.press("#edit-steps input[type=number]", "Tab")


def said(page) -> str:
    return page.locator(SAID).inner_text()


def test_it_opens_with_a_part_redrawn_and_is_scrubbed_without_a_server(page):
    assert "the largest difference is 0." in told(page, "edit")
    page.wait_for_timeout(500)
    page.asked.clear()
    page.locator("#edit").get_by_role("button", name="One frame back").click()
    assert page.locator("#edit output").inner_text() == "step 20 of 20"
    assert page.asked == []


def test_a_mask_is_drawn_and_that_part_redrawn(page):
    quick(page)
    choose(page, "edit-ready", "nothing")
    until(page, lambda: told(page, "edit-canvas").startswith("0 of 64 cells"), 60)
    stroke(page, "edit-canvas", (0.06, 0.06), (0.94, 0.06))
    until(page, lambda: told(page, "edit-canvas").startswith("8 of 64 cells"), 60)
    assert page.input_value(MASK) == "ff" + "0" * 14
    page.click("#edit-run")
    until(page, lambda: "3 steps · " in said(page), 150)
    assert "edit-mask=ff00000000000000" in page.url
    assert "the largest difference is 0." in told(page, "edit")


def test_a_mask_is_drawn_by_keys(page):
    opened(page, "More: strength", MASK)
    before = page.input_value(MASK)
    page.locator("#edit-canvas canvas").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    until(page, lambda: told(page, "edit-canvas").startswith("33 of 64 cells"), 60)
    assert page.input_value(MASK) != before


def test_strengths_come_one_by_one_and_are_stopped(page):
    page.locator("#edit-kind").get_by_label("Change all of it").check()
    until(page, lambda: not page.locator("#edit-ready").is_visible(), 60)
    page.click("#edit-run")
    until(page, lambda: "strength 0.2" in said(page), 150)
    page.click("#edit-stop")
    until(page, lambda: said(page).endswith("then stopped."), 90)
    assert int(page.locator("#edit input[type=range]").get_attribute("max")) >= 2
    assert page.locator("#edit output").inner_text().startswith("strength 0.")


@pytest.mark.parametrize(("kind", "canvases", "shown"), [("noise", 3, "other-seed"), ("prompt", 2, "other")])
def test_a_way_is_drawn(page, kind, canvases, shown):
    quick(page)
    assert not page.locator(f"#edit-{shown}").is_visible()
    page.locator("#edit-kind").get_by_label(f"From one {kind} to another").check()
    until(page, lambda: page.locator(f"#edit-{shown}").is_visible(), 60)
    assert not page.locator("#edit-canvas").is_visible()
    page.click("#edit-run")
    until(page, lambda: "11 frames · " in said(page), 150)
    assert page.locator("#edit canvas").count() == canvases
    assert page.locator("#edit output").inner_text() == "1 of the way"


def test_a_picture_of_ones_own_is_changed(page, tmp_path):
    path = tmp_path / "mine.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 60, 3), dtype=np.uint8)).save(path)
    quick(page)
    page.set_input_files("#edit-picture input[type=file]", path)
    until(page, lambda: page.input_value("#edit-source input") == "your own picture", 60)
    page.click("#edit-run")
    until(page, lambda: "3 steps · " in said(page), 150)
    assert page.locator("#edit canvas").count() == 4
    page.click("#copy-edit")
    until(page, lambda: page.locator("#copy-edit").inner_text() == "Not for data of your own", 60)


def test_the_question_is_answered_by_running(page):
    page.locator("#edit-answer").get_by_label("0.7 or 0.8").check()
    until(page, lambda: "You said: 0.7 or 0.8." in page.locator("#edit-answered").inner_text(), 150)
    assert page.locator("#edit output").inner_text().startswith("strength 1: ")


def test_a_link_brings_an_edit_back(watched, address):
    page = watched(f"{address}?edit-kind=prompts&edit-steps=2&edit-other=a red one")
    until(page, lambda: "11 frames · " in said(page), 150)
    assert page.locator("#edit-other").is_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_on_a_phone_nothing_runs_out_of_the_page(watched, address, theme):
    page = watched(f"{address}?__theme={theme}", viewport={"width": 390, "height": 844})
    ready(page)
    assert page.evaluate("document.documentElement.scrollWidth <= 390")
