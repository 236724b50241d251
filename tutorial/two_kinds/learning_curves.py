"""How many labelled examples each side needs, and what examples without labels are worth.

Ng & Jordan 2002, “On discriminative vs. generative classifiers”: naive Bayes whose classes share the variance of each
coordinate against logistic regression without a penalty. Both draw straight boundaries. All get the same examples; the
digits are points among the principal components of their pictures, which were found without any label.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tutorial.data import principal
from tutorial.data.digits import digits
from tutorial.two_kinds.discriminative import Discriminative, LogisticRegression
from tutorial.two_kinds.generative import Generative, NaiveBayes
from tutorial.two_kinds.labelled import accuracy
from tutorial.two_kinds.semi_supervised import ClassGaussians, em

PAIRS = ((0, 1), (3, 5), (4, 9))
"""Digits to tell apart: an easy pair and two hard ones."""
COMPONENTS = 20
"""Numbers that are left of each picture."""
SIZES = (4, 6, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120)
"""Labelled examples, half of them of each class."""
AMOUNTS = (0, 30, 100, 300, 1000, 3000)
"""Examples without a label."""
FEW = 10
"""Labelled examples beside them."""
REPEATS = 30
NAIVE, OWN = "naive Bayes, variances shared", "naive Bayes, variances per class"
LOGISTIC, MIXTURE = "logistic regression", "a Gaussian per class, by EM"
FREE = 1e4
"""C of logistic regression, so large that its penalty ‖w‖² / 2C is next to none."""


@dataclass(frozen=True)
class Pair:
    """Two digits as points (N, k) float32 with labels (N,): 0 for the first digit, 1 for the second."""

    x: Tensor
    y: Tensor
    test_x: Tensor
    test_y: Tensor

    def balanced(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Rows of the training set in random order, as many of each class: two of (N,)."""
        order = torch.randperm(len(self.y), generator=generator)
        parts = [order[self.y[order] == k] for k in (0, 1)]
        fewest = min(map(len, parts))
        return parts[0][:fewest], parts[1][:fewest]

    def accuracy(self, model: Discriminative | Generative | ClassGaussians) -> float:
        """Share of test digits that a model tells right."""
        return accuracy(model.decision(self.test_x), self.test_y)


def pair(first: int, second: int, k: int = COMPONENTS) -> Pair:
    """Two digits of MNIST among the first k principal components of their training pictures.

    Raises tutorial.data.digits.DataError if a file is missing or damaged.
    """
    parts = {}
    for part in ("training", "test"):
        pictures, labels = digits(part)
        rows = ((labels == first) | (labels == second)).nonzero().flatten()
        parts[part] = pictures[rows], (labels[rows] == second).long()
    (pictures, y), (test_pictures, test_y) = parts["training"], parts["test"]
    components = principal.fit(pictures[: principal.FITTED], k)
    return Pair(components.project(pictures), y, components.project(test_pictures), test_y)


@dataclass(frozen=True)
class Result:
    """The share of test digits that a model told right after so many examples, in one repeat."""

    model: str
    examples: int
    repeat: int
    accuracy: float


CONTENDERS: Mapping[str, Callable[[], Discriminative | Generative]] = {
    NAIVE: lambda: NaiveBayes(shared=True),
    OWN: NaiveBayes,
    LOGISTIC: lambda: LogisticRegression(FREE),
}


def order_of(seed: int, repeat: int) -> torch.Generator:
    """A generator for each pair of numbers from 0 on, so that no repeat of one seed is one of another."""
    (state,) = np.random.SeedSequence((seed, repeat)).generate_state(1)
    return torch.Generator().manual_seed(int(state))


def with_labels(
    data: Pair, sizes: Sequence[int] = SIZES, repeats: Iterable[int] = range(REPEATS), seed: int = 0
) -> Iterator[Result]:
    """Each contender after so many labelled examples, with others in each of the repeats; the few are among the many.

    Raises ValueError if there are not as many examples.
    """
    for repeat in repeats:
        zeros, ones = data.balanced(order_of(seed, repeat))
        for size in sizes:
            if size // 2 > len(zeros):
                raise ValueError(f"There are not {size} examples.")
            rows = torch.cat([zeros[: size // 2], ones[: size // 2]])
            for name, make in CONTENDERS.items():
                yield Result(name, size, repeat, data.accuracy(make().fit(data.x[rows], data.y[rows])))


def without_labels(
    data: Pair,
    amounts: Sequence[int] = AMOUNTS,
    labelled: int = FEW,
    repeats: Iterable[int] = range(REPEATS),
    seed: int = 0,
) -> Iterator[Result | None]:
    """A generative model with `labelled` examples and more and more without a label, and a discriminative one.

    The latter is p(y | x), and has no use for an x without its y: it gets the labelled ones each time. Yields None
    after each step of EM, where the work can pause.
    """
    half = labelled // 2
    for repeat in repeats:
        zeros, ones = data.balanced(order_of(seed, repeat))
        rows, rest = torch.cat([zeros[:half], ones[:half]]), torch.stack([zeros[half:], ones[half:]], 1).flatten()
        x, y = data.x[rows], data.y[rows]
        alone = data.accuracy(CONTENDERS[LOGISTIC]().fit(x, y))
        for amount in amounts:
            found = []
            for model, _ in em(x, y, data.x[rest[:amount]]):
                found = [model]
                yield None
            yield Result(MIXTURE, amount, repeat, data.accuracy(*found))
            yield Result(LOGISTIC, amount, repeat, alone)


@dataclass(frozen=True)
class Band:
    """Of a model's repeats at a number of examples: the median, and the ends of the middle 80 %."""

    examples: int
    low: float
    median: float
    high: float


def bands(results: Iterable[Result], model: str) -> list[Band]:
    """A model's accuracy against examples, over the repeats."""
    by_size: dict[int, list[float]] = {}
    for result in results:
        if result.model == model:
            by_size.setdefault(result.examples, []).append(result.accuracy)
    return [_band(size, found) for size, found in sorted(by_size.items())]


def leads(results: Iterable[Result], model: str, over: str) -> list[Band]:
    """How far a model's accuracy is above another's on the same examples, over the repeats that both have had."""
    found = {(result.model, result.examples, result.repeat): result.accuracy for result in results}
    by_size: dict[int, list[float]] = {}
    for name, size, repeat in found:
        if name == model and (over, size, repeat) in found:
            by_size.setdefault(size, []).append(found[model, size, repeat] - found[over, size, repeat])
    return [_band(size, apart) for size, apart in sorted(by_size.items())]


def _band(size: int, found: Sequence[float]) -> Band:
    ends = torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64)
    return Band(size, *torch.tensor(found, dtype=torch.float64).quantile(ends).tolist())
