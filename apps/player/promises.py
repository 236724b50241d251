"""Clips that do not travel with the page: they lie where the browser fetches them, or will, once they are made."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import itertools
import json
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from apps.limits import RUNS, Turns


def laid_out(value: str) -> str:
    """Puts a clip, or any JSON, where the browser can fetch it until this program ends: {"src": where}, as JSON."""
    file = Path(_folder().name) / f"{hashlib.sha256(value.encode()).hexdigest()[:16]}.json"
    file.write_text(value, encoding="utf-8")
    return _address(file)


def promised(make: Callable[[], str]) -> str:
    """Says where a clip will lie once it is made; until then, null lies there. `keep` makes it, or `Promises` does."""
    file = Path(_folder().name) / f"{next(_NUMBERS)}.json"
    file.write_text("null", encoding="utf-8")
    _PROMISED[file.as_posix()] = make
    return _address(file)


def keep(place: str) -> None:
    """Makes the clip that is promised there, one such clip at a time; once made or begun, does nothing.

    If that fails, nothing lies there any more, so that the page says it could not be loaded; raises what `make` raised.
    """
    make = _PROMISED.pop(place, None)
    if make is None:
        return
    with _ONE.turn():
        if not threading.main_thread().is_alive():  # the program ends; whoever computes then is cut off by a crash
            return
        unfinished = Path(place).with_suffix(".part")
        with contextlib.ExitStack() as failed:
            failed.callback(Path(place).unlink)
            unfinished.write_text(make(), encoding="utf-8")
            failed.pop_all()
        unfinished.replace(place)  # at once, so that nobody reads half of it


def keep_all() -> None:
    """Makes all promised clips in another thread, in the order of the page, so that hardly a visitor waits for one.

    It pauses as long as it has worked, and goes on when nobody has a run: who draws needs the processor more.
    """

    def work() -> None:
        for place in list(_PROMISED):
            begun = time.monotonic()
            making = threading.Thread(target=keep, args=(place,))  # of its own, so that one that fails ends no other
            making.start()
            making.join()
            time.sleep(time.monotonic() - begun)
            while RUNS:
                time.sleep(0.1)

    threading.Thread(target=work).start()


class Promises:
    """ASGI middleware: a promised clip that somebody asks for is the next one to be made."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        place = scope.get("path", "").partition("/file=")[2]
        if place in _PROMISED:
            threading.Thread(target=keep, args=(place,)).start()
        await self.app(scope, receive, send)


def _address(file: Path) -> str:
    return json.dumps({"src": f"gradio_api/file={file.as_posix()}"})


_NUMBERS = itertools.count()
_PROMISED: dict[str, Callable[[], str]] = {}
"""What makes each clip that nobody has begun to make, by where it is to lie."""
_ONE = Turns(1)
"""First come, first served: a plain lock would let `keep_all` go on before whoever waits."""


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Where they lie; it is gone when the program ends."""
    folder = tempfile.TemporaryDirectory(prefix="opening-clips-")
    gr.set_static_paths(folder.name)
    return folder
