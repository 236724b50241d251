"""Editing: its ends are exact, diffusers' img2img does the same, and RePaint comes to the known conditional."""

from __future__ import annotations

import math

import diffusers
import pytest
import torch

from tutorial.data.critter_art import render
from tutorial.data.critters import EVALUATION_SEED, any_critter
from tutorial.data.pixels import from_image, to_signed
from tutorial.diffusion import latent
from tutorial.diffusion.editing import (
    Settings,
    composite,
    img2img,
    inpaint,
    last_part,
    latent_of,
    loudness,
    repaint,
    times_of,
    walk,
)
from tutorial.diffusion.inversion import lerp, slerp
from tutorial.diffusion.process import gaussian, q_sample
from tutorial.diffusion.samplers import SAMPLERS, ddim
from tutorial.diffusion.schedule import Schedule
from tutorial.exchange import to_diffusers
from tutorial.networks.autoencoder import reconstruct

pytestmark = pytest.mark.usefixtures("one_thread")
PROMPT = "a blue critter with a crown"


@pytest.fixture(scope="module")
def model() -> latent.LatentDiffusion:
    return latent.load()


@pytest.fixture(scope="module")
def picture() -> torch.Tensor:
    return to_signed(from_image(render(any_critter(EVALUATION_SEED, colour="red"))))[None]


@pytest.fixture(scope="module")
def z0(model, picture) -> torch.Tensor:
    return latent_of(model, picture)


def half() -> torch.Tensor:
    mask = torch.zeros(8, 8, dtype=torch.bool)
    mask[:, :4] = True
    return mask


# --- strength ---
def test_at_strength_zero_the_autoencoder_alone_answers(model, picture, z0):
    assert list(img2img(model, z0, PROMPT, Settings(), strength=0)) == []
    assert list(inpaint(model, z0, half(), PROMPT, Settings(), strength=0)) == []
    assert torch.allclose(model.decode(z0), reconstruct(model.autoencoder, picture), atol=1e-5)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_at_strength_one_it_is_plain_sampling_but_for_the_signal_left_at_the_first_time(model, z0, sampler):
    settings = Settings(steps=4, sampler=sampler)
    edited = list(img2img(model, z0, PROMPT, settings, strength=1, seed=3))
    plain = list(model.sample(PROMPT, steps=4, sampler=sampler, seed=3))
    assert [(step.t, step.t_next) for step in edited] == [(step.t, step.t_next) for step in plain]
    abar = model.schedule.abar[plain[0].t].item()
    eps = plain[0].x
    expected = math.sqrt(abar) * z0 - (1 - math.sqrt(1 - abar)) * eps
    assert torch.allclose(edited[0].x - eps, expected, atol=1e-5)
    assert abar < 0.001  # σ is 80, or more: less than a thousandth of the variance is the source's


def test_from_the_same_noise_the_walk_is_sample(model):
    eps, generators = model.noise([5])
    settings = Settings(steps=3, sampler="ddim", eta=0.5, guidance=3.0, negative="a hat")
    *_, walked = walk(model, eps, model.words([PROMPT]), settings, generator=generators)
    *_, plain = model.sample(PROMPT, steps=3, sampler="ddim", eta=0.5, guidance=3.0, negative="a hat", seed=5)
    assert torch.equal(walked.x_next, plain.x_next)


@pytest.mark.parametrize("steps", [1, 7, 10, 20, 50])
def test_strengths_in_tenths_walk_as_many_steps_as_decimals_say(steps):
    times = Schedule.cosine().timesteps(steps)
    for tenths in range(11):
        part = last_part(times, tenths / 10)
        assert len(part) - 1 == steps * tenths // 10
        assert part == times[len(times) - len(part) :]
    for strength in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match="between 0 and 1"):
            last_part(times, strength)


@pytest.mark.parametrize("strength", [0.3, 0.8])
def test_diffusers_changes_the_picture_in_the_same_way(model, z0, tmp_path, strength):
    to_diffusers(tmp_path, model)
    pipe = diffusers.StableDiffusionImg2ImgPipeline.from_pretrained(tmp_path)
    pipe.set_progress_bar_config(disable=True)
    theirs = pipe(
        PROMPT,
        image=z0,  # four channels: taken for a latent, and not encoded again
        strength=strength,
        num_inference_steps=10,
        guidance_scale=3.0,
        generator=torch.Generator().manual_seed(7),
        output_type="latent",
    ).images
    settings = Settings(steps=10, guidance=3.0, sampler="ddim")
    *_, ours = img2img(model, z0, PROMPT, settings, strength=strength, seed=7)
    assert (ours.x_next - theirs).abs().max() < 1e-3
    assert (ours.x_next - z0).abs().max() > 0.1


# --- inpainting ---
@pytest.mark.parametrize("rounds", [1, 3])
def test_what_is_kept_is_kept_exactly_and_the_rest_is_drawn(model, z0, rounds):
    steps = list(inpaint(model, z0, half(), PROMPT, Settings(steps=5, eta=1.0), rounds=rounds, seed=2, n=2))
    assert [step.i for step in steps] == [i for i in range(5) for _ in range(rounds)]
    end = steps[-1].x_next
    assert torch.equal(end[..., 4:], z0.expand(2, -1, -1, -1)[..., 4:])
    assert (end[..., :4] - z0[..., :4]).abs().amax((1, 2, 3)).min() > 0.1
    assert (end[0] - end[1]).abs().max() > 0.1


def test_with_everything_masked_it_is_img2img_and_with_nothing_the_source(model, z0):
    settings = Settings(steps=5, sampler="ddim")
    everything = torch.ones(8, 8, dtype=torch.bool)
    *_, whole = inpaint(model, z0, everything, PROMPT, settings, strength=0.6, seed=1)
    *_, plain = img2img(model, z0, PROMPT, settings, strength=0.6, seed=1)
    assert torch.allclose(whole.x_next, plain.x_next, atol=1e-5)
    *_, nothing = inpaint(model, z0, ~everything, PROMPT, settings, seed=1)
    assert torch.equal(nothing.x_next, z0)


def conditional(rounds: int, known: float, rho: float, count: int = 2000) -> torch.Tensor:
    """Two numbers with unit variance and correlation rho, the first known: what RePaint draws for the second.

    The denoiser is exact: E[x₀ | x_t] of a Gaussian.
    """
    schedule, generator = Schedule.cosine(), torch.Generator().manual_seed(0)
    cov = torch.tensor([[1.0, rho], [rho, 1.0]], dtype=torch.float64)

    def denoise(x, t, cond):
        abar = schedule.abar[t[0]]
        gain = abar.sqrt() * cov @ torch.linalg.inv(abar * cov + (1 - abar) * torch.eye(2, dtype=torch.float64))
        return x @ gain.T

    def one(x, t, s):
        return next(ddim(denoise, schedule, x, steps=[t, s], eta=1.0, predicts="x0", generator=generator))

    kept = torch.tensor([[known, 0.0]], dtype=torch.float64).repeat(count, 1)
    times = schedule.timesteps(50)
    x = q_sample(schedule, kept, times[0], gaussian(kept, generator))
    mask = torch.tensor([False, True])
    *_, last = repaint(one, schedule, x, kept, mask, times, rounds=rounds, generator=generator)
    assert torch.equal(last.x_next[:, 0], kept[:, 0])
    return last.x_next[:, 1]


def test_more_rounds_come_closer_to_the_conditional_of_a_gaussian():
    """E[x₂ | x₁ = 2] = 2ρ, with variance 1 − ρ²: one round falls short of it, and each more by less."""
    rho = 0.9
    off = [abs(conditional(rounds, 2.0, rho).mean().item() - 2 * rho) for rounds in (1, 3, 12)]
    assert off[0] > off[1] > off[2]
    assert off[2] < 0.1
    assert off[0] > 0.2


def test_no_rounds_are_refused(model, z0):
    with pytest.raises(ValueError, match="at least one round"):
        next(inpaint(model, z0, half(), PROMPT, Settings(), rounds=0))


def test_pixels_outside_of_masked_cells_are_the_source_own(picture):
    new = torch.zeros_like(picture)
    both = composite(new, picture, half())
    assert torch.equal(both[..., 32:], picture[..., 32:])
    assert (both[..., :32] == 0).all()


# --- strips ---
def test_between_noises_the_arc_is_as_loud_as_noise_and_the_line_is_not(model):
    """Half-way, a line between independent noises has the variance ½; here in 256 numbers, to a few of their errors."""
    a, b = (model.noise([seed])[0] for seed in (1, 2))
    assert loudness(slerp(a, b, 0.5)).item() == pytest.approx(1, abs=0.15)
    assert loudness(lerp(a, b, 0.5)).item() == pytest.approx(math.sqrt(0.5), abs=0.15)
    assert loudness(a).item() == pytest.approx(a.square().mean().sqrt().item(), rel=1e-6)
    assert torch.allclose(slerp(a, b, 0), a, atol=1e-5)
    assert torch.allclose(slerp(a, b, 1), b, atol=1e-5)


def test_between_prompts_the_ends_are_exact(model):
    a, b = model.words(["a red one", "a sad blue one"]).split(1)
    assert torch.equal(lerp(a, b, 0), a)
    assert torch.equal(lerp(a, b, 1), b)
    eps, _ = model.noise([4])
    settings = Settings(steps=3)
    *_, end = walk(model, eps, lerp(a, b, 1), settings, times_of(model, settings))
    *_, plain = model.sample("a sad blue one", steps=3, seed=4)
    assert torch.allclose(end.x_next, plain.x_next, atol=1e-5)
