"""What models draw, and where climbing ends: against moments and straight lines."""

from __future__ import annotations

import pytest
import torch

from tutorial.data.principal import zeros_and_ones, zeros_and_ones_components
from tutorial.metrics import digits as judging
from tutorial.two_kinds import drawing, kinds


def test_a_class_is_drawn_from_its_own_density():
    """Naive Bayes' zeros have the mean and the variances of its zeros."""
    model = kinds.generative("naive Bayes", 2)
    x = drawing.draw(model, 0, 4000, torch.Generator().manual_seed(0))
    assert x.shape == (4000, 2)
    assert x.mean(0).numpy() == pytest.approx(model.means[0].numpy(), abs=0.05)  # type: ignore[attr-defined]
    assert x.var(0).numpy() == pytest.approx(model.covariances[0].diagonal().numpy(), rel=0.1)  # type: ignore[attr-defined]


def test_a_class_that_is_too_rare_is_not_drawn_for_ever():
    class Never:
        def sample(self, n, generator):
            return torch.zeros(n, 2), torch.ones(n, dtype=torch.int64)

    with pytest.raises(ValueError, match="too rare"):
        drawing.draw(Never(), 0, 5, torch.Generator())  # type: ignore[arg-type]


def test_differences_are_the_gradient():
    x = torch.randn(5, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    weight = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    assert drawing.gradient(lambda z: z @ weight, x).numpy() == pytest.approx(weight.expand(5, 3).numpy())
    slope = drawing.gradient(lambda z: (z**2).sum(1), x)
    assert slope.numpy() == pytest.approx(2 * x.numpy(), abs=1e-9)


@pytest.mark.parametrize("y", [0, 1])
def test_a_climb_goes_straight_up_a_linear_model_and_off_the_data(y):
    model = kinds.discriminative("logistic regression", 10)
    start = torch.randn(8, 10, generator=torch.Generator().manual_seed(0))
    states = list(drawing.climb(model.decision, start, y, steps=40, stride=0.25))
    assert len(states) == 41
    moved = states[-1] - start
    weight = (2 * y - 1) * model.weight / model.weight.norm()  # type: ignore[attr-defined]
    assert moved.numpy() == pytest.approx(10 * weight.expand(8, 10).numpy(), abs=1e-4)
    assert ((model.probability(states[-1]) > 0.5) == (y == 1)).all()
    density = kinds.generative(kinds.MIXTURE, 10)
    assert density.log_density(states[-1]).max() < density.log_density(zeros_and_ones("test", 10).points).min()


def test_real_digits_are_read_through_fifty_components():
    known = zeros_and_ones("test", 50)
    share = drawing.read_as(judging.load(), zeros_and_ones_components(50), known.points[:300], known.labels[:300])
    assert share > 0.9
