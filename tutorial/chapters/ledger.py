"""The course as a ledger: what it claims, where a visitor can test it, and what came out; `ledger.toml` holds it.

What came out is said without figures, which stand where they are measured; a test holds each of the sentences.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

PATH = Path(__file__).with_name("ledger.toml")


@dataclass(frozen=True)
class Place:
    """A lab: the chapter's file name, the lab's name in it, and the element that a link goes to."""

    chapter: str
    lab: str
    element: str


@dataclass(frozen=True)
class Claim:
    """A line of the ledger."""

    number: int
    claim: str
    care: str
    """Where the usual telling is loose."""
    places: tuple[Place, ...]
    tests: tuple[str, ...]
    """Each as pytest names it: file::function."""
    came_out: str


def read(path: Path = PATH) -> list[Claim]:
    """All claims, in order. Raises ValueError for a line that lacks something, or is out of order."""
    try:
        found = [_claim(row) for row in tomllib.loads(path.read_text(encoding="utf-8"))["claims"]]
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path.name}: every claim needs all of its parts") from error
    if [one.number for one in found] != list(range(1, len(found) + 1)):
        raise ValueError(f"{path.name}: claims are numbered from 1 on")
    return found


def _claim(row: dict) -> Claim:
    places = tuple(Place(*where.split("/")) for where in row["where"])
    texts = (row["claim"], row["care"])
    return Claim(row["number"], *texts, places, tuple(row["tests"]), row["came_out"])
