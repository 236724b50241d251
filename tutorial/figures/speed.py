"""Times against what they depend on: one panel for each setting, a line for each of those who were timed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, NullLocator, ScalarFormatter

COLOURS = ("#c2410c", "#1d4ed8", "#64748b")
STYLES = ("-", "--", ":")


@dataclass(frozen=True)
class Panel:
    """What was set, its values, and milliseconds at each of them by the name of who was timed."""

    setting: str
    values: Sequence[int]
    milliseconds: Mapping[str, Sequence[float]]


def draw_panels(panels: Sequence[Panel], path: Path, first: str) -> None:
    """Writes the panels side by side, both axes logarithmic; where it is one of them, `first` is the thickest line."""
    figure = Figure(figsize=(9, 3), layout="constrained", facecolor="white")
    for panel, axes in zip(panels, figure.subplots(1, len(panels), squeeze=False)[0], strict=True):
        for (name, times), colour, style in zip(panel.milliseconds.items(), COLOURS, STYLES, strict=False):
            width = 2.2 if name == first else 1.4
            axes.plot(panel.values, times, style, color=colour, linewidth=width, marker="o", markersize=4, label=name)
        axes.set(xscale="log", yscale="log", xlabel=panel.setting)
        axes.set_xticks(panel.values, [str(value) for value in panel.values])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.yaxis.set(
            major_locator=LogLocator(subs=(1, 2, 5)), major_formatter=ScalarFormatter(), minor_formatter=NullFormatter()
        )
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("milliseconds")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3, frameon=False)
    figure.savefig(path, dpi=160)
