"""How tests press the buttons of the drawing lab and look at what it drew."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

EVIL = "a green one <img src=x onerror=alert(1)>"
YELLOW = "a smiling yellow critter with long ears and red cheeks"
WATCH_STATUS = """() => {
    window.seen = [];
    const drawing = document.querySelector("#drawing");
    const note = () => window.seen.push(drawing.querySelector(".status").textContent);
    new MutationObserver(note).observe(drawing, {childList: true, subtree: true, characterData: true});
}"""


def draw(page) -> None:
    page.click("#draw")


@contextlib.contextmanager
def redrawn(page) -> Iterator[None]:
    """Waits at its end for pictures that were not there at its beginning."""
    page.eval_on_selector_all("#drawing .cell > img", "images => images.forEach(image => image.className = 'old')")
    yield
    page.wait_for_selector("#drawing .cell > img:not(.old)")


def set_number(page, box: str, value) -> None:
    field = page.locator(f"#{box} input[type=number]")
    field.fill(str(value))
    field.press("Tab")


def finished(page) -> None:
    page.wait_for_function("document.querySelector('#drawing .status').textContent.includes('evaluations')")


def pictures(page) -> list[str]:
    return page.eval_on_selector_all("#drawing .cell > img", "images => images.map(image => image.src)")


def nothing_became_markup(page) -> bool:
    return page.locator("img[src=x]").count() == 0
