"""The game "real or fake?" as a visitor plays it. What is shown is known from its pixels alone."""

from __future__ import annotations

from pathlib import Path

import axe_playwright_python
import pytest
from scipy.stats import binomtest

from apps.tabs.gan import judge
from tests.alone import alone
from tests.browser.controls import until
from tutorial.gans import turing
from tutorial.gans.turing import ROUNDS

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
RUN = """async () => {
  const found = await axe.run(document.querySelector("#judge"), {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] });
  return found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ")).join(" | ")}`);
}"""
PIXELS = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const grey = Array.from({ length: data.length / 4 }, (_, i) => [...data.slice(4 * i, 4 * i + 4)].join());
  return grey.map((rgba) => ({ "255,255,255,255": "1", "0,0,0,255": "0" })[rgba]).join("");
}"""
PLAY = """([truth, plan]) => { // by keys; `plan` says of each digit whether the answer is to be right, or what it is
  const look = PIXELS, game = document.querySelector("#judge .judge");
  return plan.map((what) => {
    const name = truth[look(game.querySelector(".stage canvas"))];
    const said = typeof what === "string" ? what === "real" : (name === "real") === what;
    game.dispatchEvent(new KeyboardEvent("keydown", { key: said ? "r" : "f", bubbles: true }));
    document.activeElement.click(); // as Enter does
    return [name, said];
  });
}""".replace("PIXELS", PIXELS)


@pytest.fixture(scope="module")
def table():
    """A page with the game alone."""
    with alone(judge.lab) as found:
        yield found


@pytest.fixture(scope="module")
def truth():
    """Who drew what, by the pixels: names."""
    return {
        "".join("01"[int(bit)] for bit in x.flatten()): source.name for source in turing.load() for x in source.pictures
    }


@pytest.fixture
def opened(watched, table):
    def go(theme: str = "light", **settings):
        page = watched(f"{table}?__theme={theme}", **{"viewport": {"width": 1100, "height": 900}} | settings)
        page.wait_for_selector("#judge .real:enabled")
        page.asked.clear()
        return page

    return go


def shown(page, truth, selector="#judge .stage canvas") -> str:
    """Who drew the digit on this canvas; KeyError if nobody did."""
    return truth[page.locator(selector).evaluate(PIXELS)]


def verdict(page) -> str:
    return page.locator("#judge .verdict").inner_text()


def play(page, truth, plan) -> list[tuple[str, bool]]:
    """Plays some digits: who drew each, and whether it was called real."""
    return [(name, said) for name, said in page.evaluate(PLAY, [truth, plan])]


def with_right(right: int) -> list[bool]:
    """A whole game with so many right answers."""
    return [k < right for k in range(ROUNDS)]


def test_a_digit_is_on_the_table_at_once_and_an_answer_is_judged(opened, truth):
    page = opened()
    name = shown(page, truth)
    real = name == "real"
    assert page.locator("#judge .round").inner_text() == "Digit 1 of 20"
    page.click("#judge .real")
    assert verdict(page) == ("Right: it is real." if real else f"Wrong: it is fake, drawn by {name}.")
    assert page.locator("#judge .verdict").get_attribute("role") == "status"
    assert page.locator("#judge .round").inner_text() == f"Digit 1 of 20 · {int(real)} of 1 right"
    assert not page.locator("#judge .real").is_visible()
    page.wait_for_timeout(310)
    page.click("#judge .next")
    assert page.locator("#judge .round").inner_text() == f"Digit 2 of 20 · {int(real)} of 1 right"
    assert verdict(page) == ""


def test_a_double_tap_is_one_answer_and_does_not_turn_the_page(opened):
    page = opened()
    page.evaluate("""() => {
      document.querySelector("#judge .fake").dispatchEvent(new MouseEvent("click", { detail: 1 }));
      document.querySelector("#judge .next").dispatchEvent(new MouseEvent("click", { detail: 2 }));
    }""")
    assert page.locator("#judge .round").inner_text().startswith("Digit 1 of 20 · ")


def test_it_is_played_by_keys(opened, truth):
    page = opened()
    page.keyboard.press("r")  # not in the game yet: a letter typed elsewhere answers nothing
    assert verdict(page) == ""
    page.locator("#judge .real").focus()
    for k, (key, said) in enumerate([("r", True), ("ArrowLeft", True), ("F", False), ("ArrowRight", False)]):
        real = shown(page, truth) == "real"
        page.keyboard.press(key)
        assert verdict(page).startswith("Right" if real == said else "Wrong")
        page.keyboard.press(key)  # it is answered; no second answer is taken
        assert page.locator("#judge .round").inner_text().startswith(f"Digit {k + 1} of 20")
        page.keyboard.press(["Enter", " "][k % 2])
        assert page.locator("#judge .round").inner_text().startswith(f"Digit {k + 2} of 20")
    page.keyboard.press("Alt+r")
    assert verdict(page) == ""
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    real = shown(page, truth) == "real"
    page.keyboard.down("Enter")  # the second button says "Fake"
    page.keyboard.down("Enter")  # as a key does that is held down
    assert verdict(page).startswith("Wrong" if real else "Right")
    page.keyboard.up("Enter")


def test_the_score_is_what_python_says_of_it_for_every_score(opened, truth):
    """All 21 games by one visitor; after the first, those that were played so far are counted together."""
    page, games = opened(), []
    for right in range(ROUNDS + 1):
        games.append(play(page, truth, with_right(right)))
        assert page.locator("#judge .score").inner_text() == f"{right} of 20 right"
        low, high = turing.wilson(right, ROUNDS)
        said = page.locator("#judge .meaning").inner_text()
        assert said == turing.verdict(right)
        assert f"interval from {low:.0%} to {high:.0%}" in said
        span = page.locator("#judge .total .span").evaluate("(span) => [span.style.left, span.style.width]")
        assert span == [f"{round(100 * low)}%", f"{round(100 * high) - round(100 * low)}%"]
        check_tally(page, games)
        page.click("#judge .again")
    assert page.asked == []  # nothing left the browser


def check_tally(page, games) -> None:
    counted = [one for game in games[-judge.GAMES :] for one in game]
    right = sum((name == "real") == said for name, said in counted)
    if len(games) == 1:
        assert page.locator("#judge .tally").inner_text() == ""
    else:
        ends = binomtest(right, len(counted)).proportion_ci(method="wilson")
        which = "All your" if len(games) <= judge.GAMES else "Your last"
        assert page.locator("#judge .tally").inner_text() == (
            f"{which} {min(len(games), judge.GAMES)} games: {right} of {len(counted)} right, "
            f"95% interval {round(100 * ends.low)}–{round(100 * ends.high)}%."
        )
    rows = page.locator("#judge tbody tr").evaluate_all(
        "(rows) => rows.map((row) => [...row.cells].map((c) => c.innerText))"
    )
    shares = {}
    for source, (name, _, told) in zip(turing.load(), rows, strict=True):
        answers = [said for drew, said in counted if drew == source.name]
        assert name == ("real digits" if source.real else source.name)
        if not answers:
            assert told == "none came up"
            continue
        ends = binomtest(sum(answers), len(answers)).proportion_ci(method="wilson")
        assert told == f"{sum(answers)} of {len(answers)} ({round(100 * ends.low)}–{round(100 * ends.high)}%)"
        if not source.real:
            shares[name] = sum(answers) / len(answers), ends
    said, most = page.locator("#judge .fooled").inner_text(), max(share for share, _ in shares.values())
    first = [name for name, (share, _) in shares.items() if share == most]
    if most == 0:
        assert said == "No model fooled you."
        return
    assert said.startswith(f"What fooled you most often: {' and '.join(first)}.")
    others = [round(100 * ends.high) for name, (_, ends) in shares.items() if name not in first]
    clear = len(first) == 1 and all(high < round(100 * shares[first[0]][1].low) for high in others)
    assert ("the intervals overlap" in said) != clear


def test_the_gallery_shows_all_digits_with_the_truth_and_the_next_game_shows_others(opened, truth):
    page, seen = opened(), set()
    for _ in range(2):
        game = play(page, truth, with_right(12))
        cells = page.locator("#judge .strip li")
        assert cells.count() == ROUNDS
        for k, (name, said) in enumerate(game):
            cell = f"#judge .strip li:nth-child({k + 1})"
            assert shown(page, truth, f"{cell} canvas") == name
            right = "✓" if said == (name == "real") else "✗"
            assert page.locator(cell).inner_text().split() == [right, name]
            label = page.locator(f"{cell} canvas").get_attribute("aria-label")
            made = "real" if name == "real" else f"fake, drawn by {name}"
            assert label == f"Digit {k + 1}: {made}; you said {'real' if said else 'fake'}."
            picture = page.locator(f"{cell} canvas").evaluate(PIXELS)
            assert picture not in seen
            seen.add(picture)
        assert page.evaluate("document.activeElement.className") == "score"
        page.click("#judge .again")
    assert page.locator("#judge .round").inner_text() == "Digit 1 of 20"


def test_a_fair_coin_decides_and_the_models_take_turns(opened, truth):
    """Many games of one visitor who always says "fake"."""
    page, names = opened(), []
    for _ in range(25):
        names += [name for name, _ in play(page, truth, ["fake"] * ROUNDS)]
        page.click("#judge .again")
    assert binomtest(names.count("real"), len(names)).pvalue > 1e-5
    # Neither is any number of real digits fixed for a game: of 25 games, all would have ten once in 10^18 tries.
    assert len({names[k : k + ROUNDS].count("real") for k in range(0, len(names), ROUNDS)}) > 1
    models = [name for name in names if name != "real"]
    kinds = len(set(truth.values())) - 1
    for first in range(0, len(models) - kinds + 1, kinds):
        assert len(set(models[first : first + kinds])) == kinds


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_rule_of_accessibility_is_broken_and_a_phone_does_not_scroll_sideways(opened, truth, theme):
    page = opened(theme, viewport={"width": 390, "height": 844}, has_touch=True)
    page.add_script_tag(path=AXE)
    assert page.evaluate(RUN) == []
    for button in ("real", "fake"):
        box = page.locator(f"#judge .{button}").bounding_box()
        assert box["height"] >= 48 and box["width"] >= 120
        assert box["y"] + box["height"] < 844  # the digit and both answers are in sight together
    page.tap("#judge .fake")
    assert page.evaluate(RUN) == []
    page.wait_for_timeout(310)
    page.tap("#judge .next")
    play(page, truth, ["real"] * (ROUNDS - 1))
    assert page.evaluate(RUN) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_without_the_sheet_the_game_says_so(browser, table):
    page = browser.new_page()
    page.route("**/gradio_api/file=**", lambda route: route.abort())
    page.goto(table)
    page.wait_for_selector("#judge .round")
    until(page, lambda: "could not be loaded" in page.locator("#judge .round").inner_text())
    assert page.locator("#judge .real").is_disabled()
    page.close()
