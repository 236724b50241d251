"""Scripts and styles of single components, which travel with the page: without indentation and lines of comment."""

from __future__ import annotations

from pathlib import Path

SHARED = Path(__file__).with_suffix(".js")


def script(path: Path) -> str:
    """A component's script, after what all of them share."""
    return lean(SHARED) + "\n" + lean(path)


def lean(path: Path) -> str:
    """The text of a script or of a style sheet, whose comments are lines that begin as one."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return "\n".join(line for line in lines if not line.startswith(("//", "/*")))
