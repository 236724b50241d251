"""Both kinds of models under their names, fitted to the same zeros and ones of MNIST."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from tutorial.data.principal import FITTED, zeros_and_ones
from tutorial.two_kinds.discriminative import RBFSVM, Discriminative, LinearSVM, LogisticRegression, SmallMLP
from tutorial.two_kinds.generative import (
    Generative,
    KernelDensity,
    LinearDiscriminant,
    MixturePerClass,
    NaiveBayes,
    QuadraticDiscriminant,
)

LOGISTIC, LINEAR, RBF, MLP = "logistic regression", "linear SVM", "RBF SVM", "small MLP"
BAYES, LDA, QDA, MIXTURE, KERNEL = "naive Bayes", "LDA", "QDA", "Gaussian mixture per class", "kernel density"
SPACES = (2, 10, 50)
"""Principal components among which the digits are points."""


def scott(n: int, d: int) -> float:
    """Bandwidth for n points of unit variance in d dimensions: n^(−1/(d + 4)) (Scott 1992, equation 6.42).

    Zeros and ones have unit variance only all together. Each class alone has less, in the first component by far, so
    that its density comes out smoother than by a bandwidth of its own.
    """
    return n ** (-1 / (d + 4))


GENERATIVE: Mapping[str, Callable[[int], Generative]] = {
    BAYES: lambda d: NaiveBayes(),
    LDA: lambda d: LinearDiscriminant(),
    QDA: lambda d: QuadraticDiscriminant(),
    MIXTURE: lambda d: MixturePerClass(ridge=0.01),
    KERNEL: lambda d: KernelDensity(scott(FITTED // 2, d)),
}
"""Name → a model of p(x, y) for points of d dimensions."""
DISCRIMINATIVE: Mapping[str, Callable[[int], Discriminative]] = {
    LOGISTIC: lambda d: LogisticRegression(),
    LINEAR: lambda d: LinearSVM(),
    RBF: lambda d: RBFSVM(),
    MLP: lambda d: SmallMLP(steps=100),
}
"""Name → a model of p(y | x), or of a boundary."""


@cache
def generative(name: str, d: int) -> Generative:
    """One of `GENERATIVE` that has learned `FITTED` zeros and ones in d components.

    Shared: don't fit it again. Raises tutorial.data.digits.DataError if a file is missing or damaged.
    """
    data = zeros_and_ones("training", d)
    return GENERATIVE[name](d).fit(data.points[:FITTED], data.labels[:FITTED])


@cache
def discriminative(name: str, d: int) -> Discriminative:
    """One of `DISCRIMINATIVE`, as above."""
    data = zeros_and_ones("training", d)
    return DISCRIMINATIVE[name](d).fit(data.points[:FITTED], data.labels[:FITTED])
