"""The figure of times."""

from __future__ import annotations

import numpy as np
from PIL import Image

from tutorial.figures.speed import COLOURS, Panel, draw_panels


def test_each_panel_has_a_line_for_each_of_those_who_were_timed(tmp_path):
    times = {"ours": [1.0, 2.0, 4.0], "theirs": [2.0, 5.0, 9.0], "others": [3.0, 7.0, 20.0]}
    panels = [Panel("steps", (5, 10, 20), times), Panel("pictures", (1, 2, 4), times)]
    draw_panels(panels, tmp_path / "speed.png", "ours")
    pixels = np.asarray(Image.open(tmp_path / "speed.png").convert("RGB")).astype(int)
    for half in np.array_split(pixels, 2, axis=1):
        for colour in COLOURS:
            rgb = [int(colour[k : k + 2], 16) for k in (1, 3, 5)]
            assert (np.abs(half - rgb).max(axis=2) < 8).sum() > 50, colour
