"""The first tab: a picture is born while one watches."""

from __future__ import annotations

from tutorial import chapters

SHOWN = "document.querySelector('#birth output')?.textContent"


def test_a_picture_is_born_while_one_watches(open_page):
    page = open_page(tab="Start")
    page.wait_for_function(f"/signal|done/.test({SHOWN})")
    page.locator("#birth input[type=range]").press("Home")  # on a slow machine it may be over already
    assert page.locator("#birth output").inner_text() == "0% signal"
    first = page.evaluate("document.querySelector('#birth canvas').toDataURL()")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(f"{SHOWN} === 'done'")
    assert page.evaluate("document.querySelector('#birth canvas').toDataURL()") != first


def test_it_begins_by_itself(open_page):
    page = open_page(tab="Start")
    page.get_by_role("button", name="Pause").wait_for()
    assert page.locator("#birth output").inner_text() != "done"


def test_nothing_moves_by_itself_where_motion_is_unwanted(watched, url_of):
    page = watched(url_of("Start"), reduced_motion="reduce")
    page.wait_for_function(f"{SHOWN} === 'done'")
    page.wait_for_timeout(500)
    assert page.locator("#birth output").inner_text() == "done"
    page.get_by_role("button", name="Play").click()  # but it can be asked for
    page.wait_for_function(f"{SHOWN} !== 'done'")


def test_the_map_names_every_other_chapter_and_its_promise(open_page):
    text = open_page(tab="Start").inner_text("body").replace("’", "'")
    for name in chapters.names():
        chapter = chapters.read(name)
        if name != "start":
            assert f"{chapter.metadata['title']}. {chapters.promise(chapter)}" in text
