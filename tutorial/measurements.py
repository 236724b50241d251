"""What was measured ahead of time, and ships: a JSON file each, with the command that measures it again."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

FOLDER = Path(__file__).parents[1] / "assets" / "measurements"
DAMAGED = (AttributeError, LookupError, OSError, OverflowError, RuntimeError, SyntaxError, TypeError, ValueError)
"""What comes of reading a file that is not as it was written: Pillow has OSError and SyntaxError for a broken picture,
PyTorch RuntimeError for numbers that do not fill a shape."""

T = TypeVar("T")


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
        if not isinstance(content["command"], str):
            raise ValueError("a command is a text")
        return content
    except (OSError, ValueError) as error:
        raise MeasurementsError(
            f"The measurement {path.name} is missing or damaged. Get it back: "
            f"`git checkout -- assets/measurements/{path.name}`"
        ) from error


def read(name: str, build: Callable[[dict[str, Any]], T], needs: tuple[str, ...] = (), folder: Path = FOLDER) -> T:
    """What `build` makes of a measurement, which has "command" and what it `needs`.

    Raises MeasurementsError if the file is missing, or not such that `build` can make something of it.
    """
    found = load(name, needs, folder)
    try:
        return build(found)
    except DAMAGED as error:
        raise MeasurementsError(
            f"The measurement {name}.json is damaged. Make it again: `{found['command']}`"
        ) from error


def packed(values: Tensor, kind: str) -> str:
    """Numbers of any shape as base64 of their bytes, in NumPy's `kind`, such as "<f4" or "u1"; see `unpacked`."""
    return base64.b64encode(values.numpy().astype(kind).tobytes()).decode()


def unpacked(text: str, kind: str, shape: tuple[int, ...]) -> Tensor:
    """The numbers that were `packed` as that kind, in this shape, one of whose sizes may be −1: float32.

    Raises ValueError if the text is no base64, or if it does not hold as many numbers.
    """
    values = np.frombuffer(base64.b64decode(text, validate=True), kind)
    return torch.from_numpy(values.reshape(shape).astype(np.float32))
