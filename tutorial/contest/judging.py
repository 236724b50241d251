"""What is said of a contender's digits: as of any set of digits, and how varied they are within a class."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from tutorial.data.digits import CLASSES
from tutorial.metrics.verdict import Part, Reference, Verdict, judged


@dataclass(frozen=True)
class Scores:
    """What is measured of n drawn digits of known classes, 0 … 1 unless said otherwise."""

    n: int
    frechet: float
    """Distance to real digits in the classifier's features, 0 … ∞, lower is better."""
    precision: float
    """Share of the drawn digits that lie among real ones; higher is better, as is all that follows but copies."""
    recall: float
    """Share of the real digits that lie among drawn ones."""
    accuracy: float
    """Share that the classifier reads as what they were to be."""
    worst_class: float
    """The same, of the class that comes out worst: near 0 where a digit is never drawn."""
    variety: float
    """`variety` by that of real digits: below 1 where a class is drawn too much alike."""
    copies: float
    """Share that are copies of training digits."""


def variety(features: Tensor, classes: Tensor) -> float:
    """How far apart two digits of a class are, in features (N, D): the mean over all pairs, and then over classes.

    Raises ValueError if a class has less than two digits.
    """
    found = []
    for k in range(CLASSES):
        rows = features[classes == k]
        if len(rows) < 2:
            raise ValueError(f"Variety within a class needs two digits of it; there are {len(rows)} of class {k}.")
        found.append(torch.pdist(rows.double()).mean())
    return torch.stack(found).mean().item()


def real_variety(known: Reference, labels: Tensor) -> float:
    """That of the reference's digits, whose labels these are."""
    return variety(known.features, labels)


def scored(known: Reference, real: float, x: Tensor, y: Tensor, part: int = 250) -> Iterator[Scores | None]:
    """None after each part of the work; in the end what is measured of digits x (N, 1, 28, 28) of classes y (N,).

    `real` is the variety of real digits. Raises ValueError for less than two digits of a class.
    """
    features: list[Tensor] = []

    def parts() -> Iterable[Part]:
        for some, wanted in zip(x.split(part), y.split(part), strict=True):
            with torch.no_grad():
                features.append(known.classifier.features(some))
            yield some, wanted

    found: Verdict | None = None
    for verdict in judged(known, parts()):
        found = verdict
        yield None
    assert found is not None and found.accuracy is not None  # the last part of the work
    seen = torch.cat(features)
    with torch.no_grad():
        right = known.classifier.head(seen).argmax(1) == y
    worst = min(right[y == k].double().mean().item() for k in range(CLASSES))
    kept = {name: value for name, value in asdict(found).items() if name != "inception_score"}
    yield Scores(**kept, worst_class=worst, variety=variety(seen, y) / real)
