"""What was measured ahead of time, and ships: a JSON file each, with the command that measures it again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "assets" / "measurements"


class MeasurementsError(Exception):
    """A recorded measurement is missing or damaged; the message names it and the command that makes it again."""


def save(name: str, command: str, content: dict[str, Any], folder: Path = FOLDER) -> None:
    """Writes a measurement, and the command that repeats it, as `<name>.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"command": command} | content, ensure_ascii=False, indent=1)
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def load(name: str, needs: tuple[str, ...] = (), folder: Path = FOLDER) -> dict[str, Any]:
    """A measurement, with its "command". Raises MeasurementsError if it is missing or lacks what it `needs`."""
    path = folder / f"{name}.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict) or not {"command", *needs} <= content.keys():
            raise ValueError(f"a measurement is a JSON object with {needs}")
        return content
    except (OSError, ValueError) as error:
        raise MeasurementsError(
            f"The measurement {path.name} is missing or damaged. Get it back: "
            f"`git checkout -- assets/measurements/{path.name}`"
        ) from error
