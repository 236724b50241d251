"""What several labs of the chapter show: real digits as points, one digit large, and probabilities in words."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from apps import player
from apps.tabs.two_kinds import plane


def cloud(points: Tensor, labels: Tensor, size: float = 1.4) -> list[player.Layer]:
    """Real zeros and ones (N, d), labels (N,), at their first two coordinates."""
    xy = points[:, :2].numpy()
    rim = player.points(xy[None], "paper", size=size + 0.7, alpha=0.35)
    return [
        rim,
        *(
            player.points(xy[None, labels.numpy() == k], colour, f"real {k}", size=size, alpha=0.6)
            for k, colour in ((0, "zero"), (1, "one"))
        ),
    ]


def digit(pictures: Tensor, title: str, width: float = 1) -> player.Panel:
    """One digit (1, 1, 28, 28) in [0, 1] as a panel."""
    return player.panel([player.image(plane.rgb(pictures))], title=title, width=width)


def mark(x: float, y: float) -> list[player.Layer]:
    """A place that is asked about, seen on every map."""
    at = np.array([[[x, y]]])
    return [
        player.points(at, "paper", size=8, alpha=1),
        player.points(at, "boundary", "asked here", size=6.5, alpha=1),
    ]
