"""Judging drawn digits: does the classifier read what was asked for, and are they distributed as real ones are?

The real ones are training digits, which the classifier knows as the generators do: test digits seem farther away.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from tutorial import weights
from tutorial.data.digits import CLASSES, digits
from tutorial.data.pixels import to_signed
from tutorial.metrics.frechet import features_of, frechet_distance, moments
from tutorial.networks.digit_classifier import DigitClassifier

REFERENCE = 5000
"""Real digits that others are compared with; as many again stand for "other real ones"."""
REPEATS = 10
"""Sets of real digits over which a noise floor is averaged."""


def reference() -> Tensor:
    """Rows of the training digits that are compared with, in random order: (REFERENCE,) int64."""
    return _shuffled()[:REFERENCE]


def others() -> Tensor:
    """Rows of as many training digits, none of them in the reference."""
    return _shuffled()[REFERENCE : 2 * REFERENCE]


def _shuffled() -> Tensor:
    return torch.randperm(len(digits("training")[0]), generator=torch.Generator().manual_seed(0))


@dataclass(frozen=True)
class DigitJudge:
    """The classifier, which never trained with a generator. Pictures are (N, 1, 28, 28) in [−1, 1]."""

    classifier: DigitClassifier

    @torch.no_grad()
    def accuracy(self, x: Tensor, y: Tensor) -> float:
        """Share of pictures that it reads as the digits (N,) they were to be."""
        device = next(self.classifier.parameters()).device
        read = torch.cat([self.classifier(rows.to(device)).argmax(1) for rows in x.split(500)]).cpu()
        return (read == y).double().mean().item()

    def frechet(self, x: Tensor) -> float:
        """Fréchet distance to the reference in the classifier's last hidden layer; N > 1."""
        return frechet_distance(moments(features_of(self.classifier, x)), self._target)

    def floor(self, y: Tensor) -> float:
        """What `frechet` is on average for other training digits of these classes (N,): a few seem far away, too.

        Raises ValueError if there are not as many of a class among the `others`.
        """
        generator, labels = torch.Generator().manual_seed(0), digits("training")[1][others()]
        wanted = y.bincount(minlength=CLASSES)
        if (wanted > labels.bincount(minlength=CLASSES)).any():
            raise ValueError(f"There are not {len(y)} real digits of these classes.")
        found = []
        for _ in range(REPEATS):
            order = torch.randperm(len(labels), generator=generator)
            rows = [order[labels[order] == k][:n] for k, n in enumerate(wanted.tolist())]
            found.append(frechet_distance(moments(self._others[torch.cat(rows)]), self._target))
        return sum(found) / REPEATS

    @cached_property
    def _target(self) -> tuple[Tensor, Tensor]:
        return moments(self._of(reference()))

    @cached_property
    def _others(self) -> Tensor:
        return self._of(others())

    def _of(self, rows: Tensor) -> Tensor:
        return features_of(self.classifier, to_signed(digits("training")[0][rows]))


def load(folder: Path = weights.FOLDER, device: torch.device | str = "cpu") -> DigitJudge:
    """The shipped classifier as a judge. Raises weights.WeightsError or, when it compares, data.digits.DataError."""
    return DigitJudge(weights.load("digit_classifier", folder, device))
