"""All that is said of a set of digits, measured together in the features and predictions of the digit classifier."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from tutorial.data.digits import digits
from tutorial.data.pixels import to_signed
from tutorial.metrics import copies
from tutorial.metrics.digits import others, reference
from tutorial.metrics.frechet import frechet_distance, moments
from tutorial.metrics.inception_score import inception_score
from tutorial.metrics.precision_recall import ROWS, comparison, radii_of
from tutorial.networks.digit_classifier import DigitClassifier

NEIGHBOURS = 3
"""k of precision and recall, as the paper advises."""
SEARCHED = 250
"""Pictures of a set that are looked up among the training digits."""

Part = tuple[Tensor, Tensor | None]
"""Pictures (B, 1, 28, 28) in [−1, 1], and the digits (B,) that they were to be, if that was ever said."""


@dataclass(frozen=True)
class Reference:
    """The real digits that sets are compared with, as the classifier sees them, and the training digits that copies are
    looked for among: all but the `others`, which stand for digits that nobody has seen."""

    classifier: DigitClassifier
    features: Tensor
    """(REFERENCE, 64)."""
    moments: tuple[Tensor, Tensor]
    radii: Tensor
    """Distance of each to its `NEIGHBOURS`-th nearest: (REFERENCE,)."""
    training: Tensor
    """(55,000, 1, 28, 28) uint8."""


@dataclass(frozen=True)
class Verdict:
    """What is measured of n pictures."""

    n: int
    inception_score: float
    """1 … 10, higher is better."""
    frechet: float
    """Distance to the reference, 0 … ∞, lower is better."""
    precision: float
    """0 … 1, higher is better; so are the next two."""
    recall: float
    accuracy: float | None
    """Share read as the digit that it was to be; None if that was not said."""
    copies: float
    """Share, 0 … 1, of the first `SEARCHED` that are copies of training digits; lower is better."""


def measured_reference(classifier: DigitClassifier) -> Iterator[Reference | None]:
    """None after each part of the work; the reference in the end. Raises tutorial.data.digits.DataError."""
    pictures, _ = digits("training")
    features, reaches = torch.empty(0), []
    for found in seen(classifier, ((to_signed(pictures[rows]), None) for rows in reference().split(ROWS))):
        features = features if found is None else found
        yield None
    for some in features.split(ROWS):
        reaches.append(radii_of(some, features, NEIGHBOURS))
        yield None
    kept = torch.ones(len(pictures), dtype=torch.bool)
    kept[others()] = False
    yield Reference(classifier, features, moments(features), torch.cat(reaches), pictures[kept])


@torch.no_grad()
def seen(classifier: DigitClassifier, parts: Iterable[Part]) -> Iterator[Tensor | None]:
    """None after each part; in the end the last hidden layer for all the pictures, (N, 64)."""
    features = []
    for x, _ in parts:
        features.append(classifier.features(x))
        yield None
    yield torch.cat(features)


def judged(known: Reference, parts: Iterable[Part]) -> Iterator[Verdict | None]:
    """None after each part of the work; in the end what is measured of all the pictures, more than `NEIGHBOURS`."""
    wanted: list[Tensor | None] = []
    first: list[Tensor] = []

    def noted() -> Iterator[Part]:
        for x, y in parts:
            wanted.append(y)
            if sum(len(some) for some in first) < SEARCHED:
                first.append(x)
            yield x, y

    features = torch.empty(0)
    for found in seen(known.classifier, noted()):
        features = features if found is None else found
        yield None
    probabilities = known.classifier.head(features).softmax(1)
    yield None
    precision, recall, ratios = 0.0, 0.0, torch.empty(0)
    for regions in comparison(known.features, features, known.radii, NEIGHBOURS):
        precision, recall = regions or (precision, recall)
        yield None
    for found in copies.search(torch.cat(first)[:SEARCHED], known.training):
        ratios = ratios if found is None else found
        yield None
    yield Verdict(
        n=len(features),
        inception_score=inception_score(probabilities),
        frechet=frechet_distance(moments(features), known.moments),
        precision=precision,
        recall=recall,
        accuracy=_accuracy(probabilities, wanted),
        copies=(ratios < copies.NEARER).double().mean().item(),
    )


def _accuracy(probabilities: Tensor, wanted: list[Tensor | None]) -> float | None:
    said = [y for y in wanted if y is not None]
    if len(said) < len(wanted):
        return None
    return (probabilities.argmax(1) == torch.cat(said)).double().mean().item()
