"""The forward chapter in Chromium: scrubbing, data of every kind, a visitor's picture, the prediction, links, axe."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tests.browser.controls import choose

TAB = "Forward diffusion"
LABS = ("dissolve", "jump", "spend", "ending")
SCRUB = """(lab) => {
  const player = document.querySelector(`#${lab} clip-player`), slider = player.querySelector("input");
  const seen = new Set(), times = [];
  for (let k = 0; k <= slider.max; k++) {
    const begun = performance.now();
    slider.value = k;
    slider.dispatchEvent(new Event("input"));
    times.push(performance.now() - begun);
    seen.add(player.querySelector("canvas").toDataURL());
  }
  return { frames: Number(slider.max) + 1, seen: seen.size, median: times.sort((a, b) => a - b)[times.length >> 1] };
}"""

COLOURS = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return new Set(new Uint32Array(data.buffer)).size;
}"""


@pytest.fixture
def page(open_page):
    page = open_page("dissolve", "jump", "spend", "ending", tab=TAB)
    for lab in LABS:
        page.wait_for_selector(f"#{lab} canvas")
    return page


def note(page, lab: str, text: str) -> None:
    """Waits until a lab's note has this text."""
    page.wait_for_function(
        "([lab, text]) => document.querySelector(`#${lab} .note`)?.textContent.includes(text)", arg=[lab, text]
    )


@pytest.mark.parametrize("lab", ["dissolve", "jump", "ending"])
def test_scrubbing_is_instant_and_asks_nobody(page, lab):
    page.wait_for_timeout(500)
    page.asked.clear()
    measured = page.evaluate(SCRUB, lab)
    page.wait_for_timeout(300)
    assert measured["frames"] > 10
    assert measured["seen"] == measured["frames"]
    assert measured["median"] <= 16
    assert [asked for asked in page.asked if "gradio_api" in asked] == []  # fonts may still be coming


def test_every_lab_opens_with_something_drawn(page):
    for lab in LABS:
        for canvas in page.locator(f"#{lab} canvas").all():
            assert canvas.evaluate(COLOURS) > 1


def test_dissolve_takes_points_digits_and_another_schedule(page):
    choose(page, "dissolve-data", "eight Gaussians")
    note(page, "dissolve", "by quadrature")
    choose(page, "dissolve-data", "spiral")
    note(page, "dissolve", "estimated")
    choose(page, "dissolve-data", "digits")
    note(page, "dissolve", "in closed form")
    page.get_by_label("cosine", exact=True).first.check()
    note(page, "dissolve", "−86 dB")
    assert "dissolve-schedule=cosine" in page.url


def test_a_choice_made_by_keys_runs_the_lab(page):
    box = page.locator("#dissolve-data input")
    box.focus()
    box.press("ArrowDown")
    box.press("ArrowUp")
    box.press("Enter")
    chosen = box.input_value()
    page.wait_for_function("location.search.includes('dissolve-data=')")
    assert chosen.split()[0] in page.url


def test_a_visitors_own_points_and_picture_dissolve(page, tmp_path):
    choose(page, "dissolve-data", "draw your own")
    note(page, "dissolve", "Draw a few points")
    box = page.locator("#dissolve canvas").bounding_box()
    page.mouse.move(box["x"] + 80, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 160, box["y"] + 120, steps=5)
    page.mouse.up()
    note(page, "dissolve", "by quadrature")
    page.get_by_text("More: your own picture").click()
    Image.fromarray(np.full((30, 40, 3), 200, np.uint8)).save(tmp_path / "mine.png")
    page.set_input_files("#own-picture input[type=file]", tmp_path / "mine.png")
    note(page, "dissolve", "in closed form")
    assert page.locator("#dissolve-data input").input_value() == "your own picture"


def test_a_file_that_is_no_picture_gets_a_plain_sentence(page, tmp_path):
    before = page.locator("#dissolve .note").inner_text()
    page.get_by_text("More: your own picture").click()
    (tmp_path / "mine.png").write_bytes(b"<img src=x onerror=alert(1)>")
    page.set_input_files("#own-picture input[type=file]", tmp_path / "mine.png")
    page.get_by_text("This is no undamaged picture").wait_for()
    assert page.locator("img[src=x]").count() == 0
    assert page.locator("#dissolve .note").inner_text() == before  # what was shown is still there


def test_who_has_said_what_will_happen_may_run_the_mistake(page):
    wrong = page.locator("#factor input").nth(1)
    assert wrong.is_disabled()
    sent = []
    page.on("request", lambda request: sent.append(request.post_data or ""))
    page.get_by_label("N(0, I) all the same").check()
    page.wait_for_function("!document.querySelectorAll('#factor input')[1].disabled")
    wrong.check()
    note(page, "jump", "not the same distribution")
    page.get_by_text("You said N(0, I)").wait_for()
    assert any("β" in text or "\\u03b2" in text for text in sent)
    assert not any("all the same" in text for text in sent)  # what was predicted stays here


def test_schedules_are_compared_on_other_data(page):
    choose(page, "spend-data", "eight Gaussians")
    note(page, "spend", "linear 4")  # nearly half of its steps are spent on noise
    choose(page, "ending-data", "eight Gaussians")
    page.wait_for_function("document.querySelector('#ending canvas').getAttribute('role') === 'application'")
    assert "spend-data" not in page.url  # the address holds the lab that ran last
    assert "ending-data=eight+Gaussians" in page.url


def test_a_link_brings_back_a_lab(open_page, watched, url):
    page = watched(f"{url}?jump-data=digits&jump-factor=%CE%B2&jump-steps=50")
    page.wait_for_selector("#jump canvas")
    note(page, "jump", "not the same distribution")
    assert page.locator("#jump-data input").input_value() == "digits"


def test_a_bad_link_gets_a_plain_sentence(watched, url_of):
    page = watched(f"{url_of(TAB, 'dissolve')}?dissolve-steps=1e9")
    page.get_by_text("must be between 10 and 1,000").wait_for()
    page.get_by_role("tab", name=TAB).click()
    note(page, "dissolve", "T = 1000")
    assert "Traceback" not in page.inner_text("body")


def test_a_bad_link_shows_the_lab_that_it_was_for(watched, url_of):
    page = watched(f"{url_of(TAB, 'dissolve', 'spend', 'ending')}?ending-data=planets")
    page.get_by_text("must be one of").wait_for()
    assert page.evaluate("window.scrollY") > 300
