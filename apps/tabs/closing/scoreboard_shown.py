"""How the scoreboard is shown: its table, a run that is opened, and what is measured again beside what was recorded."""

from __future__ import annotations

from typing import Any

from apps import player
from apps.quantities import plain
from apps.tabs.closing import tables
from apps.tabs.closing.contenders import rgb
from apps.tabs.closing.scoreboard_work import AT_ONCE, EACH, MEASURED, Measured, Sets, summary
from apps.tabs.closing.tables import NONE, Cell, Head
from tutorial.data.digits import CLASSES
from tutorial.training.contest_recorded import COLUMNS, Board, Family

AHEAD = (
    "Distances depend on the number of digits, so small sets are compared with as small sets of real digits, and not "
    "with the scoreboard."
)
LIKELIHOODS = {"exact": "= ", "bound": "≤ "}


def table(board: Board) -> str:
    """All families by all columns."""
    heads = [Head("family")] + [Head(column.title, column.better, sorts=True) for column in COLUMNS.values()]
    firsts = {name: _first(board, name) for name, column in COLUMNS.items() if column.better}
    found = [
        (family.label, [_cell(family, name, firsts.get(name) == family.name) for name in COLUMNS])
        for family in board.families.values()
    ]
    found.append(("other real digits", [_real(board, name) for name in COLUMNS]))
    seeds = max(len(family.runs) for family in board.families.values())
    note = (
        f"Recorded by {board.command}: each family trained from {seeds} seeds for {board.budget:g} s of one core, "
        f"{board.samples:,} digits of each training judged; ± is the standard deviation over seeds. Bold: the best "
        "mean. Click a name to sort by it."
    )
    meanings = [(column.title, column.what) for column in COLUMNS.values()]
    return tables.rows(heads, found, note, meanings)


def _first(board: Board, name: str) -> str:
    """The family with the best mean; of several that are equal, none."""
    first, second, *_ = board.ranked(name)
    return first.name if first.mean(name) != second.mean(name) else ""


def _cell(family: Family, name: str, best: bool) -> Cell:
    mean, text = family.mean(name), COLUMNS[name].text
    if mean is None:
        return Cell(NONE)
    sign = LIKELIHOODS.get(family.likelihood or "", "") if name == "nats" else ""
    values = family.values(name)
    spread = f"\n± {text(family.spread(name))}" if max(values) > min(values) else ""
    return Cell(f"{sign}{text(mean)}{spread}", mean, best)


def _real(board: Board, name: str) -> Cell:
    if name not in board.real:
        return Cell(NONE)
    value = float(board.real[name])
    return Cell(COLUMNS[name].text(value), value)


def sheet(family: Family, k: int) -> str:
    """A hundred digits of a run."""
    seed = family.runs[k]["seed"]
    title = f"{family.label}, seed {seed}: a row for each class"
    return player.clip([player.panel([player.image(rgb(family.sheets[k])[None])], title=title)])


def about(board: Board, family: Family, k: int) -> str:
    """What is known of a run, in Markdown, and the commands that made it."""
    run = family.runs[k]
    lines = [f"**{family.label}, seed {run['seed']}**", ""]
    for name, column in COLUMNS.items():
        if (value := run.get(name)) is not None:
            mean = value["mean"] if isinstance(value, dict) else value
            error = f" ± {plain(value['standard_error'], 1)} (standard error)" if isinstance(value, dict) else ""
            lines.append(f"- {column.title}: {column.text(float(mean))}{error}")
    lines += ["", f"Trained by `{run['command']}`", "", f"Measured by `{board.command}`"]
    return "\n".join(lines)


def numbers(board: Board) -> list[dict[str, Any]]:
    """The scoreboard for programs: a row for each training, and one for real digits."""
    rows: list[dict[str, Any]] = []
    for family in board.families.values():
        for k, run in enumerate(family.runs):
            columns = {name: (family.values(name)[k] if family.values(name) else None) for name in COLUMNS}
            rows.append({"family": family.name, "seed": run["seed"], "likelihood": family.likelihood} | columns)
    real = {name: board.real.get(name) for name in COLUMNS}
    return [*rows, {"family": "real digits", "seed": None, "likelihood": None} | real]


HEADS = [
    Head(""),
    Head("digits"),
    *(Head(COLUMNS[name].title, COLUMNS[name].better) for name in MEASURED),
    Head("a picture", "lower"),
]


def before(board: Board) -> str:
    """The table before anything was measured here: what was recorded of the GAN and of real digits."""
    gan = board.families["gan"]
    return tables.rows(HEADS, [_recorded(board, gan), _recorded_real(board)], f"Recorded by {board.command}.")


def again(found: Sets, board: Board, seed: int) -> str:
    """What was measured here so far, of the family and of real digits, and what was recorded."""
    family, n = board.families[found.name], EACH * CLASSES
    own, real = summary(found.own), summary(found.real)
    each = COLUMNS["seconds_a_picture"].text(found.seconds_a_picture)
    rows = [
        (f"{family.label},\nmeasured here", _measured(own, f"{len(found.own)} × {n}", each)),
        ("real digits,\nas many", _measured(real, f"{len(found.real)} × {n}", NONE)),
        _recorded(board, family),
        _recorded_real(board),
    ]
    note = (
        f"Here: training seed {family.runs[0]['seed']}, drawn from seed {seed}, {EACH} digits of each class in a set, "
        f"{AT_ONCE} drawn at once; mean over sets ± its standard error. Recorded by {board.command}; ± over seeds of "
        "training."
    )
    return tables.rows(HEADS, rows, note)


def _measured(found: dict[str, Measured], digits: str, each: str) -> list[Cell]:
    return [Cell(digits), *(Cell(_with_error(name, one)) for name, one in found.items()), Cell(each)]


def _with_error(name: str, one: Measured) -> str:
    text = COLUMNS[name].text
    return f"{text(one.mean)}\n± {text(one.error)}" if one.error else text(one.mean)


def _recorded(board: Board, family: Family) -> tuple[str, list[Cell]]:
    cells = [_cell(family, name, best=False) for name in (*MEASURED, "seconds_a_picture")]
    return f"{family.label},\nrecorded", [Cell(f"{len(family.runs)} × {board.samples:,}"), *cells]


def _recorded_real(board: Board) -> tuple[str, list[Cell]]:
    cells = [_real(board, name) for name in MEASURED]
    return "real digits,\nrecorded", [Cell(f"{board.samples:,}"), *cells, Cell(NONE)]
