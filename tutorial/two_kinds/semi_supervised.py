"""A Gaussian for each class that also learns from rows without labels: expectation–maximisation.

Nigam, McCallum, Thrun & Mitchell 2000, “Text classification from labeled and unlabeled documents using EM”, with
Gaussians in the place of their word counts. A row without a label still has a density, p(x) = Σ_y p(x, y), and so it
says something about the parameters of p(x, y). It says nothing about those of a model of p(y | x) alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import MultivariateNormal


@dataclass(frozen=True)
class ClassGaussians:
    """p(x, y) = π_y N(x; μ_y, Σ_y): weights (K,), means (K, d), covariances (K, d, d), in float64."""

    weights: Tensor
    means: Tensor
    covariances: Tensor

    def log_joint(self, x: Tensor) -> Tensor:
        """log p(x, y) of rows (N, d) for each class: (N, K)."""
        normal = MultivariateNormal(self.means, self.covariances, validate_args=False)
        return self.weights.log() + normal.log_prob(x.double()[:, None])

    def decision(self, x: Tensor) -> Tensor:
        """log p(y = 1 | x) − log p(y = 0 | x) of rows (N, d), the log-odds by Bayes' rule: (N,)."""
        zero, one = self.log_joint(x).unbind(1)
        return one - zero

    def log_prior(self, spread: Tensor) -> float:
        """log of the prior under which `maximise` is the best estimate, but for a constant: one more example of each
        class, and as many examples with the variances `spread` (d,) as there are coordinates."""
        strangeness = self.covariances.logdet() + (self.covariances.inverse().diagonal(dim1=1, dim2=2) * spread).sum(1)
        return (self.weights.log() - len(spread) / 2 * strangeness).sum().item()


def maximise(x: Tensor, shares: Tensor, spread: Tensor) -> ClassGaussians:
    """The M step: the most probable parameters if row n (N, d) belongs to class k with probability shares[n, k].

    π_k = (N_k + 1) / (N + K),  μ_k = Σ_n r_nk x_n / N_k,  Σ_k = (Σ_n r_nk (x_n − μ_k)(x_n − μ_k)ᵀ + d S) / (N_k + d)
    with N_k = Σ_n r_nk and S the diagonal matrix of `spread`: the prior keeps Σ_k invertible where rows are few.
    """
    n, d = shares.sum(0), x.shape[1]
    means = shares.T @ x / n[:, None]
    off = x - means[:, None]  # (K, N, d)
    scatter = (off * shares.T[:, :, None]).mT @ off
    covariances = (scatter + d * spread.diag()) / (n + d)[:, None, None]
    return ClassGaussians((n + 1) / (n.sum() + len(n)), means, covariances)


def log_posterior(model: ClassGaussians, x: Tensor, y: Tensor, unlabelled: Tensor) -> float:
    """What `em` climbs, but for a constant: log p(x, y) of the labelled rows + log p(x) of the others + log prior."""
    spread = torch.cat([x, unlabelled]).double().var(0, unbiased=False)
    labelled = model.log_joint(x).gather(1, y[:, None]).sum()
    return (labelled + model.log_joint(unlabelled).logsumexp(1).sum()).item() + model.log_prior(spread)


def em(x: Tensor, y: Tensor, unlabelled: Tensor, steps: int = 50) -> Iterator[tuple[ClassGaussians, float]]:
    """Fits the labelled rows x (N, d), y (N,) of 0 and 1, and then in `steps` steps also the `unlabelled` (M, d).

    Yields the model and its `log_posterior`, which no step lowers. Raises ValueError if a class has no example, or a
    coordinate is the same in all rows.
    """
    known, rows = F.one_hot(y, 2).double(), torch.cat([x, unlabelled]).double()
    if (known.sum(0) == 0).any():
        raise ValueError("Each class needs at least one labelled example.")
    spread = rows.var(0, unbiased=False)
    if not (spread > 0).all():
        raise ValueError("The examples must differ from each other in every coordinate.")
    model = maximise(x.double(), known, spread)
    for step in range(steps + 1):
        joint = model.log_joint(rows)
        labelled, others = (joint[: len(x)] * known).sum(), joint[len(x) :].logsumexp(1).sum()
        yield model, (labelled + others).item() + model.log_prior(spread)
        if step == steps or not len(unlabelled):
            return
        shares = torch.cat([known, joint[len(x) :].softmax(1)])  # the E step: who has a label keeps it
        model = maximise(rows, shares, spread)
