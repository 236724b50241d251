"""The lab "scoreboard": all that was measured of six families, as a table and as a picture, and measured again here."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
from collections.abc import Generator
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import gradio as gr

from apps import limits, models, player, wiring
from apps.tabs.closing import contenders, scatter, scoreboard_shown, scoreboard_work, tables
from apps.tabs.closing.contenders import LABELS, NAMES
from apps.tabs.closing.scatter import Place
from apps.tabs.closing.scoreboard_work import Sets
from apps.wiring import QUIET
from tutorial import measurements, weights
from tutorial.data.digits import DataError
from tutorial.training import contest_recorded
from tutorial.training.contest_recorded import COLUMNS, Board

SETS = (2, 4)
"""Sets that can be measured within `limits.SECONDS`, whatever the family."""
DEFAULTS: dict[str, Any] = {"x": "seconds_a_picture", "y": "frechet", "family": "gan", "run": 0}
AGAIN: dict[str, Any] = {"family": "gan", "sets": SETS[0], "seed": 0}
REFUSED = (weights.WeightsError, measurements.MeasurementsError, DataError)


@cache
def board() -> Board:
    """Raises tutorial.measurements.MeasurementsError if the record is missing or damaged."""
    return contest_recorded.board()


@dataclass(frozen=True)
class Wish:
    """The columns of the picture, and the run that is opened; every value checked."""

    x: str
    y: str
    opened: Place


def check(x: Any, y: Any, family: Any, run: Any) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    across, down = (
        limits.choice(f"The column along {axis}", name, tuple(COLUMNS)) for axis, name in (("x", x), ("y", y))
    )
    name = limits.choice("The family", family, NAMES)
    return Wish(across, down, (name, limits.whole("The run", run, 0, len(board().families[name].runs) - 1)))


@dataclass(frozen=True)
class Again:
    """What is to be measured here; every value checked."""

    family: str
    sets: int
    seed: int


def check_again(family: Any, sets: Any, seed: Any) -> Again:
    """Raises gr.Error for the first value that is not as it should be."""
    count = limits.whole("The number of sets", sets, SETS[0], SETS[-1])
    if count not in SETS:
        raise limits.refuse(f"The number of sets must be one of: {', '.join(map(str, SETS))}.")
    name = limits.choice("The family", family, NAMES)
    return Again(name, count, limits.whole("The seed", seed, 0, 2**31 - 10_000))


def work(wish: Again) -> Generator[tuple[str, str] | None, None, None]:
    """A line on how far it is and the table of what was measured, after each set."""
    for found in scoreboard_work.measuring(wish.family, wish.sets, wish.seed):
        yield None if found is None else (progress(found), scoreboard_shown.again(found, board(), wish.seed))


def progress(found: Sets) -> str:
    """How far the measuring is."""
    n = scoreboard_work.EACH * 10
    return f"{LABELS[found.name]}: {len(found.own)} of {found.wanted} sets of {n} digits drawn and judged"


def scoreboard(request: gr.Request, family: str = "", sets: int = AGAIN["sets"], seed: int = AGAIN["seed"]):
    """The scoreboard. Without a family, yields (who measured it, rows) as recorded: a row for each training, with all
    of the page's columns, None for what a family has not, and for real digits.

    With a family (vae, flow, pixel_cnn, gan, pixel_diffusion, latent_diffusion) draws and judges 2 or 4 sets of 100
    digits here, and yields (progress, rows): the family's means over its sets so far with their standard errors, and
    those of as many sets of real digits.
    """
    if family == "":
        try:
            found = board()
        except measurements.MeasurementsError as error:
            raise limits.refuse(str(error)) from error
        yield f"recorded by {found.command}", scoreboard_shown.numbers(found)
        return
    wish = check_again(family, sets, seed)

    def answer() -> Generator[tuple[str, list[dict[str, Any]]] | None, None, None]:
        for part in scoreboard_work.measuring(wish.family, wish.sets, wish.seed):
            yield (
                None if part is None else (progress(part), [_row(part.name, part.own), _row("real digits", part.real)])
            )

    yield from limits.run(request, answer())


scoreboard.__annotations__["return"] = tuple[str, list[dict[str, Any]]]


def _row(name: str, found: list[Any]) -> dict[str, Any]:
    return {"family": name, "sets": len(found)} | {
        column: asdict(one) for column, one in scoreboard_work.summary(found).items()
    }


def lab(page: gr.Blocks) -> None:
    """The lab's table, picture and controls; without what it needs, a sentence that says how to get it back."""
    gr.api(scoreboard, api_name="scoreboard")
    try:
        found = board()
        contenders.all_there()
        models.digit_judge()
    except REFUSED as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    tables.table(scoreboard_shown.table(found), "scoreboard", "The scoreboard")
    settings, buttons = controls(found)
    first = shown(*DEFAULTS.values())
    chart = player.player(first[0], elem_id="scoreboard-chart")
    with gr.Row():
        settings["family"].render()
        settings["run"].render()
    with gr.Row(elem_id="scoreboard-opened"):
        with gr.Column(min_width=300):
            sheet = player.player(first[1], elem_id="scoreboard-sheet")
        with gr.Column(min_width=300):
            about = gr.Markdown(first[2], elem_id="scoreboard-about")
    values, outputs = list(settings.values()), [chart, sheet, about]
    gr.on(
        [wiring.moved(control) for control in values] + [buttons["run"].click],
        shown,
        values,
        outputs,
        trigger_mode="always_last",
        **QUIET,
    )
    chart.click(pick, [settings["x"], settings["y"]], [settings["family"], settings["run"]], **QUIET).success(
        shown, values, outputs, **QUIET
    )
    wiring.link(page, "scoreboard", settings, buttons, check)
    measure_again(page)


def shown(*chosen: Any) -> tuple[str, str, str]:
    """The picture, the digits of the run that is opened, and what is known of it."""
    wish, found = check(*chosen), board()
    name, k = wish.opened
    note = f"Bars: a standard deviation over seeds to each side. Recorded by {found.command}."
    family = found.families[name]
    return (
        scatter.chart(found, wish.x, wish.y, wish.opened, note),
        scoreboard_shown.sheet(family, k),
        scoreboard_shown.about(found, family, k),
    )


def pick(x: Any, y: Any, event: gr.EventData) -> Place:
    """The run nearest to a click. Raises gr.Error for a place that is none."""
    wish = check(x, y, DEFAULTS["family"], DEFAULTS["run"])
    data = event._data if isinstance(event._data, dict) else {}
    at = tuple(limits.number("The place", data.get(axis), -1e12, 1e12) for axis in ("x", "y"))
    found = scatter.nearest(board(), wish.x, wish.y, (at[0], at[1]))
    if found is None:
        raise limits.refuse("There is no dot: no family has both numbers.")
    return found


def controls(found: Board) -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings in the order in which `check` takes them, those of the run unrendered, and the buttons; that which
    draws the picture is hidden, since every setting does."""
    columns = [(column.title, name) for name, column in COLUMNS.items()]
    families = [(family.label, name) for name, family in found.families.items()]
    most = max(len(family.runs) for family in found.families.values())
    runs = [(f"seed {found.families['gan'].runs[k]['seed']}", k) for k in range(most)]
    family = gr.Dropdown(
        families, value=DEFAULTS["family"], label="Open", elem_id="scoreboard-family", min_width=180, render=False
    )
    run = gr.Radio(
        runs, value=DEFAULTS["run"], label="Trained from", elem_id="scoreboard-run", min_width=300, render=False
    )
    with gr.Row():
        x = gr.Dropdown(columns, value=DEFAULTS["x"], label="Across", elem_id="scoreboard-x", min_width=200)
        y = gr.Dropdown(columns, value=DEFAULTS["y"], label="Up", elem_id="scoreboard-y", min_width=200)
        copy = gr.Button("Copy link", elem_id="copy-scoreboard", min_width=100)
        draw = gr.Button("Draw", visible="hidden", elem_id="scoreboard-draw")
    return {"x": x, "y": y, "family": family, "run": run}, {"run": draw, "copy": copy}


def measure_again(page: gr.Blocks) -> None:
    """The part of the lab that measures a family here."""
    gr.Markdown("#### Measure again here, on fewer digits", elem_id="scoreboard-again-title")
    with gr.Row():
        family = gr.Dropdown(
            [(label, name) for name, label in LABELS.items()],
            value=AGAIN["family"],
            label="Family",
            elem_id="contest-again-family",
            min_width=150,
        )
        sets = gr.Radio(
            list(SETS), value=AGAIN["sets"], label="Sets of 100 digits", elem_id="contest-again-sets", min_width=180
        )
        seed = gr.Number(AGAIN["seed"], label="Seed", precision=0, elem_id="contest-again-seed", min_width=100)
    buttons = wiring.button_row("contest-again", "Measure here", "measure")
    said = gr.Markdown(scoreboard_shown.AHEAD, elem_id="contest-again-said")
    result = tables.table(scoreboard_shown.before(board()), "contest-again-table", "What is measured here")
    settings = {"family": family, "sets": sets, "seed": seed}
    measure = wiring.as_it_goes(work, check_again, "contest-again")
    wiring.connect(page, "contest-again", measure, settings, [said, result], buttons, check_again)
