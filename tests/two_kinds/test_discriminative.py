"""Discriminative models: against scikit-learn and against the conditions that their optimum must fulfil."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn import linear_model, svm

from tutorial.two_kinds.discriminative import RBFSVM, LinearSVM, LogisticRegression, SmallMLP

MODELS = (LogisticRegression, LinearSVM, RBFSVM, SmallMLP)


def clouds(n: int = 200, d: int = 2, apart: float = 2.0, seed: int = 0):
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(n) % 2
    return torch.randn(n, d, generator=generator) + apart * (y - 0.5)[:, None] / math.sqrt(d), y


@pytest.mark.parametrize("d", [2, 50])
@pytest.mark.parametrize("model", MODELS)
def test_one_contract_for_all(model, d):
    x, y = clouds(d=d, apart=4)
    fitted = model().fit(x, y)
    decision, probability = fitted.decision(x), fitted.probability(x)
    assert decision.shape == probability.shape == (len(x),)
    assert decision.dtype == torch.float64
    assert ((decision > 0).long() == y).float().mean() > 0.9
    torch.testing.assert_close(probability, 1 / (1 + (-decision).exp()))
    assert fitted.parameters > 0
    assert fitted.decision(x[:0]).shape == (0,)


@pytest.mark.parametrize("C", [0.1, 10])
def test_logistic_regression_is_at_its_optimum(C):
    """There, the gradient of Σ log(1 + exp(−s f)) + ‖w‖²/2C is zero; and scikit-learn is there, too."""
    x, y = clouds()
    model = LogisticRegression(C).fit(x, y)
    weight, bias = model.weight.clone().requires_grad_(), torch.tensor(model.bias, requires_grad=True)
    loss = F.binary_cross_entropy_with_logits(x.double() @ weight + bias, y.double(), reduction="sum")
    (loss + weight.square().sum() / (2 * C)).backward()
    assert weight.grad.abs().max() < 0.02
    assert bias.grad.abs() < 0.02
    theirs = linear_model.LogisticRegression(C=C).fit(x.numpy(), y.numpy())
    np.testing.assert_allclose(model.probability(x), theirs.predict_proba(x.numpy())[:, 1], atol=1e-3)
    assert model.parameters == 3


@pytest.mark.parametrize("C", [0.01, 1, 100])
@pytest.mark.parametrize("apart", [2.0, 8.0])
def test_the_linear_svm_fulfils_the_conditions_of_karush_kuhn_and_tucker(C, apart):
    x, y = clouds(apart=apart)
    model = LinearSVM(C).fit(x, y)
    assert model.settled
    x, sign = x.double(), 2.0 * y - 1
    alpha = torch.zeros(len(x), dtype=torch.float64)
    alpha[model.support] = model.dual * sign[model.support]
    beyond = sign * model.decision(x) - 1  # below zero: inside the margin, or on the wrong side
    assert (alpha >= 0).all()
    assert (alpha <= C * (1 + 1e-9)).all()
    torch.testing.assert_close((alpha * sign) @ x, model.weight)
    assert abs((alpha * sign).sum()) < 1e-9
    full = alpha > C * (1 - 1e-9)
    edge = (alpha > 0) & ~full
    assert (beyond[alpha == 0] > -1e-3).all()
    assert (beyond[full] < 1e-3).all()
    assert (beyond[edge].abs() < 1e-3).all()
    primal = 0.5 * model.weight.square().sum() + C * (-beyond).clamp(min=0).sum()
    dual = alpha.sum() - 0.5 * ((alpha * sign) @ x).square().sum()
    assert (primal - dual).item() == pytest.approx(0, abs=1e-3 * primal.item())  # no gap: nothing is better


def test_the_margin_is_the_distance_of_two_points():
    """With one point on each side, and a hard margin, the street is as wide as they are apart."""
    x = torch.tensor([[-1.0, 0.0], [-1.5, -0.5], [2.0, 4.0], [3.5, 4.0]])
    y = torch.tensor([0, 0, 1, 1])
    model = LinearSVM(C=1e6).fit(x, y)
    assert model.margin == pytest.approx(5.0, rel=1e-4)
    assert sorted(model.support.tolist()) == [0, 2]
    torch.testing.assert_close(
        model.decision(x[[0, 2]]), torch.tensor([-1.0, 1.0], dtype=torch.float64), atol=1e-4, rtol=0
    )
    halfway = torch.tensor([[0.5, 2.0]])
    assert model.decision(halfway).abs().item() < 1e-4


def test_without_the_others_the_support_vectors_give_the_same_line():
    x, y = clouds()
    whole = LinearSVM().fit(x, y)
    rest = LinearSVM().fit(x[whole.support], y[whole.support])
    assert len(whole.support) < len(x)
    torch.testing.assert_close(rest.weight, whole.weight, atol=1e-3, rtol=1e-3)
    assert rest.bias == pytest.approx(whole.bias, abs=1e-3)


@pytest.mark.parametrize("gamma", [None, 0.3])
def test_the_rbf_svm_is_the_sum_over_its_support_vectors(gamma):
    x, y = clouds()
    model = RBFSVM(2.0, gamma).fit(x, y)
    theirs = svm.SVC(C=2.0, gamma=gamma or "scale").fit(x.double().numpy(), y.numpy())
    np.testing.assert_allclose(model.decision(x), theirs.decision_function(x.double().numpy()), atol=1e-9)
    width = gamma or 1 / (2 * x.double().var(correction=0).item())
    vectors = x[model.support].double()
    kernel = (-width * (x.double()[:, None] - vectors).square().sum(2)).exp()
    torch.testing.assert_close(kernel @ model.dual + float(theirs.intercept_[0]), model.decision(x))
    assert model.parameters == 3 * len(model.support) + 1


def test_the_perceptron_bends_its_boundary_and_repeats_itself():
    """A ring around a cloud, which no straight line parts."""
    generator = torch.Generator().manual_seed(0)
    angle = 2 * math.pi * torch.rand(200, generator=generator)
    y = torch.arange(200) % 2
    x = (0.3 + 1.5 * y)[:, None] * torch.stack([angle.cos(), angle.sin()], 1)
    model = SmallMLP(seed=3).fit(x, y)
    assert ((model.decision(x) > 0).long() == y).all()
    straight = LogisticRegression().fit(x, y)
    assert ((straight.decision(x) > 0).long() == y).float().mean() < 0.7
    assert torch.equal(SmallMLP(seed=3).fit(x, y).decision(x), model.decision(x))
    assert not torch.equal(SmallMLP(seed=4).fit(x, y).decision(x), model.decision(x))
    assert model.parameters == (2 + 1) * 16 + (16 + 1) * 16 + 16 + 1


def test_the_perceptron_nears_the_best_boundary_of_two_gaussians():
    """Of N(±1, I) the true log-odds are known, and where they are zero is where half of both are."""
    x, y = clouds(n=2000, apart=2.0)
    fresh, wanted = clouds(n=20_000, apart=2.0, seed=1)
    model = SmallMLP().fit(x, y)
    best = ((fresh.sum(1) > 0).long() == wanted).double().mean()
    mine = ((model.decision(fresh) > 0).long() == wanted).double().mean()
    assert best - mine < 0.02


def test_a_solver_that_does_not_come_to_its_end_says_so(monkeypatch):
    from tutorial.two_kinds import discriminative

    monkeypatch.setattr(discriminative, "PATIENCE", 10)
    x, y = clouds(apart=0.1)
    assert not LinearSVM(100).fit(x, y).settled
    assert not RBFSVM(100).fit(x, y).settled


TWO = torch.tensor([[0.0, 0.0], [1.0, 1.0]])
BAD = [
    (torch.zeros(4, 2), torch.tensor([0, 1, 0, 1]), "in one place"),
    (torch.rand(4, 2), torch.zeros(4, dtype=torch.int64), "of one class"),
    (torch.rand(4, 2), torch.tensor([0, 1, 1, 1]), "at least 2 points of each class"),
    (TWO, torch.tensor([0, 1]), "at least 2 points of each class"),
    (torch.tensor([[0.0, math.nan]] * 4), torch.tensor([0, 1, 0, 1]), "finite number"),
    (torch.tensor([[0.0, math.inf]] * 4), torch.tensor([0, 1, 0, 1]), "finite number"),
    (torch.rand(100_001, 2), torch.arange(100_001) % 2, "at most 100,000 points"),
    (torch.rand(4, 2), torch.tensor([0, 1, 2, 1]), "must be 0 or 1"),
    (torch.rand(4, 2), torch.tensor([0.0, 1.0, math.nan, 1.0]), "must be 0 or 1"),
    (torch.rand(4, 2), torch.tensor([0, 1, 0]), "needs a label"),
    (torch.rand(4), torch.tensor([0, 1, 0, 1]), "needs a label"),
    (torch.zeros(0, 2), torch.zeros(0, dtype=torch.int64), "of one class"),
]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("x", "y", "sentence"), BAD, ids=range(len(BAD)))
def test_what_nothing_can_be_learned_from_is_refused_in_a_sentence(model, x, y, sentence):
    if model in (LinearSVM, RBFSVM) and "at least 2" in sentence:
        assert model().fit(x, y).settled  # one point on each side is enough for a margin
        return
    with pytest.raises(ValueError, match=sentence):
        model().fit(x, y)


ACROSS = torch.tensor([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]])


@pytest.mark.parametrize("x", [TWO.repeat_interleave(2, 0)[[0, 2, 1, 3]], ACROSS], ids=["the same places", "XOR"])
def test_where_no_line_is_better_than_none_the_svm_says_so(x):
    with pytest.raises(ValueError, match="No straight line tells these classes apart better than none"):
        LinearSVM().fit(x, torch.tensor([0, 0, 1, 1]))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("size", [1.0, 100.0])
def test_points_that_are_as_good_as_one_are_refused_and_near_ones_are_not(model, size):
    y = torch.tensor([0, 1, 0, 1])
    corners = torch.tensor([[0.0, 0.0], [1.0, 1.0], [0.2, 0.1], [1.0, 0.8]], dtype=torch.float64)
    with pytest.raises(ValueError, match="in one place"):
        model().fit(size + 1e-9 * size * corners, y)
    assert model().fit(size + 1e-3 * size * corners, y).decision(size + corners).isfinite().all()
