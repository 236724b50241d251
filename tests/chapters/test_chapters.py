"""Every chapter runs as the notebook that it is, and the page shows the code that runs."""

from __future__ import annotations

import ast
import itertools
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tutorial import chapters, measurements

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", params=chapters.names())
def executed(request):
    """A chapter after all its cells ran, in a fresh kernel, as a reader of the .ipynb file would run it."""
    notebook = nbformat.reads(chapters.notebook(request.param), as_version=4)
    return NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(ROOT)}}).execute()


def test_every_cell_runs_and_says_something(executed):
    for cell in executed.cells:
        if cell.cell_type == "code":
            assert any(output.output_type == "stream" for output in cell.outputs), cell.source


def test_the_page_shows_what_the_cells_print(executed):
    """Recorded on some machine: as many lines, and the same words."""
    recorded = measurements.load("printed")["printed"]
    for cell in executed.cells:
        if cell.cell_type == "code" and "source" not in cell.metadata:
            assert words(recorded[chapters.key(cell)]) == words(chapters.printed(cell)), cell.source


def words(text: str) -> list[list[str]]:
    """The words of each line, without the numbers, which differ a little from machine to machine."""
    return [re.findall(r"[^\W\d_]{3,}", line) for line in text.splitlines()]


def test_a_source_cell_prints_what_the_page_shows(executed):
    for cell in [cell for cell in executed.cells if "source" in cell.metadata]:
        assert cell.outputs[0]["text"].strip() == chapters.source(cell.metadata["source"]).strip()


def test_the_chapters_need_only_what_the_app_needs():
    """Whoever takes the notebook along installs requirements.txt alone; most recipes of tutorial.training need more."""
    lines = {}
    for name in chapters.names():
        cells = [cell.source for cell in chapters.read(name).cells if cell.cell_type == "code"]
        nodes = [node for cell in cells for node in ast.parse(cell).body]
        lines[name] = [ast.unparse(node) for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
        tops = {line.split()[1].split(".")[0] for line in lines[name]}
        assert tops <= {"torch", "numpy", "tutorial"} | sys.stdlib_module_names, name
    missing = ["accelerate", "diffusers", "transformers", "normflows", "pytest", "playwright"]
    program = "\n".join(
        [f"import sys; sys.modules.update(dict.fromkeys({missing}))", *itertools.chain(*lines.values())]
    )
    tried = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert tried.returncode == 0, tried.stderr


def test_the_first_cell_says_how_to_get_the_package(executed):
    assert "pip install -r requirements.txt" in executed.cells[0].source


def test_the_command_writes_valid_notebooks(tmp_path):
    command = [sys.executable, "-m", "tutorial.chapters", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    written = sorted(path.stem for path in tmp_path.glob("*.ipynb"))
    assert written == sorted(chapters.names())
    for path in tmp_path.glob("*.ipynb"):
        nbformat.validate(nbformat.read(path, as_version=4))


@pytest.mark.parametrize(
    "dotted", ["tutorial.diffusion.samplers.nothing", "tutorial.nowhere.at_all", "no_such_package"]
)
def test_what_does_not_exist_has_no_source(dotted):
    with pytest.raises((AttributeError, ModuleNotFoundError)):
        chapters.source(dotted)
