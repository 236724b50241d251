"""The lab "stability": how trainings of a GAN and of diffusion end, with learning rates of three decades."""

from __future__ import annotations

import statistics
from typing import Any

import gradio as gr
import numpy as np

from apps import limits, player, wiring
from apps.tabs.closing import tables
from apps.tabs.closing.contenders import COLOURS, LABELS
from apps.tabs.closing.tables import NONE, Cell, Head
from apps.wiring import QUIET
from tutorial import measurements
from tutorial.training.contest_recorded import COLUMNS, NEAR_BEST, Numbers, Rates, rates
from tutorial.training.contest_verdict import GAN, PIXEL

FAMILIES = (GAN, PIXEL)
SHOWN = ("frechet", "precision", "recall", "accuracy", "variety")
DEFAULTS: dict[str, Any] = {"column": SHOWN[0]}


def check(column: Any) -> str:
    """Raises gr.Error for what is no column that was recorded."""
    return limits.choice("What is shown", column, SHOWN)


def chart(found: Rates, column: str) -> str:
    """Every training by its learning rate, one panel for each family on the same axes; those whose numbers ran out of
    bounds stand on the worse edge."""
    own = {family: [run for run in found.runs if run["family"] == family] for family in FAMILIES}
    across: player.Axis = (*player.decades(np.array([run["rate"] for run in found.runs])), "learning rate", "log")
    up = _up(found, column)
    panels = [_panel(family, own[family], column, across, up) for family in FAMILIES]
    note = (
        f"Recorded by {found.command}: each dot is a training of {found.seconds:g} s of one core, judged by "
        f"{found.samples:,} digits; the line is the median over seeds. Both panels have the same axes."
    )
    return player.clip(panels, note=note)


def _up(found: Rates, column: str) -> player.Axis:
    values = np.array([run[column] for run in found.runs if column in run] or [1.0])
    if column == "frechet":
        return (*player.decades(values.clip(min=1e-6)), COLUMNS[column].title, "log")
    return (-0.03, max(1.03, 1.05 * float(values.max())), COLUMNS[column].title)


def _panel(family: str, runs: list[Numbers], column: str, across: player.Axis, up: player.Axis) -> player.Panel:
    colour = COLOURS[family]
    there, lost = [run for run in runs if column in run], [run for run in runs if column not in run]
    layers: list[player.Layer] = []
    if there:
        by_rate = {
            rate: [run[column] for run in there if run["rate"] == rate] for rate in sorted({r["rate"] for r in there})
        }
        medians = np.array([(rate, statistics.median(values)) for rate, values in by_rate.items()])
        if len(medians) > 1:
            layers.append(player.curve(medians[:, 0], medians[:, 1], colour, "median over seeds"))
        dots = np.array([(run["rate"], run[column]) for run in there])
        layers.append(
            player.points(dots[None], colour, "a training", size=4, notes=[_note(run, column) for run in there])
        )
    if lost:
        worst = 0.85 * up[1] if COLUMNS[column].better == "lower" else 0.0
        dots = np.array([(run["rate"], worst) for run in lost])
        notes = [f"rate {run['rate']:.3g}, seed {run['seed']}: out of bounds" for run in lost]
        layers.append(player.points(dots[None], "noise", "numbers out of bounds", size=5, notes=notes))
    label = f"{COLUMNS[column].title} of the {LABELS[family]} by its learning rate"
    return player.panel(layers, title=LABELS[family], label=label, x=across, y=up)


def _note(run: Numbers, column: str) -> str:
    return f"rate {run['rate']:.3g}, seed {run['seed']}: {COLUMNS[column].text(run[column])}"


def table(found: Rates) -> str:
    """For each family and learning rate how the seeds ended, and how many ended well."""
    heads = [
        Head("learning rate,\nof GAN / diffusion"),
        *(Head(f"{LABELS[family]}:\nFréchet, each seed") for family in FAMILIES),
    ]
    order = {family: sorted({run["rate"] for run in found.runs if run["family"] == family}) for family in FAMILIES}
    rows = []
    for k in range(max(map(len, order.values()))):
        cells = [_seeds(found, family, order[family][k] if k < len(order[family]) else None) for family in FAMILIES]
        names = dict.fromkeys(f"{order[family][k]:.3g}" for family in FAMILIES if k < len(order[family]))
        rows.append((" / ".join(names), cells))
    return tables.rows(heads, rows, " ".join(told(found, family) for family in FAMILIES))


def _seeds(found: Rates, family: str, rate: float | None) -> Cell:
    runs = [run for run in found.runs if (run["family"], run["rate"]) == (family, rate)]
    return Cell(", ".join(COLUMNS["frechet"].text(run["frechet"]) if "frechet" in run else NONE for run in runs))


def told(found: Rates, family: str) -> str:
    """How many of a family's trainings ended well."""
    well, all_, best = found.ended_well(family)
    return (
        f"{tables.begun(LABELS[family])}: {well} of {all_} trainings end within "
        f"{NEAR_BEST:g} times the family’s best Fréchet distance, {COLUMNS['frechet'].text(best)}."
    )


def lab(page: gr.Blocks) -> None:
    """The lab's picture, table and control; without the record, a sentence that says how to get it back."""
    try:
        found = rates()
        first = chart(found, DEFAULTS["column"])
        beneath = table(found)
    except measurements.MeasurementsError as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    film = player.player(first, elem_id="stability")
    columns = [(COLUMNS[name].title, name) for name in SHOWN]
    column = gr.Radio(columns, value=DEFAULTS["column"], label="What is shown", elem_id="stability-column")
    tables.table(beneath, "stability-table", "How trainings end, by learning rate and seed")
    wiring.moved(column)(lambda chosen: chart(found, check(chosen)), column, film, **QUIET)
