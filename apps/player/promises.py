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
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import gradio as gr

from apps import limits
from apps.limits import RUNS, Turns

Found = str | tuple[str, ...]
"""A clip, or any JSON; or a clip and what is to be said of it elsewhere (see `player.tells`)."""
Make = Callable[[], Found | Generator[Any, None, None]]
"""Makes it; or is a generator function, whose last yield but None is it: that lets others have their turn meanwhile."""
F = TypeVar("F", bound=Found)


def laid_out(value: str) -> str:
    """Puts a clip, or any JSON, where the browser can fetch it until this program ends: {"src": where}, as JSON."""
    file = Path(_folder().name) / f"{hashlib.sha256(value.encode()).hexdigest()[:16]}.json"
    file.write_text(value, encoding="utf-8")
    return _address(file)


def promised(make: Make) -> str:
    """Says where a clip will lie once it is made; until then, null lies there. `keep` makes it, or `Promises` does."""
    file = Path(_folder().name) / f"{next(_NUMBERS)}.json"
    file.write_text("null", encoding="utf-8")
    _PROMISED[file.as_posix()] = _Promise(make)
    return _address(file)


class Opening:
    """What a lab opens with where several components show parts of it: made once, when the first of them is kept."""

    def __init__(self, make: Callable[[], Generator[tuple[Any, ...] | None, None, None]]) -> None:
        self._make = make
        self._made: tuple[Any, ...] | None = None

    def part(self, *places: int) -> Make:
        """What makes those parts, by their places: a clip, or one and what is said of it."""

        def pick() -> Generator[Found | None, None, None]:
            if self._made is None:
                for found in self._make():
                    self._made = found or self._made
                    yield None
            assert self._made is not None  # or there is nothing to show
            clip, *said = (self._made[place] for place in places)
            yield (clip, *said) if said else clip

        return pick


def keep(place: str, *, wanted: bool = True) -> None:
    """Makes the clip that is promised there, one such clip at a time; once made or begun, does nothing.

    It computes in turns with all others (`limits.shared`); if nobody has `wanted` a clip, it also pauses. If it fails,
    nothing lies there any more, so that the page says it could not be loaded; raises what `make` raised.
    """
    promise = _PROMISED.get(place)
    if promise is None:
        return
    promise.wanted |= wanted
    if not promise.begun.acquire(blocking=False):
        return
    unfinished = Path(place).with_suffix(".part")
    with contextlib.ExitStack() as ending, _ONE.turn():
        if not _running():
            return
        ending.callback(_PROMISED.pop, place, None)
        failed = ending.enter_context(contextlib.ExitStack())
        failed.callback(Path(place).unlink, missing_ok=True)
        found = last(_in_turns(promise))
        unfinished.write_text(found if isinstance(found, str) else _with_said(*found), encoding="utf-8")
        failed.pop_all()
        unfinished.replace(place)  # at once, so that nobody reads half of it


def last(work: Generator[F | None, None, None]) -> F:
    """What some work ends with, of what it yields but None."""
    found = None
    for part in work:
        found = found if part is None else part
    assert found is not None  # or there is nothing to show
    return found


def keep_all() -> None:
    """Makes all promised clips in another thread, in the order of the page, so that hardly a visitor waits for one.

    After each slice it pauses as long as that took, and until nobody has a run: who draws needs the processor more.
    """

    def work() -> None:
        for place in list(_PROMISED):
            making = threading.Thread(target=keep, args=(place,), kwargs={"wanted": False})
            making.start()  # in a thread of its own, so that one that fails ends no other
            making.join()

    threading.Thread(target=work).start()


class Promises:
    """ASGI middleware: a promised clip that somebody asks for is the next one to be made."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        place = scope.get("path", "").partition("/file=")[2]
        promise = _PROMISED.get(place)
        if promise is not None and not promise.wanted:
            threading.Thread(target=keep, args=(place,)).start()
        await self.app(scope, receive, send)


@dataclass
class _Promise:
    """What makes a clip, whether somebody has begun to, and whether somebody waits for it."""

    make: Make
    begun: threading.Lock = field(default_factory=threading.Lock)
    wanted: bool = False

    def slices(self) -> Generator[Any, None, None]:
        """The work, be it a function or a generator function."""
        found = self.make()
        if isinstance(found, Generator):
            yield from found
        else:
            yield found


def _in_turns(promise: _Promise) -> Generator[Any, None, None]:
    """The work of a promise, in turns with all others; with pauses, while nobody waits for any clip."""
    begun = time.monotonic()
    for part in limits.shared(promise.slices()):
        yield part
        pause = time.monotonic() + (time.monotonic() - begun)
        while _running() and not any(one.wanted for one in list(_PROMISED.values())):
            if not RUNS and time.monotonic() >= pause:
                break
            time.sleep(0.02)
        begun = time.monotonic()
        if not _running():
            raise SystemExit


def _running() -> bool:
    """Whether the program goes on; who computes in a thread while it ends is cut off by a crash."""
    return threading.main_thread().is_alive()


def _with_said(clip: str, *said: str) -> str:
    return f'{{"clip": {clip}, "said": {json.dumps(said)}}}'


def _address(file: Path) -> str:
    return json.dumps({"src": f"gradio_api/file={file.as_posix()}"})


_NUMBERS = itertools.count()
_PROMISED: dict[str, _Promise] = {}
"""The clips that are not made yet, by where they are to lie."""
_ONE = Turns(1)
"""First come, first served: a plain lock would let `keep_all` go on before whoever waits."""


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Where they lie; it is gone when the program ends."""
    folder = tempfile.TemporaryDirectory(prefix="opening-clips-")
    gr.set_static_paths(folder.name)
    return folder
