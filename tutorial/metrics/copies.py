"""Is it a copy? How near a picture is to the training picture nearest to it, beside the second nearest.

A picture is taken for a copy if it is less than a third as far from the one as from the other, in Euclidean distance
between pixels (the rule of Yoon et al. 2023 and Gu et al. 2023). A new picture is about as far from both, wherever it
is; so the rule needs no threshold in units of pixels.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from tutorial.data.pixels import to_signed

NEARER = 1 / 3
AT_ONCE = 2000
"""Training pictures that are looked at together."""


def copied(x: Tensor, training: Tensor) -> float:
    """Share in [0, 1] of pictures x (N, C, H, W) in [−1, 1] that are copies of training pictures (M, C, H, W) uint8,
    M > 1 of them."""
    *_, found = search(x, training)
    assert found is not None  # the last one
    return (found < NEARER).double().mean().item()


def search(x: Tensor, training: Tensor) -> Iterator[Tensor | None]:
    """None after each part of the work; in the end, for each picture, the distance to the nearest training picture by
    that to the second nearest: (N,) in [0, 1]. It is 1 for a picture that is in the training set twice.

    Raises ValueError if there are not two training pictures.
    """
    if len(training) < 2:
        raise ValueError(f"Need at least two training pictures to compare with; got {len(training)}.")
    rows = x.flatten(1)
    nearest = rows.new_full((len(rows), 2), torch.inf)
    for some in training.split(AT_ONCE):
        distances = torch.cdist(rows, to_signed(some).flatten(1))  # (N, AT_ONCE)
        nearest = torch.cat([nearest, distances], dim=1).topk(2, dim=1, largest=False).values
        yield None
    yield torch.where(nearest[:, 1] > 0, nearest[:, 0] / nearest[:, 1], 1.0)
