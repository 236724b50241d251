"""The chain against its closed form, the mistaken chain against its variance, and the floor against simulation."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tutorial.data.toy2d import ring
from tutorial.diffusion.process import q_sample
from tutorial.diffusion.schedule import Schedule
from tutorial.diffusion.walk import paired_floor, step_without_root, walk
from tutorial.metrics.energy import energy_distance


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_chain_has_the_moments_of_the_jump_at_every_time():
    schedule, n = Schedule.cosine(50), 20_000
    x0 = torch.full((n, 1), 1.5, dtype=torch.float64)
    walked = list(walk(schedule, x0, generator=seeded()))
    assert len(walked) == schedule.T + 1
    assert torch.equal(walked[0], x0)
    for t in (1, 10, 25, 49, 50):
        abar = schedule.abar[t].item()
        error = ((1 - abar) / n) ** 0.5
        assert walked[t].mean().item() == pytest.approx(abar**0.5 * 1.5, abs=4 * error)
        assert walked[t].var().item() == pytest.approx(1 - abar, rel=4 * (2 / n) ** 0.5)


def test_without_the_root_the_variance_follows_its_own_recursion():
    """v ← (1 − β) v + β², followed in plain numbers."""
    schedule, n, v = Schedule.linear(200), 40_000, 1.0
    for t in range(1, 201):
        beta = 1 - (schedule.abar[t] / schedule.abar[t - 1]).item()
        v = (1 - beta) * v + beta**2
    *_, last = walk(schedule, torch.randn(n, 1, generator=seeded()).double(), step_without_root, seeded(1))
    assert last.var().item() == pytest.approx(v, rel=4 * (2 / n) ** 0.5)
    assert v < 0.15


@pytest.mark.parametrize(("t", "d"), [(50, 2), (300, 2), (1000, 2), (300, 20)])
def test_the_floor_is_what_two_noisings_of_the_same_points_show(t, d):
    schedule, n, generator = Schedule.linear(), 60, seeded()
    x0 = ring().sample(n, generator).repeat(1, d // 2)
    seen = [
        energy_distance(*(q_sample(schedule, x0, t, torch.randn(n, d, generator=generator)) for _ in range(2)))
        for _ in range(300)
    ]
    expected = paired_floor(schedule, n, d)[t].item()
    assert np.mean(seen) == pytest.approx(expected, abs=4 * np.std(seen) / 300**0.5)


def test_the_floor_is_zero_where_there_is_no_noise():
    assert paired_floor(Schedule.cosine(), 100, 2)[0] == 0
