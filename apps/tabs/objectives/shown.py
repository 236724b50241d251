"""How this chapter's labs name and colour the four views, and what their axes have in common."""

from __future__ import annotations

import math

import numpy as np

from tutorial.diffusion.views import View

NAMES: dict[View, str] = {"eps": "ε", "x0": "x₀", "v": "v", "score": "score"}
COLOURS: dict[View, str] = {"eps": "noise", "x0": "real", "v": "field", "score": "generated"}


def decades(*curves: np.ndarray) -> tuple[float, float]:
    """The powers of ten around all of these positive numbers, at least one decade apart."""
    low, high = min(curve.min() for curve in curves), max(curve.max() for curve in curves)
    below, above = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return 10.0**below, 10.0 ** max(above, below + 1)
