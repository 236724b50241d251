"""Ways from the closing chapter into all chapters: links that open a tab, and go to a lab in it.

A link is `#<element>@<tab>`, the lab's element and the title of its tab, as an address writes it. The page looks for
such an end of its address as it opens, and whenever it changes.
"""

from __future__ import annotations

from html import escape
from urllib.parse import quote

import gradio as gr

GO = """() => {
  const go = () => {
    const [element, title] = decodeURIComponent(window.location.hash.slice(1)).split("@");
    if (!title) return;
    const there = new URL(window.location.href);
    there.hash = ""; // so that the same link can be followed again
    window.history.replaceState(null, "", there.href.replace(/#$/, ""));
    const tabs = [...document.querySelectorAll("[role=tab]")];
    tabs.find((tab) => tab.textContent.trim() === title)?.click();
    let looks = 0;
    const look = () => { // the lab is there once its tab has been opened
      const found = document.getElementById(element);
      if (found?.checkVisibility()) {
        found.scrollIntoView({ block: "center" });
        found.tabIndex = -1;
        return found.focus({ preventScroll: true });
      }
      if (looks++ < 100) setTimeout(look, 100);
    };
    look();
  };
  window.addEventListener("hashchange", go);
  go();
}"""


def address(tab: str, element: str) -> str:
    """Where a lab is, for a link on the page."""
    return f"#{quote(element)}@{quote(tab)}"


def link(tab: str, element: str, text: str) -> str:
    """The link as HTML."""
    return f'<a href="{address(tab, element)}">{escape(text)}</a>'


def follow(page: gr.Blocks) -> None:
    """Makes such links work on this page, all of whose tabs they may lead to."""
    page.load(None, js=GO, api_visibility="private")
