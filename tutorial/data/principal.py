"""Principal components of digits: few numbers that tell most of a picture, and a way back from them to a picture.

The axes are the eigenvectors of the covariance of the pixels with the largest eigenvalues (Pearson 1901; Bishop 2006,
section 12.1). With two of them, zeros and ones of MNIST become points in a plane, and any point there a picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

import torch
from torch import Tensor

from tutorial.data.digits import SIDE, digits

FITTED = 3000
"""Zeros and ones of the training set that their axes are fitted to, the first ones. All would take four times as long,
and turn the plane by some ten degrees."""

MOST = 50
"""Components of zeros and ones that are found, once for all who take fewer of them."""


@dataclass(frozen=True)
class PrincipalComponents:
    """k axes in the space of pictures, each with the standard deviation of the pictures along it.

    Points are measured in these standard deviations, so that the pictures it was fitted to have mean 0 and covariance I
    (whitening). Ink is 1 and paper 0.
    """

    mean: Tensor
    """(784,), float64 as are the others"""
    axes: Tensor
    """(k, 784), orthonormal rows; the first is that along which the pictures vary most"""
    scale: Tensor
    """(k,), standard deviations, descending"""

    def first(self, k: int) -> PrincipalComponents:
        """The first k of these. Raises ValueError if there are not as many."""
        if not 1 <= k <= len(self.scale):
            raise ValueError(f"Of {len(self.scale)} principal components, {k} cannot be taken.")
        return PrincipalComponents(self.mean, self.axes[:k], self.scale[:k])

    def project(self, pictures: Tensor) -> Tensor:
        """Pictures (N, 1, 28, 28) uint8 → points (N, k) float32."""
        along = self.axes.T / self.scale  # (784, k)
        return pictures.flatten(1).float() @ (along / 255).float() - (self.mean @ along).float()

    def picture(self, points: Tensor) -> Tensor:
        """Points (N, k) → the pictures (N, 1, 28, 28) float32 that they stand for, cut to [0, 1]."""
        flat = self.mean + (points.double() * self.scale) @ self.axes
        return flat.clamp(0, 1).float().reshape(-1, 1, SIDE, SIDE)


@dataclass(frozen=True)
class LabelledPoints:
    """Digits as points (N, k) float32, their labels (N,) int64, and their rows (N,) in a part of MNIST."""

    points: Tensor
    labels: Tensor
    rows: Tensor


def fit(pictures: Tensor, k: int) -> PrincipalComponents:
    """The first k principal components of pictures (N, 1, 28, 28) uint8.

    Eigenvectors have no sign; here, the largest of an axis' numbers is positive. Raises ValueError if the pictures do
    not vary in k directions.
    """
    flat = _flat(pictures)
    if not 1 <= k < min(flat.shape):
        raise ValueError(f"{len(flat)} pictures of {flat.shape[1]} pixels have no {k} principal components.")
    mean = flat.mean(0)
    centred = flat - mean
    variances, vectors = torch.linalg.eigh(centred.T @ centred / (len(flat) - 1))  # ascending; vectors in columns
    variances, axes = variances[-k:].flip(0), vectors[:, -k:].T.flip(0)
    if variances[-1] < 1e-9 * variances[0] or not variances[0] > 0:
        raise ValueError(f"These pictures vary in fewer than {k} directions.")
    largest = axes.gather(1, axes.abs().argmax(1, keepdim=True))
    return PrincipalComponents(mean, axes * largest.sign(), variances.sqrt())


def zeros_and_ones_components(k: int = 2) -> PrincipalComponents:
    """The first k ≤ `MOST` principal components of `FITTED` zeros and ones of the training set.

    Raises ValueError for more, and tutorial.data.digits.DataError if a file is missing or damaged.
    """
    return _all_components().first(k)


@cache
def _all_components() -> PrincipalComponents:
    rows = _rows("training")[:FITTED]
    return fit(digits("training")[0][rows], MOST)


@cache
def zeros_and_ones(part: Literal["training", "test"], k: int = 2) -> LabelledPoints:
    """All zeros and ones of a part of MNIST among those components, in the order of the files, which is random.

    Shared: don't write to them. Raises DataError as above.
    """
    pictures, labels = digits(part)
    rows = _rows(part)
    return LabelledPoints(zeros_and_ones_components(k).project(pictures[rows]), labels[rows], rows)


def _rows(part: Literal["training", "test"]) -> Tensor:
    return (digits(part)[1] < 2).nonzero().flatten()


def _flat(pictures: Tensor) -> Tensor:
    return pictures.flatten(1).double() / 255
