"""The ledger of the course: every way leads somewhere, and every test that it names is there."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path
from urllib.parse import unquote

import gradio as gr
import pytest

from apps import shell
from apps.tabs import closing
from apps.tabs.closing import ledger, verdict, ways
from tests.apps.closing_stage import staged
from tutorial.chapters import ledger as book

ROOT = Path(__file__).parents[2]
CLAIMS = book.read()
OTHERS = sorted({place for claim in CLAIMS for place in claim.places if place.chapter != "closing"}, key=str)
OWN = sorted({place for claim in CLAIMS for place in claim.places if place.chapter == "closing"}, key=str)
TESTS = sorted({test for claim in CLAIMS for test in claim.tests})


def names(page: gr.Blocks) -> list[str]:
    return [str(block.elem_id) for block in page.blocks.values() if getattr(block, "elem_id", None)]


def elements(page: gr.Blocks) -> set[str]:
    return set(names(page))


@pytest.fixture(scope="module")
def own_page():
    with staged(), gr.Blocks() as page, gr.Tab(closing.TITLE):
        closing.build(page)
        yield page


def test_there_are_all_the_claims_of_the_course():
    assert [claim.number for claim in CLAIMS] == list(range(1, 26))
    for claim in CLAIMS:
        assert claim.places and claim.tests and claim.came_out.endswith(".")
        assert not any(
            letter.isdigit()
            for letter in claim.came_out.replace("28 × 28", "").replace("log 4", "").replace("theorem 1", "")
        )


@pytest.mark.parametrize("name", TESTS)
def test_every_test_that_is_named_is_there(name):
    path, function = name.split("::")
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("place", [*OTHERS, *OWN], ids=lambda place: f"{place.chapter}-{place.lab}")
def test_every_lab_is_in_its_chapter(place):
    chapter = import_module(f"apps.tabs.{place.chapter}")
    assert ledger.TITLES[place.chapter] == chapter.TITLE
    assert place.lab in chapter.LABS


def test_every_element_is_on_the_page(served, own_page):
    there, own = elements(served), elements(own_page)
    assert [place for place in OTHERS if place.element not in there] == []
    assert [place for place in OWN if place.element not in own] == []
    assert [element for element, _ in verdict.LABS.values() if element not in own] == []
    assert set(verdict.LABS) <= set(closing.LABS)
    titles = {chapter.TITLE for chapter in shell.TABS} | {closing.TITLE}
    assert set(ledger.TITLES.values()) <= titles and verdict.TAB == closing.TITLE


def test_no_element_of_this_chapter_has_the_name_of_another(served, own_page):
    everywhere = names(served) + ([] if closing in shell.TABS else names(own_page))
    assert [name for name in elements(own_page) if everywhere.count(name) != 1] == []


def test_a_link_carries_element_and_tab():
    address = ways.address("Why ditch GANs?", "contest-race")
    element, tab = unquote(address[1:]).split("@")
    assert (element, tab) == ("contest-race", "Why ditch GANs?")
    assert " " not in address and "?" not in address
    assert "<b>" not in ways.link("GANs", "wall", "<b>")


def test_the_page_has_a_way_for_every_place():
    html = ledger.html(CLAIMS)
    assert html.count("<a href=") == sum(len(claim.places) for claim in CLAIMS)
    assert html.count("<li><strong>") == len(CLAIMS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[[claims]]\nnumber = 1\n",
        '[[claims]]\nnumber = 2\nclaim = ""\ncare = ""\nwhere = []\ntests = []\ncame_out = ""',
    ],
)
def test_a_damaged_ledger_is_refused(tmp_path, text):
    path = tmp_path / "ledger.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"ledger\.toml"):
        book.read(path)
