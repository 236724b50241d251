"""What a visitor may ask for, and how visitors share the machine.

Every value is checked on the server, since anyone can call the API with anything. Each check returns the value in
the type it should have, or raises `gr.Error` with one sentence that says what is wrong and what to do; Gradio shows
it in the page.

Long work is a generator, and takes the processor one short turn at a time (`shared`). Those who wait for a turn are
served in the order in which they came, and whoever has had one goes to the end: so thirty visitors who press the
button together all see their picture begin, instead of one after the other.

A visitor is a session of Gradio: an open page, or a `gradio_client.Client`. What a run may hold is bounded by what
the checks let pass: the largest, the bound of 512 points in a thousand steps, took 39 MB. How many runs there are is
bounded by `EACH` for one visitor. Since a program can pose as many visitors, `AT_ONCE` bounds them all together: that
many drawings of nine pictures in a hundred steps took the app from 0.5 to 2.6 GB. A Space has 16.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Generator, Iterator
from typing import Any, TypeVar

import gradio as gr

CORES = 2
"""Turns that run at the same time: the cores of a free Space."""
THREADS = 1
"""Threads of a network evaluation. At this size a second one brings little; a second visitor is the better use."""
AT_ONCE = 64
"""Runs that share the processor; whoever wants one more is told that the page is busy."""
EACH = 4
"""Runs of one visitor at the same time: a page has many labs, and a program may want several pictures."""
SECONDS = 60.0
"""How long one click may compute, waiting not counted."""
WAITING = AT_ONCE
"""Events that may come in the same moment. To one more, Gradio itself says that it is busy."""
LONGEST_BODY = 6_000_000
"""Bytes of a request: 100,000 points in full precision have up to 5.4 million, 54 for each, and are told by a lab's own
sentence that they are too many."""
SLICE = 0.05
"""Seconds after which a run lets others have their turn."""

T = TypeVar("T")


class Turns:
    """A place where at most `cores` work at once, and those who wait enter in the order in which they came."""

    def __init__(self, cores: int) -> None:
        self._lock = threading.Lock()
        self._free = cores
        self._waiting: deque[threading.Event] = deque()

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Waits for a free place, and gives it to the next in line at the end, whatever happens."""
        with self._lock:
            called = threading.Event()
            if self._free and not self._waiting:
                self._free -= 1
                called.set()
            else:
                self._waiting.append(called)
        called.wait()
        try:
            yield
        finally:
            with self._lock:
                if self._waiting:
                    self._waiting.popleft().set()
                else:
                    self._free += 1


CPU = Turns(CORES)


class Runs:
    """The runs that are going on: at most `most`, and at most `each` of one visitor."""

    def __init__(self, most: int, each: int) -> None:
        self._most, self._each = most, each
        self._lock = threading.Lock()
        self._of: dict[object, tuple[str | None, str]] = {}
        self._stopped: set[object] = set()

    def begin(self, visitor: str | None, lab: str) -> object:
        """A new run of this visitor in this lab. Raises gr.Error if there are too many already."""
        run = object()
        with self._lock:
            mine = [run for run, (whose, _) in self._of.items() if whose == visitor and run not in self._stopped]
            if len(mine) >= self._each:
                raise refuse(f"You have {self._each} runs going on. Please wait until one of them has ended.")
            if len(self._of) >= self._most:
                raise refuse("The page is busy: many others are drawing just now. Please try again in a few seconds.")
            self._of[run] = visitor, lab
        return run

    def __len__(self) -> int:
        return len(self._of)

    def __contains__(self, run: object) -> bool:
        return run in self._of and run not in self._stopped

    def end(self, run: object) -> None:
        """Takes a run out, if it is still in."""
        with self._lock:
            self._of.pop(run, None)
            self._stopped.discard(run)

    def stop_all(self, visitor: str | None, lab: str) -> None:
        """Asks all runs of a visitor in a lab to end; until they have, they keep their places."""
        with self._lock:
            self._stopped |= {run for run, of in self._of.items() if of == (visitor, lab)}


RUNS = Runs(AT_ONCE, EACH)


def run(request: gr.Request, work: Generator[T | None, None, None], lab: str = "") -> Iterator[T]:
    """Yields what `work` yields, `shared` with the other runs, until it has ended or its visitor wants it stopped.

    A None is a place where the work can pause or stop, and is not passed on. Raises gr.Error before it begins if the
    visitor, or all together, have too many runs.
    """
    mine = RUNS.begin(request.session_hash, lab)
    try:
        with contextlib.closing(shared(work)) as parts:
            for part in parts:
                if mine not in RUNS:
                    return
                if part is not None:
                    yield part
    finally:
        RUNS.end(mine)


def once(work: Callable[[], T]) -> Generator[T, None, None]:
    """A piece of work that is a single slice, for `run`."""
    yield work()


def stop(request: gr.Request, lab: str = "") -> None:
    """Ends every `run` of this visitor in this lab within a turn."""
    RUNS.stop_all(request.session_hash, lab)


def stopper(lab: str) -> Callable[[gr.Request], None]:
    """The handler of a lab's Stop button; what the visitor has running in other labs goes on."""

    def stop_lab(request: gr.Request) -> None:
        stop(request, lab)

    return stop_lab


class BodyCap:
    """ASGI middleware: a request whose body is longer than `LONGEST_BODY` is answered 413 and read no further."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        promised = dict(scope["headers"]).get(b"content-length", b"0")
        if promised.isdigit() and int(promised) > LONGEST_BODY:
            await _answer_413(send)
            return
        received = 0

        async def counted() -> dict[str, Any]:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > LONGEST_BODY:
                raise OverflowError("the body of the request is too long")
            return message

        async def answered(message: dict[str, Any]) -> None:
            if received <= LONGEST_BODY:
                await send(message)
            elif message["type"] == "http.response.start":  # the app's own word for what went wrong is another
                await _answer_413(send)

        await self.app(scope, counted, answered)


async def _answer_413(send: Any) -> None:
    sentence = f'{{"error": "A request may have at most {LONGEST_BODY:,} bytes."}}'.encode()
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": sentence})


def shared(work: Generator[T, None, None], seconds: float = SECONDS) -> Generator[T, None, None]:
    """Yields what `work` yields, letting others have their turn after each slice of about `SLICE` seconds.

    Raises gr.Error once the work has computed for longer than `seconds`. Closing this closes the work.
    """
    spent = 0.0
    with contextlib.closing(work):
        while True:
            done: list[T] = []
            ended = False
            with CPU.turn():
                begun, computed = time.monotonic(), time.thread_time()
                while not ended and time.monotonic() - begun < SLICE:
                    try:
                        done.append(next(work))
                    except StopIteration:
                        ended = True
                spent += time.thread_time() - computed  # on a busy machine much of a slice is waiting for a core
            yield from done
            if ended:
                return
            if spent > seconds:
                raise refuse(f"This computed for longer than {seconds:g} s. Please ask for less at a time.")


def refuse(sentence: str) -> gr.Error:
    """An error that the page shows as a plain sentence, and the server's log does not show as a crash."""
    return gr.Error(sentence, print_exception=False)


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


def choice(name: str, value: Any, options: Collection[str]) -> str:
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
