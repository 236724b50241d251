"""Discriminative models of two classes: they learn p(y | x), or only on which side of a boundary a point lies.

Points x (N, d), labels y (N,) 0 or 1. scikit-learn fits the classical ones, and is imported where it does, since that
takes a second; PyTorch fits the perceptron. What they share is `Discriminative`. Nothing here says how likely a point x
is at all, and so nothing here can draw one.
"""

from __future__ import annotations

import math
import warnings
from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from tutorial.networks.mlp import StackedMLP
from tutorial.two_kinds.labelled import checked

PATIENCE = 50_000
"""Steps of an SVM's solver, after which it stops where it is: with a large C and labels that contradict each other it
would go on for minutes."""

# `settled` says it. For the whole process, since `warnings.catch_warnings` is not for threads.
warnings.filterwarnings("ignore", "Solver terminated early")


class Discriminative(ABC):
    """A model of p(y | x). All answers are float64."""

    probabilistic: bool
    """Whether `probability` was fitted to be one."""
    parameters: int
    """Numbers that were learned."""

    @abstractmethod
    def fit(self, x: Tensor, y: Tensor) -> Self:
        """Learns from points (N, d) and labels (N,). Raises ValueError, with a sentence, if that cannot be done."""

    @abstractmethod
    def decision(self, x: Tensor) -> Tensor:
        """(N, d) → (N,): above zero for class 1, below for class 0; zero is the boundary. The log-odds in nats, if
        the model is `probabilistic`."""

    def probability(self, x: Tensor) -> Tensor:
        """p(y = 1 | x) as the model sees it: σ(decision), (N, d) → (N,).

        For a model that is not `probabilistic` this only squeezes the decision into 0–1.
        """
        return torch.sigmoid(self.decision(x))


class LogisticRegression(Discriminative):
    """p(y = 1 | x) = σ(w·x + b), fitted by maximum likelihood with the penalty ‖w‖² / 2C (Cox 1958).

    Its decision is w·x + b, the log-odds in nats.
    """

    probabilistic = True

    def __init__(self, C: float = 1.0) -> None:
        self.C = C

    def fit(self, x: Tensor, y: Tensor) -> Self:
        """Newton's method. Raises ValueError as `Discriminative.fit`: fewer than two points of a class are too few."""
        from sklearn import linear_model

        x, y = checked(x, y)
        solver = linear_model.LogisticRegression(C=self.C, solver="newton-cholesky", max_iter=1000)
        fitted = solver.fit(x.numpy(), y.numpy())
        self.weight = torch.from_numpy(fitted.coef_[0])  # (d,)
        self.bias = float(fitted.intercept_[0])
        self.parameters = len(self.weight) + 1
        return self

    def decision(self, x: Tensor) -> Tensor:
        return x.double() @ self.weight + self.bias


class LinearSVM(Discriminative):
    """The line (plane, …) w·x + b = 0 that minimises ½‖w‖² + C Σ max(0, 1 − s (w·x + b)), where s = ±1 is the class
    (Cortes & Vapnik 1995, with the hinge loss).

    Only points with s (w·x + b) ≤ 1, the support vectors, hold it in place: those on the edge of the margin, and with
    a soft margin (any finite C) those inside it and on the wrong side too.
    """

    probabilistic = False

    def __init__(self, C: float = 1.0) -> None:
        self.C = C

    def fit(self, x: Tensor, y: Tensor) -> Self:
        """libsvm; one point of each class is enough. Raises ValueError as `Discriminative.fit`, and if no line does
        better than none."""
        from sklearn import svm

        x, y = checked(x, y, fewest=1)  # one point on each side is enough for a margin
        fitted = svm.SVC(kernel="linear", C=self.C, tol=1e-5, max_iter=PATIENCE).fit(x.numpy(), y.numpy())
        self.weight = torch.from_numpy(np.array(fitted.coef_[0]))  # (d,)
        self.bias = float(fitted.intercept_[0])
        if not self.weight.norm() > 1e-9:
            raise ValueError("No straight line tells these classes apart better than none (w = 0): move or add points.")
        self.support, self.dual = _support(fitted)
        self.settled = fitted.fit_status_ == 0
        self.parameters = len(self.weight) + 1
        return self

    def decision(self, x: Tensor) -> Tensor:
        return x.double() @ self.weight + self.bias

    @property
    def margin(self) -> float:
        """2/‖w‖, in the units of x: from where the decision is −1 to where it is 1."""
        return 2 / self.weight.norm().item()

    @property
    def held(self) -> bool:
        """Whether a support vector is on an edge of the margin by itself, with α < C.

        Otherwise all errors cost the same wherever the boundary is shifted to between two places: w is unique, and b is
        not (Burges & Crisp 1999).
        """
        return bool((self.dual.abs() < self.C * (1 - 1e-9)).any())

    def roles(self, x: Tensor, y: Tensor) -> tuple[int, int, int]:
        """Of points (N, d) and labels (N,): how many lie on an edge of the margin (within a thousandth), how many
        inside it, and how many on the wrong side of the boundary."""
        ahead = (2 * y - 1) * self.decision(x)
        edge, wrong = (ahead - 1).abs() < 1e-3, ahead <= 0
        return int(edge.sum()), int(((ahead < 1) & ~edge & ~wrong).sum()), int(wrong.sum())

    support: Tensor
    """Rows (S,) int64 of the support vectors among the points that it was fitted to."""
    dual: Tensor
    """s α of each of them, (S,), with 0 < α ≤ C: w is the sum of these times the support vectors."""
    settled: bool
    """Whether the solver came to its end, within `PATIENCE` steps."""


class RBFSVM(Discriminative):
    """An SVM whose decision is Σ s α exp(−γ‖x − x_i‖²) + b over its support vectors x_i (Boser, Guyon & Vapnik 1992).

    Without γ it is 1 / (d · variance of all coordinates), as scikit-learn has it.
    """

    probabilistic = False

    def __init__(self, C: float = 1.0, gamma: float | None = None) -> None:
        self.C, self.gamma = C, gamma

    def fit(self, x: Tensor, y: Tensor) -> Self:
        """libsvm; one point of each class is enough. Raises ValueError as `Discriminative.fit`."""
        from sklearn import svm

        x, y = checked(x, y, fewest=1)
        gamma: Any = "scale" if self.gamma is None else self.gamma
        self._fitted = svm.SVC(kernel="rbf", C=self.C, gamma=gamma, max_iter=PATIENCE).fit(x.numpy(), y.numpy())
        self.support, self.dual = _support(self._fitted)
        self.settled = self._fitted.fit_status_ == 0
        self.parameters = len(self.support) * (1 + x.shape[1]) + 1
        return self

    def decision(self, x: Tensor) -> Tensor:
        if not len(x):  # scikit-learn refuses to say nothing
            return torch.zeros(0, dtype=torch.float64)
        return torch.from_numpy(self._fitted.decision_function(x.double().numpy()))

    support: Tensor
    """As of `LinearSVM`; so are the next two."""
    dual: Tensor
    settled: bool


def _support(fitted: Any) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(fitted.support_).long(), torch.from_numpy(np.array(fitted.dual_coef_[0]))


class SmallMLP(Discriminative):
    """A perceptron with two hidden layers: log-odds by gradient descent on the cross-entropy, the same for each seed.

    All points are one batch; `Adam` (Kingma & Ba 2015) with its rate on a cosine to zero.
    """

    probabilistic = True

    def __init__(self, hidden: int = 16, steps: int = 200, rate: float = 0.05, seed: int = 0) -> None:
        self.hidden, self.steps, self.rate, self.seed = hidden, steps, rate, seed

    def fit(self, x: Tensor, y: Tensor) -> Self:
        """`steps` updates on all points at once. Raises ValueError as `Discriminative.fit`."""
        x, y = checked(x, y)
        self.mean, self.spread = x.mean(0), x.std(0).clamp(min=1e-6)
        widths = [x.shape[1], self.hidden, self.hidden, 1]
        self.network = StackedMLP(1, widths, torch.Generator().manual_seed(self.seed))
        self.parameters = sum(weight.numel() for weight in self.network.parameters())
        adam = torch.optim.Adam(self.network.parameters(), lr=self.rate, fused=True)
        seen, wanted = self._seen(x), y.float()
        for step in range(self.steps):
            adam.param_groups[0]["lr"] = self.rate * (1 + math.cos(math.pi * step / self.steps)) / 2
            adam.zero_grad()
            F.binary_cross_entropy_with_logits(self.network(seen)[0, :, 0], wanted).backward()
            adam.step()
        return self

    @torch.no_grad()
    def decision(self, x: Tensor) -> Tensor:
        return self.network(self._seen(x))[0, :, 0].double()

    def _seen(self, x: Tensor) -> Tensor:
        """(N, d) → (1, N, d) float32, in standard deviations of the points that it was fitted to."""
        return ((x.double() - self.mean) / self.spread).float()[None]
