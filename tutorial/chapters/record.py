"""Records what the chapters' cells print, so that the page can show it: `python -m tutorial.chapters.record`.

Needs the development set-up. A minute or two on two cores.
"""

from __future__ import annotations

from pathlib import Path

from nbclient import NotebookClient

from tutorial import chapters, measurements

COMMAND = "python -m tutorial.chapters.record"
ROOT = Path(__file__).parents[2]


def record(folder: Path = measurements.FOLDER) -> None:
    """Executes every chapter, and saves the text that each cell printed, by the cell's source."""
    printed = {}
    for name in chapters.names():
        chapter = chapters.read(name)
        NotebookClient(chapter, timeout=300, resources={"metadata": {"path": str(ROOT)}}).execute()
        for cell in chapter.cells:
            if cell.cell_type == "code" and "source" not in cell.metadata:
                printed[chapters.key(cell)] = chapters.printed(cell)
    measurements.save("printed", COMMAND, {"printed": printed}, folder)


if __name__ == "__main__":
    record()
