"""The chapters: MyST Markdown notebooks, one file each, as jupytext reads them.

    python -m tutorial.chapters [folder]     writes each as an .ipynb file, by default into notebooks/

Two kinds of code cells are special to the page, and ordinary to Jupyter. A cell tagged `lab-<name>` is followed
by that interactive lab. A cell with `:source: <dotted name>` prints the source of what it names; the page shows
that source, taken from the running code, in its place.
"""

from __future__ import annotations

import copy
import hashlib
import inspect
from functools import cache
from importlib import import_module
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

FOLDER = Path(__file__).parent
GET_READY = """\
*This notebook is a chapter of “Latent Diffusion, Hands On”. It needs that project's folder, `tutorial/` and
`assets/` in it, and Jupyter: in the project's folder, run `pip install -r requirements.txt jupyterlab`, then
`jupyter lab`, and open this file from there.*"""


COURSE = ("start", "two_kinds", "families", "gan", "forward", "reverse", "objectives", "latent", "why")
"""The order of the chapters, by file name; some are still to be written."""


def names() -> list[str]:
    """The chapters that there are, in the order of the course. Raises ValueError for one that has no place in it."""
    return sorted((path.stem for path in FOLDER.glob("*.md")), key=COURSE.index)


def read(name: str) -> NotebookNode:
    """A chapter as a notebook. Raises FileNotFoundError for a chapter that does not exist."""
    return copy.deepcopy(_parsed((FOLDER / f"{name}.md").read_text(encoding="utf-8")))


@cache
def _parsed(text: str) -> NotebookNode:
    return jupytext.reads(text, fmt="md:myst")


def promise(chapter: NotebookNode) -> str:
    """What a chapter says, in italics under its title, that the reader will be able to explain; empty if nothing."""
    under_title = chapter.cells[0].source.split("\n\n")[1:2]
    return " ".join(under_title).strip("*").replace("\n", " ") if under_title else ""


def notebook(name: str) -> str:
    """The text of a chapter's .ipynb file; its first cell says how to get the package."""
    chapter = read(name)
    chapter.cells.insert(0, new_markdown_cell(GET_READY, id="get-ready"))
    return nbformat.writes(chapter)


def printed(cell: NotebookNode) -> str:
    """What an executed code cell has printed."""
    return "".join(output["text"] for output in cell.outputs if output.get("name") == "stdout").rstrip()


def key(cell: NotebookNode) -> str:
    """What a cell's recorded output is filed under: of other code, no old output is shown."""
    return hashlib.sha256(cell.source.encode()).hexdigest()[:16]


def source(dotted: str) -> str:
    """The source of a function, class or method, for instance "tutorial.diffusion.guidance.guided".

    Raises AttributeError or ModuleNotFoundError if there is no such thing.
    """
    parts = dotted.split(".")
    depth = next(k for k in range(len(parts), 0, -1) if _is_module(".".join(parts[:k])))
    found = import_module(".".join(parts[:depth]))
    for part in parts[depth:]:
        found = getattr(found, part)
    return inspect.getsource(found)


def _is_module(dotted: str) -> bool:
    try:
        import_module(dotted)
    except ModuleNotFoundError:
        return "." not in dotted  # so that the outermost name is reported
    return True
