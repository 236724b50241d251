"""The four views of one answer, against automatic differentiation."""

from __future__ import annotations

import pytest
import torch

from tutorial.diffusion.objective import KINDS, score, target
from tutorial.diffusion.process import q_sample
from tutorial.diffusion.schedule import Schedule
from tutorial.diffusion.views import VIEWS, magnification, views

SCHEDULE = Schedule.linear()


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("t", [1, 40, 500, 1000])
def test_an_error_grows_as_the_derivative_says(view, t):
    x_t = torch.tensor([[0.3, -1.2]], dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda eps: views("eps", SCHEDULE, eps, x_t, t)[view], x_t)
    grown = magnification(view, SCHEDULE)[t]
    torch.testing.assert_close(jacobian[0, :, 0].abs(), grown * torch.eye(2, dtype=torch.float64))


@pytest.mark.parametrize("predicts", KINDS)
def test_whatever_is_predicted_the_right_answer_gives_all_four(predicts):
    generator = torch.Generator().manual_seed(0)
    x0, eps = torch.randn(2, 50, 3, generator=generator, dtype=torch.float64)
    t = torch.randint(1, SCHEDULE.T + 1, (50,), generator=generator)
    x_t = q_sample(SCHEDULE, x0, t, eps)
    seen = views(predicts, SCHEDULE, target(predicts, SCHEDULE, x0, t, eps), x_t, t)
    wanted = {kind: target(kind, SCHEDULE, x0, t, eps) for kind in KINDS} | {"score": score(SCHEDULE, eps, t)}
    assert tuple(seen) == VIEWS
    for view in VIEWS:
        torch.testing.assert_close(seen[view], wanted[view], rtol=1e-9, atol=1e-9)


def test_another_view_there_is_not():
    with pytest.raises(ValueError, match="eps, x0, v, score"):
        magnification("sigma", SCHEDULE)  # type: ignore[arg-type]
