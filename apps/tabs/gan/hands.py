"""What a visitor's hands do to the game on their bench: the handlers of the lab "diagram"."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator, Iterator
from typing import Any
from weakref import WeakSet

import gradio as gr

from apps import limits, live, worlds
from apps.point_training import AT_A_TIME
from apps.tabs.gan import curves, diagram, frames
from apps.tabs.gan.play import Look, Part, Play
from apps.tabs.gan.settings import DEFAULTS, Wish, check
from apps.tabs.gan.shown import everything, moving, told

LAB = "diagram"
SLOW, SLOW_TURNS = 0.3, 200
"""Slow motion: seconds from turn to turn, and turns until it pauses by itself."""
SOON = 5.0
"""Seconds in which a game that is being shown surely has been."""
TIRED = f"paused after {AT_A_TIME:g} s of computing: Run goes on from here"
OUT_OF_BOUNDS = "The numbers ran out of bounds, and the game was set back to the last moment before: lower a rate."
ANEW = "Another set-up is another game: it begins anew, and the course of the one before is gone."

Bench = live.Bench[Wish, Play]


def work(
    bench: Bench, part: Part = "turn", n: int | None = None, seconds: float = AT_A_TIME
) -> Generator[tuple[Play, Look] | None, None, None]:
    """Plays what is on the bench under the settings that stand there at each moment; yields looks, or None.

    A game that has computed for so long before n moves were made is `tired`.
    """
    moves = 0

    def looks(play: Play) -> Iterator[Look | None]:
        nonlocal moves
        moves = 0
        for look in play.train(lambda: bench.settings, part, n):
            moves += 1
            yield look

    yield from live.work(bench, Play, looks, seconds)
    play = bench.work  # none, if Reset has ended it
    if play is not None:
        play.tired = not play.diverged and (n is None or moves < n)


def _standing(bench: Bench) -> Play:
    """The game on the bench, at its beginning if it is a new one."""
    play = live.placed(bench, Play)
    if not play.marks.items:
        play.go_on(bench.settings)
    return play


@contextlib.contextmanager
def _counted(request: gr.Request) -> Iterator[object]:
    """One of the runs of this visitor, while it lasts."""
    run = limits.RUNS.begin(request.session_hash, LAB)
    try:
        yield run
    finally:
        limits.RUNS.end(run)


class Hands:
    """The handlers: what a visitor does to the game on their bench."""

    def __init__(self, benches: live.Benches[Wish, Play], built: diagram.Lab) -> None:
        self._benches, self._built = benches, built
        self._first = check(**DEFAULTS).setup
        self._running: WeakSet[Bench] = WeakSet()
        self._given_up: WeakSet[Play] = WeakSet()
        """Games of which their visitors were told that another one takes their place."""

    @contextlib.contextmanager
    def _alone(self, bench: Bench, *, runs: bool = False) -> Iterator[None]:
        """The bench for oneself. A run keeps others away; what only shows the game is soon done, and is waited for."""
        end = time.monotonic() + SOON
        with contextlib.ExitStack() as stack:
            while True:
                try:
                    stack.enter_context(bench.alone())
                    break
                except gr.Error:
                    if bench in self._running or time.monotonic() > end:
                        raise
                    time.sleep(0.01)
            if runs:
                self._running.add(bench)
                stack.callback(self._running.discard, bench)
            yield

    def _ask(self, bench: Bench, chosen: Any) -> None:
        """Lays the settings on the bench, and says so if they end a game that has a past."""
        bench.settings = check(*chosen)
        old = bench.work
        if old is None or old.setup == bench.settings.setup or old in self._given_up:
            return
        if old.moved or len(old.marks.items) > 1:
            self._given_up.add(old)
            gr.Info(ANEW)

    def _show(self, pictures: dict[str, str], play: Play | None = None) -> dict[Any, Any]:
        """Updates of the pictures, and of the slider, if a game is given."""
        found: dict[Any, Any] = {self._built.pictures[name]: clip for name, clip in pictures.items()}
        if play is not None:
            last = len(play.marks.items) - 1
            at = last if play.at is None else play.at
            found[self._built.rewind] = gr.update(maximum=max(1, last), value=at)
        return found

    def _still(self, play: Play, look: Look, more: str = "") -> dict[Any, Any]:
        """Everything, for a game that stands."""
        said = more or (OUT_OF_BOUNDS if play.diverged else TIRED if play.tired else "paused")
        if said == "paused" and look.row.turns == 0 and not any(play.alone):
            said = "before anything was learned"
        return self._show(everything(play, look, f"{told(play, look)} · {said}"), play)

    def _played(self, request: gr.Request, part: Part, n: int | None, chosen: Any) -> Iterator[dict[Any, Any]]:
        bench = self._benches.of(request)
        with self._alone(bench, runs=True):
            self._ask(bench, chosen)
            shown: Play | None = None
            for play, look in limits.run(request, work(bench, part, n), LAB):
                if n == 1:
                    continue  # it is shown as it ends
                clips = moving(play, look, told(play, look))
                if shown is not play:
                    clips |= {"codes": frames.codes(play), "real": frames.real(play)}
                    shown = play
                if look.thorough:
                    clips["gauges"] = curves.gauges(play, look)
                yield self._show(clips)
            yield from self._ended(bench)

    def _ended(self, bench: Bench) -> Iterator[dict[Any, Any]]:
        """Where the game stands after a run: what came after the last look is looked at too.

        And once more, if Reset meanwhile took away the game that is shown.
        """
        play = None
        while play is None or bench.work is not play:
            with limits.CPU.turn():
                play = _standing(bench)
                look = play.again(bench.settings.averaged)
            yield self._still(play, look)

    def run(self, request: gr.Request, *chosen: Any) -> Iterator[dict[Any, Any]]:
        """Plays on and on."""
        yield from self._played(request, "turn", None, chosen)

    def step(self, request: gr.Request, *chosen: Any) -> Iterator[dict[Any, Any]]:
        """Plays one turn."""
        yield from self._played(request, "turn", 1, chosen)

    def step_d(self, request: gr.Request, *chosen: Any) -> Iterator[dict[Any, Any]]:
        """D learns once, and G is held."""
        yield from self._played(request, "D", 1, chosen)

    def step_g(self, request: gr.Request, *chosen: Any) -> Iterator[dict[Any, Any]]:
        """G learns once, and D is held."""
        yield from self._played(request, "G", 1, chosen)

    def many(self, request: gr.Request, n: Any, *chosen: Any) -> Iterator[dict[Any, Any]]:
        """Plays n turns."""
        yield from self._played(request, "turn", limits.whole("n", n, 1, diagram.MOST_TURNS), chosen)

    def slowly(self, request: gr.Request, *chosen: Any) -> Iterator[dict[Any, Any]]:
        """Plays a few turns a second, as one run. It waits between them, outside of its turns at the processor."""
        bench = self._benches.of(request)
        with self._alone(bench, runs=True), _counted(request) as run:
            self._ask(bench, chosen)
            live.placed(bench, Play).halt.clear()
            for _ in range(SLOW_TURNS):
                with contextlib.closing(limits.shared(work(bench, "turn", 1))) as parts:
                    for play, look in filter(None, parts):
                        yield self._show(everything(play, look, f"{told(play, look)} · slow motion"))
                play = bench.work  # looked at once: Reset may take it away meanwhile
                if play is None or play.diverged or run not in limits.RUNS or play.halt.wait(SLOW):
                    break
            yield from self._ended(bench)

    def pause(self, request: gr.Request) -> None:
        """Ends what is running."""
        limits.stop(request, LAB)
        play = self._benches.of(request).work
        if play is not None:
            play.halt.set()

    def reset(self, request: gr.Request, *chosen: Any) -> Any:
        """Begins anew, from the same initialisation."""
        bench = self._benches.of(request)
        if empty := worlds.unfinished(chosen[0], chosen[-1]):
            return self._show({"frame": empty})
        bench.settings = check(*chosen)
        old, bench.work = bench.work, None
        if old is not None:
            old.halt.set()
        return self._begun(bench)

    def changed(self, request: gr.Request, *chosen: Any) -> Any:
        """A control was moved: a run reads it at its next turn, a game that stands is shown under it."""
        bench = self._benches.of(request)
        if empty := worlds.unfinished(chosen[0], chosen[-1]):
            return self._show({"frame": empty})
        self._ask(bench, chosen)
        if bench.work is None and bench.settings.setup == self._first:
            return gr.skip()  # the recorded game stays in sight
        return self._begun(bench)

    def _begun(self, bench: Bench) -> Any:
        """Where the game on the bench stands, at its beginning if it is a new one."""
        if bench in self._running:
            return gr.skip()  # the run notices, and shows it
        with self._alone(bench), limits.CPU.turn():
            play = _standing(bench)
            play.diverged = play.tired = False
            if play.moved:  # a run was broken off: what its rules led to is read before others hold
                play.look(bench.settings.averaged)
            play.adopt(bench.settings)
            look = play.again(bench.settings.averaged)
        return self._still(play, look)

    def rewind(self, request: gr.Request, mark: Any, *chosen: Any) -> dict[Any, Any]:
        """Goes back to one of the moments that were kept, or forth."""
        bench = self._benches.of(request)
        if bench.work is None:
            raise limits.refuse("Press Run first: there is no game of yours yet to go back in.")
        bench.settings = check(*chosen)
        with self._alone(bench), limits.CPU.turn():
            play = _standing(bench)
            play.adopt(bench.settings)
            play.back(limits.whole("The moment", mark, 0, 1000))
            play.diverged = False
            look = play.again(bench.settings.averaged)
        found = self._still(play, look, "rewound: Run goes on from here")
        del found[self._built.rewind]  # it is under the visitor's hand
        return found
