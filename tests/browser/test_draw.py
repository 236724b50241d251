"""The chapter on latent diffusion as a visitor meets it, in Chromium."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from gradio_client import Client

from apps import limits
from tests.browser.drawing import WATCH_STATUS, YELLOW, draw, finished, pictures, redrawn, set_number


def test_the_page_opens_with_a_finished_picture(open_page):
    page = open_page("draw")
    assert len(pictures(page)) == 1
    assert page.locator("#drawing .cell > img").get_attribute("alt").startswith("A drawn critter: colour")
    assert "network evaluations" in page.locator("#drawing .status").inner_text()


def test_type_a_prompt_and_watch_it_appear(open_page):
    page = open_page("draw")
    before = pictures(page)
    page.evaluate(WATCH_STATUS)
    page.fill("#prompt textarea", "a blue one with a crown")
    with redrawn(page):
        draw(page)
    assert pictures(page) != before
    assert "colour blue" in page.locator("#drawing .cell > img").get_attribute("alt")
    assert any(re.match(r"step \d+ of 20", text) for text in page.evaluate("window.seen"))


def test_same_seed_same_picture_and_more_pictures_keep_the_first(open_page):
    page = open_page("draw")
    with redrawn(page):
        draw(page)
    alone = page.locator("#drawing figcaption button").all_inner_texts()
    set_number(page, "n", 3)
    draw(page)
    page.wait_for_function("document.querySelectorAll('#drawing .cell > img').length === 3")
    assert page.locator("#drawing figcaption button").all_inner_texts() == [*alone, "seed 2", "seed 3"]
    assert len(set(pictures(page))) == 3


def test_stop_stops_and_the_page_goes_on(open_page):
    page = open_page("draw")
    set_number(page, "steps", 100)
    set_number(page, "n", 9)
    draw(page)
    page.wait_for_selector("#drawing canvas")
    page.click("#stop")
    page.wait_for_function("document.querySelector('#drawing .status').textContent.startsWith('Stopped at step')")
    page.wait_for_timeout(700)
    assert page.locator("#drawing canvas").count() == 9  # the last preview stays, and no newer one came
    stopped = page.locator("#drawing .status").inner_text()
    page.wait_for_timeout(500)
    assert page.locator("#drawing .status").inner_text() == stopped
    set_number(page, "n", 1)
    set_number(page, "steps", 5)
    draw(page)
    finished(page)
    assert len(pictures(page)) == 1


def long_run(page) -> None:
    """Nine pictures in a hundred steps, begun."""
    set_number(page, "steps", 100)
    set_number(page, "n", 9)
    draw(page)
    page.wait_for_function("document.querySelectorAll('#drawing canvas').length === 9")


def test_a_click_during_a_run_ends_it_and_begins_another(open_page):
    page = open_page("draw")
    long_run(page)
    set_number(page, "steps", 5)
    page.fill("#seed input", "8")
    for _ in range(3):  # an impatient one
        draw(page)
    page.wait_for_function("document.querySelectorAll('#drawing .cell > img').length === 9")
    assert page.locator("#drawing figcaption").first.inner_text() == "seed 8"
    page.wait_for_function("document.querySelector('#way input').max === '5'")
    shown = pictures(page)
    page.evaluate(WATCH_STATUS)
    page.wait_for_timeout(1000)
    assert page.evaluate("window.seen") == []
    assert pictures(page) == shown


def test_stop_ends_whatever_was_clicked_before_and_nothing_that_comes_after(open_page):
    page = open_page("draw")
    long_run(page)
    draw(page)
    page.click("#stop")
    page.wait_for_timeout(500)
    page.evaluate(WATCH_STATUS)
    page.wait_for_timeout(1000)
    assert page.evaluate("window.seen") == []
    long_run(page)
    page.click("#stop")
    draw(page)
    page.wait_for_function("window.seen.at(-1).startsWith('step')")
    page.click("#stop")
    page.wait_for_function("window.seen.at(-1).startsWith('Stopped at step')")


def test_an_example_fills_the_prompt_and_draws(open_page):
    page = open_page("draw")
    with redrawn(page):
        page.locator("#examples button", has_text="a pink critter with one eye").click()
    assert page.input_value("#prompt textarea") == "a pink critter with one eye and a top hat under the sea"
    assert "colour pink" in page.locator("#drawing .cell > img").get_attribute("alt")


def test_without_a_prompt_something_is_drawn_and_the_page_says_why(open_page):
    page = open_page("draw")
    page.fill("#prompt textarea", "")
    with redrawn(page):
        draw(page)
    assert page.inner_text("#drawing .notes") == "No prompt: the model draws what comes to it."


def test_words_never_seen_are_pointed_out_as_text(open_page):
    page = open_page("draw")
    page.fill("#prompt textarea", "a blue dragon <img src=x onerror=alert(1)>")
    with redrawn(page):
        page.press("#prompt textarea", "Enter")
    notes = page.locator("#drawing .notes").inner_text()
    assert "“dragon”" in notes
    assert "blue" not in notes
    assert page.locator("#drawing .notes img").count() == 0


def test_a_value_out_of_range_is_refused_in_a_sentence_and_nothing_is_lost(open_page):
    page = open_page("draw")
    before = pictures(page)
    page.fill("#seed input", "-5")
    draw(page)
    toast = page.locator(".toast-body").first
    toast.wait_for()
    sentence = "The seed must be between 0 and 2,147,483,647; what was sent is outside."
    assert toast.locator(".toast-message-text").inner_text() == sentence
    assert not toast.locator(".toast-title").is_visible()  # it would be "Error"
    page.wait_for_function("document.querySelector('#drawing .status').textContent === 'Nothing was drawn.'")
    assert "Traceback" not in page.inner_text("body")
    assert pictures(page) == before
    assert page.input_value("#prompt textarea") == YELLOW


@pytest.mark.parametrize("full", ["runs", "queue"])
def test_on_a_busy_page_a_newcomer_is_told_so_and_loses_nothing(open_page, page_of, monkeypatch, full):
    page = open_page("draw")
    before = pictures(page)
    page.fill("#prompt textarea", "a blue one")
    if full == "runs":
        monkeypatch.setattr(limits, "RUNS", limits.Runs(0, limits.EACH))
    else:
        monkeypatch.setattr(page_of("Latent diffusion", "draw")._queue, "max_size", 0)
    draw(page)
    page.locator(".toast-body").wait_for()
    assert re.search("is (currently )?busy.* Please try again", page.inner_text(".toast-body"))
    page.wait_for_function("document.querySelector('#drawing .status').textContent === 'Nothing was drawn.'")
    assert "Traceback" not in page.inner_text("body")
    assert pictures(page) == before
    assert page.input_value("#prompt textarea") == "a blue one"
    monkeypatch.undo()
    draw(page)
    finished(page)
    assert pictures(page) != before
    page.errors[:] = [error for error in page.errors if "503" not in error]  # how the browser notes a full queue


def test_another_one_takes_the_next_seed(open_page):
    page = open_page("draw")
    with redrawn(page):
        page.click("#another")
    assert page.input_value("#seed input") == "2"
    assert page.locator("#drawing .cell figcaption").inner_text() == "seed 2"


def test_a_surprise_and_a_picked_prompt(open_page):
    page = open_page("draw")
    with redrawn(page):
        page.click("#surprise")
    assert page.input_value("#prompt textarea") != YELLOW
    page.get_by_role("button", name="Put a prompt together").click()
    for name, value in (("colour", "blue"), ("hat", "crown")):
        page.locator(f"#pick-{name} input").click()
        page.get_by_role("option", name=value).click()
    page.wait_for_function("/blue.*crown/.test(document.querySelector('#prompt textarea').value)")
    assert "crown" in page.input_value("#prompt textarea")


@pytest.mark.slow
def test_a_preview_comes_soon_although_others_are_busy(open_page, url):
    """Six long runs share the processor; the seventh visitor is told to wait, and not for long."""
    page = open_page("draw")
    busy = [Client(url, verbose=False).submit("a", steps=100, n=9, api_name="/sample") for _ in range(6)]
    for job in busy:
        while not job.outputs():
            time.sleep(0.02)
    page.evaluate(WATCH_STATUS)
    begun = time.monotonic()
    draw(page)
    page.wait_for_selector("#drawing canvas")
    assert time.monotonic() - begun < 2
    assert "Waiting for a free core …" in page.evaluate("window.seen")
    assert not any(job.done() for job in busy)
    for job in busy:
        job.cancel()
    finished(page)


def test_what_the_reader_sees_and_the_closest_training_critter_open_and_close(open_page):
    page = open_page("draw")
    button, about = page.locator("#drawing figcaption button"), page.locator("#drawing .about")
    assert not about.is_visible()
    button.click()
    assert button.get_attribute("aria-expanded") == "true"
    assert "The attribute reader sees: colour yellow" in about.inner_text()
    assert about.locator("img").get_attribute("alt").startswith("Training critter number")
    assert about.locator("a").get_attribute("download") == "critter-1.png"
    button.click()
    assert not about.is_visible()


def test_the_panel_changes_from_picture_to_picture_and_closes_for_a_new_run(open_page):
    page = open_page("draw")
    set_number(page, "n", 3)
    draw(page)
    page.wait_for_function("document.querySelectorAll('#drawing .cell > img').length === 3")
    about = page.locator("#drawing .about")
    for seed in (3, 1):
        page.get_by_role("button", name=f"About the picture of seed {seed}").click()
        assert about.locator("a").get_attribute("download") == f"critter-{seed}.png"
        assert page.locator("#drawing [aria-expanded=true]").inner_text() == f"seed {seed}"
    page.wait_for_timeout(1000)  # the first run may still be making its film
    draw(page)
    about.wait_for(state="hidden")


def test_every_step_can_be_seen_again_without_asking_the_server(open_page):
    page = open_page("draw")
    page.wait_for_function("document.querySelector('#way output')?.textContent === 't = 0: done'")
    slider = page.locator("#way input[type=range]")
    assert slider.get_attribute("max") == "20"
    page.wait_for_timeout(300)
    page.asked.clear()
    slider.focus()
    pictures = set()
    for _ in range(20):
        page.keyboard.press("ArrowLeft")
        pictures.add(page.evaluate("document.querySelector('#way canvas').toDataURL()"))
    assert page.locator("#way output").inner_text().startswith("step 1: t = ")
    assert len(pictures) == 20
    assert page.asked == []
    set_number(page, "steps", 5)
    draw(page)
    page.wait_for_function("document.querySelector('#way input').max === '5'")


def test_the_pipeline_shows_the_last_run_and_opens_to_the_code_that_ran(open_page):
    page = open_page("draw")
    page.fill("#prompt textarea", "a blue dragon")
    set_number(page, "steps", 6)
    page.fill("#seed input", "4")
    draw(page)
    page.wait_for_function(
        "document.querySelector('#pipeline .pipeline > li:last-child .note')?.textContent === 'seed 4'"
    )
    titles = page.locator("#pipeline .pipeline > li strong").all_inner_texts()
    assert titles == ["Prompt", "Tokens", "Text encoder", "U-Net", "Decoder", "Picture"]
    assert "a blue dragon" in page.locator("#pipeline .note").first.inner_text()
    assert {"blue", "a"} <= set(page.locator("#pipeline .chip:not(.strange)").all_inner_texts())
    assert "".join(page.locator("#pipeline .chip.strange").all_inner_texts()) == "dragon"
    assert page.locator("#pipeline .note").nth(3).inner_text() == "6 calls, each for the prompt and for no prompt"
    assert page.locator("#pipeline img").count() == 1 + 4 + 4 + 1
    page.locator("#pipeline summary").nth(3).click()
    inside = page.locator("#pipeline details[open]").inner_text()
    assert "def forward(self, x: Tensor, t: Tensor, words: Tensor" in inside
    assert "def dpm_solver_pp_2m(" in inside
    assert "million parameters" in inside


def test_the_chapter_is_a_page_with_equations_folded_code_and_a_notebook_to_take_away(open_page):
    page = open_page()
    page.locator(".katex").nth(5).wait_for()
    code = page.get_by_role("button", name="Code: diffusion.guidance.guided")
    assert not page.get_by_text("def denoise_guided").is_visible()
    code.click()
    page.get_by_text("def denoise_guided").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="This chapter as a Jupyter notebook").click()
    assert download.value.suggested_filename == "latent.ipynb"
    assert '"nbformat": 4' in Path(download.value.path()).read_text(encoding="utf-8")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_phone_does_not_scroll_sideways(open_page, theme):
    page = open_page("draw", width=390, height=844, theme=theme)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.get_by_role("button", name="Use via API").is_visible()
    set_number(page, "n", 9)
    set_number(page, "steps", 2)
    draw(page)
    page.wait_for_function("document.querySelectorAll('#drawing .cell > img').length === 9")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_by_keyboard_alone(open_page):
    page = open_page("draw")
    page.focus("#prompt textarea")
    page.keyboard.press("Control+A")
    page.keyboard.type("a green one")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id || document.activeElement.closest('#draw')?.id") == "draw"
    with redrawn(page):
        page.keyboard.press("Enter")
    assert "colour green" in page.locator("#drawing .cell > img").get_attribute("alt")
