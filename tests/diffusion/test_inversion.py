"""There and back by DDIM, against the closed form; arcs and lines between noises."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from tutorial.data.toy2d import GaussianMixture
from tutorial.diffusion.exact import exact_denoiser, flow_map
from tutorial.diffusion.inversion import invert, lerp, slerp
from tutorial.diffusion.objective import KINDS
from tutorial.diffusion.samplers import ddim
from tutorial.diffusion.schedule import Schedule

MEAN, SPREAD = torch.tensor([0.5, -1.0], dtype=torch.float64), 0.4
SINGLE = GaussianMixture(torch.ones(1, dtype=torch.float64), MEAN[None], SPREAD)
SCHEDULE = Schedule.scaled_linear()


def data() -> torch.Tensor:
    return MEAN + SPREAD * torch.randn(32, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("kind", KINDS)
def test_the_way_up_is_the_flow_map_read_backwards(kind):
    """One Gaussian: the noise of a point is known in closed form."""
    *_, last = invert(exact_denoiser(SINGLE, SCHEDULE, kind), SCHEDULE, data(), steps=1000, predicts=kind)
    expected = flow_map(MEAN, SPREAD, SCHEDULE, data(), 0, SCHEDULE.T)
    assert (last.x_next - expected).abs().max() < 0.02


def test_there_and_back_is_first_order():
    """Half the step, half of what is lost."""
    denoise, lost = exact_denoiser(SINGLE, SCHEDULE), []
    for steps in (50, 100, 200):
        *_, up = invert(denoise, SCHEDULE, data(), steps=steps)
        *_, down = ddim(denoise, SCHEDULE, up.x_next, steps=steps)
        lost.append((down.x_next - data()).abs().mean().item())
    assert lost[0] / lost[1] == pytest.approx(2, rel=0.3)
    assert lost[1] / lost[2] == pytest.approx(2, rel=0.3)


def test_it_visits_the_grid_upwards_and_asks_nothing_of_time_zero():
    asked = []

    def denoise(x: torch.Tensor, t: torch.Tensor, cond: None) -> torch.Tensor:
        asked.append(int(t[0]))
        return torch.zeros_like(x)

    steps = list(invert(denoise, SCHEDULE, data(), steps=4))
    assert [(step.t, step.t_next) for step in steps] == [(0, 250), (250, 500), (500, 750), (750, 1000)]
    assert asked == [1, 250, 500, 750]


def test_an_arc_keeps_the_length_and_the_even_pace():
    a, b = torch.randn(2, 784, generator=torch.Generator().manual_seed(0))
    b = b * a.norm() / b.norm()
    ways = [slerp(a, b, share) for share in (0, 0.25, 0.5, 0.75, 1)]
    assert torch.allclose(ways[0], a, atol=1e-5)
    assert torch.allclose(ways[-1], b, atol=1e-5)
    for x in ways:
        assert x.norm().item() == pytest.approx(a.norm().item(), rel=1e-5)
    turns = [math.acos((x @ y / (x.norm() * y.norm())).item()) for x, y in itertools.pairwise(ways)]
    assert turns == pytest.approx([turns[0]] * 4, rel=1e-3)


def test_a_straight_line_is_too_quiet_in_the_middle():
    """Independent standard normals: variance ½² + ½² = ½ half-way."""
    a, b = torch.randn(2, 100_000, generator=torch.Generator().manual_seed(0))
    assert lerp(a, b, 0.5).var().item() == pytest.approx(0.5, abs=0.02)
    assert slerp(a, b, 0.5).var().item() == pytest.approx(1.0, abs=0.02)


def test_the_same_noise_twice_is_itself():
    a = torch.randn(10)
    assert torch.allclose(slerp(a, a.clone(), 0.3), a)
