"""Tables of the closing chapter: wide ones scroll in a box of their own, and a click on a column's name sorts by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import gradio as gr

NONE = "–"
"""What there is not, or cannot be."""

SCRIPT = """const box = element.querySelector(".wide-table");
let by = null, up = true;
const number = (row) => {
  const text = row.children[by].dataset.sort;
  return text === undefined || text === "" ? NaN : Number(text);
};
const order = () => {
  const body = box.querySelector("tbody");
  if (by === null || !body) return;
  const rows = [...body.rows].sort((a, b) => {
    const [x, y] = [number(a), number(b)];
    if (isNaN(x) || isNaN(y)) return isNaN(x) - isNaN(y); // what there is not stands last
    return up ? x - y : y - x;
  });
  body.append(...rows);
  [...box.querySelectorAll("thead th")].forEach((head, k) =>
    head.setAttribute("aria-sort", k !== by ? "none" : up ? "ascending" : "descending"));
};
const draw = () => { box.innerHTML = props.value; order(); };
box.addEventListener("click", (event) => {
  const head = event.target.closest("button")?.closest("th");
  if (!head) return;
  up = by === head.cellIndex ? !up : head.dataset.better !== "higher";
  by = head.cellIndex;
  order();
});
watch("value", draw);
draw();"""
STYLE = """.wide-table thead button { font: inherit; color: inherit; text-align: left; cursor: pointer; }
.wide-table thead button { background: none; border: 0; padding: 0; min-height: 24px; }
.wide-table thead button { text-decoration: underline dotted; text-underline-offset: 3px; }
.wide-table th[aria-sort="ascending"] button::after { content: " ▲"; }
.wide-table th[aria-sort="descending"] button::after { content: " ▼"; }
.wide-table small { color: var(--body-text-color-subdued); }
.wide-table td.best { font-weight: 650; }
.wide-table details { position: sticky; left: 0; margin-top: 0.4rem; }
.wide-table summary { cursor: pointer; min-height: 24px; }
.wide-table ul { list-style: disc; padding-left: 1.2rem; }
.wide-table .prose-cell { white-space: normal; min-width: 11rem; }"""


PROSE = """.ledger { padding-left: 1.6rem; list-style: decimal; line-height: 1.55; }
.ledger > li { margin: 0 0 0.9rem; overflow-wrap: anywhere; }
.ledger summary { cursor: pointer; min-height: 24px; color: var(--body-text-color-subdued); font-size: 0.85rem; }
.ledger code { font-size: 0.78rem; }
.ledger a { color: var(--link-text-color); text-decoration: underline; }"""


@dataclass(frozen=True)
class Head:
    """A column's name; one that `sorts` is a button."""

    title: str
    better: str = ""
    sorts: bool = False


@dataclass(frozen=True)
class Cell:
    """What stands in a cell: lines of text, the number that it is sorted by, and whether it is the best of all."""

    text: str
    value: float | None = None
    best: bool = False
    wide: bool = False
    """A sentence, which may take several lines."""


def table(value: str, elem_id: str, label: str) -> gr.HTML:
    """The component, showing an answer of `rows`."""
    return gr.HTML(
        value,
        html_template=f'<div class="wide-table" tabindex="0" role="region" aria-label="{escape(label)}"></div>',
        css_template=STYLE,
        js_on_load=SCRIPT,
        apply_default_css=False,
        elem_id=elem_id,
        padding=False,
    )


def prose(value: str, elem_id: str) -> gr.HTML:
    """A list of sentences with links, as HTML in which all text is escaped."""
    return gr.HTML(
        value,
        html_template='<div class="prose-column"></div>',
        css_template=PROSE,
        js_on_load="element.firstElementChild.innerHTML = props.value;",
        apply_default_css=False,
        elem_id=elem_id,
        padding=False,
    )


def begun(sentence: str) -> str:
    """With a capital, and the rest as it is: PixelCNN keeps its own."""
    return sentence[:1].upper() + sentence[1:]


def rows(
    heads: Sequence[Head],
    found: Sequence[tuple[str, Sequence[Cell]]],
    note: str = "",
    meanings: Sequence[tuple[str, str]] = (),
) -> str:
    """The table as HTML: named rows of cells, under heads of which the first is that of the names. What columns mean
    stands in a fold below."""
    head = "".join(map(_head, heads))
    body = "".join(f'<tr><th scope="row">{_lines(name)}</th>{"".join(map(_cell, cells))}</tr>' for name, cells in found)
    about = f"<p>{escape(note)}</p>" if note else ""
    listed = "".join(f"<li><strong>{escape(name)}</strong>: {escape(what)}</li>" for name, what in meanings)
    fold = f"<details><summary>What the columns mean</summary><ul>{listed}</ul></details>" if meanings else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{about}{fold}"


def _head(head: Head) -> str:
    arrow = {"lower": " ↓", "higher": " ↑"}.get(head.better, "")
    title = _lines(head.title + arrow)
    if not head.sorts:
        return f'<th scope="col">{title}</th>'
    return f'<th scope="col" aria-sort="none" data-better="{head.better}"><button type="button">{title}</button></th>'


def _cell(cell: Cell) -> str:
    kinds = " ".join(name for name, there in (("best", cell.best), ("prose-cell", cell.wide)) if there)
    sort = "" if cell.value is None else f' data-sort="{cell.value:.8g}"'
    return f'<td class="{kinds}"{sort}>{_lines(cell.text)}</td>'


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br>")
