"""Inception score: are the pictures each of one class, and together of all? (Salimans et al. 2016, section 4)

With the class probabilities of an Inception network it is the published score; here they are those of a classifier that
knows the pictures at hand.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

SUMS = 1e-4
"""How far from 1 the probabilities of a row may sum, as float32 rounds."""


def inception_score(probabilities: Tensor) -> float:
    """exp(E_x KL(p(y | x) ‖ p(y))) for the class probabilities (N, K) of N > 0 pictures; p(y) is their mean.

    Between 1, where all pictures are read alike, and K, where each is surely of one class and all classes are equally
    many. It looks at the pictures only: no real ones enter. Published scores are means over ten splits of the pictures,
    which are lower than this one, of all of them at once, since few pictures are less even. Raises ValueError for rows
    that are not probabilities.
    """
    p = probabilities.double()
    if p.ndim != 2 or 0 in p.shape or (p < 0).any() or not torch.allclose(p.sum(1), p.new_ones(()), atol=SUMS, rtol=0):
        raise ValueError(f"Need probabilities of shape (N, K), each row adding up to 1; got {tuple(p.shape)}.")
    kl = (torch.xlogy(p, p) - torch.xlogy(p, p.mean(0))).sum(1)  # (N,), in nats; 0 log 0 = 0
    return math.exp(kl.mean().item())
