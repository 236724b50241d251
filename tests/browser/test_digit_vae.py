"""The labs on the autoencoder of digits, as a visitor meets them."""

from __future__ import annotations

import re

import pytest

from tests.browser.controls import stands_still, told, until

TAB = "Four families"
INK = """(panel) => {
  const canvas = document.querySelectorAll("#codes canvas")[panel];
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.reduce((a, b) => a + b, 0);
}"""
"""A number that changes with what a canvas of the map's lab shows."""


@pytest.fixture
def page(open_page):
    page = open_page("codes", "rate", "gap", tab=TAB)
    for lab in ("gap", "rate", "codes"):
        page.locator(f"#{lab}").scroll_into_view_if_needed()
        page.wait_for_selector(f"#{lab} canvas")
    return page


def place(page, u: float, v: float) -> tuple[float, float]:
    """Where on the screen a place of the map is, from its upper left corner (0, 0) to (1, 1), margin included."""
    canvas = page.locator("#codes canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    return box["x"] + u * box["width"], box["y"] + v * box["height"]


def test_the_picture_at_the_pointer_follows_it_without_the_server(page):
    page.mouse.move(*place(page, 0.4, 0.4))
    before, asked = page.evaluate(INK, 1), len(page.asked)
    seen = set()
    for k in range(8):
        page.mouse.move(*place(page, 0.4 + 0.05 * k, 0.4))
        seen.add(page.evaluate(INK, 1))
    assert len(seen - {before}) >= 7
    assert len(page.asked) == asked


def test_a_walk_is_drawn_and_scrubbed(page):
    page.mouse.move(*place(page, 0.3, 0.3))
    page.mouse.down()
    page.mouse.move(*place(page, 0.8, 0.6), steps=10)
    page.mouse.up()
    start = "document.querySelector('#codes clip-player').panels[0].layers.find((l) => l.name === 'the walk').values[0]"
    until(page, lambda: page.evaluate(start) < 0)
    asked = len(page.asked)
    shown = set()
    for _ in range(10):
        page.locator("#codes input[type=range]").first.press("ArrowLeft")
        shown.add(page.evaluate(INK, 2))
    assert len(shown) >= 8
    assert len(page.asked) == asked


def test_a_walk_by_keys(page):
    canvas = page.locator("#codes canvas").first
    canvas.focus()
    for _ in range(3):
        canvas.press("Shift+ArrowRight")
    canvas.press("Enter")
    values = "document.querySelector('#codes clip-player').panels[0].layers.find((l) => l.name === 'the walk').values"
    until(page, lambda: abs(page.evaluate(f"(() => {{ const v = {values}; return v[v.length - 1]; }})()")) < 0.1)
    assert page.locator("#codes output").inner_text().endswith("0.00)")  # keys went to the right only: z₂ stays 0


def test_beta_and_highlight_change_the_map(page):
    page.locator("#codes-highlight").get_by_label("3", exact=True).check()
    until(page, lambda: "every 3" in page.locator("#codes").inner_text())
    page.locator("#codes-beta").get_by_label("10", exact=True).check()
    until(page, lambda: "β = 10," in told(page, "codes"))
    assert "codes-beta=10" in page.url
    assert "codes-highlight=3" in page.url


def test_another_digit_is_reconstructed(page):
    before = told(page, "remade")
    assert re.search(r"Reconstruction −\d+\.\d nats − KL \d+\.\d nats = ELBO −\d+\.\d nats", before)
    page.locator("#codes-digit input[type=number]").fill("7")
    page.locator("#codes-digit input[type=number]").press("Enter")
    page.click("#codes-show")
    until(page, lambda: "test digit 7" in page.locator("#remade").inner_text())
    assert told(page, "remade") != before


def test_a_link_brings_the_settings_back(page, watched, url_of):
    again = watched(f"{url_of(TAB, 'codes')}?codes-beta=0.3&codes-highlight=7&codes-digit=12&codes-seed=5")
    again.wait_for_selector("#codes canvas")
    until(again, lambda: "β = 0.3," in told(again, "codes"), 30)
    until(again, lambda: "test digit 12" in again.locator("#remade").inner_text())
    assert "β = 0.3," in told(again, "codes")  # what the page opens with did not come over it


def test_recorded_runs_say_so_and_are_scrubbed_here(page):
    note = told(page, "rate")
    assert "made by python -m tutorial.training.digit_vae --latent 2 --beta 1, the others alike" in note
    asked = len(page.asked)
    slider = page.locator("#rate input[type=range]").first
    slider.press("Home")
    assert "β = 0.1:" in page.locator("#rate output").inner_text()
    slider.press("End")
    assert "β = 10:" in page.locator("#rate output").inner_text()
    assert len(page.asked) == asked


def updates(page) -> int:
    found = re.search(r"([\d,]+) updates", told(page, "rate"))
    return int(found[1].replace(",", "")) if found else -1


def test_a_beta_is_trained_again_pauses_goes_on_and_begins_anew(page):
    page.click("#rate-train")
    until(page, lambda: updates(page) > 5, 30)
    page.click("#rate-train")  # a second click during a run is passed over
    first = updates(page)
    until(page, lambda: updates(page) > first)
    page.click("#rate-pause")
    until(page, lambda: "paused" in told(page, "rate"))
    assert stands_still(page, "rate")
    held = updates(page)
    assert "your run, β = 1" in page.locator("#rate").inner_text()
    page.click("#rate-train")
    until(page, lambda: updates(page) > held)
    page.click("#rate-pause")
    until(page, lambda: "paused" in told(page, "rate"))
    page.click("#rate-reset")
    until(page, lambda: "Recorded runs" in told(page, "rate"))


def test_codes_are_weighed_anew(page):
    before = told(page, "gap")
    page.locator("#gap-beta").get_by_label("10", exact=True).check()
    page.click("#gap-run")
    until(page, lambda: told(page, "gap").startswith("β = 10: ELBO"), 30)
    elbo, most, exact = (float(x.replace("−", "-")) for x in re.findall(r"−\d+\.\d+", told(page, "gap"))[:3])
    assert elbo < most < exact + 0.3
    assert before.startswith("β = 1:")
