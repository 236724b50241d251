"""What a visitor may ask for: every value is checked on the server, since anyone can call the API with anything.

Each check returns the value in the type it should have, or raises `gr.Error` with one sentence that says what
is wrong and what to do; Gradio shows it in the page.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import gradio as gr

THREADS = 2
"""Threads of a network evaluation: the cores of a free Space."""
AT_ONCE = 2
"""Heavy clicks computed at the same time; the others wait in the queue."""
SECONDS = 60.0
"""How long one click may compute."""
WAITING = 32
"""How many clicks may wait for their turn before newcomers are told that the page is busy."""


def refuse(sentence: str) -> gr.Error:
    """An error that the page shows as a plain sentence, and the server's log does not show as a crash."""
    return gr.Error(sentence, duration=10, title="That did not work", print_exception=False)


def number(name: str, value: Any, low: float, high: float) -> float:
    """A finite number between `low` and `high`."""
    wrong_type = isinstance(value, bool) or not isinstance(value, int | float)
    if wrong_type or (isinstance(value, float) and not math.isfinite(value)):
        raise refuse(f"{name} must be a number between {low:,} and {high:,}.")
    if not low <= value <= high:
        raise refuse(f"{name} must be between {low:,} and {high:,}; what was sent is outside.")
    return float(value)


def whole(name: str, value: Any, low: int, high: int) -> int:
    """A whole number between `low` and `high`; 7.0 counts as 7."""
    checked = number(name, value, low, high)
    if checked != int(checked):
        raise refuse(f"{name} must be a whole number between {low} and {high}; got {checked:g}.")
    return int(checked)


def choice(name: str, value: Any, options: Sequence[str]) -> str:
    """One of the options."""
    if not isinstance(value, str) or value not in options:
        raise refuse(f"{name} must be one of: {', '.join(options)}.")
    return value


def text(name: str, value: Any, longest: int) -> str:
    """A text of at most that many characters; nothing counts as the empty text."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise refuse(f"{name} must be a text.")
    if len(value) > longest:
        raise refuse(f"{name} may have at most {longest} characters; this one has {len(value)}. Please shorten it.")
    return value.encode("utf-8", "replace").decode("utf-8")  # lone surrogates cannot be encoded further on
