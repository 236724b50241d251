"""The lab "patch": where GANs live on. An autoencoder of digits, its patch discriminator switched off and on."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

import gradio as gr
import numpy as np

from apps import limits, player, wiring
from apps.tabs.closing import tables
from apps.tabs.closing.contenders import rgb
from apps.tabs.closing.tables import NONE, Cell, Head
from apps.wiring import QUIET
from tutorial import measurements
from tutorial.data.digits import CLASSES, SIDE
from tutorial.training.contest_recorded import COLUMNS, Patch, patch
from tutorial.training.contest_verdict import discriminator

ALL = "all"
DIGITS = (ALL, *map(str, range(CLASSES)))
TITLES = ("real test digits", "back, discriminator off", "back, discriminator on")
HEADS = (
    Head("patch discriminator"),
    Head("edge energy"),
    Head("PSNR, dB", "higher"),
    Head("Fréchet distance", "lower"),
    Head("updates"),
)
TEXTS: dict[str, Callable[[float], str]] = {
    "edges": "{:.4f}".format,
    "psnr": "{:.2f}".format,
    "frechet": COLUMNS["frechet"].text,
    "steps": COLUMNS["steps"].text,
}
DEFAULTS: dict[str, Any] = {"digit": ALL}


def check(digit: Any) -> str:
    """Raises gr.Error for what is no digit."""
    return limits.choice("The digit", digit, DIGITS)


def sheets(found: Patch, digit: str) -> str:
    """The digits, and what comes back without and with the discriminator: ten of each class, or five large ones."""
    note = (
        f"Recorded by {found.command}: each training had {found.seconds:g} s of one core; these are of the first seed."
    )
    return player.clip(
        [
            player.panel([player.image(_part(one, digit))], title=title, aspect=1 if digit == ALL else 0.4)
            for one, title in zip(found.sheets, TITLES, strict=True)
        ],
        note=note,
    )


def _part(grey: np.ndarray, digit: str) -> np.ndarray:
    """A sheet (280, 280) as it is, or its row of a digit in two lines of five: (1, H, W, 3) uint8."""
    if digit == ALL:
        return rgb(grey)[None]
    row = grey[int(digit) * SIDE : (int(digit) + 1) * SIDE]
    half = row.shape[1] // 2
    return rgb(np.concatenate([row[:, :half], row[:, half:]]))[None]


def table(found: Patch) -> str:
    """The numbers over seeds, and those of the digits themselves."""
    rows = [(which, _cells(found, which)) for which in ("off", "on")]
    edges, frechet = (TEXTS[name](found.real[name]) for name in ("edges", "frechet"))
    real = [Cell(edges), Cell(NONE), Cell(frechet), Cell(NONE)]
    note = (
        f"Of {found.digits:,} test digits, encoded and decoded; mean ± standard deviation over seeds. Edge energy: "
        "the mean squared difference of neighbouring pixels; blurred digits have less of it than real ones."
    )
    return tables.rows(HEADS, [*rows, ("the digits themselves", real)], note)


def _cells(found: Patch, which: str) -> list[Cell]:
    return [_cell(found.values(which, name), text) for name, text in TEXTS.items()]


def _cell(values: list[float], text: Callable[[float], str]) -> Cell:
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    mean = statistics.fmean(values)
    return Cell(f"{text(mean)} ± {text(spread)}", mean)


def lab(page: gr.Blocks) -> None:
    """The lab's sheets, table and control; without the record, a sentence that says how to get it back."""
    try:
        found = patch()
        first, beneath = sheets(found, ALL), table(found)
    except measurements.MeasurementsError as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    film = player.player(first, elem_id="patch")
    digit = gr.Radio(list(DIGITS), value=DEFAULTS["digit"], label="Which digit, larger", elem_id="patch-digit")
    gr.Markdown(discriminator(found).found, elem_id="patch-told")
    tables.table(beneath, "patch-table", "With and without the patch discriminator")
    wiring.moved(digit)(lambda chosen: sheets(found, check(chosen)), digit, film, **QUIET)
