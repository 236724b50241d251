"""How well the contenders do what else they are asked: numbers for inverting and for filling in."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from tutorial.contest.contender import Contender
from tutorial.data.digits import SIDE
from tutorial.networks.digit_classifier import DigitClassifier


def lower_half() -> Tensor:
    """The mask of the task "fill in half a digit": (28, 28), True in the lower half."""
    mask = torch.zeros(SIDE, SIDE, dtype=torch.bool)
    mask[SIDE // 2 :] = True
    return mask


@dataclass(frozen=True)
class RoundTrip:
    """Real digits, inverted and drawn again."""

    error: float
    """Root mean square error of the pixels, of a range of 2."""
    worst: float
    """Of the digit that comes back worst."""
    size: float
    """Root mean square of the codes' numbers; 1 is what codes to draw with have."""
    accuracy: float
    """Share that the classifier reads, when they are back, as what they are."""


def round_trip(model: Contender, classifier: DigitClassifier, x: Tensor, classes: Tensor) -> RoundTrip:
    """Inverts pictures and draws them again. Raises Impossible if the family has no codes."""
    code = model.invert(x, classes)
    again = model.decode(code, classes)
    error = (again - x).square().flatten(1).mean(1).sqrt()
    return RoundTrip(
        error=(error.square().mean()).sqrt().item(),
        worst=error.max().item(),
        size=code.square().mean().sqrt().item(),
        accuracy=_accuracy(classifier, again, classes),
    )


@dataclass(frozen=True)
class Filled:
    """Real digits whose lower half was drawn anew."""

    accuracy: float
    """Share that the classifier reads as what they were to be."""
    seam: float
    """How different the two rows at the seam are, by how different they are in the digits as they were; 1 is best."""


def filled(
    model: Contender, classifier: DigitClassifier, x: Tensor, classes: Tensor, generator: torch.Generator
) -> Filled:
    """Fills in the lower half of pictures. Raises Impossible if the family cannot."""
    new = model.fill_in(x, lower_half(), classes, generator)
    return Filled(_accuracy(classifier, new, classes), _seam(new) / _seam(x))


def _seam(x: Tensor) -> float:
    middle = SIDE // 2
    return math.sqrt((x[:, :, middle] - x[:, :, middle - 1]).square().mean().item())


@torch.no_grad()
def _accuracy(classifier: DigitClassifier, x: Tensor, classes: Tensor) -> float:
    return (classifier(x).argmax(1) == classes).double().mean().item()
