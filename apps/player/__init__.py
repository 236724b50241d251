"""The player: a component that gets a clip once, and then plays, steps and scrubs it in the browser.

A clip is a row of panels that share one axis of frames. A panel is a stack of layers, drawn back to front, over
axes (`x`, `y`) or, without them, over a picture. Build one from the functions here, which check what they are given:

    clip([panel([image(pictures)], title="x̂₀"), panel([points(xy, "generated", "samples")], x=…, y=…)])

It travels as one JSON string, in which arrays are base64 (a string is one replacement in the page, a list of numbers
would be thousands):

    {"frames": T, "rate": frames a second, "labels": [T texts]?, "play": start by itself, "start"?: the first frame,
     "note": text, "panels": [
      {"title", "label" (for screen readers), "width" (relative), "aspect" (height / width),
       "takes"?: "click" | "points", "x"?: [low, high, name, "log"?], "y"?: the same, "layers": [
         {"kind": "image",  "data": WebP of all frames' tiles, "tiles", "columns", "smooth"}
         {"kind": "lens",   the same, "across": tiles in a row, "follows": the number of another panel}
         {"kind": "heat",   "data": uint8 [T|1, H, W], "range": [low, high], "map", "smooth", "unit"}
         {"kind": "points", "data": float32 [T|1, N, 2], "size", "alpha", "ring", "notes"?: [N texts]}
         {"kind": "arrows", "data": float32 [T|1, N, 4]: from x, y by dx, dy}
         {"kind": "lines",  "data": float32 [T, N, 2], "alpha": N paths, each drawn up to the present frame}
         {"kind": "mesh",   "data": float32 [T|1, N, 2], "ends": where each of its lines ends among the N, "alpha"}
         {"kind": "curve",  "data": float32 [T|1, N, 2], "dashed", "told", "marker"?: [T indices of present points]}]}]}

Every layer but an image and a lens also has its "shape", a "name" for the legend (clicking it hides the layers of that
name; without a name, a layer is not in the legend) and a "colour", one of `COLOURS`. The bytes of a heat map are codes:
0–254 go evenly from the low to the high end of the range, and 255 is a NaN, which is not drawn and says nothing.

A clip that a page opens with does not travel with the page, unless it is small: its value is {"src": where it lies},
and the browser fetches it when the player comes near the screen. So all the chapters' pictures do not weigh on who
opens one. With what is said of it elsewhere (see `tells`), it lies there as {"clip": clip, "said": [texts]}. A page
with clips that are `promised` needs the middleware `promises.Promises`.

A panel that takes clicks fires `click` with x, y, frame and panel; one that takes points fires `input` with panel and
the points of each stroke: all of them or, if there are more, `STROKE` of them, evenly from the first to the last.
"""

from __future__ import annotations

import base64
import io
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import gradio as gr
import numpy as np
from PIL import Image

from apps.player.promises import Make, laid_out, promised

HERE = Path(__file__).parent
STYLE = HERE / "player.css"
SCRIPTS = tuple(HERE / f"{name}.js" for name in ("axis", "layers", "panel", "opening", "player"))
SOURCE = "\n".join(path.read_text(encoding="utf-8") for path in SCRIPTS)
HEAD = f'<script>(() => {{ "use strict";\n{SOURCE}}})();</script>'
"""What the page must have in its head: the scripts, in a scope of their own that they share with nothing else."""
STROKE = 500
"""The points of one stroke at most, so that a long drag is no megabyte; `panel.js` holds to it."""
SMALL = 10_000
"""Characters of a clip that travels with the page."""
COLOURS = ("real", "generated", "noise", "exact", "field", "zero", "one", "boundary", "paper")
"""What a colour stands for; each has its hue in `player.css`, for light and dark. Those of two classes fit
the ends of the diverging map, and a rim of paper lifts what is drawn on a map off it."""
MAPS = ("viridis", "diverging", "grey", "verdict")
NOTHING = 255
"""The code of a NaN in a heat map; what there is has those below."""

Axis = tuple[float, float, str] | tuple[float, float, str, Literal["log"]]
"""Low end, high end, name; logarithmic with "log"."""
Layer = dict[str, Any]
Panel = dict[str, Any]

TEMPLATE = """<clip-player class="player"><div class="panels"></div>
<div class="controls" hidden>
<button type="button" class="play" aria-label="Play">▶</button>
<button type="button" class="back" aria-label="One frame back">‹</button>
<button type="button" class="forth" aria-label="One frame forth">›</button>
<input type="range" min="0" value="0" step="1" aria-label="Frame"><output aria-live="off"></output></div>
<p class="note"></p></clip-player>"""


def player(value: str | Make | None = None, *, elem_id: str | None = None) -> gr.HTML:
    """A component that opens with a clip. The page must have `HEAD` in its head and `STYLE` among its style sheets.

    A clip that takes long to compute may be promised: a function, or a generator function that yields None where others
    may have their turn. It is made when the clip is first seen, or by `promises.keep_all`. It must not fail; what it
    needs is to be loaded before.

    (A function, since Gradio writes a stub file beside the module of every class derived from a component.)
    """
    if callable(value):
        value = promised(value)
    elif value is not None and len(value) > SMALL:
        value = laid_out(value)
    return gr.HTML(
        value,
        html_template=TEMPLATE,
        js_on_load="element.querySelector('clip-player').mount(props, watch, trigger)",
        apply_default_css=False,
        elem_id=elem_id,
        padding=False,
    )


def tells(shown: gr.HTML, *beside: gr.Markdown) -> None:
    """Has these say, once a player shows the opening that was promised, what came with the clip, one text for each."""
    said = f"() => document.querySelector('#{shown.elem_id} clip-player').said"
    shown.submit(None, None, list(beside), js=said, queue=False, show_progress="hidden", api_visibility="private")


def clip(
    panels: Sequence[Panel],
    *,
    frames: int = 1,
    labels: Sequence[str] | None = None,
    rate: float = 10,
    play: bool = False,
    start: int | None = None,
    note: str = "",
) -> str:
    """The value of a `player`. Raises ValueError if there are not as many labels as frames, and if a lens follows a
    panel that has no axes, or that there is not.

    A player opens at its last frame, or at `start`. A new value is shown all at once. Layers that visitors hid stay
    hidden; who was at the last frame is at the last frame again, and who looked back stays at that frame. So a running
    computation may send 15 clips a second.
    """
    if labels is not None and len(labels) != frames:
        raise ValueError(f"Need a label for each of {frames} frames; got {len(labels)}.")
    for layer in (layer for panel in panels for layer in panel["layers"] if layer["kind"] == "lens"):
        if layer["follows"] not in range(len(panels)) or "x" not in panels[layer["follows"]]:
            raise ValueError(f"A lens must follow one of the panels with axes; panel {layer['follows']} is none.")
    whole = {"frames": frames, "rate": rate, "play": play, "note": note, "panels": list(panels)}
    more = {"labels": list(labels)} if labels is not None else {}
    return json.dumps(whole | more | ({"start": start} if start is not None else {}), allow_nan=False)


def panel(
    layers: Sequence[Layer],
    *,
    title: str = "",
    label: str = "",
    x: Axis | None = None,
    y: Axis | None = None,
    width: float = 1,
    aspect: float = 1,
    takes: Literal["click", "points"] | None = None,
) -> Panel:
    """A stack of layers, the first at the back.

    With `takes`, visitors pick a place, or draw strokes, by pointer or by keys; see the module for what is fired.
    Raises ValueError if only one axis is given, if one is empty, and if a logarithmic one does not begin above 0.
    """
    if (x is None) != (y is None):
        raise ValueError("A panel has both axes or none.")
    for axis in (x, y):
        if axis is not None:
            _check(axis)
    shape = {"title": title, "label": label or title, "width": width, "aspect": aspect, "layers": list(layers)}
    axes = {} if x is None else {"x": x, "y": y}
    return shape | axes | ({"takes": takes} if takes else {})


def image(pictures: np.ndarray, *, smooth: bool = False, quality: int | None = None) -> Layer:
    """Pictures (T or 1, H, W, 3) uint8, as tiles of one WebP sheet: lossless, or lossy at a quality of 1–100."""
    if pictures.ndim != 4 or pictures.shape[3] != 3 or pictures.dtype != np.uint8:
        raise ValueError(f"Need pictures of shape (T, H, W, 3) in uint8; got {pictures.shape} in {pictures.dtype}.")
    tiles, height, width, _ = pictures.shape
    columns = min(tiles, max(1, 8192 // width))  # WebP's sides end at 16,383 pixels
    rows = -(-tiles // columns)
    sheet = np.zeros((rows * columns, height, width, 3), np.uint8)
    sheet[:tiles] = pictures
    sheet = sheet.reshape(rows, columns, height, width, 3).swapaxes(1, 2).reshape(rows * height, columns * width, 3)
    buffer = io.BytesIO()
    options = {"lossless": True, "method": 0} if quality is None else {"quality": quality, "method": 2}
    Image.fromarray(sheet).save(buffer, "WEBP", **options)
    data = base64.b64encode(buffer.getvalue()).decode()
    return {"kind": "image", "data": data, "tiles": tiles, "columns": columns, "smooth": smooth}


def lens(pictures: np.ndarray, across: int, *, follows: int, quality: int = 70) -> Layer:
    """What is at the pointer, or crosshair, of panel `follows`, over which pictures (N, H, W, 3) uint8 are spread.

    Evenly, row by row from the top, `across` in a row; between their middles it is a blend of the nearest four. It
    moves without asking the server. Raises ValueError if the last row is not full, and without two rows of two.
    """
    if across < 2 or len(pictures) < 2 * across or len(pictures) % across:
        raise ValueError(f"Need two or more full rows of two or more pictures; got {len(pictures)}, {across} in a row.")
    return image(pictures, quality=quality) | {"kind": "lens", "smooth": True, "across": across, "follows": follows}


def heat(
    values: np.ndarray,
    name: str,
    *,
    low: float | None = None,
    high: float | None = None,
    map: Literal["viridis", "diverging", "grey", "verdict"] = "viridis",
    smooth: bool = False,
    unit: str = "",
) -> Layer:
    """Numbers (T or 1, H, W) on the panel's whole area, the first row on top, as colours between `low` and `high`.

    Where these are not given, the smallest and largest of the numbers are taken. NaN means that there is nothing to
    show: the cell is transparent. The legend is a bar of the map's colours between the two ends.
    """
    values = np.asarray(values, dtype=np.float64)
    nothing = np.isnan(values)
    numbers = _finite(np.where(nothing, 0, values), 3)
    low = float(numbers.min(initial=math.inf, where=~nothing)) if low is None else low
    high = float(numbers.max(initial=-math.inf, where=~nothing)) if high is None else high
    if map not in MAPS or not -math.inf < low <= high < math.inf:
        raise ValueError(f"Need one of the maps {', '.join(MAPS)} and low ≤ high; got {map!r}, {low}, {high}.")
    share = (numbers - low) / ((high - low) or 1)
    packed = np.where(nothing, NOTHING, np.round(share.clip(0, 1) * (NOTHING - 1))).astype(np.uint8)
    more = {"range": [low, high], "map": map, "smooth": smooth, "unit": unit}
    return _layer("heat", packed, name, "field") | more


def points(
    xy: np.ndarray,
    colour: str,
    name: str = "",
    *,
    size: float = 2,
    alpha: float = 0.7,
    notes: Sequence[str] | None = None,
    ring: bool = False,
) -> Layer:
    """Dots (T or 1, N, 2) of `size` pixels' radius; `notes` are shown when the pointer is on a dot.

    With `ring`, the legend shows a ring: dots behind others, of which no more is seen.
    """
    xy = _finite(xy, 3, 2)
    if notes is not None and len(notes) != xy.shape[1]:
        raise ValueError(f"Need a note for each of {xy.shape[1]} points; got {len(notes)}.")
    more: Layer = {"size": size, "alpha": alpha} | ({"notes": list(notes)} if notes is not None else {})
    more |= {"ring": True} if ring else {}
    return _layer("points", xy, name, colour) | more


def arrows(xy_dxdy: np.ndarray, colour: str, name: str = "") -> Layer:
    """Arrows (T or 1, N, 4): from x, y by dx, dy."""
    return _layer("arrows", _finite(xy_dxdy, 3, 4), name, colour)


def lines(xy: np.ndarray, colour: str, name: str = "", *, alpha: float = 0.5) -> Layer:
    """N paths (T, N, 2), each drawn from its start to where it is at the present frame."""
    return _layer("lines", _finite(xy, 3, 2), name, colour) | {"alpha": alpha}


def mesh(xy: Sequence[np.ndarray], colour: str, name: str = "", *, alpha: float = 0.5) -> Layer:
    """Lines that move as wholes: each (T or 1, n, 2), of n points, as many as it likes."""
    ends = np.cumsum([line.shape[1] for line in xy]).tolist()
    return _layer("mesh", _finite(np.concatenate(xy, axis=1), 3, 2), name, colour) | {"ends": ends, "alpha": alpha}


def curve(
    x: np.ndarray,
    y: np.ndarray,
    colour: str,
    name: str = "",
    *,
    dashed: bool = False,
    marker: Sequence[int] | None = None,
    told: bool = True,
) -> Layer:
    """A curve through N points, (N,), or (T, N) if it moves; `marker` says for each frame which point is the present
    one. Its height at the pointer is told, unless it is no function of x."""
    xy = np.stack(np.broadcast_arrays(x, y), axis=-1)
    xy = _finite(xy[None] if xy.ndim == 2 else xy, 3, 2)
    if marker is not None and not all(0 <= i < xy.shape[1] for i in marker):
        raise ValueError(f"The marker must stay among the curve's {xy.shape[1]} points.")
    more = {"dashed": dashed, "told": told} | ({"marker": [int(i) for i in marker]} if marker is not None else {})
    return _layer("curve", xy, name, colour) | more


def _check(axis: Axis) -> None:
    low, high, _, *scale = axis
    if not low < high:
        raise ValueError(f"An axis must go from a lower to a higher number; got {low}, {high}.")
    if scale not in ([], ["log"]):
        raise ValueError(f'The scale of an axis is linear or, with "log", logarithmic; got {scale}.')
    if scale and low <= 0:
        raise ValueError(f"A logarithmic axis must begin above 0; got {low}.")


def decades(*curves: np.ndarray) -> tuple[float, float]:
    """Ends of a logarithmic axis: the powers of ten around all of these positive numbers, at least one decade apart."""
    low, high = min(np.min(curve) for curve in curves), max(np.max(curve) for curve in curves)
    below, above = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return 10.0**below, 10.0 ** max(above, below + 1)


def _layer(kind: str, values: np.ndarray, name: str, colour: str) -> Layer:
    if colour not in COLOURS:
        raise ValueError(f"A colour says what is shown: one of {', '.join(COLOURS)}; got {colour!r}.")
    packed = values if values.dtype == np.uint8 else values.astype("<f4")
    data = base64.b64encode(np.ascontiguousarray(packed).tobytes()).decode()
    return {"kind": kind, "data": data, "shape": list(values.shape), "name": name, "colour": colour}


def _finite(values: np.ndarray, ndim: int, last: int | None = None) -> np.ndarray:
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != ndim or (last is not None and values.shape[-1] != last):
        wanted = f"{ndim} dimensions" + (f", the last of size {last}" if last else "")
        raise ValueError(f"Need an array of {wanted}; got {values.shape}.")
    if not np.isfinite(values).all():
        raise ValueError("Need finite numbers to draw.")
    return values
