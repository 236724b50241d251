"""The flow's change of variables, against the Jacobian that autograd finds; and there and back."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.fft import dctn

from tutorial.contest import flow
from tutorial.contest.flow import ContestFlow, ContestFlowConfig
from tutorial.data.digits import digits
from tutorial.data.pixels import to_signed


@pytest.fixture
def small():
    """8 × 8 pixels, and every parameter away from where it begins."""
    torch.manual_seed(0)
    model = ContestFlow(ContestFlowConfig(coarse=12, couplings=3, hidden=8, fine_hidden=8, classes=4, side=8)).double()
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return model.requires_grad_(False)


def pictures(n: int) -> torch.Tensor:
    return 2 * torch.rand(n, 1, 8, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64) - 1


def test_the_log_determinant_is_that_of_the_jacobian(small):
    x, y = pictures(3), torch.tensor([0, 4, 9])
    z, logdet = small(x, y)
    for k in range(3):
        jacobian = torch.autograd.functional.jacobian(
            lambda c, k=k: small(c.view(1, 1, 8, 8), y[k : k + 1])[0][0], x[k].flatten()
        )
        sign, expected = torch.linalg.slogdet(jacobian)
        assert sign != 0
        assert logdet[k].item() == pytest.approx(expected.item(), abs=1e-8)
        normal = torch.distributions.Normal(0, 1).log_prob(z[k]).sum()
        assert small.density(x, y)[k].item() == pytest.approx((normal + expected).item(), abs=1e-8)


def test_the_inverse_comes_back(small):
    x, y = pictures(4), torch.tensor([1, 2, 3, 3])
    assert torch.allclose(small.inverse(small(x, y)[0], y), x, atol=1e-9)


def test_the_class_matters(small):
    x = pictures(1)
    assert (small.density(x, torch.tensor([0])) - small.density(x, torch.tensor([1]))).abs() > 0.1


def test_the_cosines_are_a_rotation_and_those_of_scipy():
    waves = flow.cosines(8)
    assert torch.allclose(waves @ waves.T, torch.eye(8).double(), atol=1e-12)
    x = pictures(1)[0, 0]
    assert (waves @ x @ waves.T).numpy() == pytest.approx(dctn(x.numpy(), norm="ortho"), abs=1e-12)


def test_settling_makes_every_number_standard():
    model, x = ContestFlow(ContestFlowConfig(coarse=12, side=8)), pictures(200).float()
    model.settle(x)
    z, _ = model(x, torch.arange(200) % 10)  # couplings begin as the identity
    assert torch.allclose(z.mean(0), torch.zeros(64), atol=1e-4)
    assert torch.allclose(z.std(0), torch.ones(64), atol=2e-2)


def test_spread_levels_stay_within_their_level():
    levels = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    s = flow.spread(levels, torch.Generator().manual_seed(0))
    assert torch.equal((s * 256).floor().to(torch.uint8), levels)


def test_the_slope_of_the_logit_is_that_of_autograd():
    s = torch.linspace(0, 1, 64, dtype=torch.float64).reshape(1, 1, 8, 8)
    jacobian = torch.autograd.functional.jacobian(lambda x: flow.to_logits(x.view(1, 1, 8, 8)).flatten(), s.flatten())
    assert flow.log_slope(flow.to_logits(s)).item() == pytest.approx(jacobian.diag().log().sum().item(), rel=1e-9)


def test_a_flow_that_calls_all_levels_equal_says_so(small, monkeypatch):
    """A logistic density of the logits is a uniform one of s: log P = −log 256 for each of 64 pixels."""
    logistic = torch.nn.functional.logsigmoid
    monkeypatch.setattr(ContestFlow, "density", lambda self, c, classes: (logistic(c) + logistic(-c)).flatten(1).sum(1))
    pixels = torch.arange(64, dtype=torch.uint8).reshape(1, 1, 8, 8) * 4
    found = small.log_likelihood(pixels, torch.tensor([0]), torch.Generator().manual_seed(0))
    assert found.item() == pytest.approx(-64 * math.log(256), rel=1e-5)


def test_a_picture_comes_back_from_its_code():
    model = ContestFlow(ContestFlowConfig()).eval().requires_grad_(False)
    x, y = to_signed(digits("test")[0][:4]), digits("test")[1][:4]
    assert torch.allclose(model.decode(model.invert(x, y), y), x, atol=1e-4)
