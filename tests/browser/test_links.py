"""Links and saved pictures bring back what was drawn; bad ones are refused."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from apps.pictures import png_bytes
from tests.browser.drawing import EVIL, YELLOW, draw, nothing_became_markup, pictures, redrawn, set_number

LABS = """window.gradio_config.dependencies.filter(({ targets }) =>
  targets.some(([, event]) => event === "load")).length"""
COUNT_LOOKS = """
  window.looks = 0;
  const { keys } = URLSearchParams.prototype;
  URLSearchParams.prototype.keys = function () { window.looks += 1; return keys.call(this); };
"""


@pytest.mark.parametrize("prompt", [pytest.param("a hat, 100% 🦄 & more", marks=pytest.mark.slow), EVIL, ""])
def test_a_link_brings_back_every_setting_and_draws(open_page, watched, prompt):
    page = open_page("draw")
    page.fill("#prompt textarea", prompt)
    set_number(page, "steps", 7)
    page.fill("#seed input", "41")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click("#copy")
    page.wait_for_function("document.querySelector('#copy').textContent === 'Copied'")
    link = page.evaluate("navigator.clipboard.readText()")
    draw(page)
    page.wait_for_function("document.querySelector('#way input').max === '7'")
    other = watched(link)
    other.wait_for_selector("#drawing img")
    other.wait_for_function("document.querySelector('#way input')?.max === '7'")
    assert other.input_value("#prompt textarea") == prompt
    assert other.input_value("#seed input") == "41"
    assert pictures(other) == pictures(page)
    assert nothing_became_markup(other)


def test_a_link_opens_on_a_phone(watched, url_of):
    page = watched(
        f"{url_of('Latent diffusion', 'draw')}?draw-steps=3&draw-seed=5", viewport={"width": 390, "height": 844}
    )
    page.wait_for_function("document.querySelector('#way input')?.max === '3'")
    assert page.locator("#drawing .cell figcaption").inner_text() == "seed 5"


def test_what_a_visitor_puts_into_the_address_is_not_taken_for_a_link(open_page):
    """The page looks at its address as it opens, once for each lab; what comes after that is a visitor's."""
    page = open_page("draw")
    page.add_init_script(COUNT_LOOKS)
    page.reload()
    page.errors.clear()  # what was broken off
    page.wait_for_function(f"window.looks === {LABS}")
    page.evaluate("window.history.replaceState(null, '', '?draw-steps=3')")
    page.get_by_role("tab", name="Latent diffusion").click()
    page.wait_for_selector("#drawing img")
    page.wait_for_timeout(1500)
    assert "draw-steps=3" in page.url
    assert "drawn since the app started" in page.inner_text("#drawing .status")
    page.close()  # every page in this tab would count


def test_a_page_without_a_link_asks_the_server_nothing_as_it_opens(open_page):
    """A class that opens the page together would fill the queue."""
    page = open_page(whole=True)
    page.wait_for_timeout(1000)
    assert [asked for asked in page.asked if "queue/join" in asked] == []


def test_a_prompt_too_long_for_a_link_leaves_the_address_alone(open_page):
    page = open_page("draw")
    page.fill("#prompt textarea", "голубой " * 600)
    with redrawn(page):
        draw(page)
    assert "draw-prompt" not in page.url
    assert "it did not read" in page.locator("#drawing .notes").inner_text()


@pytest.mark.parametrize(
    ("name", "value"),
    [("steps", value) for value in ("0", "-1", "1e9", "abc", "NaN", "2.5", EVIL)] + [("sampler", EVIL)],
)
def test_a_bad_link_is_refused_in_a_sentence_and_the_page_stays_as_it_was(watched, url_of, name, value):
    page = watched(f"{url_of('Latent diffusion', 'draw')}?draw-prompt={EVIL}&draw-{name}={value}")
    toast = page.locator(".toast-body").first
    toast.wait_for()
    assert f"{name} must be" in toast.inner_text().lower()
    assert nothing_became_markup(page)
    page.get_by_role("tab", name="Latent diffusion").click()
    page.wait_for_selector("#drawing img")
    assert page.input_value("#prompt textarea") == YELLOW
    assert page.locator("#steps input[type=number]").input_value() == "20"


def drawn(source: str) -> np.ndarray:
    """The pixels of a picture that the page shows: (H, W, 3)."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(source.split(",")[1]))), dtype=int)


def test_a_saved_picture_brings_back_its_settings_and_is_drawn_again(open_page, tmp_path):
    page = open_page("draw")
    page.fill("#prompt textarea", EVIL)
    page.fill("#seed input", "12")
    set_number(page, "n", 2)
    draw(page)
    page.wait_for_function("document.querySelectorAll('#drawing .cell > img').length === 2")
    second = pictures(page)[1]
    saved = tmp_path / "critter.png"
    saved.write_bytes(base64.b64decode(second.split(",")[1]))
    other = open_page("draw")
    other.locator("button", has_text="More").click()
    other.locator("#dropped input[type=file]").set_input_files(saved)
    other.wait_for_function("document.querySelector('#seed input').value === '13'")
    assert other.input_value("#prompt textarea") == EVIL
    other.wait_for_function("document.querySelector('#drawing .cell figcaption').textContent === 'seed 13'")
    other.wait_for_selector("#drawing .cell > img")
    assert np.abs(drawn(pictures(other)[0]) - drawn(second)).max() <= 2  # then it was one of two in a batch
    assert nothing_became_markup(other)


@pytest.mark.parametrize("kind", ["foreign", "cut off", "evil"])
def test_a_picture_that_was_not_saved_here_is_refused_in_a_sentence_and_nothing_is_lost(open_page, tmp_path, kind):
    page = open_page("draw")
    before = pictures(page)
    settings = {"prompt": EVIL, "steps": 20, "sampler": EVIL}
    png = png_bytes(np.zeros((8, 8, 3), np.uint8), settings if kind == "evil" else None)
    dropped = tmp_path / "picture.png"
    dropped.write_bytes(png[:40] if kind == "cut off" else png)
    page.locator("button", has_text="More").click()
    page.locator("#dropped input[type=file]").set_input_files(dropped)
    page.locator(".toast-body").wait_for()
    assert ("must be" if kind == "evil" else "carries no settings") in page.inner_text(".toast-body")
    assert nothing_became_markup(page)
    assert pictures(page) == before
    assert page.input_value("#prompt textarea") == YELLOW
