"""Grey levels as a mixture of logistics: a probability, and drawn as it says."""

from __future__ import annotations

import pytest
import torch

from tutorial.contest import grey
from tutorial.data.pixels import to_signed


@pytest.fixture
def raw():
    generator = torch.Generator().manual_seed(0)
    return (
        torch.randn(5, 9, 3, 4, generator=generator) * torch.tensor([2.0, 1.0, 4.0]).repeat_interleave(3)[:, None, None]
    )


def every_level(raw):
    """log P of all 256 levels at each place: (256, B, H, W)."""
    return torch.stack([grey.log_probability(raw, torch.full_like(raw[:, :1], v).to(torch.uint8)) for v in range(256)])


def test_the_levels_probabilities_sum_to_one(raw):
    assert every_level(raw).exp().sum(0) == pytest.approx(torch.ones(5, 1, 3, 4).numpy(), abs=1e-4)


def test_a_probability_is_the_difference_of_two_distribution_functions(raw):
    """PixelCNN++, equation 2, in float64 as it stands."""
    raw = raw.clone()
    raw[:, 6:] = raw[:, 6:].clamp(min=-2)  # so wide that the difference does not cancel
    weight, mean, scale = raw.double().chunk(3, dim=1)
    s = (scale - 2).exp()
    for level in (0, 1, 100, 254, 255):
        x = level / 127.5 - 1
        above = torch.sigmoid((x + 1 / 255 - mean) / s) if level < 255 else 1.0
        below = torch.sigmoid((x - 1 / 255 - mean) / s) if level > 0 else 0.0
        expected = (weight.softmax(1) * (above - below)).sum(1, keepdim=True)
        found = grey.log_probability(raw, torch.full_like(raw[:, :1], level).to(torch.uint8)).exp()
        assert found.numpy() == pytest.approx(expected.numpy(), rel=1e-3, abs=1e-7)


def test_far_out_in_the_tail_it_is_small_and_has_a_gradient():
    raw = torch.tensor([0.0, 1.0, -10.0]).reshape(1, 3, 1, 1).requires_grad_()
    found = grey.log_probability(raw, torch.full((1, 1, 1, 1), 60, dtype=torch.uint8))
    found.backward()
    assert found.isfinite() and found.item() < -100
    assert raw.grad is not None and raw.grad.isfinite().all() and raw.grad[0, 1] < 0  # the mean should come down


def test_levels_are_drawn_as_often_as_they_are_likely():
    raw = torch.tensor([0.5, -0.5, 1.0, -0.3, 0.9, -1.2, 0.0, -0.5, -1.0]).reshape(1, 9, 1, 1)
    n = 20_000
    drawn = grey.draw(raw.expand(n, -1, -1, -1), torch.Generator().manual_seed(0))
    found = torch.bincount(drawn.flatten().long(), minlength=256) / n
    expected = every_level(raw).exp().flatten()
    error = (expected * (1 - expected) / n).sqrt()
    assert ((found - expected).abs() < 5 * error + 1 / n).all()


def test_the_mean_is_that_of_the_levels_if_they_are_narrow():
    raw = torch.tensor([0.0, 1.0, -2.0, 0.25, -0.5, 0.5, -3.0, -3.0, -3.0]).reshape(1, 9, 1, 1)
    expected = (every_level(raw).exp().flatten() * to_signed(torch.arange(256))).sum()
    assert grey.mean(raw).item() == pytest.approx(expected.item(), abs=5e-3)
