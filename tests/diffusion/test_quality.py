"""What a sampler's work buys: budgets are kept, distances are distances, orders are orders."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from tutorial.data.toy2d import ring
from tutorial.diffusion.points import SCHEDULE, PointModel, exact, flow
from tutorial.diffusion.quality import CONTENDERS, Result, against_budget, convergence, order
from tutorial.metrics.energy import energy_distance


def noise(n: int) -> torch.Tensor:
    return torch.randn(n, 2, generator=torch.Generator().manual_seed(0))


def test_every_contender_spends_its_budget_and_no_more():
    asked = 0
    model = exact(ring(), SCHEDULE)

    def counted(x: torch.Tensor, t: torch.Tensor, cond: None = None) -> torch.Tensor:
        nonlocal asked
        asked += 1
        return model.denoise(x, t, cond)

    to_data = partial(energy_distance, y=ring().sample(50, torch.Generator().manual_seed(1)))
    for budget in (2, 5, 20):
        for part in against_budget(PointModel(counted, SCHEDULE, "eps"), noise(50), to_data, budgets=[budget]):
            if isinstance(part, Result):
                assert part.evaluations == asked
                assert budget - 1 <= asked <= budget
                asked = 0


def test_with_more_steps_samples_come_closer_to_data():
    to_data = partial(energy_distance, y=ring().sample(300, torch.Generator().manual_seed(1)))
    parts = against_budget(exact(ring(), SCHEDULE), noise(300), to_data, budgets=(3, 50))
    results = [part for part in parts if isinstance(part, Result)]
    few, many = results[: len(CONTENDERS)], results[len(CONTENDERS) :]
    assert all(a.distance > 3 * b.distance for a, b in zip(few, many, strict=True))


def test_the_order_of_a_known_power_is_that_power():
    assert order([(10, 0.1), (20, 0.025), (40, 0.00625)]) == pytest.approx(2)
    assert order([(10, 7.0), (100, 0.7)]) == pytest.approx(1)


def test_solvers_converge_at_their_published_order():
    """Euler 1, Heun 2 (Karras et al. 2022), DPM-Solver++(2M) 2 (Lu et al. 2022)."""
    found = {name: order(rows) for name, rows in convergence(ring(), strides=(256, 128, 64)).items()}
    assert found == pytest.approx({"Euler": 1, "Heun": 2, "DPM-Solver++(2M)": 2}, abs=0.15)


def test_the_flow_of_the_exact_denoiser_ends_on_data():
    *_, last = flow(exact(ring(), SCHEDULE), noise(500), 900)
    data = ring().sample(500, torch.Generator().manual_seed(1))
    assert energy_distance(last.x_next, data) < 0.03
