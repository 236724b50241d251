"""Is it a copy? The training picture that comes closest to a sample, in the attribute reader's features."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from tutorial import weights


@dataclass(frozen=True)
class TrainingIndex:
    """Reader features of every training critter, in the order of its seed: (N, D) float32."""

    features: Tensor
    first_seed: int

    def of(self, seeds: range) -> Tensor:
        """The features of these training critters. Raises ValueError for one that is not in the index."""
        rows = range(seeds.start - self.first_seed, seeds.stop - self.first_seed)
        if rows.start < 0 or rows.stop > len(self.features):
            raise ValueError(f"The index holds {len(self.features)} critters from {self.first_seed} on, not {seeds}.")
        return self.features[rows.start : rows.stop]

    def nearest(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """For features (B, D): the seed of the closest training critter, and the Euclidean distance, (B,) each."""
        distance, row = torch.cdist(features, self.features).min(1)
        return row + self.first_seed, distance


def load(folder: Path = weights.FOLDER) -> TrainingIndex:
    """The shipped index. Raises weights.WeightsError if it is missing or damaged."""
    card = weights.read_card("training_index", folder, needs=("first_seed",))
    _, tensors = weights.load_tensors("training_index", folder)
    return TrainingIndex(tensors["features"].float(), card["first_seed"])
