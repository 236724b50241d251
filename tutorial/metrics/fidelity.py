"""Does the picture show what the prompt asked for? The attribute reader marks it, attribute by attribute."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tutorial.data.critters import ATTRIBUTES, Critter
from tutorial.networks.reader import AttributeReader


@torch.no_grad()
def read_labels(reader: AttributeReader, x: Tensor, batch: int = 256) -> Tensor:
    """Value index of each attribute, as the reader sees it: pictures (N, 3, H, W) in [−1, 1] → (N, 10)."""
    device = next(reader.parameters()).device
    read = [torch.stack(list(reader.read(rows.to(device)).values()), dim=1) for rows in x.split(batch)]
    return torch.cat(read).cpu()


def marks(labels: Tensor, wanted: Sequence[Critter], names: Sequence[Sequence[str]]) -> list[list[bool]]:
    """For each picture, whether each attribute named for it is as wanted: labels (N, 10) → N lists of marks."""
    columns = {name: k for k, name in enumerate(ATTRIBUTES)}
    return [
        [int(row[columns[name]]) == critter.labels[columns[name]] for name in mentioned]
        for row, critter, mentioned in zip(labels, wanted, names, strict=True)
    ]
