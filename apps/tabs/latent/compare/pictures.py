"""The grid of cells and the film of two of them, drawn.

The grid's value is one JSON string, {"src": where it lies} or

    {"x": {"name", "values"}, "y": {"name", "values"}, "cells": [{"png", "alt", "said", "name"} or null, row by row]}

Texts are set as text, never as markup.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import torch
from torch import Tensor

from apps import player
from apps.pictures import png_url
from apps.scripts import lean, script
from apps.tabs.latent.compare.grid import Axis, Cell, Grid
from apps.tabs.latent.studio import short, studio
from tutorial.data.pixels import to_arrays
from tutorial.diffusion.samplers import Step

HERE = Path(__file__)
FRAMES = 24
"""Frames of a film before its last, at most; of longer walks some steps are passed over."""
LONGEST_TITLE = 32
"""Characters of a cell's name over its picture, about a line."""


def component(value: str, elem_id: str) -> gr.HTML:
    """The grid, showing `value`, an answer of `table`; where it is too wide, it scrolls in a box of its own."""
    return gr.HTML(
        value,
        html_template='<div class="compared" tabindex="0" role="region" aria-label="The grid of pictures"></div>',
        css_template=lean(HERE.with_name("grid.css")),
        js_on_load=script(HERE.with_name("grid.js")),
        apply_default_css=False,
        elem_id=elem_id,
        padding=False,
    )


def table(grid: Grid) -> str:
    """The grid so far, as the component takes it."""
    wish = grid.wish
    cells: list[dict[str, str] | None] = [_cell(cell, k) for k, cell in enumerate(grid.cells)]
    cells += [None] * (len(wish.each) - len(cells))
    return json.dumps({"x": _axis(wish.x), "y": _axis(wish.y), "cells": cells})


def _axis(axis: Axis) -> dict[str, Any]:
    return {"name": axis.name, "values": list(axis.shown)}


def _cell(cell: Cell, k: int) -> dict[str, str]:
    (pixels,) = to_arrays(cell.x)
    said = fidelity(cell)
    name = f"critter-{cell.request.seed}-cell-{k + 1}.png"
    return {"png": png_url(pixels, vars(cell.request)), "alt": f"Cell {k + 1}: {said}", "said": said, "name": name}


def fidelity(cell: Cell) -> str:
    """What of the prompt the attribute reader finds."""
    if not cell.asked:
        return "nothing to check"
    wrong = [name for name in cell.asked if name not in cell.right]
    return f"{len(cell.right)} of {len(cell.asked)} as asked" + (f", not {', '.join(wrong)}" if wrong else "")


def film(grid: Grid) -> Iterator[str | None]:
    """Yields None while it decodes, and in the end the first cell beside the last, step by step; of a grid of one cell
    that cell alone."""
    arms = [grid.walks[k] for k in sorted(grid.walks)]
    frames = min(FRAMES, max(map(len, arms)))
    at = [[round(k * len(steps) / frames) for k in range(frames + 1)] for steps in arms]
    guesses = [torch.cat([step.x0_hat for step in steps] + [steps[-1].x_next]) for steps in arms]
    pictures = []
    for guess, rows in zip(guesses, at, strict=True):
        decoded = []
        for some in guess[rows].split(4):
            decoded.append(studio().model.decode(some))
            yield None
        pictures.append(torch.cat(decoded))
    labels = [
        " · ".join(_where(steps, rows[k]) for steps, rows in zip(arms, at, strict=True)) for k in range(frames + 1)
    ]
    panels = [
        player.panel([player.image(to_arrays(x), smooth=True, quality=90)], title=title)
        for x, title in zip(pictures, _titles(grid), strict=True)
    ]
    if len(arms) > 1:
        panels += _differences(pictures, [guess[rows] for guess, rows in zip(guesses, at, strict=True)])
    yield player.clip(panels, frames=frames + 1, labels=labels, rate=8, note=_note(grid))


def _titles(grid: Grid) -> list[str]:
    """What the cells are called whose walks are shown: by what sets them apart."""
    if len(grid.walks) == 1:
        return ["the cell"]
    return [short(grid.wish.called(k), LONGEST_TITLE) for k in sorted(grid.walks)]


def _where(steps: list[Step], k: int) -> str:
    return f"step {k + 1} of {len(steps)}" if k < len(steps) else "done"


def _note(grid: Grid) -> str:
    same = len({request.seed for request in grid.wish.each}) == 1
    cells = "The grid’s first cell and its last. " if len(grid.walks) > 1 else ""
    noise = "Both begin with the same noise. " if same and cells else ""
    return (
        f"{cells}{noise}ẑ₀, decoded: what would be left if a walk stopped at each step, at the same share of its "
        "steps. Drag the slider."
    )


def _differences(pictures: list[Tensor], latents: list[Tensor]) -> list[player.Panel]:
    """Where the pictures differ, and how far the latents are apart."""
    apart = (pictures[0] - pictures[1]).abs().mean(1).numpy()
    distance = (latents[0] - latents[1]).square().flatten(1).mean(1).sqrt().numpy()
    share = np.linspace(0, 1, len(distance))
    layer = player.curve(share, distance, "exact", "ẑ₀ of the two", marker=range(len(share)))
    top = float(max(distance.max() * 1.1, 0.1))
    return [
        player.panel([player.heat(apart, "|difference|", low=0, high=1)], title="where they differ"),
        player.panel([layer], title="how far apart", x=(0, 1, "share of the steps"), y=(0, top, "root mean square")),
    ]
