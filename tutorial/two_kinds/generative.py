"""Generative models of two classes: they learn p(x, y), how likely each point is together with each class.

From it follow the density of all points, p(x) = p(x, 0) + p(x, 1), the posterior by Bayes' rule,
p(y | x) = p(x, y) / p(x), and new points. Points x (N, d), labels y (N,) 0 or 1. scikit-learn fits the Gaussian ones,
and is imported where it does, since that takes a second.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Self

import torch
from torch import Tensor
from torch.distributions import MultivariateNormal

from tutorial.two_kinds.labelled import checked, of_class, varies


class Generative(ABC):
    """A model of p(x, y). Logarithms are in nats; all answers are float64, drawn points float32."""

    parameters: int
    """Numbers that were learned."""

    @abstractmethod
    def fit(self, x: Tensor, y: Tensor) -> Self:
        """Learns from points (N, d) and labels (N,). Raises ValueError, with a sentence, if that cannot be done."""

    @abstractmethod
    def log_joint(self, x: Tensor) -> Tensor:
        """log p(x, y) for y = 0 and y = 1: (N, d) → (N, 2)."""

    def log_density(self, x: Tensor) -> Tensor:
        """log p(x) = log Σ_y p(x, y): (N, d) → (N,)."""
        return self.log_joint(x).logsumexp(1)

    def log_odds(self, x: Tensor) -> Tensor:
        """log p(y = 1 | x) − log p(y = 0 | x): (N, d) → (N,). Zero is the boundary by Bayes' rule."""
        zero, one = self.log_joint(x).unbind(1)
        return one - zero

    def decision(self, x: Tensor) -> Tensor:
        """The log-odds, by the name that they have in a discriminative model."""
        return self.log_odds(x)

    def posterior(self, x: Tensor) -> Tensor:
        """p(y = 1 | x) = p(x, 1) / p(x), Bayes' rule: (N, d) → (N,)."""
        return torch.sigmoid(self.log_odds(x))

    @abstractmethod
    def sample(self, n: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """n new points (n, d) and their classes (n,): first a class from p(y), then a point from p(x | y)."""


class GaussianPerClass(Generative):
    """p(x, y) = π_y N(x; μ_y, Σ_y). What its kinds differ in is what they assume of the covariances Σ."""

    priors: Tensor
    """π (2,)"""
    means: Tensor
    """μ (2, d)"""
    covariances: Tensor
    """Σ (2, d, d)"""

    def log_joint(self, x: Tensor) -> Tensor:
        return self.priors.log() + self._normal().log_prob(x.double()[:, None])

    def sample(self, n: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        y = _classes(self.priors, n, generator)
        z = torch.randn(n, self.means.shape[1], 1, generator=generator, dtype=torch.float64)
        root = torch.linalg.cholesky(self.covariances)
        return (self.means[y] + (root[y] @ z)[..., 0]).float(), y

    def _normal(self) -> MultivariateNormal:
        return MultivariateNormal(self.means, self.covariances, validate_args=False)


class NaiveBayes(GaussianPerClass):
    """Σ_y is diagonal: within a class, the coordinates are taken to be independent.

    Each class has variances of its own, and then the boundary by Bayes' rule is a conic section. If they are `shared`,
    it is straight, as that of logistic regression (Ng & Jordan 2002).
    """

    def __init__(self, shared: bool = False) -> None:
        self.shared = shared

    def fit(self, x: Tensor, y: Tensor) -> Self:
        """Means and variances, counted in one pass. Raises ValueError as `Generative.fit`."""
        from sklearn import naive_bayes

        x, y = checked(x, y)
        fitted = naive_bayes.GaussianNB().fit(x.numpy(), y.numpy())
        self.priors, self.means = torch.from_numpy(fitted.class_prior_), torch.from_numpy(fitted.theta_)
        if self.shared:
            variances = (x - self.means[y]).square().mean(0).expand(2, -1)
            _must_vary(variances[0].diag(), x)
        else:
            for k in (0, 1):
                _must_vary(of_class(x, y, k).var(0).diag(), x, k)
            variances = torch.from_numpy(fitted.var_)
        self.covariances = variances.diag_embed()
        self.parameters = (3 if self.shared else 4) * x.shape[1] + 1
        return self


class LinearDiscriminant(GaussianPerClass):
    """Both classes have the same Σ (Fisher 1936): so the boundary by Bayes' rule is straight, and the posterior a
    logistic function of a linear one."""

    def fit(self, x: Tensor, y: Tensor) -> Self:
        """Means of the classes, one covariance of both. Raises ValueError as `Generative.fit`."""
        from sklearn import discriminant_analysis

        x, y = checked(x, y)
        means = torch.stack([of_class(x, y, k).mean(0) for k in (0, 1)])
        _must_vary((x - means[y]).T.cov(), x)
        fitted = discriminant_analysis.LinearDiscriminantAnalysis(solver="lsqr").fit(x.numpy(), y.numpy())
        self.priors, self.means = torch.from_numpy(fitted.priors_), torch.from_numpy(fitted.means_)
        self.covariances = torch.from_numpy(fitted.covariance_).expand(2, -1, -1)
        self.parameters = 2 * x.shape[1] + _symmetric(x.shape[1]) + 1
        return self


class QuadraticDiscriminant(GaussianPerClass):
    """Each class has a Σ of its own: the boundary by Bayes' rule is a conic section."""

    def fit(self, x: Tensor, y: Tensor) -> Self:
        """Mean and covariance of each class. Raises ValueError as `Generative.fit`."""
        from sklearn import discriminant_analysis

        x, y = checked(x, y)
        for k in (0, 1):
            _must_vary(of_class(x, y, k).T.cov(), x, k)
        model = discriminant_analysis.QuadraticDiscriminantAnalysis(store_covariance=True)
        fitted = model.fit(x.numpy(), y.numpy())
        self.priors, self.means = torch.from_numpy(fitted.priors_), torch.from_numpy(fitted.means_)
        self.covariances = torch.stack([torch.from_numpy(one) for one in fitted.covariance_])
        self.parameters = 2 * (x.shape[1] + _symmetric(x.shape[1])) + 1
        return self


class MixturePerClass(Generative):
    """p(x, y) = π_y Σ_j w_yj N(x; μ_yj, Σ_yj): several Gaussians for each class, fitted by expectation maximisation
    (Dempster, Laird & Rubin 1977), starting from points far apart (k-means++), which depend on the seed.

    `ridge` is added to the variances, so that no Gaussian shrinks to a point.
    """

    def __init__(self, components: int = 3, ridge: float = 1e-3, seed: int = 0) -> None:
        self.components, self.ridge, self.seed = components, ridge, seed

    def fit(self, x: Tensor, y: Tensor) -> Self:
        """EM for each class by itself. Raises ValueError as `Generative.fit`, and for fewer points than Gaussians."""
        x, y = checked(x, y)
        parts = [of_class(x, y, k) for k in (0, 1)]
        if min(len(part.unique(dim=0)) for part in parts) < self.components:
            raise ValueError(f"{self.components} Gaussians for each class need as many different points of each class.")
        self.priors = torch.tensor([len(part) / len(x) for part in parts], dtype=torch.float64)
        fitted = [self._mixture().fit(part.numpy()) for part in parts]
        self.weights, self.means, self.covariances = (
            torch.stack([torch.from_numpy(getattr(one, name)) for one in fitted])  # (2, K), (2, K, d), (2, K, d, d)
            for name in ("weights_", "means_", "covariances_")
        )
        d = x.shape[1]
        self.parameters = 2 * (self.components * (1 + d + _symmetric(d)) - 1) + 1
        return self

    def _mixture(self) -> Any:
        from sklearn import mixture

        return mixture.GaussianMixture(
            self.components, reg_covar=self.ridge, init_params="k-means++", random_state=self.seed
        )

    def log_joint(self, x: Tensor) -> Tensor:
        normal = MultivariateNormal(self.means, self.covariances, validate_args=False)
        each = normal.log_prob(x.double()[:, None, None])  # (N, 2, K)
        return self.priors.log() + (self.weights.log() + each).logsumexp(2)

    def sample(self, n: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        y = _classes(self.priors, n, generator)
        j = torch.multinomial(self.weights[y], 1, generator=generator)[:, 0]
        z = torch.randn(n, self.means.shape[2], 1, generator=generator, dtype=torch.float64)
        root = torch.linalg.cholesky(self.covariances)
        return (self.means[y, j] + (root[y, j] @ z)[..., 0]).float(), y


class KernelDensity(Generative):
    """p(x, y) = π_y · mean over the points x_i of class y of N(x; x_i, h² I) (Parzen 1962): nothing is fitted, all
    points are kept. `bandwidth` is h, in the units of x.

    (In PyTorch, since scikit-learn's tree takes several times as long for a whole map of the plane.)
    """

    def __init__(self, bandwidth: float = 0.2) -> None:
        if not 0 < bandwidth < math.inf:
            raise ValueError("The bandwidth must be above 0.")
        self.bandwidth = bandwidth

    def fit(self, x: Tensor, y: Tensor) -> Self:
        x, y = checked(x, y)
        self.centres = [of_class(x, y, k) for k in (0, 1)]
        self.priors = torch.tensor([len(part) / len(x) for part in self.centres], dtype=torch.float64)
        self.parameters = x.numel() + 1
        return self

    def log_joint(self, x: Tensor) -> Tensor:
        blocks = [torch.stack([self._log_kernel(rows, k) for k in (0, 1)], 1) for rows in x.double().split(1024)]
        return self.priors.log() + torch.cat(blocks)

    def _log_kernel(self, x: Tensor, k: int) -> Tensor:
        """log p(x | y = k): (B, d) → (B,)."""
        centres, d = self.centres[k], x.shape[1]
        apart = torch.cdist(x, centres).square() / (2 * self.bandwidth**2)  # (B, N_k)
        scale = d / 2 * math.log(2 * math.pi) + d * math.log(self.bandwidth) + math.log(len(centres))
        return (-apart).logsumexp(1) - scale

    def sample(self, n: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """n points (n, d) and their classes (n,): each a point that was learned, chosen by chance, with noise added."""
        y = _classes(self.priors, n, generator)
        x = torch.randn(n, self.centres[0].shape[1], generator=generator, dtype=torch.float64) * self.bandwidth
        for k, centres in enumerate(self.centres):
            mine = y == k
            x[mine] += centres[torch.randint(len(centres), (int(mine.sum()),), generator=generator)]
        return x.float(), y


def _classes(priors: Tensor, n: int, generator: torch.Generator | None) -> Tensor:
    return torch.multinomial(priors, n, replacement=True, generator=generator)


def _symmetric(d: int) -> int:
    """Numbers in a symmetric matrix (d, d)."""
    return d * (d + 1) // 2


def _must_vary(covariance: Tensor, x: Tensor, k: int | Sequence[int] = (0, 1)) -> None:
    """Raises ValueError if points of this covariance have no density in their space."""
    if not varies(covariance, x.var(0).max()):
        whose = f"class {k}" if isinstance(k, int) else "each class"
        raise ValueError(
            f"The points of {whose} do not vary in all {x.shape[1]} directions, so a Gaussian through them has no "
            "density: add points beside them."
        )
