"""The lab "panel": five families learn the same points side by side, under one panel of measurements."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import gradio as gr

from apps import limits, links, live, player, point_training, wiring, worlds
from apps.point_training import AT_A_TIME
from apps.tabs.families import standings
from apps.wiring import QUIET
from tutorial import measurements
from tutorial.data import toy2d
from tutorial.families.comparison import Comparison, Knobs, State
from tutorial.families.flow import KINDS, SHAPES, Kind
from tutorial.families.learners import AUTOREGRESSIVE, FLOW, OutOfBounds
from tutorial.training.point_families import COMMAND, recorded

FIRST = [("x₁", 0), ("x₂", 1)]
DEFAULTS: dict[str, Any] = {
    "world": "eight Gaussians",
    "rate": Knobs.rate,
    "kind": FLOW.kind,
    "first": AUTOREGRESSIVE.first,
    "batch": Knobs.batch,
    "seed": 0,
}
UPDATES = 2000
"""Most updates of each family that a program may ask for; the slowest of them needs some hundredths of a second."""


@dataclass(frozen=True)
class Setup:
    """What a comparison starts from: another one is another comparison."""

    world: str
    drawn: worlds.Points
    kind: Kind
    first: int
    seed: int


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked."""

    setup: Setup
    knobs: Knobs


def check(world: Any, rate: Any, kind: Any, first: Any, batch: Any, seed: Any, drawn: Any = ()) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    name = limits.choice("The data", world, worlds.NAMES)
    knobs = Knobs(
        rate=limits.number("The learning rate", rate, 1e-5, 0.1),
        batch=limits.whole("The batch", batch, 16, 512),
    )
    setup = Setup(
        name,
        worlds.drawn(name, drawn),
        cast(Kind, limits.choice("The couplings of the flow", kind, KINDS)),
        limits.whole("The coordinate that comes first", first, 0, 1),
        limits.whole("The seed", seed, 0, 2**31 - 1),
    )
    return Wish(setup, knobs)


class Run:
    """A comparison with what it was started from."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.comparison = Comparison(
            partial(worlds.sample, setup.world, setup.drawn),
            density=worlds.density(setup.world, setup.drawn),
            modes=toy2d.mixture_of(setup.world),
            seed=setup.seed,
            flow=SHAPES[setup.kind],
            autoregressive=replace(AUTOREGRESSIVE, first=setup.first),
        )

    @property
    def seconds(self) -> float:
        """Of computing."""
        return self.comparison.seconds

    def train(self, knobs: Callable[[], Knobs], updates: int | None = None) -> Generator[State | None, None, None]:
        """Trains all five, for so many updates of each if they are given; yields as `Comparison.train` does."""
        try:
            yield from self.comparison.train(knobs, updates)
        except OutOfBounds as error:
            raise limits.refuse(live.OUT_OF_BOUNDS) from error

    def measure(self) -> Generator[State | None, None, None]:
        """Measures all there is to measure, and yields it at the end."""
        try:
            yield from self.comparison.measure()
        except OutOfBounds as error:
            raise limits.refuse(live.OUT_OF_BOUNDS) from error
        yield self.comparison.state()


Bench = live.Bench[Wish, Run]


def work(
    bench: Bench, updates: int | None = None, seconds: float = AT_A_TIME
) -> Generator[tuple[Run, State] | None, None, None]:
    """Trains what is on the bench under the settings that stand there at each moment, until each family has made so
    many updates or all together have computed for so long."""
    return live.work(bench, Run, lambda run: run.train(lambda: bench.settings.knobs, updates), seconds)


def measured(bench: Bench) -> Generator[tuple[Run, State] | None, None, None]:
    """Measures what is on the bench to the end: (run, state). What takes its place meanwhile is measured in turn."""
    while True:
        run = live.placed(bench, Run)
        yield None
        for state in run.measure():
            yield None if state is None else (run, state)
            if not live.stands(bench, run):
                break
        else:
            return


def shown(run: Run, state: State, more: str = "") -> tuple[str, str, str]:
    """What the lab's three parts show: samples, table and curves."""
    clouds = standings.samples(state, run.setup.world, standings.told(state) + more)
    return clouds, standings.rows(state), standings.curves(state)


def halted(state: State) -> str:
    """What the note adds while nobody learns."""
    learned = any(standing.updates for standing in state.standings)
    return " · paused" if learned else ": what they draw before they have learned anything"


def opening() -> tuple[str, str, str]:
    """What the lab shows at first. Raises measurements.MeasurementsError if the recorded run is missing or damaged."""
    state = recorded()
    note = f"{standings.told(state)}. A recorded run, made by {COMMAND}; Train starts one of yours."
    return standings.samples(state, DEFAULTS["world"], note), standings.rows(state), standings.curves(state)


def train_families(
    request: gr.Request,
    world: str = DEFAULTS["world"],
    seconds: float = 10.0,
    updates: int = UPDATES,
    rate: float = DEFAULTS["rate"],
    kind: str = DEFAULTS["kind"],
    first: int = DEFAULTS["first"],
    batch: int = DEFAULTS["batch"],
    seed: int = DEFAULTS["seed"],
    points: list[list[float]] | None = None,
):
    """Trains five families on the same points in turn. Yields (progress, table) while they learn and at the end.

    world as in /train_denoiser, with points for what is drawn, seconds of computing 0.1–30, updates of each family
    1–2000, whichever is reached first, rate 0.00001–0.1, kind of the flow's couplings affine or spline, first the
    coordinate 0 or 1 that the autoregressive model draws first, batch 16–512. The table has a row for each family, with
    the numbers of the page's table; None stands for what the family, or the data, does not have. In the last one all
    are measured.
    """
    bench: Bench = live.Bench()
    bench.settings = check(world, rate, kind, first, batch, seed, worlds.sent(world, points))
    seconds = limits.number("The time", seconds, 0.1, AT_A_TIME)
    updates = limits.whole("The number of updates", updates, 1, UPDATES)

    def whole() -> Generator[tuple[Run, State] | None, None, None]:
        yield from work(bench, updates, seconds)
        yield from measured(bench)

    for _, state in limits.run(request, whole()):
        yield standings.told(state), standings.numbers(state)


train_families.__annotations__["return"] = tuple[str, list[dict[str, Any]]]


def lab(page: gr.Blocks) -> None:
    """The lab's pictures, table and controls; without the recorded run, a sentence that says how to get it back."""
    gr.api(train_families, api_name="train_families")
    try:
        first = opening()
    except measurements.MeasurementsError as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    benches: live.Benches[Wish, Run] = live.Benches(page)
    film = player.player(first[0], elem_id="panel")
    settings, buttons = controls()
    outputs = [film, standings.table(first[1], "panel-table"), player.player(first[2], elem_id="panel-curves")]
    drawn = gr.State([])
    everything = settings | {"drawn": drawn}
    values = list(everything.values())

    def trained(request: gr.Request, updates: int | None, *chosen: Any) -> Iterator[tuple[str, str, str]]:
        bench = benches.of(request)
        bench.settings = check(*chosen)
        with bench.alone():
            for run, state in limits.run(request, work(bench, updates), "panel"):
                yield shown(run, state)
            for run, state in limits.run(request, measured(bench)):  # short, so that Pause does not end it
                yield shown(run, state, halted(state))

    def train(request: gr.Request, *chosen: Any) -> Iterator[tuple[str, str, str]]:
        yield from trained(request, None, *chosen)

    def step(request: gr.Request, *chosen: Any) -> Iterator[tuple[str, str, str]]:
        yield from trained(request, 1, *chosen)

    def reset(request: gr.Request, *chosen: Any) -> Iterator[Any]:
        bench, world, points = benches.of(request), chosen[0], chosen[-1]
        if empty := worlds.unfinished(world, points):
            yield empty, gr.skip(), gr.skip()
            return
        bench.settings, bench.work = check(*chosen), None
        with bench.alone(live.PATIENCE):
            for run, state in limits.run(request, measured(bench)):
                yield shown(run, state, halted(state))

    buttons["run"].click(train, values, outputs, js=links.write("panel", settings), trigger_mode="once", **QUIET)
    buttons["step"].click(step, values, outputs, trigger_mode="once", **QUIET)
    buttons["pause"].click(limits.stopper("panel"), queue=False, api_visibility="private")
    buttons["reset"].click(reset, values, outputs, **QUIET)
    film.input(worlds.stroke, drawn, [drawn, settings["world"]], **QUIET).success(reset, values, outputs, **QUIET)
    wiring.moved(settings["world"])(reset, values, outputs, trigger_mode="always_last", **QUIET)
    buttons["clear"].click(lambda: [], None, drawn, **QUIET).success(reset, values, outputs, **QUIET)
    live.follow(
        benches,
        everything,
        lambda **chosen: None if worlds.unfinished(chosen["world"], chosen["drawn"]) else check(**chosen),
    )
    wiring.link(page, "panel", settings, buttons, check)


def controls() -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings in the order in which `check` takes them, and the buttons."""
    with gr.Row():
        buttons = {
            "run": gr.Button("Train all five", variant="primary", elem_id="panel-train", min_width=130),
            "pause": gr.Button("Pause", elem_id="panel-pause", min_width=90),
            "step": gr.Button("One update each", elem_id="panel-step", min_width=120),
            "reset": gr.Button("Reset", elem_id="panel-reset", min_width=90),
        }
    with gr.Row():
        world = gr.Dropdown(
            list(worlds.NAMES), value=DEFAULTS["world"], label="Data", elem_id="panel-world", min_width=180
        )
        rate = point_training.rate("panel")
    with gr.Accordion("More", open=False):
        with gr.Row():
            more: dict[str, Any] = {
                "kind": gr.Radio(
                    list(KINDS), value=DEFAULTS["kind"], label="Couplings of the flow", elem_id="panel-kind"
                ),
                "first": gr.Radio(
                    FIRST, value=DEFAULTS["first"], label="The autoregressive model begins with", elem_id="panel-first"
                ),
                "batch": gr.Slider(16, 512, DEFAULTS["batch"], step=16, label="Batch", elem_id="panel-batch"),
                "seed": gr.Number(DEFAULTS["seed"], label="Seed", precision=0, elem_id="panel-seed"),
            }
        with gr.Row():
            buttons["clear"] = gr.Button("Clear my points", elem_id="panel-clear", size="sm", min_width=120)
            buttons["copy"] = gr.Button("Copy link", elem_id="copy-panel", size="sm", min_width=120)
    return {"world": world, "rate": rate} | more, buttons
