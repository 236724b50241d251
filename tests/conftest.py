"""One served page for all tests that need it, and a browser to open it in."""

from __future__ import annotations

import contextlib
import os
from types import SimpleNamespace

import pytest
import torch

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # before anything imports gradio

from tests.browser.chromium import ARGUMENTS, NO_BROWSER, find

LONGEST = (
    "tests/browser/test_accessibility.py",
    "tests/chapters/test_chapters.py",
    "tests/apps/test_serving.py",
    "tests/training/test_recipes.py",
    "tests/browser/",
    "tests/families/",
    "tests/diffusion/",
)
"""The files that take longest, the longest first; of a folder, all."""


def pytest_collection_modifyitems(items) -> None:
    """Workers take whole files, in this order: the short ones come last, so that no worker is left with a long one."""
    found = {item: [k for k, path in enumerate(LONGEST) if item.nodeid.startswith(path)] for item in items}
    items.sort(key=lambda item: found[item][0] if found[item] else len(LONGEST))


@contextlib.contextmanager
def _on_one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def one_thread():
    """As the page computes: small networks only lose by a second one, and threads that wait for one another measure
    what else the machine does."""
    with _on_one_thread():
        yield


@pytest.fixture(scope="module")
def one_thread_throughout():
    """The same for what is made once for all tests of a file."""
    with _on_one_thread():
        yield


@pytest.fixture(scope="session")
def served():
    """The page, served by this process until the last test is done."""
    from apps.shell import serve

    threads = torch.get_num_threads()
    page = serve(prevent_thread_lock=True, quiet=True)
    yield page
    page.close()
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def url(served) -> str:
    """Address of the page."""
    return served.local_url


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright

    path = find()
    if path is None:
        pytest.fail(NO_BROWSER, pytrace=False)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, headless=True, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def spare():
    """Tabs that tests are done with, each of a browser context of its own: to open the next page in one of them takes
    half of what it takes in a new one, which knows no script yet."""
    return []


def _new_tab(browser, **settings):
    tab = browser.new_page(**settings)
    tab.set_default_timeout(60_000)  # milliseconds; a busy machine may need them
    tab.on("pageerror", lambda error: tab.errors.append(str(error)))
    tab.on("console", lambda said: tab.errors.append(said.text) if said.type == "error" else None)
    tab.on("request", lambda request: tab.asked.append(request.url))
    return tab


def _left_as_new(tab) -> None:
    """The next page in this tab is that of another visitor, who has done nothing yet. A test that changes more than
    this undoes, by a script for all pages of a tab for instance, closes its tab."""
    if tab.url != "about:blank":
        tab.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
        tab.goto("about:blank")
    tab.unroute_all()
    tab.context.clear_cookies()
    tab.context.clear_permissions()
    tab.mouse.move(0, 0)


@pytest.fixture
def watched(browser, spare):
    """Opens browser pages; at the end no script may have failed in one, and no other host been asked.

    Gradio catches what a component's script throws and writes it to the console, so errors there count as well.
    """
    pages = []

    def go(address: str, **settings):
        usual = settings.keys() <= {"viewport"}
        page = spare.pop() if usual and spare else _new_tab(browser, **settings)
        if usual:
            page.set_viewport_size(settings.get("viewport", {"width": 1280, "height": 720}))
        page.errors, page.asked = [], []
        pages.append((page, address.split("?")[0], usual))
        page.goto(address)
        return page

    yield go
    found = [(list(page.errors), list(page.asked), home) for page, home, _ in pages]
    for page, _, usual in pages:
        if usual and not page.is_closed():
            _left_as_new(page)
            spare.append(page)
        else:
            page.close()
    for errors, asked, home in found:
        assert errors == []
        assert [one for one in asked if not one.startswith((home, "data:", "blob:"))] == []


@pytest.fixture(scope="session")
def page_of():
    """A page with one chapter alone, or with some of its labs, served at its first call; the whole takes much longer to
    open."""
    from apps.shell import TABS, serve

    threads, pages = torch.get_num_threads(), {}

    def served_page(title: str, *labs: str):
        if (title, labs) not in pages:
            (chapter,) = (one for one in TABS if title == one.TITLE)

            def build(page) -> None:
                for lab in labs:
                    chapter.LABS[lab](page)

            shown = SimpleNamespace(TITLE=title, build=build) if labs else chapter
            pages[title, labs] = serve([shown], prevent_thread_lock=True, quiet=True)
        return pages[title, labs]

    yield served_page
    for page in pages.values():
        page.close()
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def url_of(page_of):
    """The address of such a page."""
    return lambda title, *labs: page_of(title, *labs).local_url


@pytest.fixture
def open_page(watched, url_of, request):
    """Opens a chapter's page at a size and in a theme; of its labs all, or those that are named; or the whole page at
    that chapter."""

    def go(
        *labs: str,
        width: int = 1200,
        height: int = 1000,
        theme: str = "light",
        tab: str = "Latent diffusion",
        whole: bool = False,
    ):
        address = request.getfixturevalue("url") if whole else url_of(tab, *labs)
        page = watched(f"{address}?__theme={theme}", viewport={"width": width, "height": height})
        # On a phone the last tabs stand in a menu.
        page.locator("[role=tab], .overflow-dropdown button", has_text=tab).dispatch_event("click")
        if tab == "Latent diffusion":
            page.wait_for_selector("#drawing img")
        return page

    return go
