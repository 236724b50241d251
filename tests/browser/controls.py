"""Working the labs' controls, and waiting for what they do."""

from __future__ import annotations

import time
from collections.abc import Callable


def choose(page, control: str, option: str) -> None:
    """Picks an option of the dropdown with this id."""
    page.locator(f"#{control} input").click()
    page.get_by_role("option", name=option, exact=True).click()
    page.get_by_role("option").first.wait_for(state="detached")  # the list fades


def opened(page, accordion: str, inside: str) -> None:
    """Opens the accordion of this title, and waits until what it holds, as this selector finds it, is ready to be used.

    Gradio 6.31 puts the first values into the boxes of an accordion once more, a frame after they have been shown: what
    a program typed meanwhile, faster than any visitor, would be undone.
    """
    page.get_by_text(accordion).click()
    page.locator(inside).wait_for()
    frame = "new Promise((shown) => requestAnimationFrame(() => setTimeout(shown)))"
    for _ in range(3):
        page.evaluate(frame)


def stroke(page, lab: str, *places: tuple[float, float]) -> None:
    """Draws a line through these places of a lab's first picture, each from (0, 0), upper left, to (1, 1)."""
    canvas = page.locator(f"#{lab} canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    at = [(box["x"] + u * box["width"], box["y"] + v * box["height"]) for u, v in places]
    page.mouse.move(*at[0])
    page.mouse.down()
    for place in at[1:]:
        page.mouse.move(*place, steps=8)
    page.mouse.up()


def told(page, lab: str) -> str:
    """The note below a lab's player."""
    return page.locator(f"#{lab} .note").inner_text()


def refused(page) -> str:
    """What the page says to what it refuses: a sentence, and nothing that says no more than "Error"."""
    sentence = page.locator(".toast-body").first
    sentence.wait_for()
    assert page.get_by_text("Error", exact=True).filter(visible=True).count() == 0
    return sentence.inner_text()


def stands_still(page, lab: str) -> bool:
    """Whether the note stays as it is for a while."""
    before = told(page, lab)
    page.wait_for_timeout(700)
    return told(page, lab) == before


def until(page, condition: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        page.wait_for_timeout(50)
