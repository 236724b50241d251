"""Codes found by gradient descent, for models that know the way from a code to a picture only.

    minimise over z   ‖m ⊙ (G(z) − x)‖² + PRIOR ‖z‖²          m is 1 where the picture is known

The first term is what the picture says (Zhu et al. 2016; Yeh et al. 2017), the second keeps z among the codes that the
model was trained with: −log N(z; 0, I), but for a constant, at noise of variance 2 · PRIOR in the pixels.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tutorial.contest.contender import Work

STEPS, RATE, PRIOR = 150, 0.1, 0.05


def searching(generate: Callable[[Tensor], Tensor], x: Tensor, weight: Tensor, start: Tensor) -> Work:
    """Codes (N, …) whose pictures come near x where `weight` is 1; Adam (Kingma & Ba 2015), None after each step.

    Each picture's search knows nothing of the others. The best code on the way is kept, not the last.
    """
    z = start.clone()
    first, second, best = torch.zeros_like(z), torch.zeros_like(z), torch.full((len(z),), torch.inf)
    kept = z.clone()
    for k in range(1, STEPS + 1):
        with torch.enable_grad():
            free = z.requires_grad_()
            missed = (weight * (generate(free) - x)).square().flatten(1).sum(1)
            loss = missed + PRIOR * free.square().flatten(1).sum(1)
            (slope,) = torch.autograd.grad(loss.sum(), free)
        better = loss.detach() < best
        best = torch.where(better, loss.detach(), best)
        kept[better] = free.detach()[better]
        first, second = 0.9 * first + 0.1 * slope, 0.99 * second + 0.01 * slope.square()
        z = free.detach() - RATE * (first / (1 - 0.9**k)) / ((second / (1 - 0.99**k)).sqrt() + 1e-8)
        yield None
    yield kept


@torch.no_grad()
def completing(generate: Callable[[Tensor], Tensor], known: Tensor, mask: Tensor, start: Tensor) -> Work:
    """The pictures of the codes that fit what is known, which is then put over them."""
    weight = (~mask).float().expand_as(known)
    for code in searching(generate, known, weight, start):
        yield None if code is None else torch.where(mask, generate(code).clamp(-1, 1), known)
