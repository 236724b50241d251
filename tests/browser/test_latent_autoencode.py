"""The lab "through the autoencoder" as a visitor meets it, on a page of its own."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from apps.tabs.latent.autoencode import lab as autoencode
from apps.tabs.latent.autoencode import pictures as autoencode_pictures
from apps.tabs.latent.autoencode import question as autoencode_question
from tests.alone import alone
from tests.browser.controls import choose, refused, told, until

PLAYERS = ("autoencode", "autoencode-channels", "autoencode-between", "autoencode-away", "autoencode-scale")
PANELS = 4
"""Of each of them."""
INK = """([lab, panel]) => {
  const canvas = document.querySelectorAll(`#${lab} canvas`)[panel];
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.reduce((a, b, k) => (a * 31 + b * (k % 7)) % 1000003, 0);
}"""
FEW = 24
LONG = 200
"""Seconds that may pass on a machine that does much else."""


@pytest.fixture(scope="module")
def address():
    """A page whose question asks fewer critters, and whose clips go in bigger steps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(autoencode_question, "ASKED", FEW)
        patch.setattr(autoencode_pictures, "CROWD", FEW)
        patch.setattr(autoencode_pictures, "FACTORS", [-2.0, -1.0, 0.0, 1.0, 2.0, 3.0])
        patch.setattr(autoencode_pictures, "SHARES", [0.0, 0.25, 0.5, 0.75, 1.0])
        patch.setattr(autoencode_pictures, "DISTANCES", [0.0, 0.5, 1.0, 2.0, 3.0])
        with alone(autoencode.lab) as found:
            yield found


@pytest.fixture
def page(watched, address):
    opened = watched(address, viewport={"width": 1200, "height": 1600})
    seen(opened, "autoencode")
    return opened


def seen(page, player: str) -> None:
    """Scrolls to a player, and waits until it shows its clip; those below the first are made when they are seen."""
    page.locator(f"#{player}").scroll_into_view_if_needed()
    until(page, lambda: canvases(page, player) == PANELS, LONG)


def canvases(page, player: str) -> int:
    return page.locator(f"#{player} canvas").count()


def text(page, part: str) -> str:
    return page.locator(f"#autoencode-{part}").inner_text()


def says(page, part: str, begin: str, end: str = "") -> None:
    """Waits until a line begins and ends like that."""
    until(page, lambda: text(page, part).startswith(begin) and text(page, part).endswith(end), LONG)


def test_everything_is_scrubbed_without_the_server_and_changed_at_once_and_a_question_is_answered(page):
    assert "comes back with a PSNR of" in text(page, "said")
    assert "float16" in text(page, "figures")
    for player in PLAYERS:
        seen(page, player)
    page.wait_for_timeout(500)
    page.asked.clear()
    for player in PLAYERS:
        slider = page.locator(f"#{player} input[type=range]").first
        before = page.evaluate(INK, [player, 1])
        slider.press("End")
        slider.press("ArrowLeft")  # no player opens there
        until(page, lambda player=player, before=before: page.evaluate(INK, [player, 1]) != before)
    assert page.locator("#autoencode-channels output").inner_text() == "factor 2.00"
    assert page.asked == []
    before = page.evaluate(INK, ["autoencode", 2])
    box = page.locator("#autoencode-scale1 input[type=number]")
    box.fill("0")
    box.press("Tab")
    until(page, lambda: "Changed: channel 1 × 0.00." in told(page, "autoencode"), LONG)
    assert page.evaluate(INK, ["autoencode", 2]) != before
    assert "from the changed latent" in text(page, "said")
    assert "autoencode-scale1=0&" in page.url
    choose(page, "autoencode-swap", "channels 1 and 3")
    until(page, lambda: "Changed: swapped channels 1 and 3, channel 1 × 0.00." in told(page, "autoencode"), LONG)
    asked(page)


def asked(page) -> None:
    """The question is stopped, asked again, and asked once more in the midst of that."""
    page.locator("#autoencode-answer").get_by_label("channel 2").check()
    until(page, lambda: f"of {FEW} critters" in text(page, "verdict"), LONG)
    page.click("#autoencode-stop")
    says(page, "verdict", "", f" of {FEW} critters, then stopped.")
    assert canvases(page, "autoencode-tally") == 1  # what there was stays
    page.locator("#autoencode-answer").get_by_label("channel 3").check()
    until(page, lambda: "then stopped" not in text(page, "verdict"), LONG)
    page.locator("#autoencode-answer").get_by_label("channel 4").check()
    says(page, "verdict", "You said: channel 4. It is channel")
    until(page, lambda: canvases(page, "autoencode-channels") == PANELS + 1, LONG)
    assert f"{FEW} fresh critters, decoded just now." in told(page, "autoencode-tally")


def test_other_pictures_go_through_one_in_the_midst_of_another_and_a_bad_one_loses_nothing(page, tmp_path):
    good, bad = tmp_path / "mine.png", tmp_path / "bad.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 60, 3), dtype=np.uint8)).save(good)
    bad.write_bytes(b"<img src=x onerror=alert(1)>")
    before = text(page, "figures")
    page.fill("#autoencode-seed input", "21")
    page.click("#autoencode-run")
    says(page, "said", "Critter 21 comes back")
    until(page, lambda: text(page, "figures") != before, LONG)
    assert "autoencode-seed=21" in page.url
    page.fill("#autoencode-description textarea", "a white one at night <img src=x onerror=alert(1)>")
    page.press("#autoencode-description textarea", "Enter")
    until(page, lambda: "Read from your words: colour white, background night." in told(page, "autoencode"), LONG)
    says(page, "said", "The critter you described comes back")
    page.set_input_files("#autoencode-picture input[type=file]", good)
    until(page, lambda: "Its middle square, scaled to 64 × 64" in told(page, "autoencode"), LONG)
    says(page, "said", "Your picture comes back")
    assert "autoencode-" not in page.url  # no link can bring it
    page.click("#copy-autoencode")
    until(page, lambda: page.locator("#copy-autoencode").inner_text() == "Not for data of your own")
    page.click("#autoencode-stop")
    says(page, "said", "Your picture comes back", "then stopped.")
    before = text(page, "said"), page.evaluate(INK, ["autoencode", 2])
    page.locator("#autoencode-picture").get_by_label("Clear").click()
    page.set_input_files("#autoencode-picture input[type=file]", bad)
    assert "This is no undamaged picture" in refused(page)
    assert (text(page, "said"), page.evaluate(INK, ["autoencode", 2])) == before
    assert page.locator("img[src=x]").count() == 0


def test_a_link_brings_the_settings_back_and_encodes_on_a_phone(watched, address):
    link = f"{address}?autoencode-seed=3&autoencode-scale2=-1&autoencode-swap=channels 1 and 2"
    page = watched(link, viewport={"width": 390, "height": 844})
    says(page, "said", "Critter 3 comes back")
    until(page, lambda: "channel 2 × −1.00" in told(page, "autoencode"), LONG)
    assert page.evaluate("document.documentElement.scrollWidth <= 390")
