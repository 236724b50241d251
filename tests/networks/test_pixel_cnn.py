"""The PixelCNN sees every pixel before the one it guesses, and no other."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from tutorial.data.digits import SIDE
from tutorial.families import pixel_cnn
from tutorial.networks.pixel_cnn import GatedLayer, PixelCNN, PixelCNNConfig
from tutorial.training.pixel_cnn import train

WIDE = PixelCNNConfig(channels=8, layers=7, reach=4)  # 28 pixels in each direction: the whole picture


@pytest.fixture(scope="module")
def noisy():
    """A picture of coin tosses (1, 1, 28, 28)."""
    return torch.bernoulli(torch.full((1, 1, SIDE, SIDE), 0.5, dtype=torch.float64), generator=_seeded(0))


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _network(config: PixelCNNConfig) -> PixelCNN:
    torch.manual_seed(1)
    return PixelCNN(config).double()


@pytest.mark.parametrize("i", [0, 1, SIDE - 1, SIDE, 5 * SIDE, 14 * SIDE + 13, 20 * SIDE - 1, SIDE**2 - 1])
def test_a_logit_depends_on_all_pixels_before_it_and_on_none_after(noisy, i):
    """So there is no blind spot."""
    x = noisy.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(_network(WIDE)(x).flatten()[i], x)
    seen = gradient.flatten() != 0
    assert seen[:i].all()
    assert not seen[i:].any()


def test_whatever_comes_later_changes_nothing(noisy):
    """All pixels from number i on are turned round, for every i: logits up to i stay, to the last bit of rounding."""
    order = torch.arange(SIDE**2)
    later = order[None] >= order[::29, None]  # (28, 784)
    turned = torch.where(later, 1 - noisy.flatten(), noisy.flatten()).reshape(-1, 1, SIDE, SIDE)
    network = _network(WIDE)
    changed = (network(turned) - network(noisy)).flatten(1).abs()
    assert changed[order[None] <= order[::29, None]].max() < 1e-12
    assert changed[0].max() > 1e-3


def test_padding_on_one_side_is_masking(noisy):
    """The layer's convolutions, as full ones whose weights are zero where they may not look (2016b, section 2.2)."""
    torch.manual_seed(2)
    layer, reach = GatedLayer(4, 2).double(), 2
    v, h = torch.randn(2, 1, 4, SIDE, SIDE, dtype=torch.float64)
    above, left = (torch.zeros(8, 4, 5, 5, dtype=torch.float64) for _ in range(2))
    above[:, :, : reach + 1] = layer.above.weight
    left[:, :, reach, : reach + 1] = layer.left.weight[:, :, 0]
    signal, opening = F.conv2d(v, above, layer.above.bias, padding=reach).chunk(2, 1)
    new_v = v + signal * opening.sigmoid()
    mixed = F.conv2d(h, left, layer.left.bias, padding=reach) + layer.link(new_v)
    signal, opening = mixed.chunk(2, 1)
    torch.testing.assert_close(layer(v, h), (new_v, h + layer.out(signal * opening.sigmoid())))


def test_the_recipe_leaves_what_loads(tmp_path):
    trained = train(2, batch=4, folder=tmp_path / "run", assets=tmp_path)
    loaded = pixel_cnn.load(tmp_path)
    x = torch.zeros(1, 1, SIDE, SIDE)
    torch.testing.assert_close(loaded(x), trained(x), atol=2e-3, rtol=0)  # stored in float16
