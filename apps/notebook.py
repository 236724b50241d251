"""Renders a chapter's notebook as a page: prose and equations, folded code, and the labs in their places."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import gradio as gr
from nbformat import NotebookNode

from tutorial import chapters, measurements

LATEX = [{"left": "$$", "right": "$$", "display": True}, {"left": "$", "right": "$", "display": False}]
LAB = "lab-"


def chapter(page: gr.Blocks, name: str, labs: Mapping[str, Callable[[gr.Blocks], None]]) -> None:
    """Builds a chapter as part of a page; each lab is called with that page, where the notebook places it.

    Raises KeyError if the notebook names a lab that there is not.
    """
    try:
        recorded = _recorded()
    except measurements.MeasurementsError as error:
        gr.Markdown(str(error))
        recorded = {"printed": {}}
    for cell in chapters.read(name).cells:
        if cell.cell_type == "markdown":
            gr.Markdown(cell.source, latex_delimiters=LATEX, elem_classes="prose-column")
            continue
        found = [tag.removeprefix(LAB) for tag in cell.metadata.get("tags", []) if tag.startswith(LAB)]
        for lab in found:
            labs[lab](page)
        _code(cell, recorded["printed"].get(chapters.key(cell), ""), folded=bool(found))
    if command := recorded.get("command"):
        gr.Markdown(f"What stands under the code is what it printed when {command} was run.", elem_classes="recorded")
    gr.DownloadButton("This chapter as a Jupyter notebook", _file(name), size="sm", elem_classes="take-away")


@cache
def _recorded() -> dict[str, Any]:
    return measurements.load("printed", needs=("printed",))


def _code(cell: NotebookNode, printed: str, *, folded: bool) -> None:
    """A code cell, folded and read-only (where it prints the source of something, that source), and what it printed.

    That is folded too where it stands below a lab, since a lab may ask what will come out.
    """
    shown = cell.metadata.get("source")
    text = chapters.source(shown) if shown else cell.source
    title = f"Code: {shown.removeprefix('tutorial.')}" if shown else "Code"
    with gr.Accordion(title + ", and what it printed" * folded, open=False, elem_classes="code"):
        gr.Markdown(f"```python\n{text.rstrip()}\n```")
        if folded:
            _printed(printed)
    if not folded:
        _printed(printed)


def _printed(text: str) -> None:
    if text:
        gr.Markdown(f"```text\n{text}\n```", elem_classes="printed", label="What it printed")


def _file(name: str) -> str:
    path = Path(tempfile.mkdtemp()) / f"{name}.ipynb"
    path.write_text(chapters.notebook(name), encoding="utf-8")
    return str(path)
