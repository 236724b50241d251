"""The PixelCNN of grey levels: normalised, causal, and drawn as its one pass says."""

from __future__ import annotations

import pytest
import torch

from tutorial.contest import grey
from tutorial.contest.pixel_cnn import ContestPixelCNN, ContestPixelCNNConfig


def tiny(side: int) -> ContestPixelCNN:
    torch.manual_seed(0)
    model = ContestPixelCNN(ContestPixelCNNConfig(channels=8, layers=2, reach=1, mixture=2, side=side))
    for parameter in model.parameters():
        parameter.data += 0.2 * torch.randn_like(parameter)
    return model.eval().requires_grad_(False)


def likelihood(model, pixels, y=3):
    return model.log_likelihood(pixels, torch.full((len(pixels),), y), torch.Generator())


def test_pictures_of_one_pixel_sum_to_one():
    every = torch.arange(256, dtype=torch.uint8).reshape(256, 1, 1, 1)
    assert likelihood(tiny(1), every).exp().sum().item() == pytest.approx(1, abs=1e-4)


def test_summing_over_the_last_pixels_leaves_the_probability_of_the_first():
    model, levels = tiny(2), torch.arange(256, dtype=torch.uint8)
    last = torch.cartesian_prod(levels, levels)
    first = torch.tensor([200, 7], dtype=torch.uint8).expand(len(last), -1)
    total = likelihood(model, torch.cat([first, last], dim=1).reshape(-1, 1, 2, 2)).double().exp().sum()
    one = torch.cat([first, last], dim=1).reshape(-1, 1, 2, 2)[:1]
    factors = grey.log_probability(model(one, torch.tensor([3])), one).flatten()[:2]
    assert total.item() == pytest.approx(factors.sum().double().exp().item(), rel=1e-3)


def test_a_pixel_sees_those_before_it_and_no_other():
    model = tiny(5)
    pixels = torch.randint(256, (1, 1, 5, 5), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    before = model(pixels, torch.tensor([0])).flatten(2)
    changed = pixels.clone()
    changed[0, 0, 2, 2] = 255 - changed[0, 0, 2, 2]
    after = model(changed, torch.tensor([0])).flatten(2)
    differs = (before != after).any(1)[0]
    assert not differs[: 2 * 5 + 3].any()
    assert differs[2 * 5 + 3]


def test_drawing_with_memory_is_drawing_pixel_by_pixel_with_whole_passes():
    model, y = tiny(5), torch.tensor([0, 7])
    found = model.draw(y, torch.Generator().manual_seed(1))
    dice, slow = torch.Generator().manual_seed(1), torch.zeros(2, 1, 5, 5, dtype=torch.uint8)
    for i in range(5):
        for j in range(5):
            raw = model(slow, y)[:, :, i : i + 1, j : j + 1]
            slow[:, :, i : i + 1, j : j + 1] = grey.draw(raw, dice)
    assert ((found + 1) * 127.5 - slow).abs().max() <= 1.01  # rounding may fall the other way, by one level


def test_filling_in_goes_on_from_what_is_known():
    model, y = tiny(4), torch.tensor([2, 2, 5])
    whole = model.draw(y, torch.Generator().manual_seed(0))
    mask = torch.zeros(4, 4, dtype=torch.bool)
    mask[2:] = True
    rows = list(model.filling(whole, mask, y, torch.Generator().manual_seed(5)))
    assert len(rows) == 4
    assert torch.equal(rows[-1][:, :, :2], whole[:, :, :2])
    assert not torch.equal(rows[-1][:, :, 2:], whole[:, :, 2:])
