"""Training in front of the visitor: it learns, on every seed; a stack trains as its members would."""

from __future__ import annotations

import itertools
import time

import pytest
import torch

from tutorial.data.toy2d import ring
from tutorial.diffusion.exact import posterior_mean
from tutorial.diffusion.objective import read
from tutorial.diffusion.point_training import CHUNK, POINTS, Knobs, PointTraining, progress
from tutorial.diffusion.process import q_sample
from tutorial.metrics.coverage import coverage
from tutorial.networks.mlp import PointDenoiserConfig

SMALL = PointDenoiserConfig(hidden=16, layers=2)


def data(seed: int = 0, n: int = 1000) -> torch.Tensor:
    return ring().sample(n, torch.Generator().manual_seed(seed))


def test_the_same_seed_is_the_same_run_however_it_is_interrupted():
    whole, pieces = PointTraining(data(), SMALL), PointTraining(data(), SMALL)
    losses = [step.loss for step in itertools.islice(whole.run(Knobs), 2 * CHUNK)]
    again = [step.loss for step in itertools.islice(pieces.run(Knobs), 10)]
    again += [step.loss for step in itertools.islice(pieces.run(Knobs), 2 * CHUNK - 10)]
    assert losses == again
    assert (whole.step, pieces.step) == (2 * CHUNK, 2 * CHUNK)


def test_the_knobs_are_read_in_mid_run():
    training, asked = PointTraining(data(), SMALL), []

    def knobs() -> Knobs:
        asked.append(training.step)
        return Knobs(rate=0.0 if training.step else 1e-2)

    steps = training.run(knobs)
    for _ in range(CHUNK):
        next(steps)
    next(steps)
    held = [p.clone() for p in training.network.parameters()]
    for _ in range(CHUNK - 1):
        next(steps)
    assert asked == [0, CHUNK]
    assert all(torch.equal(a, b) for a, b in zip(held, training.network.parameters(), strict=True))


def test_networks_of_a_stack_learn_from_data_of_their_own():
    training = PointTraining(data(), PointDenoiserConfig(hidden=16, layers=2, stack=3))
    with torch.no_grad():
        for parameter in training.network.parameters():
            parameter.copy_(parameter[:1].expand_as(parameter).clone())  # the same start
    for _ in itertools.islice(training.run(Knobs), 50):
        pass
    first, second, _ = next(training.network.parameters())
    assert not torch.equal(first, second)
    *_, last = training.sample(10)
    assert last.x_next.shape == (3, 10, 2)


def test_what_diverged_is_not_finite():
    training = PointTraining(data(), SMALL)
    with torch.no_grad():
        next(training.average.parameters()).fill_(torch.nan)
    assert not progress(training, 1.0, data(1, 50), None).finite


@pytest.mark.parametrize("predicts", ["eps", "x0", "v"])
def test_it_comes_close_to_the_exact_denoiser(predicts):
    """Its guess of x_0 is off the closed form's by little of what the closed form's itself varies by."""
    training = PointTraining(data(0, POINTS), PointDenoiserConfig(hidden=64))
    for _ in itertools.islice(training.run(lambda: Knobs(predicts=predicts)), 1500):
        pass
    generator = torch.Generator().manual_seed(1)
    x0, t = ring().sample(500, generator), torch.full((500,), 300)
    x = q_sample(training.schedule, x0, t, torch.randn(500, 2, generator=generator))
    truth = posterior_mean(ring(), training.schedule, x, t)
    _, guess = read(predicts, training.schedule, training.denoise(x[None], t[None])[0], x, t)
    assert (guess - truth).square().mean() < 0.05 * truth.var(0).mean()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_in_twenty_seconds_it_draws_all_eight_modes(seed):
    """8 of 8 modes, each with at least 2 % of the samples, and at least 90 % of the samples within 3σ."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    training = PointTraining(data(seed, POINTS), PointDenoiserConfig(), seed=seed)
    begun = time.process_time()
    for _ in training.run(Knobs):
        if time.process_time() - begun > 15:  # the rest of the twenty seconds is for pictures
            break
    torch.set_num_threads(threads)
    *_, last = training.sample(2000, seed=1)
    seen = coverage(ring(), last.x_next[0])
    assert seen.modes == 8
    assert seen.rarest >= 0.02
    assert seen.high_quality >= 0.90
