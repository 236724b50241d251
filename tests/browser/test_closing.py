"""The closing chapter, as a visitor meets it: on contenders that have learned nothing, and on made-up records."""

from __future__ import annotations

import pytest

from apps.shell import serve
from apps.tabs import closing, forward
from apps.tabs.closing import ways
from tests.alone import alone
from tests.apps.closing_stage import staged
from tests.browser.controls import choose, refused, stroke, told, until

PIXELS = "([lab, k]) => document.querySelectorAll(`#${lab} canvas`)[k].toDataURL()"
PLAYERS = (
    "contest-race",
    "scoreboard-chart",
    "scoreboard-sheet",
    "contest-tasks",
    "stability",
    "contest-steps-chart",
    "contest-steps-sheets",
    "patch",
)


@pytest.fixture(scope="module")
def address():
    with staged(), alone(closing.build) as found:
        yield found


@pytest.fixture
def open_page(watched, address):
    def go(settings: str = "", **size):
        page = watched(f"{address}{settings}", viewport={"width": 1200, "height": 1100} | size)
        page.wait_for_selector("#contest-race canvas")
        return page

    return go


def near(page, lab: str) -> None:
    """Scrolls to a player, and waits until it shows something."""
    page.locator(f"#{lab}").scroll_into_view_if_needed()
    page.wait_for_selector(f"#{lab} canvas", timeout=120_000)


def said(page, name: str) -> str:
    return page.locator(f"#{name}").inner_text()


def test_no_picture_is_blank_and_each_says_who_made_it(open_page):
    page = open_page()
    for lab in PLAYERS:
        near(page, lab)
        assert len(page.evaluate(PIXELS, [lab, 0])) > 1000
    for lab in ("contest-race", "scoreboard-chart", "stability", "contest-steps-chart", "patch"):
        assert "Recorded by python -m tests" in told(page, lab)
    assert page.locator("#closing-verdict li").count() == 9
    assert page.locator("#ledger li > strong").count() == 25


def test_all_six_race_and_the_film_is_scrubbed_without_a_server(open_page):
    page = open_page()
    page.click("#contest-race-run")
    until(page, lambda: "in fair turns" in said(page, "contest-race-said"), 60)
    assert "…" in said(page, "contest-race-table")
    until(page, lambda: said(page, "contest-race-said").startswith("All are there"), 200)
    until(page, lambda: page.locator("#contest-race input[type=range]").count() == 1)
    assert "…" not in said(page, "contest-race-table")
    page.wait_for_timeout(500)
    page.asked.clear()
    before = page.evaluate(PIXELS, ["contest-race", 5])
    page.locator("#contest-race input[type=range]").press("Home")
    until(page, lambda: page.evaluate(PIXELS, ["contest-race", 5]) != before)
    assert page.asked == []
    assert "contest-race-seed=0" in page.url


def test_a_race_is_stopped(open_page):
    page = open_page()
    choose(page, "contest-race-digit", "8")
    page.click("#contest-race-run")
    until(page, lambda: "in fair turns" in said(page, "contest-race-said"), 60)
    page.click("#contest-race-stop")
    until(page, lambda: said(page, "contest-race-said").endswith("then stopped."), 60)
    assert "…" in said(page, "contest-race-table")  # somebody had not arrived, and does not any more


def test_the_table_is_sorted_by_a_click_and_by_keys(open_page):
    page = open_page()
    names = "[...document.querySelectorAll('#scoreboard tbody th')].map((cell) => cell.innerText)"
    first = page.evaluate(names)
    head = page.locator("#scoreboard thead button", has_text="recall")
    head.click()
    assert page.evaluate(names)[:2] == ["other real digits", "pixel diffusion"]
    head.focus()
    page.keyboard.press("Enter")
    assert page.evaluate(names)[0] == "flow"
    assert page.locator("#scoreboard th[aria-sort=ascending]").count() == 1
    page.locator("#scoreboard thead button", has_text="nats").click()
    assert page.evaluate(names)[0] == "PixelCNN"
    assert set(page.evaluate(names)[-3:]) == {"GAN", "latent diffusion", "other real digits"}  # what has none
    assert sorted(page.evaluate(names)) == sorted(first)


def test_a_dot_opens_to_its_samples_and_command(open_page):
    page = open_page()
    near(page, "scoreboard-chart")
    near(page, "scoreboard-sheet")
    assert "--family gan --seed 0" in said(page, "scoreboard-about")
    before = page.evaluate(PIXELS, ["scoreboard-sheet", 0])
    canvas = page.locator("#scoreboard-chart canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.click(box["x"] + 0.35 * box["width"], box["y"] + 0.1 * box["height"])
    until(page, lambda: "--family gan" not in said(page, "scoreboard-about"))
    until(page, lambda: page.evaluate(PIXELS, ["scoreboard-sheet", 0]) != before)
    choose(page, "scoreboard-family", "latent diffusion")
    page.locator("#scoreboard-run").get_by_label("seed 2").check()
    until(page, lambda: "--family latent_diffusion --seed 2" in said(page, "scoreboard-about"))
    before = page.evaluate(PIXELS, ["scoreboard-chart", 0])
    choose(page, "scoreboard-x", "recall")
    until(page, lambda: page.evaluate(PIXELS, ["scoreboard-chart", 0]) != before)


def test_a_family_is_measured_here_and_a_bad_seed_refused(open_page):
    page = open_page()
    page.fill("#contest-again-seed input", "-1")
    page.click("#contest-again-measure")
    assert "The seed must be between" in refused(page)
    page.fill("#contest-again-seed input", "4")
    page.click("#contest-again-measure")
    until(page, lambda: "2 of 2 sets" in said(page, "contest-again-said"), 120)
    assert "measured here" in said(page, "contest-again-table") and "drawn from seed 4" in said(
        page, "contest-again-table"
    )


def test_tasks_are_done_or_said_to_be_impossible(open_page):
    page = open_page()
    near(page, "contest-tasks")
    page.locator("#contest-tasks-task input[value=log_likelihood]").check()
    until(page, lambda: "4 of 6 can" in said(page, "contest-tasks-said"), 120)
    titles = page.locator("#contest-tasks .panel-title").all_inner_texts()
    assert sum("impossible" in title for title in titles) == 2
    assert "GAN: It has no density" in said(page, "contest-tasks-said")
    stroke(page, "contest-tasks", (0.5, 0.2), (0.5, 0.8))
    until(page, lambda: page.locator("#contest-tasks-source").get_by_label("draw your own").is_checked(), 30)
    page.locator("#contest-tasks-task input[value=invert]").check()
    until(page, lambda: "5 of 6 can" in said(page, "contest-tasks-said"), 120)
    assert "PixelCNN: It has no code" in said(page, "contest-tasks-said")


def test_learning_rates_steps_and_the_discriminator(open_page):
    page = open_page()
    for lab, control, option in (
        ("stability", "stability-column", "recall"),
        ("patch", "patch-digit", "7"),
    ):
        near(page, lab)
        before = page.evaluate(PIXELS, [lab, 1])
        page.locator(f"#{control}").get_by_label(option, exact=True).check()
        until(page, lambda lab=lab, before=before: page.evaluate(PIXELS, [lab, 1]) != before)
    near(page, "contest-steps-sheets")
    page.locator("#contest-steps-steps").get_by_label("1", exact=True).check()
    page.click("#contest-steps-draw")
    until(page, lambda: said(page, "contest-steps-said") == "Drawn with 1 steps.", 90)
    until(page, lambda: page.locator("#contest-steps-sheets canvas").count() == 3, 60)


def test_the_verdict_and_the_address_lead_to_the_labs(open_page, address):
    page = open_page()
    page.locator("#closing-verdict a", has_text="stability").click()
    until(page, lambda: page.evaluate("document.activeElement.id") == "stability")
    assert "#" not in page.url
    page.goto("about:blank")
    page.goto(address + ways.address("GANs", "patch"))  # the title of the tab that `alone` serves
    until(page, lambda: page.evaluate("document.activeElement.id") == "patch")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_on_a_phone_only_tables_scroll(open_page, theme):
    page = open_page(f"?__theme={theme}", width=390, height=844)
    for lab in PLAYERS:
        near(page, lab)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    tops = page.evaluate("[...document.querySelectorAll('#contest-race .panel')].map((panel) => panel.offsetTop)")
    assert tops[0] == tops[1] < tops[2] == tops[3] < tops[4]


def test_the_ledger_leads_into_other_chapters(watched):
    """On a page with two of them."""
    with staged():
        page = serve([closing, forward], prevent_thread_lock=True, quiet=True)
        try:
            shown = watched(page.local_url, viewport={"width": 1200, "height": 1000})
            shown.wait_for_selector("#ledger a")
            shown.locator("#ledger a", has_text="Forward diffusion, “ending”").click()
            until(shown, lambda: shown.evaluate("document.activeElement.id") == "ending", 60)
            assert shown.get_by_role("tab", selected=True).inner_text() == forward.TITLE
            shown.goto("about:blank")
            shown.goto(page.local_url + ways.address(forward.TITLE, "dissolve"))
            until(shown, lambda: shown.evaluate("document.activeElement.id") == "dissolve", 60)
            assert shown.url.rstrip("/") == page.local_url.rstrip("/")
        finally:
            page.close()
