"""A class is a prompt: the U-Net that is told a class is the U-Net that is told these words."""

from __future__ import annotations

import torch

from tutorial.networks.class_unet import ClassUNet, ClassUNetConfig
from tutorial.networks.unet import UNet

CONFIG = ClassUNetConfig(
    channels=(16, 32), attention=(False, True), layers=1, context=8, heads=2, groups=4, latent_channels=1, classes=3
)


def test_a_class_is_a_prompt_of_two_words():
    net = ClassUNet(CONFIG)
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.1)  # the last layer starts at zero
    plain = UNet(CONFIG)
    plain.load_state_dict({k: v for k, v in net.state_dict().items() if k != "class_embedding.weight"})
    x, t, y = torch.randn(2, 1, 28, 28), torch.tensor([5, 900]), torch.tensor([0, 3])
    told = net(x, t, y)
    assert torch.equal(told, plain(x, t, net.class_embedding.weight[torch.tensor([[3, 0], [3, 3]])]))
    assert not torch.allclose(told, net(x, t, torch.tensor([1, 3])))
