"""Fréchet distance between two clouds of features, each seen as a Gaussian (Heusel et al. 2017, eq. 6).

With features of an Inception network it is the FID; here the features are those of a reader that knows the
pictures at hand.
"""

from __future__ import annotations

import torch
from torch import Tensor

from tutorial.networks.digit_classifier import DigitClassifier
from tutorial.networks.reader import AttributeReader


def moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (D,) and covariance (D, D) of features (N, D), N > 1, in float64."""
    if features.ndim != 2 or len(features) < 2:
        raise ValueError(f"Need features of shape (N, D) with N > 1; got {tuple(features.shape)}.")
    rows = features.double()
    return rows.mean(0), torch.cov(rows.T).reshape(rows.shape[1], rows.shape[1])


def frechet_distance(a: tuple[Tensor, Tensor], b: tuple[Tensor, Tensor]) -> float:
    """‖m_a − m_b‖² + tr(C_a + C_b − 2 (C_a C_b)^½), for two pairs of mean and covariance.

    The trace of (C_a C_b)^½ is that of the symmetric (C_a^½ C_b C_a^½)^½, which needs only real eigenvalues.
    """
    (mean_a, cov_a), (mean_b, cov_b) = a, b
    values, vectors = torch.linalg.eigh(cov_a)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    overlap = torch.linalg.eigvalsh(root @ cov_b @ root).clamp(min=0).sqrt().sum()
    return ((mean_a - mean_b).square().sum() + cov_a.trace() + cov_b.trace() - 2 * overlap).item()


@torch.no_grad()
def features_of(reader: AttributeReader | DigitClassifier, x: Tensor, batch: int = 256) -> Tensor:
    """Last hidden layer for pictures (N, C, H, W) in [−1, 1]: (N, D), in batches, on the CPU."""
    device = next(reader.parameters()).device
    return torch.cat([reader.features(rows.to(device)) for rows in x.split(batch)]).cpu()
