"""axe-core's verdict on every tab, light and dark, with everything unfolded."""

from __future__ import annotations

from pathlib import Path

import axe_playwright_python
import pytest

from apps import shell
from apps.tabs import latent, start

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
RUN = """async (theme) => {
  const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
  const found = [];
  if (theme === "light")  // a theme is colours, and all else is the same in both
    found.push(await axe.run(document, { runOnly: rules, rules: { "color-contrast": { enabled: false } } }));
  // Formulas are of their paragraph's colour, and of thousands of elements.
  found.push(await axe.run({ exclude: [".katex"] }, { runOnly: { type: "rule", values: ["color-contrast"] } }));
  const broken = found.flatMap(({ violations }) =>
    violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ")).join(" | ")}`));
  return { broken, passed: found.flatMap(({ passes }) => passes).length };
}"""


STILL = "document.getAnimations().every((one) => one.playState !== 'running')"
OTHERS = [chapter.TITLE for chapter in shell.TABS if chapter is not latent]


def see_all(page) -> None:
    """Scrolls past every player: it shows something when it comes near the screen."""
    for player in page.locator("clip-player:visible").all():
        player.scroll_into_view_if_needed()
        player.locator("canvas").first.wait_for()


def unfold(page) -> None:
    """Opens Gradio's accordions; of those with code, which are all alike, two, and one with what it printed."""
    for fold in page.locator(":not(.code) > button.label-wrap:visible").all():
        fold.click()
    for fold in page.locator(".code > button.label-wrap:visible").all()[:2]:
        fold.click()
    for fold in page.locator(".code > button.label-wrap:visible", has_text="what it printed").all()[-1:]:
        fold.click()


def check(page, theme: str, least: int) -> None:
    """No rule is broken in this theme; in light, where it is more than colours, so many at least were passed."""
    page.evaluate("theme => document.body.classList.toggle('dark', theme === 'dark')", theme)
    page.wait_for_timeout(300)
    page.wait_for_function(STILL)  # Gradio fades controls in
    found = page.evaluate(RUN, theme)
    assert found["broken"] == []
    assert found["passed"] > (least if theme == "light" else 0)


@pytest.mark.parametrize("tab", OTHERS)
def test_no_rule_is_broken_and_a_phone_does_not_scroll_sideways(open_page, tab):
    """In light, dark and 390 pixels, in turn on one page."""
    page = open_page(tab=tab, whole=tab == start.TITLE)  # with all tabs once
    see_all(page)
    unfold(page)
    page.wait_for_timeout(500)
    page.add_script_tag(path=AXE)
    for theme in ("light", "dark"):
        check(page, theme, 15)
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_latent_chapter_breaks_no_rule(open_page):
    """Neither in light nor, on the same page, in dark."""
    page = open_page()
    page.wait_for_selector("#way canvas")
    page.locator("#drawing figcaption button").click()
    unfold(page)
    for fold in page.locator("#pipeline summary").all():
        fold.click()
    page.locator(".code pre").nth(1).wait_for()
    page.wait_for_selector("#sampler input")
    page.wait_for_timeout(500)
    page.add_script_tag(path=AXE)
    for theme in ("light", "dark"):
        check(page, theme, 20)
