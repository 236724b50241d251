"""The search for codes, where the answer has a closed form."""

from __future__ import annotations

import torch

from tutorial.contest import search
from tutorial.contest.contender import finished


def line(weight):
    """A linear generator of 1 × 3 × 4 pictures from 3 numbers; x; and the code that is best by linear algebra."""
    dice = torch.Generator().manual_seed(0)
    a, x = torch.randn(12, 3, generator=dice), torch.randn(5, 1, 3, 4, generator=dice)
    m = weight.flatten().diag()
    best = torch.linalg.solve(a.T @ m @ a + search.PRIOR * torch.eye(3), a.T @ m @ x.flatten(1).T).T
    return lambda z: (z @ a.T).unflatten(1, (1, 3, 4)), x, best


def test_it_finds_the_code_that_linear_algebra_finds():
    generate, x, best = line(torch.ones(3, 4))
    found = finished(search.searching(generate, x, torch.ones_like(x), torch.zeros(5, 3)))
    assert torch.allclose(found, best, atol=0.03)


def test_completing_fits_what_is_known_only_and_keeps_it():
    mask = torch.tensor([[False] * 4, [True] * 4, [False] * 4])
    generate, x, best = line((~mask).float())
    found = finished(search.completing(generate, x, mask, torch.zeros(5, 3)))
    assert torch.equal(found[:, :, ~mask], x[:, :, ~mask])
    assert torch.allclose(found[:, :, mask], generate(best).clamp(-1, 1)[:, :, mask], atol=0.1)


def test_one_search_does_not_know_of_another():
    generate, x, _ = line(torch.ones(3, 4))
    together = finished(search.searching(generate, x, torch.ones_like(x), torch.zeros(5, 3)))
    alone = finished(search.searching(generate, x[2:3], torch.ones_like(x[:1]), torch.zeros(1, 3)))
    assert torch.allclose(together[2:3], alone, atol=2e-3)
