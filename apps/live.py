"""Labs that go on between clicks: settings that a run reads while it runs, and what a visitor left on the bench.

A run is a generator that was started with one set of values. So that sliders act on it in mid-run, they write what they
say into the visitor's bench, and the run looks there before each slice of its work.
"""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from typing import Any, Generic, Protocol, TypeVar

import gradio as gr
from gradio.components import Component

from apps import limits

MOST = 64
"""Benches that a lab keeps, each of a few megabytes. For one more, that of whoever has been away longest is cleared."""

PATIENCE = 10.0
"""Seconds that Reset waits for a run to notice that its work was taken away; one slice of it is enough, but many
visitors may share the processor."""

OUT_OF_BOUNDS = "The numbers have run out of bounds. Lower the learning rate, and press Reset."

Settings = TypeVar("Settings")
Work = TypeVar("Work")
Look = TypeVar("Look")
T = TypeVar("T", bound="Training")


class Bench(Generic[Settings, Work]):
    """One visitor's: the settings as the controls stand now, from the first click on, and the work as it was left."""

    settings: Settings

    def __init__(self) -> None:
        self.work: Work | None = None
        self._lock = threading.Lock()

    @property
    def busy(self) -> bool:
        """Whether a run is going on."""
        return self._lock.locked()

    @contextlib.contextmanager
    def alone(self, patience: float = 0.0) -> Iterator[None]:
        """Keeps a second run away from the work. Raises gr.Error if there is one, and still is after so many seconds.

        What a run shows last it yields in here, so that nothing of it comes after what a Reset shows, who waited.
        """
        if not self._lock.acquire(timeout=patience):
            raise limits.refuse("This is running already. Pause it first.")
        try:
            yield
        finally:
            self._lock.release()


class Benches(Generic[Settings, Work]):
    """The benches of a lab's visitors; a visitor who closes the page takes theirs along."""

    def __init__(self, page: gr.Blocks) -> None:
        self._benches: OrderedDict[str | None, Bench[Settings, Work]] = OrderedDict()
        self._lock = threading.Lock()
        page.unload(self._clear)

    def of(self, request: gr.Request) -> Bench[Settings, Work]:
        """This visitor's bench, a new one the first time."""
        with self._lock:
            bench = self._benches.setdefault(request.session_hash, Bench())
            self._benches.move_to_end(request.session_hash)
            if len(self._benches) > MOST:
                idle = (visitor for visitor, other in self._benches.items() if not other.busy and other is not bench)
                self._benches.pop(next(idle, None), None)
            return bench

    def _clear(self, request: gr.Request) -> None:
        with self._lock:
            self._benches.pop(request.session_hash, None)

    def __len__(self) -> int:
        return len(self._benches)


class Training(Protocol):
    """What a lab trains: it knows what it was started from, and counts its seconds of computing."""

    setup: Any

    @property
    def seconds(self) -> float: ...


def placed(bench: Bench[Any, T], start: Callable[[Any], T]) -> T:
    """The training on the bench; a new one if there is none, or one of another set-up."""
    training = bench.work  # looked at once: Reset may take it away meanwhile
    if training is None or training.setup != bench.settings.setup:
        training = bench.work = start(bench.settings.setup)
    return training


def stands(bench: Bench[Any, T], training: T) -> bool:
    """Whether this is the training on the bench still, and of the set-up that the controls ask for now."""
    return bench.work is training and bench.settings.setup == training.setup


def work(
    bench: Bench[Any, T], start: Callable[[Any], T], looks: Callable[[T], Iterable[Look | None]], seconds: float
) -> Generator[tuple[T, Look] | None, None, None]:
    """Trains what is on the bench until its `looks` end or it has computed for so long.

    When the set-up changes it goes on with a new training, and it ends when the bench is cleared. Between two looks it
    yields None, where others can have their turn.
    """
    spent = 0.0
    while spent < seconds:
        training = placed(bench, start)
        before = training.seconds
        for look in looks(training):
            yield None if look is None else (training, look)
            if bench.work is not training:
                return
            if bench.settings.setup != training.setup or spent + training.seconds - before >= seconds:
                break
        else:
            return
        spent += training.seconds - before


def follow(
    benches: Benches[Settings, Any], settings: Mapping[str, Component], check: Callable[..., Settings | None]
) -> None:
    """Makes each of these controls write the settings to its visitor's bench when it is moved.

    `check` gets all of them as keyword arguments, and raises gr.Error for a bad one; then the bench stays as it is, and
    so it does where `check` returns None, for settings that a visitor is still busy with.
    """

    def write(request: gr.Request, *values: Any) -> None:
        wanted = check(**dict(zip(settings, values, strict=True)))
        if wanted is not None:
            benches.of(request).settings = wanted

    gr.on(
        [control.change for control in settings.values()],  # type: ignore[attr-defined]
        write,
        list(settings.values()),
        show_progress="hidden",
        trigger_mode="always_last",
        api_visibility="private",
    )
