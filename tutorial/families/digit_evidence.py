"""How likely a digit really is, where codes lie in the plane: the integral over all codes as a sum over a grid.

    p(x) = ∫ p(x | z) p(z) dz ≈ Σ p(x | z_i) p(z_i) h²

A digit is likely from a small region of codes only, smaller the better the decoder is. So squares are halved again and
again, and only those stay in which p(x | z) p(z) or q(z | x) is not negligible, and their neighbours. For smooth
functions that vanish all around, such sums converge faster than any power of h (Trefethen & Weideman 2014).
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from tutorial.families.digit_vae import log_likelihood
from tutorial.families.elbo import log_gaussian
from tutorial.families.flow import log_normal
from tutorial.networks.digit_vae import DigitVAE

SIDE = 64
"""Squares across the plane before any is halved."""
REACH = 6.0
"""The plane ends here, or six standard deviations beyond the digits' codes: p(z) has 10⁻⁸ of its mass beyond."""
DEEP = 16.0
"""Nats below the highest density at which a square is negligible."""
TOLERANCE = 1e-3
"""Nats of log p(x) that one more halving may change."""
HALVINGS = 9
"""At most. Most digits need three; the hardest of a thousand, at β = 0.1, seven."""
AT_ONCE = 2048
"""Codes decoded in one go."""


@dataclass(frozen=True)
class Evidence:
    """What quadrature finds of one digit, in nats."""

    log_evidence: float
    """log p(x)."""
    kl: float
    """KL(q(z | x) ‖ p(z | x)): how much the ELBO falls short."""
    codes: int
    """Codes in the last sum."""


def log_joint(model: DigitVAE, z: Tensor, x: Tensor) -> Tensor:
    """log p(x | z) + log p(z) of codes (N, 2) and one digit (1, 28, 28): (N,)."""
    return log_likelihood(model.decode(z), x) + log_normal(z)


def evidence(model: DigitVAE, x: Tensor) -> Iterator[Evidence]:
    """log p(x) and the ELBO's gap of digits (B, 1, 28, 28), one after the other.

    Raises ValueError for codes that are not in the plane, and ArithmeticError if a sum does not settle.
    """
    return filter(None, integration(model, x))


@torch.no_grad()
def integration(model: DigitVAE, x: Tensor) -> Generator[Evidence | None, None, None]:
    """The same, with a None wherever the work can pause: after each `AT_ONCE` codes, and after each halving."""
    if model.config.latent != 2:
        raise ValueError(f"Quadrature is for codes of 2 numbers; these have {model.config.latent}.")
    mean, logvar = model.encode(x)
    reach = max(REACH, (mean.abs() + 6 * (0.5 * logvar).exp()).max().item())
    for digit, centre, spread in zip(x, mean, logvar, strict=True):
        yield from _integrate(model, digit, centre, spread, reach)


def _integrate(
    model: DigitVAE, x: Tensor, mean: Tensor, logvar: Tensor, reach: float
) -> Generator[Evidence | None, None, None]:
    """The sums over ever smaller squares; a square of side h has its lower left corner at h times two whole numbers."""
    h, before = 2 * reach / SIDE, math.inf
    numbers = torch.arange(-SIDE // 2, SIDE // 2, device=x.device)
    squares = torch.cartesian_prod(numbers, numbers)
    for _ in range(HALVINGS + 1):
        z, rows = (squares + 0.5) * h, []
        for some in z.split(AT_ONCE):
            rows.append(log_joint(model, some, x))
            yield None
        joint, posterior = torch.cat(rows), log_gaussian(z, mean, logvar)
        log_evidence = joint.double().logsumexp(0).item() + 2 * math.log(h)
        narrow = h <= (0.5 * logvar).exp().min()
        if narrow and abs(log_evidence - before) < TOLERANCE:
            q = posterior.double().exp() * h**2
            kl = (q * (posterior.double() - joint.double() + log_evidence)).sum().item()
            yield Evidence(log_evidence, kl, len(z))
            return
        matters = (joint > joint.max() - DEEP) | (posterior > posterior.max() - DEEP)
        squares, h, before = _halved(_with_neighbours(squares[matters])), h / 2, log_evidence
        yield None
    raise ArithmeticError(f"The sum over codes has not settled to {TOLERANCE:g} nats after {HALVINGS} halvings.")


def _with_neighbours(squares: Tensor) -> Tensor:
    """Squares (N, 2) and the eight around each, each once."""
    steps = torch.arange(-1, 2, device=squares.device)
    return (squares[:, None] + torch.cartesian_prod(steps, steps)).flatten(0, 1).unique(dim=0)


def _halved(squares: Tensor) -> Tensor:
    """The four quarters of each square, in whole numbers of half the side: (N, 2) → (4N, 2)."""
    halves = torch.arange(2, device=squares.device)
    return (2 * squares[:, None] + torch.cartesian_prod(halves, halves)).flatten(0, 1)
