"""Does a model notice what it has never seen? Scores of how strange a digit is, and how well they find 2–9.

The models know zeros and ones only. A score is judged by its receiver operating characteristic: the share of strange
digits that it finds against the share of familiar ones that it takes for strange, at every threshold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from tutorial.data.digits import digits
from tutorial.data.principal import PrincipalComponents, zeros_and_ones_components
from tutorial.two_kinds import kinds

LOST, BOTH = "what the components lose", "mixture and what is lost"
CLASSIFIERS = (kinds.LOGISTIC, kinds.MLP)
"""Discriminative models whose doubt is a score."""
SCORES = (*kinds.GENERATIVE, *CLASSIFIERS, LOST, BOTH)
AT_ONCE = 500
"""Digits that are scored together."""


@dataclass(frozen=True)
class Roc:
    """Found against false alarms, both from 0 to 1, at descending thresholds: two of (T,); and the area under that."""

    false_alarms: Tensor
    found: Tensor
    area: float


def roc(familiar: Tensor, strange: Tensor) -> Roc:
    """The curve of a score that is to be higher for the strange (M,) than for the familiar (N,).

    The area is the probability that a strange one has the higher score (ties count half), ½ for chance. Raises
    ValueError if a set is empty or a score is not finite.
    """
    from sklearn.metrics import roc_auc_score, roc_curve  # takes a second

    if not len(familiar) or not len(strange):
        raise ValueError("There must be familiar and strange ones.")
    scores = torch.cat([familiar, strange]).double().numpy()
    strangers = torch.cat([torch.zeros(len(familiar)), torch.ones(len(strange))]).numpy()
    false_alarms, found, _ = roc_curve(strangers, scores)
    area = float(roc_auc_score(strangers, scores))
    return Roc(torch.from_numpy(false_alarms), torch.from_numpy(found), area)


def lost(components: PrincipalComponents, pictures: Tensor) -> Tensor:
    """Squared distance of pictures (N, 1, 28, 28) uint8 from what their components say of them, in ink: (N,) float64.

    A density among the components is blind for exactly this.
    """
    flat = pictures.flatten(1).double() / 255
    off = flat - components.mean
    inside = (off @ components.axes.T).square().sum(1)
    return (off.square().sum(1) - inside).clamp(min=0)  # Pythagoras: the axes are orthonormal


@dataclass(frozen=True)
class Watch:
    """All scores in one space of d components, each higher for what is stranger."""

    d: int
    components: PrincipalComponents

    @cached_property
    def noise(self) -> float:
        """Mean variance in the directions outside of the components (Tipping & Bishop 1999, equation 8)."""
        pictures, labels = digits("training")
        known = pictures[labels < 2]
        return lost(self.components, known).mean().item() / (known[0].numel() - self.d)

    def score(self, name: str, pictures: Tensor) -> Tensor:
        """One of `SCORES` of pictures (N, 1, 28, 28) uint8: (N,) float64."""
        if name == LOST:
            return lost(self.components, pictures)
        x = self.components.project(pictures)
        if name == BOTH:
            density = kinds.generative(kinds.MIXTURE, self.d).log_density(x)
            return lost(self.components, pictures) / (2 * self.noise) - density
        if name in CLASSIFIERS:  # max p(y | x) rises with |log-odds|, which do not round to 1
            return -kinds.discriminative(name, self.d).decision(x).abs()
        return -kinds.generative(name, self.d).log_density(x)


def watch(d: int) -> Watch:
    """The scores among d components. Raises tutorial.data.digits.DataError if a file is missing or damaged."""
    return Watch(d, zeros_and_ones_components(d))


def curves(d: int) -> Iterator[tuple[str, Roc] | None]:
    """Each score on the test digits: 2–9, which no model has seen, against 0 and 1.

    Yields None after each `AT_ONCE` digits, where the work can pause. Raises DataError as above.
    """
    pictures, labels = digits("test")
    strange, ours = labels > 1, watch(d)
    for name in SCORES:
        parts = []
        for some in pictures.split(AT_ONCE):
            parts.append(ours.score(name, some))
            yield None
        score = torch.cat(parts)
        yield name, roc(score[~strange], score[strange])


def thinned(curve: Roc, most: int = 60) -> Mapping[str, list[float]]:
    """At most so many points of a curve, evenly along it, the ends among them: what is worth recording."""
    along = torch.cat([torch.zeros(1), (curve.false_alarms.diff() + curve.found.diff()).cumsum(0)]).contiguous()
    at = torch.linspace(0, along[-1].item(), most, dtype=along.dtype)
    rows = torch.searchsorted(along, at).clamp(max=len(along) - 1).unique()
    return {"false_alarms": curve.false_alarms[rows].tolist(), "found": curve.found[rows].tolist()}
