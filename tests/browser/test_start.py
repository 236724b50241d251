"""The first tab: a picture is born while one watches."""

from __future__ import annotations

from tutorial import chapters

SHOWN = "document.querySelector('#birth output')?.textContent"


def test_a_picture_is_born_while_one_watches(open_page):
    page = open_page(tab="Start")
    page.wait_for_function(f"/^[1-9][0-9]?% signal$/.test({SHOWN})")
    first = page.evaluate("document.querySelector('#birth canvas').toDataURL()")
    page.wait_for_function(f"{SHOWN} === 'done'", timeout=15_000)
    assert page.evaluate("document.querySelector('#birth canvas').toDataURL()") != first


def test_nothing_moves_by_itself_where_motion_is_unwanted(browser, url):
    page = browser.new_page(reduced_motion="reduce")
    page.goto(url)
    page.wait_for_function(f"{SHOWN} === 'done'")
    page.wait_for_timeout(500)
    assert page.locator("#birth output").inner_text() == "done"
    page.get_by_role("button", name="Play").click()  # but it can be asked for
    page.wait_for_function(f"{SHOWN} !== 'done'")
    page.close()


def test_the_map_names_every_other_chapter_and_its_promise(open_page):
    page = open_page(tab="Start")
    for name in chapters.names():
        chapter = chapters.read(name)
        if name != "start":
            page.get_by_text(chapter.metadata["title"] + ".", exact=True).first.wait_for()
            assert chapters.promise(chapter).startswith("At the end of this chapter you will be able to explain")
