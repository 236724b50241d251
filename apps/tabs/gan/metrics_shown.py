"""How the lab "break the metrics" shows what was measured: a table of sets of digits, and how distances fall with N."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import gradio as gr
import numpy as np

from apps import player
from apps.quantities import plain
from tutorial.gans.breaking import METRICS, fooled
from tutorial.metrics.sample_size import LARGE, Curve
from tutorial.metrics.verdict import SEARCHED, Verdict

COLUMNS = (
    "set",
    "its first digits",
    "digits",
    "inception\nscore ↑",
    "Fréchet\ndistance ↓",
    "precision ↑",
    "recall ↑",
    "read as\nmeant ↑",
    f"copies, of\nthe first {SEARCHED} ↓",
)
UNKNOWN, LATER = "–", "…"
"""What nobody can know, and what was not measured yet."""
FOOLED = "fooled"
STYLE = """.wide-table td:nth-child(2) { white-space: normal; min-width: 10.5rem; max-width: 11rem; }
.wide-table img { display: block; width: 168px; height: 28px; max-width: none; margin-bottom: 0.2rem; }
.wide-table img { image-rendering: pixelated; }
.wide-table small { color: var(--body-text-color-subdued); }
.wide-table td.fooled { background: color-mix(in srgb, var(--generated) 22%, transparent); font-weight: 600; }
.wide-table td.fooled small { color: inherit; }
@media (max-width: 560px) {
  .wide-table td:nth-child(2) { min-width: 7rem; }
  .wide-table td:nth-child(2) small { display: none; }
  .wide-table img { width: 108px; height: 18px; }
}"""


@dataclass(frozen=True)
class Row:
    """A set of digits in the table."""

    name: str
    what: str
    png: str
    """Base64 of its first digits."""
    broken: bool
    """Whether something is wrong with it by design, so that a good number is a metric's mistake."""
    verdict: Verdict | None
    limits: dict[str, float]
    """See `fooled`."""


def table(value: str) -> gr.HTML:
    """The component of the table, showing `value`, an answer of `rows`; where it is too wide, it scrolls in a box."""
    return gr.HTML(
        value,
        html_template='<div class="wide-table" tabindex="0" role="region" aria-label="What the metrics say"></div>',
        css_template=STYLE,
        js_on_load="""const box = element.querySelector(".wide-table");
const draw = () => { box.innerHTML = props.value; };
watch("value", draw);
draw();""",
        apply_default_css=False,
        elem_id="metrics-table",
        padding=False,
    )


def rows(found: Sequence[Row], note: str) -> str:
    """The table as HTML."""
    head = "".join(f'<th scope="col">{_lines(name)}</th>' for name in COLUMNS)
    body = "".join(_row(row) for row in found)
    about = (
        f"{note} ↑: higher is better, ↓: lower. “{FOOLED}”: something is wrong with the set by design, and yet the "
        "number is no worse than the worst of ten sets of real digits of that size, or the next smaller one measured."
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p>{escape(about)}</p>"


def _row(row: Row) -> str:
    picture = f'<img src="data:image/png;base64,{row.png}" alt="The first digits of “{escape(row.name)}”">'
    cells = [f"<td>{picture}<small>{escape(row.what)}</small></td>"]
    if row.verdict is None:
        cells += [f"<td>{LATER}</td>"] * (len(COLUMNS) - 2)
    else:
        found, wrong = row.verdict, fooled(row.verdict, row.limits) if row.broken else set()
        cells += [f"<td>{found.n:,}</td>", *(_cell(_value(found, name), name in wrong) for name in METRICS)]
        cells += [f"<td>{found.copies:.0%}</td>"]
    return f'<tr><th scope="row">{escape(row.name)}</th>{"".join(cells)}</tr>'


def _cell(text: str, wrong: bool) -> str:
    return f'<td class="{FOOLED}">{text}<br><small>{FOOLED}</small></td>' if wrong else f"<td>{text}</td>"


def _value(found: Verdict, name: str) -> str:
    value = getattr(found, name)
    if value is None:
        return UNKNOWN
    if name == "frechet":
        return plain(value, 1) if value < 100 else f"{value:,.0f}"
    return plain(value, 2) if name == "inception_score" else f"{value:.1%}"


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br>")


def bias(real: Curve, other: Curve, name: str, note: str) -> str:
    """Fréchet distances by the number of digits, real ones and others, and the lines that take them to infinity."""
    panels = [_against_size(real, other, name), _against_inverse(real, "real", "real digits")]
    panels.append(_against_inverse(other, "generated", name))
    labels = [f"N = {one.n:,}: {_label(real, one.n, 'real')}, {_label(other, one.n, name)}" for one in real.sizes]
    return player.clip(panels, frames=len(labels), labels=labels, rate=1.5, note=note)


def told(real: Curve, other: Curve, name: str) -> str:
    """What the curves show, in words."""
    few, many = real.sizes[0], other.sizes[-1]
    said = f"{few.n} real digits are {plain(few.mean, 0)} ± {plain(few.spread, 0)} from the reference on average"
    if few.mean > many.mean:
        said += f", farther than {many.n:,} from the {name}, {plain(many.mean, 1)}"
    return f"{said}. {_extrapolated(real, 'Real digits')} {_extrapolated(other, name)}"


def _extrapolated(curve: Curve, name: str) -> str:
    line = curve.line
    if line is None:
        return f"{name}: {curve.total:,} digits are too few for a line."
    return (
        f"{name}: FD∞ = {plain(line.limit)} ± {plain(line.error)}; for {curve.total:,} digits the line has "
        f"{plain(line.at(curve.total))}, and they are {plain(curve.whole)} away."
    )


def _label(curve: Curve, n: int, name: str) -> str:
    one = next((one for one in curve.sizes if one.n == n), None)
    if one is None:
        return f"{name} {UNKNOWN}"
    spread = f" ± {plain(one.spread, 1)}" if len(one.found) > 1 else ""
    return f"{name} {plain(one.mean, 1)}{spread}"


def _against_size(real: Curve, other: Curve, name: str) -> player.Panel:
    layers, every = [], []
    for curve, colour, title in ((real, "real", "real digits"), (other, "generated", name)):
        n = np.array([one.n for one in curve.sizes], dtype=float)
        mean = np.array([one.mean for one in curve.sizes])
        ends = [np.array([pick(one.found) for one in curve.sizes]) for pick in (min, max)]
        shown = [min(k, len(n) - 1) for k in range(len(real.sizes))]
        layers.append(player.points(_dots(curve)[None], colour, f"one set, {title}", alpha=0.35))
        layers.append(player.mesh([np.stack([n, end], axis=1)[None] for end in ends], colour, alpha=0.5))
        layers.append(player.curve(n, mean, colour, f"mean, {title}", marker=shown))
        every += [*ends, mean]
        if curve.line is not None and curve.line.limit > 0:
            limit = np.full(2, curve.line.limit)
            across = np.array([n[0], real.sizes[-1].n])
            layers.append(player.curve(across, limit, "exact", "" if layers[3:] else "FD∞", dashed=True))
            every.append(limit)
    return player.panel(
        layers,
        title="distance to the reference, against N",
        label=f"Fréchet distance to the reference against the number of digits, real ones and {name}",
        x=(real.sizes[0].n / 1.2, real.sizes[-1].n * 1.2, "N, digits in a set", "log"),
        y=(*player.decades(*every), "Fréchet distance", "log"),
        width=2,
    )


def _against_inverse(curve: Curve, colour: str, name: str) -> player.Panel:
    dots = _dots(curve)
    dots = np.stack([1 / dots[:, 0], dots[:, 1]], axis=1)[dots[:, 0] >= LARGE]
    far, line = 1 / LARGE, curve.line
    layers = [player.points(dots[None], colour, "one set", alpha=0.5)] if len(dots) else []
    every = [*dots[:, 1], curve.whole]
    if line is not None:
        x = np.array([0, far])
        y = line.limit + line.slope * x
        layers.append(player.curve(x, y, "exact", "the line to FD∞", dashed=True))
        every += [*y]
    whole = np.array([[[1 / curve.total, curve.whole]]])
    layers.append(player.points(whole, "boundary", f"all {curve.total:,} at once", size=4, alpha=1))
    low, high = min(every), max(every)
    room = 0.08 * (high - low) + 0.01
    return player.panel(
        layers,
        title=f"{name}, against 1/N",
        label=f"Fréchet distance of {name} against one divided by the number of digits",
        x=(0.0, far * 1.06, "1/N"),
        y=(min(0.0, low) if low < room * 3 else low - room, high + room, ""),
        width=1.4,
    )


def _dots(curve: Curve) -> np.ndarray:
    """Every set as (N, distance): (sets, 2)."""
    return np.array([(one.n, distance) for one in curve.sizes for distance in one.found])
