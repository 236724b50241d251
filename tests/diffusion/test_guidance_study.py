"""Guidance taken apart: the formula, the interval, the plane of three answers, walks that are taken back, and the toy
whose guided score is known in closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from tests.work import last
from tutorial import weights
from tutorial.data.toy2d import GaussianMixture
from tutorial.diffusion import guidance_plane as plane
from tutorial.diffusion import latent
from tutorial.diffusion.guidance import guided
from tutorial.diffusion.guidance_measured import judge, measured, of_drawings, spread, topics
from tutorial.diffusion.guidance_study import (
    Interval,
    answers,
    begin,
    drawn,
    evaluations,
    everywhere,
    finished,
    in_their_plane,
    limited,
    onwards,
    times,
)
from tutorial.diffusion.objective import score
from tutorial.diffusion.points import SCHEDULE
from tutorial.diffusion.samplers import dpm_solver_pp_2m

pytestmark = pytest.mark.usefixtures("one_thread")
WORDS = "a blue one with a crown"


@pytest.fixture(scope="module")
def model():
    return latent.load()


@pytest.fixture(scope="module")
def reader():
    return weights.load("reader")


class Counting:
    """A stand-in for a network, linear in x and in its condition, that counts the rows that it is asked."""

    def __init__(self) -> None:
        self.rows, self.times = 0, []

    def __call__(self, x, t, cond):
        self.rows += len(x)
        self.times.append(int(t[0]))
        return 0.3 * x + cond[:, None] * torch.sin(x)


def asked(scale: float, interval: Interval, steps: int = 10) -> tuple[torch.Tensor, Counting]:
    """Where DPM-Solver++ arrives, and what it asked, for a batch of three."""
    network = Counting()
    denoise = limited(network, torch.tensor([-0.5]), scale, interval)
    x_T, cond = torch.linspace(-1, 2, 6).reshape(3, 2), torch.tensor([0.2, 0.5, 0.9])
    *_, step = dpm_solver_pp_2m(denoise, SCHEDULE, x_T, steps=steps, predicts="v", cond=cond)
    return step.x_next, network


def guided_plainly(scale: float) -> torch.Tensor:
    x_T, cond = torch.linspace(-1, 2, 6).reshape(3, 2), torch.tensor([0.2, 0.5, 0.9])
    denoise = guided(Counting(), torch.tensor([-0.5]), scale)
    *_, step = dpm_solver_pp_2m(denoise, SCHEDULE, x_T, steps=10, predicts="v", cond=cond)
    return step.x_next


@pytest.mark.parametrize("scale", [0.0, 1.0, 2.5, 15.0])
def test_an_interval_that_covers_all_is_guidance_and_one_that_covers_nothing_is_none(scale):
    assert torch.equal(asked(scale, Interval(1000, 0))[0], guided_plainly(scale))
    top = SCHEDULE.timesteps(10, 80.0)[0]
    assert torch.equal(asked(scale, Interval(2000, top))[0], guided_plainly(1.0))


@pytest.mark.parametrize(
    ("scale", "interval"),
    [(3.0, Interval(1000, 0)), (3.0, Interval(700, 300)), (1.0, Interval(700, 300)), (0.0, Interval(700, 300))],
)
def test_the_evaluations_that_an_interval_saves_are_counted(scale, interval):
    _, network = asked(scale, interval)
    grid = SCHEDULE.grid(10, 80.0)
    assert network.rows == 3 * evaluations(grid, scale, interval)
    inside = [t for t in grid[:-1] if interval.last < t <= interval.first]
    assert network.rows == 3 * (10 + (len(inside) if scale == 3 else 0))
    assert network.times == grid[:-1]


def test_the_formula_is_linear_in_the_scale_and_exact_at_0_and_1(model):
    """In float64, where what rounding does is far below what the scale does."""
    unet = latent.as_denoiser(model.unet.double())
    try:
        x, t = torch.randn(1, *model.shape, dtype=torch.float64), torch.tensor([600])
        cond, null = model.words([WORDS]).double(), model.words([""]).double()
        at = {w: guided(unet, null, w)(x, t, cond) for w in (0, 1, 2, 7.5, 15)}
        for w, value in at.items():
            torch.testing.assert_close(value, (1 - w) * at[0] + w * at[1], rtol=1e-9, atol=1e-9)
        assert torch.equal(at[0], unet(x, t, null))
        assert torch.equal(at[1], unet(x, t, cond))
        assert (at[0] - at[1]).abs().max() > 0.01
    finally:
        model.unet.float()


@pytest.mark.parametrize("scale", [0.0, 1.0, 4.0])
def test_pictures_are_those_of_the_sampler(model, scale):
    *_, ours = drawn(model, [WORDS] * 2, [5, 6], scale, negative="at night", steps=4)
    *_, other = model.sample(WORDS, negative="at night", guidance=scale, seed=5, n=2, steps=4)
    assert torch.equal(ours.x_next, other.x_next)


def test_at_0_the_prompt_and_at_1_the_negative_prompt_do_nothing(model):
    def end(prompt: str, scale: float, negative: str) -> torch.Tensor:
        *_, step = drawn(model, [prompt], [3], scale, negative=negative, steps=3)
        return step.x_next

    assert torch.equal(end(WORDS, 0.0, ""), end("a red one", 0.0, ""))
    assert torch.equal(end(WORDS, 1.0, ""), end(WORDS, 1.0, "at night"))
    assert not torch.equal(end(WORDS, 2.0, ""), end(WORDS, 2.0, "at night"))


def test_steps_one_at_a_time_are_the_sampler_and_can_be_taken_back(model):
    *_, whole = model.sample(WORDS, guidance=3.0, sampler="ddim", seed=4, steps=6)
    way = begin(model, WORDS, "", 4, 6)
    while not way.over:
        way = onwards(model, way, 3.0)
    assert torch.equal(way.x, whole.x_next)
    assert [one.step.i for one in way.taken] == list(range(6))
    again = way.back(2)
    assert torch.equal(again.x, way.taken[2].step.x)
    changed = onwards(model, again, 9.0)
    assert [one.scale for one in changed.taken] == [3.0, 3.0, 9.0]
    assert not torch.equal(changed.x, way.taken[2].step.x_next)
    assert torch.equal(onwards(model, again, 3.0).x, way.taken[2].step.x_next)
    with pytest.raises(ValueError, match="arrived"):
        onwards(model, way, 3.0)


def test_a_walk_at_times_of_its_own_asks_there(model):
    assert list(begin(model, WORDS, "", 0, 5).times) == model.schedule.timesteps(5)
    assert times(model, 5) == model.schedule.timesteps(5, 80.0)
    assert everywhere(model) == Interval(model.schedule.T, 0)


def test_three_answers_are_those_of_the_sampler(model):
    cond, null = model.words([WORDS]), model.words([""])
    *_, step = drawn(model, [WORDS], [3], 4.0, steps=3)
    without, with_words = answers(model.model, step.x, step.t, torch.cat([null, cond]))
    torch.testing.assert_close(without + 4 * (with_words - without), step.eps[0], rtol=1e-3, atol=1e-3)


def test_a_negative_prompt_is_subtracted():
    """ε̂_neg + w (ε̂_c − ε̂_neg) = ε̂_∅ + w (ε̂_c − ε̂_∅) − (w − 1) (ε̂_neg − ε̂_∅), and all of it lies in one plane."""
    empty, cond, away = torch.randn(3, 4, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    w = 6.0
    network = {0: empty, 1: cond, 2: away}

    def denoise(x, t, which):
        return torch.stack([network[int(k)] for k in which])

    zero = torch.zeros(1, 4, 8, 8)
    found = guided(denoise, torch.tensor([2]), w)(zero, torch.tensor([5]), torch.tensor([1]))[0]
    plain = guided(denoise, torch.tensor([0]), w)(zero, torch.tensor([5]), torch.tensor([1]))[0]
    torch.testing.assert_close(found, plain - (w - 1) * (away - empty))
    points = [empty, cond, away, plain, found]
    flat = in_their_plane(empty, cond, away, points)
    apart = np.array([[(a - b).norm().item() for b in points] for a in points])
    seen = torch.cdist(flat, flat, compute_mode="donot_use_mm_for_euclid_dist").numpy()
    np.testing.assert_allclose(seen, apart, atol=1e-9)  # no distance is lost
    assert flat[0].tolist() == [0, 0]
    assert abs(flat[1, 1].item()) < 1e-12
    assert flat[1, 0] > 0
    assert flat[2, 1] > 0


def test_the_plane_of_answers_that_are_the_same_is_a_point_or_a_line():
    same = torch.ones(4)
    assert in_their_plane(same, same, same, [same]).tolist() == [[0, 0]]
    line = in_their_plane(
        torch.zeros(2), torch.tensor([3.0, 4.0]), torch.tensor([6.0, 8.0]), [torch.tensor([6.0, 8.0])]
    )
    np.testing.assert_allclose(line.numpy(), [[10, 0]], atol=1e-6)


def test_spread_is_the_mean_distance_of_scipy():
    rows = torch.randn(9, 64, generator=torch.Generator().manual_seed(1))
    assert spread(rows) == pytest.approx(pdist(rows.double().numpy()).mean(), rel=1e-12)
    assert spread(rows[:1].expand(5, -1)) == 0
    with pytest.raises(ValueError, match="two pictures"):
        spread(rows[:1])


def test_drawings_are_read_as_what_they_say_and_differ_in_the_rest(reader):
    subjects = topics(4)
    assert all(len(topic.caption.mentioned) >= 4 for topic in subjects)
    found = of_drawings(reader, subjects, 3)
    assert found.fidelity.min() > 0.9
    assert found.spread.min() > 0


def test_what_is_measured_is_what_is_drawn(model, reader):
    subjects = topics(2)
    found = last(measured(model, reader, subjects, 5, 2.0, steps=3))
    latents = torch.cat([last_of(drawn(model, [subjects[1].caption.text] * 5, range(5), 2.0, steps=3))])
    fidelity, apart = judge(reader, subjects[1], model.decode(latents))
    assert found.fidelity[1].item() == pytest.approx(fidelity)
    assert found.spread[1].item() == pytest.approx(apart, rel=1e-3)  # four and one, or five together: it is rounding
    assert found.fidelity.shape == found.spread.shape == (2,)


def last_of(steps):
    walk = finished(steps)
    with pytest.raises(StopIteration) as ended:
        while True:
            next(walk)
    return ended.value.value


def test_no_steps_are_not_finished():
    with pytest.raises(ValueError, match="no step"):
        next(finished([]))


# The plane.


def double(mixture: GaussianMixture) -> GaussianMixture:
    return GaussianMixture(mixture.weights.double(), mixture.means.double(), mixture.spread)


def noisy(mixture: GaussianMixture, t: int) -> MixtureSameFamily:
    """p_t by torch.distributions."""
    abar = SCHEDULE.abar[t]
    deviation = (abar * mixture.spread**2 + 1 - abar).sqrt().expand_as(mixture.means)
    return MixtureSameFamily(
        Categorical(mixture.weights), Independent(Normal(abar.sqrt() * mixture.means, deviation), 1)
    )


@pytest.mark.parametrize("scale", [0.0, 1.0, 3.0, 15.0])
@pytest.mark.parametrize("t", [20, 300, 900])
def test_the_exact_guided_score_is_the_gradient_of_log_p_and_w_log_p_of_the_label(t, scale):
    mixture, label = double(plane.world()), plane.UPPER
    generator = torch.Generator().manual_seed(t)
    x0 = plane.of_label(mixture, label).sample(50, generator)
    noise = torch.randn(50, 2, generator=generator, dtype=torch.float64)
    x = (SCHEDULE.abar[t].sqrt() * x0 + (1 - SCHEDULE.abar[t]).sqrt() * noise).requires_grad_()
    whole, part = noisy(mixture, t), noisy(plane.of_label(mixture, label), t)
    log_p = whole.log_prob(x)
    log_label = part.log_prob(x) + math.log(0.5) - log_p  # Bayes' rule
    (wanted,) = torch.autograd.grad((log_p + scale * log_label).sum(), x)
    denoise = guided(plane.exact(mixture), torch.tensor([plane.NONE]), scale)
    eps = denoise(x.detach(), torch.full((50,), t), torch.full((50,), label))
    torch.testing.assert_close(score(SCHEDULE, eps, t), wanted, rtol=1e-7, atol=1e-7)
    with torch.no_grad():
        tilted = plane.log_tilted(mixture, SCHEDULE, x, t, label, scale)
        torch.testing.assert_close(tilted, log_p + scale * log_label, rtol=1e-9, atol=1e-9)


def test_each_row_is_answered_for_its_own_label():
    mixture = plane.world()
    x, t = torch.randn(6, 2), torch.full((6,), 400)
    labels = torch.tensor([0, 1, 2, 2, 1, 0])
    together = plane.exact(mixture)(x, t, labels)
    for k, label in enumerate(labels):
        alone = plane.exact(mixture)(x[k : k + 1], t[:1], label[None])
        torch.testing.assert_close(together[k : k + 1], alone)


def test_the_world_has_four_modes_of_each_label():
    mixture = plane.world()
    assert [len(plane.of_label(mixture, label).means) for label in range(3)] == [4, 4, 8]
    assert (plane.of_label(mixture, plane.UPPER).means[:, 1] > 0.5).all()
    torch.testing.assert_close(plane.shares(mixture).sum(1), torch.ones(3))


def test_networks_of_a_training_differ_in_their_dropout_only():
    training = plane.LabelTraining((0.0, 0.0, 0.5), seed=3)
    for _ in training.run(40):
        pass
    weight = training.network.mlp.layers[0].weight
    assert torch.equal(weight[0], weight[1])
    assert not torch.equal(weight[0], weight[2])
    again = plane.LabelTraining((0.0, 0.0, 0.5), seed=3)
    assert [loss[2] for loss in again.run(40)][-1] > 0
    assert torch.equal(again.network.mlp.layers[0].weight, weight)
    # What the label "none" feeds has never been used without dropout, and stays as it began.
    begun = plane.LabelTraining((0.0, 0.0, 0.5), seed=3).network.mlp.layers[0].weight
    assert torch.equal(weight[0, -1], begun[0, -1])
    assert not torch.equal(weight[2, -1], begun[2, -1])


def test_a_network_of_the_stack_answers_as_the_stack_does():
    training = plane.LabelTraining((0.1, 0.0), seed=1)
    x, t, label = torch.randn(5, 2), torch.randint(1, 1000, (5,)), torch.tensor([0, 1, 2, 0, 1])
    both = training.average(x.expand(2, -1, -1), t.expand(2, -1), label.expand(2, -1))
    for k in range(2):
        torch.testing.assert_close(plane.learned(training.average, k)(x, t, label), both[k])


def test_the_shipped_pair_is_what_is_said_of_label_dropout():
    """Both know the labels; only the one that saw none dropped now and then can be guided."""
    networks, card = plane.load()
    assert card["dropouts"] == [0.1, 0.0]
    good = {}
    x_T = torch.randn(300, 2, generator=torch.Generator().manual_seed(9))
    modes = plane.of_label(plane.world(), plane.UPPER)
    for k in range(2):
        for scale in (1.0, 4.0):
            *_, step = plane.walk(plane.learned(networks, k), x_T, plane.UPPER, scale, 30)
            near = torch.cdist(step.x_next, modes.means).min(1).values <= 3 * modes.spread
            good[k, scale] = near.double().mean().item()
    assert good[0, 1.0] > 0.85
    assert good[1, 1.0] > 0.85
    assert good[0, 4.0] > 0.75
    assert good[1, 4.0] < 0.3


def test_the_outer_modes_are_lost_as_the_scale_grows_even_with_the_exact_answer():
    x_T = torch.randn(400, 2, generator=torch.Generator().manual_seed(2))
    modes = plane.of_label(plane.world(), plane.UPPER).means
    outer = modes[:, 0].abs() > 1.5
    lost = []
    for scale in (1.0, 2.0, 4.0):
        *_, step = plane.walk(plane.exact(plane.world()), x_T, plane.UPPER, scale, 40)
        closest = torch.cdist(step.x_next, modes).argmin(1)
        lost.append(outer[closest].double().mean().item())
    assert lost[0] == pytest.approx(0.5, abs=0.1)
    assert lost[0] > lost[1] + 0.1 > lost[2] + 0.2


def test_a_pair_is_kept_as_it_was_trained(tmp_path):
    training = plane.LabelTraining((0.2, 0.0))
    plane.save(training, {"command": "python -m tutorial.training.guidance_curve"}, tmp_path)
    networks, card = plane.load(tmp_path)
    assert card["dropouts"] == [0.2, 0.0]
    for name, value in networks.state_dict().items():
        torch.testing.assert_close(value, training.average.state_dict()[name], atol=1e-3, rtol=1e-3)
    (tmp_path / "points_guidance.json").write_text('{"dropouts": [0.1], "command": "x"}')
    with pytest.raises(weights.WeightsError, match="points_guidance"):
        plane.load(tmp_path)
