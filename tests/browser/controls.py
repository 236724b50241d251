"""Working the labs' controls, and waiting for what they do."""

from __future__ import annotations

import time
from collections.abc import Callable


def choose(page, control: str, option: str) -> None:
    """Picks an option of the dropdown with this id."""
    page.locator(f"#{control} input").click()
    page.get_by_role("option", name=option, exact=True).click()
    page.get_by_role("option").first.wait_for(state="detached")  # the list fades


def told(page, lab: str) -> str:
    """The note below a lab's player."""
    return page.locator(f"#{lab} .note").inner_text()


def stands_still(page, lab: str) -> bool:
    """Whether the note stays as it is for a while."""
    before = told(page, lab)
    page.wait_for_timeout(700)
    return told(page, lab) == before


def until(page, condition: Callable[[], bool], seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        page.wait_for_timeout(50)
