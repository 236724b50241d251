"""What models draw, and whether they notice what is strange: scores against closed forms and counts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial.data.digits import digits
from tutorial.data.handwriting import BOX, written
from tutorial.data.pixels import to_signed
from tutorial.data.principal import zeros_and_ones, zeros_and_ones_components
from tutorial.metrics import digits as judging
from tutorial.two_kinds import drawing, effort, kinds, novelty
from tutorial.two_kinds.novelty import BOTH, LOST, roc, thinned


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=30),
    st.lists(st.integers(0, 9), min_size=1, max_size=30),
)
@settings(max_examples=60, deadline=None)
def test_the_area_is_the_share_of_pairs_in_the_right_order(familiar, strange):
    """Mann & Whitney's count, ties a half."""
    curve = roc(torch.tensor(familiar), torch.tensor(strange))
    above = np.subtract.outer(np.array(strange), np.array(familiar))
    assert curve.area == pytest.approx(((above > 0) + 0.5 * (above == 0)).mean())
    assert torch.trapezoid(curve.found, curve.false_alarms).item() == pytest.approx(curve.area)


def test_of_nobody_there_is_no_curve():
    with pytest.raises(ValueError, match="familiar and strange"):
        roc(torch.zeros(0), torch.ones(3))
    with pytest.raises(ValueError, match="NaN"):
        roc(torch.tensor([float("nan")]), torch.ones(3))


def test_a_thinned_curve_keeps_its_ends_and_its_area():
    generator = torch.Generator().manual_seed(0)
    curve = roc(torch.randn(2000, generator=generator), 1 + torch.randn(3000, generator=generator))
    few = thinned(curve)
    assert len(few["found"]) <= 60
    assert (few["false_alarms"][0], few["found"][0]) == (0, 0)
    assert (few["false_alarms"][-1], few["found"][-1]) == (1, 1)
    assert np.trapezoid(few["found"], few["false_alarms"]) == pytest.approx(curve.area, abs=2e-3)


def test_what_is_lost_is_the_distance_to_the_plane():
    components, pictures = zeros_and_ones_components(10), digits("test")[0][:50]
    flat = pictures.flatten(1).double() / 255
    points = components.project(pictures).double()
    back = components.mean + (points * components.scale) @ components.axes
    assert novelty.lost(components, pictures) == pytest.approx((flat - back).square().sum(1).numpy(), rel=1e-4)


def test_density_and_loss_together_are_probabilistic_principal_components():
    """Up to a constant, −log of N(z; …) in the plane times N(0, σ²) in the other directions (Tipping & Bishop 1999)."""
    watch, pictures = novelty.watch(10), digits("test")[0][:20]
    outside = torch.distributions.Normal(torch.zeros((), dtype=torch.float64), watch.noise**0.5)
    length = novelty.lost(watch.components, pictures).sqrt()
    expected = watch.score(kinds.MIXTURE, pictures) - outside.log_prob(length)
    assert (watch.score(BOTH, pictures) - expected).std().item() < 1e-6


def test_the_noise_is_the_mean_of_the_other_eigenvalues():
    watch = novelty.watch(10)
    pictures, labels = digits("training")
    flat = pictures[labels < 2].flatten(1).double() / 255 - watch.components.mean
    total = flat.square().sum(1).mean()
    inside = (flat @ watch.components.axes.T).square().sum(1).mean()
    assert watch.noise == pytest.approx(((total - inside) / (784 - 10)).item())


def test_scores_are_higher_for_what_is_stranger_and_the_recorded_areas_are_these():
    from tutorial import measurements

    recorded = measurements.load("two_kinds")["spaces"]["10"]["novelty"]
    pictures, labels = digits("test")
    watch, strange = novelty.watch(10), labels > 1
    for name in ("QDA", "logistic regression", LOST):
        score = watch.score(name, pictures)
        curve = roc(score[~strange], score[strange])
        assert curve.area > 0.9
        assert curve.area == pytest.approx(recorded[name]["area"], abs=0.02)


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


def test_effort_counts_what_was_learned():
    rows = [row for row in effort.efforts(2, fits=2) if row is not None]
    numbers = {row.model: row.parameters for row in rows}
    assert [row.model for row in rows] == [*kinds.DISCRIMINATIVE, *kinds.GENERATIVE]
    assert (numbers["logistic regression"], numbers["naive Bayes"], numbers["LDA"], numbers["QDA"]) == (3, 9, 8, 11)
    for row in rows:
        assert 0 < row.fastest <= row.seconds <= row.slowest
        assert row.accuracy > 0.98


def test_scotts_rule():
    assert kinds.scott(1, 3) == 1
    assert kinds.scott(32, 1) == pytest.approx(0.5)


RING = [[(np.cos(a), 1.3 * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 40)]]
STROKE = [[(0.0, 0.0), (0.1, 1.0)]]


@pytest.mark.parametrize(("strokes", "digit"), [(RING, 0), (STROKE, 1)])
def test_writing_is_read_as_the_digit_that_it_is(strokes, digit):
    picture = written(strokes)
    assert judging.load().accuracy(to_signed(picture), torch.tensor([digit])) == 1


@given(
    st.lists(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=8), min_size=1, max_size=4),
    st.floats(0.1, 50),
    st.floats(-5, 5),
)
@settings(max_examples=60, deadline=None)
def test_writing_is_fitted_into_the_box_and_centred_wherever_it_was(strokes, scale, shift):
    picture = written(strokes)[0, 0]
    ink = picture.double() / 255
    assert ink.sum() > 0
    places = torch.arange(28, dtype=torch.float64) + 0.5
    assert (ink.sum(0) @ places / ink.sum()).item() == pytest.approx(14, abs=0.6)
    assert (ink.sum(1) @ places / ink.sum()).item() == pytest.approx(14, abs=0.6)
    assert all((ink.sum(axis) > 0.25).sum() <= BOX + 2 for axis in (0, 1))
    moved = [[(scale * x + shift, scale * y + shift) for x, y in stroke] for stroke in strokes]
    if max(np.ptp(np.array([point for stroke in strokes for point in stroke]), axis=0)) > 1e-3:
        assert (written(moved)[0, 0].double() / 255 - ink).abs().mean() < 0.02


@pytest.mark.parametrize("nothing", [[], [[]], [[], []]])
def test_nothing_is_no_picture(nothing):
    with pytest.raises(ValueError, match="Nothing"):
        written(nothing)


def test_numbers_that_are_none_are_refused():
    with pytest.raises(ValueError, match="finite"):
        written([[(0.0, float("nan")), (1.0, 1.0)]])
