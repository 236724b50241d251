"""The lab "break the metrics" of the chapter on GANs, as a visitor meets it, on a page of its own."""

from __future__ import annotations

import pytest

from apps.tabs.gan import metrics
from apps.tabs.gan.metrics_work import recorded, sets
from tests.alone import alone
from tests.browser.controls import told, until
from tutorial.metrics.verdict import Verdict

PIXELS = "(k) => document.querySelectorAll('#metrics-bias canvas')[k].toDataURL()"


@pytest.fixture(scope="module")
def address():
    with alone(metrics.lab) as found:
        yield found


@pytest.fixture
def open_lab(watched, address):
    def go(settings: str = "", **size):
        page = watched(f"{address}{settings}", viewport={"width": 1200, "height": 1300} | size)
        page.wait_for_selector("#metrics-table td")
        page.wait_for_function("document.querySelectorAll('#metrics-bias canvas').length === 3")
        return page

    return go


def table(page) -> dict[str, list[str]]:
    """The texts of the table's body, by the sets' names."""
    rows = page.evaluate("""() => [...document.querySelectorAll("#metrics-table tbody tr")].map(
      (row) => [...row.children].map((cell) => cell.innerText))""")
    return {name: cells for name, *cells in rows}


def note(page) -> str:
    return page.locator("#metrics-table p").inner_text()


def ahead(name: str, n: int) -> Verdict:
    """What was recorded of a set with so many digits."""
    return next(one for one in recorded().sets if one.name == name).verdicts[n]


def size(page, n: str) -> None:
    page.locator(f"#metrics-n input[value='{n}']").check()


def test_it_opens_filled_and_says_who_measured(open_lab):
    page = open_lab()
    rows = table(page)
    assert list(rows) == [trick.name for trick in sets()]
    assert rows["memorised"][3] == f"{ahead('memorised', 1000).frechet:.1f}\nfooled" and rows["memorised"][-1] == "100%"
    assert "Recorded with seed 0, by python -m tutorial.training.evaluate_metrics" in note(page)
    assert page.evaluate("""[...document.querySelectorAll("#metrics-table img")].every(
      (picture) => picture.naturalWidth === 168 && picture.alt)""")
    assert "FD∞ = " in told(page, "metrics-bias")


def test_another_number_of_digits_shows_what_was_recorded_with_it(open_lab):
    page = open_lab()
    size(page, "5000")
    until(page, lambda: table(page)["memorised"][3] == "0.0\nfooled")  # all that the reference has
    size(page, "200")
    until(page, lambda: table(page)["other real digits"][1] == "200")
    assert table(page)["other real digits"][3] == f"{ahead('other real digits', 200).frechet:.1f}"


def test_sets_are_judged_here_row_by_row(open_lab):
    page = open_lab()
    size(page, "100")
    until(page, lambda: table(page)["other real digits"][1] == "100")
    page.fill("#metrics-seed input", "3")
    page.click("#metrics-run")
    until(page, lambda: "…" in table(page)["diffusion"], 90)  # not yet
    until(page, lambda: page.locator("#metrics-status").inner_text().startswith("All"), 120)
    assert note(page).startswith("Measured here, with seed 3.")
    assert not any("…" in row for row in table(page).values())
    assert table(page)["one of each"][2] == "10.00\nfooled"
    assert "metrics-n=100" in page.url and "metrics-seed=3" in page.url


def test_judging_stops_and_the_recorded_table_comes_back(open_lab):
    page = open_lab()
    size(page, "5000")  # so that it is not over before it is stopped
    until(page, lambda: table(page)["other real digits"][1] == "5,000")
    page.click("#metrics-run")
    until(page, lambda: "of" in page.locator("#metrics-status").inner_text(), 90)
    page.click("#metrics-stop")
    until(page, lambda: page.locator("#metrics-status").inner_text().endswith("topped."), 60)
    size(page, "50")
    until(page, lambda: note(page).startswith("Recorded") and table(page)["noisy"][1] == "50")
    page.wait_for_timeout(1000)  # nothing of what was stopped comes after it
    assert note(page).startswith("Recorded with seed 0")
    for name, cells in table(page).items():
        assert cells[1] == "50"
        shown, measured = cells[3].split("\n")[0], ahead(name, 50).frechet
        assert float(shown.replace(",", "")) == pytest.approx(measured, abs=0.05 if measured < 100 else 0.5)


def test_a_bad_seed_gets_a_sentence(open_lab):
    page = open_lab()
    before = table(page)
    page.fill("#metrics-seed input", "-1")
    page.click("#metrics-run")
    toast = page.locator(".toast-body")
    toast.wait_for()
    assert "The seed must be between 0 and" in toast.inner_text()
    assert table(page) == before
    assert note(page).startswith("Recorded")


def test_the_curves_are_scrubbed_without_a_server(open_lab):
    page = open_lab()
    page.wait_for_timeout(500)
    page.asked.clear()
    before = page.evaluate(PIXELS, 0)
    slider = page.locator("#metrics-bias input[type=range]")
    slider.focus()
    page.keyboard.press("Home")
    assert page.locator("#metrics-bias output").inner_text().startswith("N = 50: real ")
    assert page.evaluate(PIXELS, 0) != before
    assert page.asked == []


def test_another_model_stands_beside_and_curves_are_measured_here(open_lab):
    page = open_lab()
    before = page.evaluate(PIXELS, 2)
    page.locator("#metrics-beside input[value='VAE']").check()
    until(page, lambda: page.evaluate(PIXELS, 2) != before)
    assert "Recorded" in told(page, "metrics-bias")
    page.fill("#metrics-bias-seed input", "4")  # not that of the table
    page.locator("#metrics-bias-seed input").press("Tab")
    page.click("#metrics-bias-run")
    until(page, lambda: "Measured here, with seed 4" in told(page, "metrics-bias"), 150)


def test_a_link_brings_the_settings_back(open_lab):
    page = open_lab("?metrics-n=100&metrics-beside=diffusion&metrics-seed=5")
    until(page, lambda: note(page).startswith("Measured here, with seed 5."), 90)
    assert page.locator("#metrics-n input:checked").get_attribute("value") == "100"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_on_a_phone_only_the_table_scrolls(open_lab, theme):
    page = open_lab(f"?__theme={theme}", width=390, height=844)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    box = page.locator("#metrics-table .wide-table")
    assert box.evaluate("(box) => box.scrollWidth > box.clientWidth")
    box.focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    until(page, lambda: box.evaluate("(box) => box.scrollLeft") > 40)
