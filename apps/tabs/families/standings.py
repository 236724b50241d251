"""How five families stand, drawn: their samples on the same axes, one table, and how each came closer to the data."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import gradio as gr
import numpy as np

from apps import player, worlds
from apps.quantities import added, plain, size
from tutorial.families.comparison import SAMPLES, TIMED, Estimate, Standing, State
from tutorial.metrics.coverage import NEAR

COLUMNS = (
    "family",
    "exact\ndensity?",
    "−log p(x),\nnats",
    "energy\ndistance",
    f"modes,\nwithin {NEAR:g}σ",
    "updates",
    f"{TIMED:,}\nsamples",
    "can it invert?\nx → code → x",
    "can it interpolate?\ncode → code",
)
DENSITIES = {"exact": "exact", "bound": "a bound", "none": "none"}
HIGHEST = 10.0
"""Energy distance up to which curves are in the picture; the first samples of all may be far beyond it."""
UNKNOWN, LATER = "–", "…"
"""What a family or the data does not have, and what was not measured yet."""


def table(value: str, elem_id: str) -> gr.HTML:
    """The component of the table, showing `value`, an answer of `rows`; where it is too wide, it scrolls in a box of
    its own, which stays where it is as new rows come."""
    return gr.HTML(
        value,
        html_template='<div class="wide-table" tabindex="0" role="region" aria-label="The families in numbers"></div>',
        js_on_load="""const box = element.querySelector(".wide-table");
const draw = () => { box.innerHTML = props.value; };
watch("value", draw);
draw();""",
        apply_default_css=False,
        elem_id=elem_id,
        padding=False,
    )


def told(state: State) -> str:
    """How far they are, in a line."""
    longest = max(standing.seconds for standing in state.standings)
    return f"{state.seconds:.1f} s of computing, {longest:.1f} s of it for each to learn in"


def samples(state: State, world: str, note: str) -> str:
    """The data, and what each family draws, on the same axes, with the way between two points."""
    data = state.test[None].numpy()
    own = player.panel(
        [player.points(data, "real", "data")],
        title="the data: draw here",
        label=f"Data: {world}",
        x=worlds.AXIS,
        y=worlds.AXIS,
        takes="points",
    )
    return player.clip([own, *(_samples(standing, data) for standing in state.standings)], note=note)


def _samples(standing: Standing, data: np.ndarray) -> player.Panel:
    quick, thorough = standing.quick, standing.thorough
    layers = [
        player.points(data, "real", "data", alpha=0.3),
        player.points(quick.samples[None].numpy(), "generated", "samples"),
    ]
    if thorough is not None:
        ends = "way between two points" if thorough.inversion is not None else "way between two fakes"
        x, y = thorough.way.T.numpy()
        layers.append(player.curve(x, y, "field", ends))
    seen = quick.coverage
    good = f": {seen.modes} modes, {seen.high_quality:.0%} on one" if seen is not None else ""
    return player.panel(
        layers,
        title=f"{standing.name}{good}",
        label=f"Data, and samples of the {standing.name}",
        x=worlds.AXIS,
        y=worlds.AXIS,
    )


def curves(state: State) -> str:
    """Energy distance against seconds of learning: a panel for each family, with the others behind it.

    The legend is that of the first panel.
    """
    by_name = {standing.name: np.array(standing.curve or [(0.0, 1.0)]).T for standing in state.standings}
    last = max(1.0, *(seconds[-1] for seconds, _ in by_name.values()))
    time: player.Axis = (0.0, last, "seconds of learning")
    low, high = player.decades(np.array(state.floor), *(energy for _, energy in by_name.values()))
    distance: player.Axis = (low, min(high, HIGHEST), "", "log")
    panels = []
    for name, (seconds, energy) in by_name.items():
        others, own, floor = ("", "", "") if panels else ("the others", "samples to data", "data to data")
        layers = [player.curve(x, y, "noise", others) for other, (x, y) in by_name.items() if other != name]
        layers.append(player.curve(seconds, energy, "generated", own))
        layers.append(player.curve(np.array([0, last]), np.full(2, state.floor), "exact", floor, dashed=True))
        label = f"Energy distance of the {name}, in the course of its learning"
        panels.append(player.panel(layers, title=name, label=label, x=time, y=distance, aspect=1))
    return player.clip(panels, note="Energy distance to the data, for the same seconds of learning.")


def rows(state: State) -> str:
    """The table as HTML."""
    floor = f" The floor, −log p(x) of the data itself: {_with_error(state.entropy)}." if state.entropy else ""
    about = (
        f"Measured on {SAMPLES} points that none learned from, and as many samples.{floor} Energy distance of two "
        f"samples of the data: {state.floor:.3f} on average."
    )
    head = "".join(f'<th scope="col">{_lines(name)}</th>' for name in COLUMNS)
    body = "".join(_row(cells(standing, state)) for standing in state.standings)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p>{escape(about)}</p>"


def _row(texts: Sequence[str]) -> str:
    name, *others = (_lines(text) for text in texts)
    return f'<tr><th scope="row">{name}</th>' + "".join(f"<td>{text}</td>" for text in others) + "</tr>"


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br>")


def cells(standing: Standing, state: State) -> tuple[str, ...]:
    """What stands in a family's row, column by column."""
    quick, found = standing.quick, standing.thorough
    seen = quick.coverage
    each = f"\n{1000 * standing.seconds / standing.updates:.1f} ms each" if standing.updates else ""
    evaluations = f"{standing.evaluations} network\nevaluation{'s' if standing.evaluations > 1 else ''}"
    return (
        standing.name,
        DENSITIES[standing.density],
        _likelihood(standing),
        plain(quick.energy, 3) if quick.energy >= 0.001 else size(quick.energy),
        f"{seen.modes}\n{seen.high_quality:.0%}" if seen is not None else UNKNOWN,
        f"{standing.updates:,}{each}",
        f"{found.milliseconds:.1f} ms\n{evaluations}" if found is not None else f"{LATER}\n{evaluations}",
        _inversion(standing),
        _interpolation(standing),
    )


def _likelihood(standing: Standing) -> str:
    if standing.density == "none":
        return UNKNOWN
    if standing.thorough is None or standing.thorough.nll is None:
        return LATER
    nll, above = standing.thorough.nll, standing.thorough.excess
    sign = "≤ " if standing.density == "bound" else ""
    if above is None:
        return f"{sign}{_with_error(nll)}"
    return f"{sign}{plain(nll.mean)}\n= floor {added(above.mean)} ± {plain(above.error)}"


def _with_error(estimate: Estimate) -> str:
    return f"{plain(estimate.mean)} ± {plain(estimate.error)}"


def _inversion(standing: Standing) -> str:
    if standing.thorough is None:
        return LATER
    if standing.thorough.inversion is None:
        return "no encoder"
    off = standing.thorough.inversion
    return f"{plain(off) if off >= 0.01 else size(off)} off"


def _interpolation(standing: Standing) -> str:
    found = standing.thorough
    if found is None:
        return LATER
    only = "" if found.inversion is not None else "\ntwo fakes only"
    return f"{found.on_data:.0%} on data\nlongest stride {found.stride:.1f}{only}"


def numbers(state: State) -> list[dict[str, Any]]:
    """The table for programs: a row for each family, None for what it does not have."""
    return [_numbers(standing, state) for standing in state.standings]


def _numbers(standing: Standing, state: State) -> dict[str, Any]:
    quick, found = standing.quick, standing.thorough
    row: dict[str, Any] = {
        "family": standing.name,
        "density": standing.density,
        "updates": standing.updates,
        "seconds": standing.seconds,
        "evaluations": standing.evaluations,
        "energy": quick.energy,
        "energy_floor": state.floor,
        "nll_floor": state.entropy.mean if state.entropy is not None else None,
        "modes": quick.coverage.modes if quick.coverage is not None else None,
        "high_quality": quick.coverage.high_quality if quick.coverage is not None else None,
    }
    if found is None:
        return row
    nll, above = found.nll, found.excess
    return row | {
        "nll": nll.mean if nll is not None else None,
        "nll_error": nll.error if nll is not None else None,
        "excess": above.mean if above is not None else None,
        "excess_error": above.error if above is not None else None,
        "milliseconds_per_1000": found.milliseconds,
        "inversion": found.inversion,
        "on_data": found.on_data,
        "stride": found.stride,
    }
