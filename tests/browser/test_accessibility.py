"""axe-core's verdict on every tab, light and dark, with everything unfolded."""

from __future__ import annotations

from pathlib import Path

import axe_playwright_python
import pytest

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
RUN = """async () => {
  const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
  const { violations, passes } = await axe.run(document, { runOnly: rules });
  const broken = violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ")).join(" | ")}`);
  return { broken, passed: passes.length };
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_start_breaks_no_rule(open_page, theme):
    page = open_page(theme=theme, tab="Start")
    page.wait_for_selector("#birth canvas")
    page.wait_for_timeout(500)
    page.add_script_tag(path=AXE)
    assert page.evaluate(RUN)["broken"] == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_rule_of_wcag_a_and_aa_is_broken(open_page, theme):
    page = open_page(theme=theme)
    page.wait_for_selector("#way canvas")
    page.locator("#drawing figcaption button").click()
    for fold in page.locator("button.label-wrap:visible").all():  # Gradio's accordions
        fold.click()
    for fold in page.locator("#pipeline summary").all():
        fold.click()
    page.get_by_text("def denoise_guided").wait_for()
    page.wait_for_selector("#sampler input")
    page.wait_for_timeout(500)
    page.add_script_tag(path=AXE)
    found = page.evaluate(RUN)
    assert found["broken"] == []
    assert found["passed"] > 20
