"""Writes the chapters as Jupyter notebooks: `python -m tutorial.chapters [folder]`."""

from __future__ import annotations

import sys
from pathlib import Path

from tutorial.chapters import names, notebook

if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "notebooks")
    folder.mkdir(parents=True, exist_ok=True)
    for name in names():
        path = folder / f"{name}.ipynb"
        path.write_text(notebook(name), encoding="utf-8")
        print(path)
