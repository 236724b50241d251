"""A lab's settings in the page's address, so that a link brings back what one saw.

The address gets `?<lab>-<setting>=<value>&…` when the lab runs. When a page is opened with such an address, the server
checks the values as it checks any others, puts them into the controls, and the lab runs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component

from apps import limits

OWN = ("draw your own", "your own picture")
"""Values that mean what a visitor made: too much for an address."""
LONGEST = 6000
"""Characters of an address: servers and programs that pass links on take few more."""


def write(lab: str, settings: Mapping[str, Component]) -> str:
    """JavaScript that puts the values of these settings, its arguments in that order, into the address.

    Those of other labs are taken out; and all, where one of the values means what a visitor made. An address that would
    become too long is left as it is.
    """
    names = [f"{lab}-{name}" for name in settings]
    return f"""(...values) => {{
  const address = new URL(window.location.href);
  // One lab to a link: those of others would run as well.
  const others = [...address.searchParams.keys()].filter((key) => key.includes("-"));
  others.forEach((key) => address.searchParams.delete(key));
  if (!values.some((value) => {json.dumps(OWN)}.includes(value))) {{
    {names!r}.forEach((name, k) => address.searchParams.set(name, values[k] ?? ""));
  }}
  if (address.href.length <= {LONGEST}) window.history.replaceState(null, "", address);
  return values;
}}"""


def copy(lab: str, settings: Mapping[str, Component], button: str) -> str:
    """JavaScript that puts the settings into the address and copies that; the button of this id says so."""
    return f"""(...values) => {{
  const label = document.querySelector("#{button}");
  const say = (text) => {{ label.textContent = text; setTimeout(() => {{ label.textContent = "Copy link"; }}, 2000); }};
  if (values.some((value) => {json.dumps(OWN)}.includes(value))) return say("Not for data of your own");
  ({write(lab, settings)})(...values);
  const copied = navigator.clipboard?.writeText(window.location.href); // only where the page is served safely
  if (copied) copied.then(() => say("Copied"), () => say("See address bar"));
  else say("See address bar");
}}"""


def restore(
    page: gr.Blocks,
    lab: str,
    settings: Mapping[str, Component],
    check: Callable[..., Any],
    button: str,
) -> None:
    """Makes a page that is opened with this lab's settings in its address show them, and press the button of this id.

    The lab must stand in a tab; that is opened. The page scrolls to the button or, if it is hidden, to what has the
    lab's name as its id. A page without such an address asks the server nothing.

    `check` gets the settings as keyword arguments, those that the address lacks as they stand in the controls, and
    raises gr.Error for a bad one; then nothing is changed.
    """
    query, arrive = gr.Textbox(visible=False), gr.Button("Restore", visible="hidden", elem_id=f"restore-{lab}")
    defaults = {name: component.value for name, component in settings.items()}

    def read(text: str) -> dict[Component, Any]:
        if len(str(text)) > LONGEST:
            raise limits.refuse(f"This link is too long: more than {LONGEST} characters.")
        pairs = parse_qsl(str(text), keep_blank_values=True)
        given = {name.removeprefix(f"{lab}-"): value for name, value in pairs if name.startswith(f"{lab}-")}
        wanted = {
            name: _typed(given[name], default) if name in given else default for name, default in defaults.items()
        }
        check(**wanted)
        return {settings[name]: value for name, value in wanted.items()}

    arrived = f"""const run = document.querySelector("#{button}");
  (run.offsetParent ? run : document.querySelector("#{lab}")).scrollIntoView({{block: "center"}});"""
    page.load(None, js=_find(lab, str(arrive.elem_id), _tab(query)), api_visibility="private")
    restored = arrive.click(
        read,
        query,
        list(settings.values()),
        js=f"""() => {{
  {arrived} // even if the link is refused, so that one sees what it was for
  return [document.querySelector("#{arrive.elem_id}").dataset.address];
}}""",
        show_progress="hidden",
        api_visibility="private",
    )
    restored.success(
        None,
        js=f"""() => {{
  {arrived}
  run.click();
}}""",
        api_visibility="private",
    )


def _find(lab: str, arrive: str, tab: str) -> str:
    """JavaScript that presses the button of id `arrive`, in this tab, if the address has settings of this lab.

    The address is looked at once: a visitor may soon put other settings there.
    """
    return f"""() => {{
  const address = window.location.search.slice(1);
  if (![...new URLSearchParams(address).keys()].some((key) => key.startsWith("{lab}-"))) return;
  const look = () => {{ // the lab is there once its tab has been opened
    const found = document.querySelector("#{arrive}");
    if (found) {{
      found.dataset.address = address;
      return found.click();
    }}
    const tabs = [...document.querySelectorAll("[role=tab]")];
    tabs.find((tab) => tab.textContent.trim() === {json.dumps(tab)})?.click();
    setTimeout(look, 150);
  }};
  look();
}}"""


def _tab(block: Block | None) -> str:
    """The label of the tab that a block stands in."""
    while block is not None and not isinstance(block, gr.Tab):
        block = block.parent
    if block is None:
        raise ValueError("Only a lab in a tab can be opened by a link.")
    return str(block.label)


def _typed(text: str, default: Any) -> Any:
    """A value from an address in the type of the control's own; what is no number stays a text, to be refused."""
    if isinstance(default, bool):
        return {"true": True, "false": False}.get(text, text)
    if isinstance(default, int | float):
        try:
            return float(text)
        except ValueError:
            return text
    return text
