"""The lab "edit" as a visitor meets it, on a page of its own."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image

from apps.tabs.latent.edit import lab as edit
from tests.alone import alone
from tests.browser.controls import choose, opened, stroke, told, until

MASK = "#edit-mask :is(textarea, input)"


@pytest.fixture(scope="module")
def address():
    with alone(edit.lab) as found:
        yield found


def ready(page) -> None:
    """The opening film is made when it is first seen; who comes first waits for it."""
    page.wait_for_selector("#edit-canvas canvas")
    page.locator("#edit").scroll_into_view_if_needed()
    until(page, lambda: canvases(page) == 4, 150)


def canvases(page) -> int:
    return page.locator("#edit canvas").count()


def frame(page) -> str:
    return page.locator("#edit output").inner_text()


def frames(page) -> int:
    return 1 + int(page.locator("#edit input[type=range]").get_attribute("max") or 0)


def said(page) -> str:
    return page.locator("#edit-said").inner_text()


def set_steps(page, steps: int) -> None:
    page.fill("#edit-steps input[type=number]", str(steps))
    page.press("#edit-steps input[type=number]", "Tab")


def test_a_mask_is_drawn_by_keys_and_by_a_stroke_and_that_part_redrawn(watched, address):
    page = watched(address, viewport={"width": 1200, "height": 1600})
    ready(page)
    assert "the largest difference is 0." in told(page, "edit")
    page.wait_for_timeout(500)
    page.asked.clear()
    page.locator("#edit").get_by_role("button", name="One frame back").click()
    until(page, lambda: frame(page) == "step 20 of 20")
    assert page.asked == []
    opened(page, "More: strength", MASK)
    before = page.input_value(MASK)
    page.locator("#edit-canvas canvas").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    until(page, lambda: told(page, "edit-canvas").startswith("33 of 64 cells"), 60)
    until(page, lambda: page.input_value(MASK) != before)
    choose(page, "edit-ready", "nothing")
    until(page, lambda: told(page, "edit-canvas").startswith("0 of 64 cells"), 60)
    stroke(page, "edit-canvas", (0.06, 0.06), (0.94, 0.06))
    until(page, lambda: told(page, "edit-canvas").startswith("8 of 64 cells"), 60)
    until(page, lambda: page.input_value(MASK) == "ff" + "0" * 14)
    set_steps(page, 3)
    page.click("#edit-run")
    until(page, lambda: "3 steps · " in said(page), 150)
    until(page, lambda: frames(page) == 4)
    assert "the largest difference is 0." in told(page, "edit")
    assert "edit-mask=ff00000000000000" in page.url


def test_a_link_brings_an_edit_back_another_way_is_drawn_and_strengths_are_stopped(watched, address):
    page = watched(f"{address}?edit-kind=prompts&edit-steps=2&edit-other=a red one")
    a_way_is_drawn(page, 2, "other")
    page.locator("#edit-kind").get_by_label("From one noise to another").check()
    until(page, lambda: page.locator("#edit-prompt").is_visible() and not page.locator("#edit-other").is_visible(), 60)
    page.click("#edit-run")
    until(page, lambda: canvases(page) == 3, 150)
    opened(page, "More: strength", "#edit-other-seed")
    a_way_is_drawn(page, 3, "other-seed")
    page.locator("#edit-kind").get_by_label("Change all of it").check()
    until(page, lambda: page.locator("#edit-canvas").is_visible(), 60)
    until(page, lambda: not page.locator("#edit-ready").is_visible(), 60)
    set_steps(page, 20)
    page.click("#edit-run")
    until(page, lambda: re.match(r"strength 0\.[2-9]", said(page)) is not None, 150)
    page.click("#edit-stop")
    until(page, lambda: said(page).endswith("then stopped."), 90)
    until(page, lambda: frame(page).startswith("strength 0."))
    until(page, lambda: 3 <= frames(page) < 11)


def a_way_is_drawn(page, panels: int, shown: str) -> None:
    until(page, lambda: "11 frames · " in said(page), 150)
    until(page, lambda: (canvases(page), frame(page)) == (panels, "1 of the way"))
    assert page.locator(f"#edit-{shown}").is_visible()
    assert not page.locator("#edit-canvas").is_visible()


def test_on_a_phone_a_picture_of_ones_own_is_changed_and_the_question_answered_by_running(watched, address, tmp_path):
    path = tmp_path / "mine.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 60, 3), dtype=np.uint8)).save(path)
    page = watched(f"{address}?__theme=dark", viewport={"width": 390, "height": 844})
    ready(page)
    assert page.evaluate("document.documentElement.scrollWidth <= 390")
    opened(page, "More: strength", MASK)
    set_steps(page, 3)
    page.set_input_files("#edit-picture input[type=file]", path)
    until(page, lambda: page.input_value("#edit-source input") == "your own picture", 60)
    page.click("#edit-run")
    until(page, lambda: "3 steps · " in said(page), 150)
    until(page, lambda: (canvases(page), frames(page), frame(page)) == (4, 4, "done"))
    assert "edit-" not in page.url  # a link cannot carry the picture
    page.click("#copy-edit")
    until(page, lambda: page.locator("#copy-edit").inner_text() == "Not for data of your own", 60)
    page.locator("#edit-answer").get_by_label("0.7 or 0.8").check()
    until(page, lambda: "You said: 0.7 or 0.8." in page.locator("#edit-answered").inner_text(), 150)
    until(page, lambda: frame(page).startswith("strength 1: "))
    assert page.evaluate("document.documentElement.scrollWidth <= 390")
