"""The labs "panel" and "gan" of the chapter "Four families", as a visitor meets them."""

from __future__ import annotations

import re

import pytest

from tests.browser.controls import choose, stands_still, stroke, told, until

TAB = "Four families"
FAMILIES = ["flow", "autoregressive", "GAN", "VAE", "diffusion"]
LAYER = """([lab, panel, name]) => {
  const layer = document.querySelector(`#${lab} clip-player`).panels[panel].layers.find((one) => one.name === name);
  return layer && Array.from(layer.values);
}"""


@pytest.fixture
def page(open_page):
    page = open_page("panel", "gan", tab=TAB)
    page.wait_for_function("document.querySelectorAll('#panel canvas').length === 6")
    page.wait_for_function("document.querySelectorAll('#panel-curves canvas').length === 5")
    page.wait_for_function("document.querySelectorAll('#gan canvas').length === 3")
    return page


def seconds(page) -> float:
    """Of computing, as the note says; −1 for the recorded run."""
    note = told(page, "panel")
    found = re.match(r"([\d.]+) s of computing", note)
    return float(found[1]) if found and "recorded" not in note else -1


def table(page) -> list[list[str]]:
    """The texts of the table's body."""
    return page.evaluate("""() => [...document.querySelectorAll("#panel-table tbody tr")].map(
      (row) => [...row.children].map((cell) => cell.innerText))""")


def updates(page) -> list[int]:
    return [int(row[5].split("\n")[0].replace(",", "")) for row in table(page)]


def test_it_opens_with_a_recorded_run_that_says_so(page):
    assert "recorded run, made by python -m tutorial.training.point_families" in told(page, "panel")
    rows = table(page)
    assert [row[0] for row in rows] == FAMILIES
    assert "no encoder" in rows[2]
    assert all("floor" in rows[k][2] for k in (0, 1, 3, 4))


def test_five_train_pause_go_on_and_begin_anew(page):
    page.click("#panel-train")
    until(page, lambda: seconds(page) > 0, 60)
    first, moved = updates(page), page.evaluate(LAYER, ["panel", 1, "samples"])
    until(page, lambda: all(a > b for a, b in zip(updates(page), first, strict=True)), 60)
    assert page.evaluate(LAYER, ["panel", 1, "samples"]) != moved
    page.click("#panel-pause")
    page.click("#panel-pause")  # once more changes nothing
    until(page, lambda: "paused" in told(page, "panel"), 60)
    assert stands_still(page, "panel")
    assert not any("…" in cell for row in table(page) for cell in row)  # at a pause, all is measured
    held = updates(page)
    page.click("#panel-step")
    until(page, lambda: updates(page) == [step + 1 for step in held], 60)
    page.click("#panel-reset")
    until(page, lambda: updates(page) == [0] * 5, 60)
    assert "before they have learned anything" in told(page, "panel")


def test_the_learning_rate_acts_in_mid_run_and_other_data_begins_anew(page):
    page.click("#panel-train")
    until(page, lambda: seconds(page) > 0, 60)
    choose(page, "panel-rate", "0.0001")
    before = updates(page)
    until(page, lambda: all(a > b for a, b in zip(updates(page), before, strict=True)), 60)  # the same run
    assert "panel-rate=0.002" in page.url
    choose(page, "panel-world", "spiral")
    until(page, lambda: "floor" not in table(page)[0][2], 60)  # of the spiral, nobody knows the density
    assert [row[4] for row in table(page)] == ["–"] * 5
    page.click("#panel-pause")


def test_strokes_become_data_of_all_five(page):
    stroke(page, "panel", (0.4, 0.4), (0.7, 0.5))
    until(page, lambda: page.locator("#panel-world input").input_value() == "draw your own")
    until(page, lambda: updates(page) == [0] * 5, 60)
    for panel in range(6):
        data = page.evaluate(LAYER, ["panel", panel, "data"])
        assert -1.6 < min(data[::2]) < max(data[::2]) < 2.1
    page.get_by_role("button", name="More").first.click()
    page.click("#panel-clear")
    until(page, lambda: "Draw a few points" in told(page, "panel"))


def test_a_key_scrolls_the_table_on_a_phone_and_new_rows_leave_it_there(open_page):
    page = open_page("panel", "gan", width=390, height=844, tab=TAB)
    page.wait_for_selector("#panel-table td")
    box = page.locator("#panel-table .wide-table")
    assert box.evaluate("(box) => box.scrollWidth > box.clientWidth")
    box.focus()
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    until(page, lambda: box.evaluate("(box) => box.scrollLeft") > 60)
    page.wait_for_timeout(300)  # the last scroll runs out
    left = box.evaluate("(box) => box.scrollLeft")
    page.click("#panel-step")
    until(page, lambda: updates(page) == [1] * 5, 60)
    assert box.evaluate("(box) => box.scrollLeft") == left


def test_the_game_is_scrubbed_without_a_server(page):
    assert "A recorded game, made by python -m tutorial.training.point_gan" in page.locator("#gan-said").inner_text()
    page.wait_for_timeout(500)
    page.asked.clear()
    before = page.evaluate("document.querySelector('#gan canvas').toDataURL()")
    for _ in range(5):
        page.locator("#gan").get_by_role("button", name="One frame back").click()
    assert page.evaluate("document.querySelector('#gan canvas').toDataURL()") != before
    assert page.locator("#gan output").inner_text().startswith("round 1,")
    assert page.asked == []


def test_a_game_is_played_and_stopped(page):
    before = page.evaluate(LAYER, ["gan", 0, "fakes G(z)"])
    page.fill("#gan-seed input", "1")
    page.click("#gan-play")
    until(page, lambda: page.evaluate(LAYER, ["gan", 0, "fakes G(z)"]) != before, 30)  # the film grows as it is played
    page.click("#gan-stop")
    until(page, lambda: page.locator("#gan-said").inner_text().endswith("of 2,000 rounds played, then stopped."), 30)
    page.click("#gan-play")
    until(page, lambda: "after 2,000 rounds" in page.locator("#gan-said").inner_text(), 90)
    assert page.evaluate(LAYER, ["gan", 0, "fakes G(z)"]) != before
    assert "gan-seed=1" in page.url
