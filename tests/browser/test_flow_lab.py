"""The labs "flow" and "slices" of the chapter on four families, as a visitor meets them."""

from __future__ import annotations

import pytest

from tests.browser.controls import choose, told, until

TAB = "Four families"
VALUES = """([lab, panel, name]) => {
  const layer = document.querySelector(`#${lab} clip-player`).panels[panel].layers.find((one) => one.name === name);
  return layer ? [...layer.values.subarray(0, 40)] : [];
}"""
PIXELS = """([lab, panel]) => document.querySelector(`#${lab} clip-player`).panels[panel].canvas.toDataURL()"""


@pytest.fixture
def page(open_page):
    page = open_page("flow", "slices", tab=TAB)
    page.wait_for_selector("#flow canvas")
    page.wait_for_selector("#slices canvas")
    return page


def scrub(page, lab: str, key: str) -> None:
    page.locator(f"#{lab} input[type=range]").press(key)


def test_it_opens_with_finished_pictures(page):
    assert "The spline flow that ships" in told(page, "flow")
    assert "log N(z; 0, I)" in page.locator("#flow-table").inner_text()
    assert "above the truth" in page.locator("#slices-table").inner_text()
    assert page.locator("#slices output").inner_text() == "x₁ = 1.40"


@pytest.mark.parametrize("lab", ["flow", "slices"])
def test_scrubbing_moves_every_panel_and_asks_the_server_nothing(page, lab):
    scrub(page, lab, "Home")
    asked, before = len(page.asked), [page.evaluate(PIXELS, [lab, k]) for k in range(3)]
    for _ in range(30):
        scrub(page, lab, "ArrowRight")
    after = [page.evaluate(PIXELS, [lab, k]) for k in range(3)]
    assert all(one != other for one, other in zip(before, after, strict=True))
    assert len(page.asked) == asked


def test_a_click_follows_a_point(page):
    scrub(page, "flow", "Home")
    before = page.locator("#flow-table").inner_text()
    page.locator("#flow canvas").first.click(position={"x": 120, "y": 90})
    until(page, lambda: page.locator("#flow-table").inner_text() != before)
    first = page.locator("#flow-table").inner_text()
    assert first.count("moves") == 4
    assert page.locator("#flow output").inner_text() == "0.0 of 4 layers"  # who looked back stays there
    scrub(page, "flow", "End")
    page.locator("#flow canvas").nth(1).click(position={"x": 150, "y": 120})  # a place in the noise, taken back
    until(page, lambda: page.locator("#flow-table").inner_text() != first)


def test_a_bad_layer_breaks_the_way_back(page):
    page.get_by_label("one that folds").check()
    until(page, lambda: "With the fold in its middle" in told(page, "flow"))
    assert "the fold moves x₂" in page.locator("#flow-table").inner_text()
    page.get_by_label("one that squashes").check()
    until(page, lambda: "With the squash in its middle" in told(page, "flow"))
    page.get_by_label("none", exact=True).check()
    until(page, lambda: "(recorded)" in told(page, "flow"))
    choose(page, "flow-world", "two moons")
    page.get_by_label("affine", exact=True).check()
    until(page, lambda: "The affine flow" in told(page, "flow"))
    until(page, lambda: page.locator("#flow-table").inner_text().count("moves") == 8)


def test_the_order_turns_the_slice(page):
    line = page.evaluate(VALUES, ["slices", 0, "the slice"])
    assert line[0] == line[2]  # upright
    page.get_by_label("x₂ first").check()
    until(page, lambda: page.locator("#slices output").inner_text() == "x₂ = 1.40")
    line = page.evaluate(VALUES, ["slices", 0, "the slice"])
    assert line[1] == line[3]


def test_it_draws_one_coordinate_after_the_other(page):
    page.get_by_label("how it draws").check()
    until(page, lambda: "300 points" in told(page, "slices"))
    until(page, lambda: page.locator("#slices output").inner_text() == "then x₂, given x₁")
    first = page.evaluate(VALUES, ["slices", 1, "drawn"])
    assert set(first[1::2]) == {-3}  # all on the axis
    page.locator("button", has_text="More").locator("visible=true").first.wait_for()


def test_a_click_writes_out_the_chain_rule(page):
    page.locator("#slices canvas").first.click(position={"x": 150, "y": 90})
    shown = page.locator("#slices-asked")
    until(page, lambda: shown.inner_text().startswith("At (") and "At (2.05" not in shown.inner_text())
    asked = page.locator("#slices-asked").inner_text()
    assert "log p(x₂ | x₁)" in asked
    page.get_by_label("x₂ first").check()
    until(page, lambda: "log p(x₁ | x₂)" in page.locator("#slices-asked").inner_text())
    assert page.locator("#slices-asked").inner_text().split(":")[0] == asked.split(":")[0]  # the same place


def test_a_link_brings_the_settings_back(watched, url_of):
    page = watched(
        f"{url_of(TAB, 'slices')}?slices-world=two+moons&slices-order=x₂+first&slices-shows=its+slices&slices-seed=0"
    )
    page.wait_for_selector("#slices canvas")
    until(page, lambda: page.locator("#slices output").inner_text().startswith("x₂"))
    assert page.locator("#slices-world input").input_value() == "two moons"


def test_the_grid_bends_in_one_direction_at_a_time(page):
    """Between frames 0 and 8 the first layer moves x₂ only; the grid that the page has got says so."""
    moved = page.evaluate("""() => {
      const { layers } = document.querySelector("#flow clip-player").panels[0];
      const { values, shape } = layers.find((layer) => layer.name === "a grid");
      const at = 8 * shape[1] * 2;
      return [0, 1].map((axis) => {
        let most = 0;
        for (let i = axis; i < 2 * shape[1]; i += 2) most = Math.max(most, Math.abs(values[at + i] - values[i]));
        return most;
      });
    }""")
    assert moved[0] == 0
    assert moved[1] > 0.3
