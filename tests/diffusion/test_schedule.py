"""Schedules against diffusers' own, and against their closed forms."""

from __future__ import annotations

import itertools
import math

import diffusers
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tutorial.diffusion.schedule import Schedule

NAMES = ("linear", "scaled_linear", "cosine", "shifted_cosine", "sigmoid")


@pytest.mark.parametrize(
    ("ours", "theirs", "betas"),
    [
        (Schedule.linear, "linear", {"beta_start": 1e-4, "beta_end": 0.02}),
        (Schedule.scaled_linear, "scaled_linear", {"beta_start": 0.00085, "beta_end": 0.012}),
        (Schedule.cosine, "squaredcos_cap_v2", {}),
    ],
)
def test_the_same_as_diffusers(ours, theirs, betas):
    expected = diffusers.DDPMScheduler(beta_schedule=theirs, **betas).alphas_cumprod
    assert torch.allclose(ours().abar[1:].float(), expected, rtol=1e-4, atol=1e-9)


def test_the_mean_of_four_pixels_under_the_shifted_cosine_is_a_pixel_under_the_cosine():
    """Signal and noise of that mean, in simulated pixels that are alike: the same ratio at each time."""
    large, small = Schedule.shifted_cosine(), Schedule.cosine()
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(200_000, 4, generator=generator, dtype=torch.float64).mean(1).std()
    for t in (1, 100, 500, 900, 1000):
        signal, spread = large.abar[t].sqrt(), (1 - large.abar[t]).sqrt() * noise
        assert (signal / spread).item() == pytest.approx(small.snr[t].sqrt().item(), rel=0.01)


def test_sigmoid_follows_its_closed_form_before_the_clip():
    abar = Schedule.sigmoid(1000).abar
    for t in (1, 250, 500, 900):
        logistic = [1 / (1 + math.exp(-(-3 + 6 * u))) for u in (0, t / 1000, 1)]
        assert abar[t] == pytest.approx((logistic[2] - logistic[1]) / (logistic[2] - logistic[0]), rel=1e-9)


@given(st.sampled_from(NAMES), st.integers(2, 2000))
def test_every_length_is_a_valid_schedule(name, T):
    schedule = getattr(Schedule, name)(T)
    assert schedule.T == T
    assert schedule.abar[0] == 1
    assert (schedule.abar[1:] < schedule.abar[:-1]).all()
    assert torch.allclose(schedule.snr[1:], schedule.sigma[1:] ** -2)


@given(st.sampled_from(NAMES), st.integers(1, 900), st.sampled_from([math.inf, 80.0]))
def test_timesteps_fall_from_the_top_to_zero(name, n, sigma_max):
    schedule = getattr(Schedule, name)()
    times = schedule.timesteps(n, sigma_max)
    assert len(times) == n + 1
    assert times[-1] == 0
    assert all(t > s for t, s in itertools.pairwise(times))
    assert schedule.sigma[times[0]] <= sigma_max
    assert times[0] == schedule.T or schedule.sigma[times[0] + 1] > sigma_max


def test_trailing_spacing_is_diffusers():
    theirs = diffusers.DDIMScheduler(timestep_spacing="trailing")
    for n in (1, 4, 20, 25, 100):
        theirs.set_timesteps(n)
        assert Schedule.linear().timesteps(n)[:-1] == [int(t) + 1 for t in theirs.timesteps]


@pytest.mark.parametrize("steps", [0, -1, 1001])
def test_impossible_numbers_of_steps_are_refused(steps):
    with pytest.raises(ValueError, match="between 1 and 1000"):
        Schedule.linear().grid(steps)


@pytest.mark.parametrize("times", [[5], [5, 5], [1, 5], [1001, 0], [5, -1]])
def test_impossible_grids_are_refused(times):
    with pytest.raises(ValueError, match="fall strictly"):
        Schedule.linear().grid(times)


def test_what_is_no_schedule_is_refused():
    for abar in ([1.0, 0.5, 0.5], [0.9, 0.5], [1.0, 0.5, 0.0]):
        with pytest.raises(ValueError, match="abar"):
            Schedule(torch.tensor(abar, dtype=torch.float64))
