"""Stacked perceptrons are the perceptrons they stack: `torch.nn.Linear` is the oracle."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tutorial.networks.mlp import PointDenoiser, PointDenoiserConfig, StackedLinear, StackedMLP


def alone(mlp: StackedMLP, k: int) -> nn.Sequential:
    """Network k of a stack, of PyTorch's own layers."""
    layers = []
    for stacked in mlp.layers:
        _, c_in, c_out = stacked.weight.shape
        linear = nn.Linear(c_in, c_out)
        with torch.no_grad():
            linear.weight.copy_(stacked.weight[k].T)
            linear.bias.copy_(stacked.bias[k, 0])
        layers += [linear, nn.SiLU()]
    return nn.Sequential(*layers[:-1])


def test_each_of_a_stack_answers_and_learns_as_it_would_alone():
    mlp = StackedMLP(3, [4, 8, 8, 2], torch.Generator().manual_seed(0))
    x = torch.randn(3, 5, 4)
    y = mlp(x)
    y.square().sum().backward()
    for k in range(3):
        single = alone(mlp, k)
        answer = single(x[k])
        assert (answer - y[k]).abs().max() < 1e-6
        answer.square().sum().backward()
        for stacked, linear in zip(mlp.layers, single[::2], strict=True):
            assert (stacked.weight.grad[k].T - linear.weight.grad).abs().max() < 1e-5


def test_it_starts_as_torch_does():
    """Uniform within 1/√c_in, as `nn.Linear`: the same standard deviation."""
    layer = StackedLinear(50, 64, 64, torch.Generator().manual_seed(0))
    theirs = torch.stack([nn.Linear(64, 64).weight for _ in range(50)])
    assert layer.weight.std().item() == pytest.approx(theirs.std().item(), rel=0.01)
    assert layer.weight.abs().max() <= 1 / 8


def test_the_time_can_be_given_for_a_network_or_for_each_point():
    net = PointDenoiser(PointDenoiserConfig(hidden=16, stack=2), torch.Generator().manual_seed(0))
    x, t = torch.randn(2, 5, 2), torch.tensor([3, 700])
    assert torch.equal(net(x, t), net(x, t[:, None].expand(2, 5)))
    assert not torch.allclose(net(x, t), net(x, t.flip(0)))


def test_the_seed_is_the_initialisation():
    one, again, other = (
        PointDenoiser(PointDenoiserConfig(hidden=16), torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), again.parameters(), strict=True))
    assert not torch.equal(next(one.parameters()), next(other.parameters()))
