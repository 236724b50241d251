"""Pixel and latent diffusion: the bound's sum over times, the way there and back, and filling in."""

from __future__ import annotations

import pytest
import torch

from tutorial.contest import denoising
from tutorial.contest.contender import finished
from tutorial.contest.denoising import SCHEDULE, T, denoising_loss
from tutorial.contest.latent_diffusion import ContestLatentDiffusion, LatentDiffusionConfig
from tutorial.contest.pixel_diffusion import BINS, CLEAN, ContestPixelDiffusion, PixelDiffusionConfig, slices
from tutorial.data.digits import digits
from tutorial.data.pixels import to_signed
from tutorial.diffusion.elbo import chain, eps_errors, prior
from tutorial.diffusion.latent import as_denoiser

KINDS = ["pixel", "latent"]


def made(kind: str):
    """Untrained, but no layer is silent."""
    torch.manual_seed(0)
    if kind == "pixel":
        model = ContestPixelDiffusion(PixelDiffusionConfig((8, 16)))
    else:
        model = ContestLatentDiffusion(LatentDiffusionConfig((8, 8, 8), 2, 16))
    for parameter in model.unet.parameters():
        parameter.data += 0.02 * torch.randn_like(parameter)
    return model.eval().requires_grad_(False)


def some(n: int):
    pixels, y = (part[:n] for part in digits("test"))
    return pixels, y


def test_the_slices_cover_every_time_after_the_clean_one_once():
    times = [t for first, last in slices() for t in range(first + 1, last + 1)]
    assert times == list(range(CLEAN + 1, T + 1))


def test_with_an_equal_error_at_all_times_the_bounds_sum_telescopes(monkeypatch):
    """Σ (SNR_{t−1} − SNR_t) / 2 · ‖error‖² = (SNR_CLEAN − SNR_T) / 2 · ‖error‖²."""
    model, (pixels, y) = made("pixel"), some(400)
    monkeypatch.setattr(ContestPixelDiffusion, "_clean", lambda self, x0, t, classes, generator: x0 + 0.01)
    monkeypatch.setattr(ContestPixelDiffusion, "_levels", lambda self, pixels, classes, generator: torch.zeros(400))
    found = -model.log_likelihood(pixels, y, torch.Generator().manual_seed(0)).double()
    sum_of_weights = (SCHEDULE.snr[CLEAN] - SCHEDULE.snr[T]).item() / 2
    expected = prior(SCHEDULE, to_signed(pixels).flatten(1)) + sum_of_weights * 784 * 0.01**2
    error = (found - expected).std() / 20
    assert (found - expected).mean().abs() < 4 * error


def test_the_bound_is_that_of_the_tutorials_chain_from_the_clean_time_on(monkeypatch):
    """`tutorial.diffusion.elbo` asks at every time; the slices at a few, and come to the same on average."""
    model, (pixels, y) = made("pixel"), some(1)
    monkeypatch.setattr(ContestPixelDiffusion, "_levels", lambda self, pixels, classes, generator: torch.zeros(200))
    monkeypatch.setattr(ContestPixelDiffusion, "out_of", lambda self, h: torch.pixel_shuffle(h, 2))  # x̂_0 not cut off
    many = pixels.expand(200, -1, -1, -1)
    found = -model.log_likelihood(many, y.expand(200), torch.Generator().manual_seed(0)).double()
    flat = model.into(to_signed(pixels)).flatten(1)
    ask = as_denoiser(model.unet)

    def denoise(x, t, cond):
        return torch.cat(
            [
                ask(some.unflatten(1, model.shape), when, y.expand(len(some))).flatten(1)
                for some, when in zip(x.split(100), t.split(100), strict=True)
            ]
        )

    steps = chain(SCHEDULE, T)
    later = steps.t > CLEAN
    errors = eps_errors(
        denoise, SCHEDULE, flat, steps.t[later], predicts="v", generator=torch.Generator().manual_seed(1)
    )
    weights = steps.weight_of("eps", SCHEDULE)[later]
    expected = (prior(SCHEDULE, flat) + (weights[:, None] * errors).sum(0)).item()
    assert found.mean().item() == pytest.approx(expected, abs=5 * (found.std() / 200**0.5).item())


def test_the_last_step_is_a_probability_of_levels_and_is_counted():
    model, (pixels, y) = made("pixel"), some(50)
    before = model.log_likelihood(pixels, y, torch.Generator().manual_seed(0)).mean()
    model.count(pixels, y, torch.Generator().manual_seed(1))
    assert model.levels.exp().sum(1).numpy() == pytest.approx(1, abs=1e-5)
    assert model.levels.shape == (BINS, 256)
    assert model.log_likelihood(pixels, y, torch.Generator().manual_seed(0)).mean() > before + 100


@pytest.mark.parametrize("kind", KINDS)
def test_the_noise_of_a_picture_leads_back_the_nearer_the_shorter_the_steps(kind, monkeypatch):
    """Euler's method is of first order: an eighth of the step, an eighth of the error, or nearly."""
    model, (pixels, y) = made(kind), some(2)
    x = to_signed(pixels)
    monkeypatch.setattr(type(model), "out_of", lambda self, h: h)  # before the decoder, and before anything is cut off
    missed = []
    for steps in (10, 80):
        monkeypatch.setattr(denoising, "THERE_AND_BACK", steps)
        missed.append((model.decode(model.invert(x, y), y) - model.into(x)).norm())
    assert 0 < missed[1] < missed[0] / 4


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_known_stays_exactly(kind):
    model, (pixels, y) = made(kind), some(3)
    mask = torch.zeros(28, 28, dtype=torch.bool)
    mask[14:, 3:] = True
    x = to_signed(pixels)
    found, other = (
        model.fill_in(one, mask, y, torch.Generator().manual_seed(0)) for one in (x, torch.where(mask, 1.0, x))
    )
    assert torch.equal(found[:, :, ~mask], x[:, :, ~mask])
    assert torch.equal(found, other)  # what is missing is not looked at


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_of_steps_and_guidance_are_heeded(kind):
    model, y = made(kind), torch.tensor([1, 2])
    asked = [
        finished(model.drawing(y, torch.Generator().manual_seed(0), steps=steps, guidance=guidance))
        for steps, guidance in ((1, 1.0), (4, 1.0), (4, 3.0))
    ]
    assert not torch.equal(asked[0], asked[1])
    assert not torch.equal(asked[1], asked[2])


def test_the_loss_of_a_silent_network_is_the_size_of_the_velocity():
    """v = √ᾱ ε − √(1 − ᾱ) x_0 of standard normal numbers is standard normal."""
    model = made("pixel")
    torch.nn.init.zeros_(model.unet.conv_out.weight)
    dice = torch.Generator().manual_seed(0)
    h = torch.randn(64, 4, 14, 14, generator=dice)
    assert denoising_loss(model.unet, h, torch.zeros(64).long(), dice).item() == pytest.approx(1, abs=0.02)


def test_pixels_are_folded_without_loss():
    model, (pixels, _) = made("pixel"), some(2)
    x = to_signed(pixels)
    assert torch.equal(model.out_of(model.into(x)), x)
    mask = torch.rand(28, 28, generator=torch.Generator().manual_seed(0)) < 0.5
    cells = model.cells(mask)
    assert torch.equal(torch.where(cells, 0.0, model.into(x)), model.into(torch.where(mask, 0.0, x)))


def test_a_latent_cell_is_new_if_any_of_its_pixels_is():
    mask = torch.zeros(28, 28, dtype=torch.bool)
    mask[14] = True
    cells = made("latent").cells(mask)
    assert cells.shape == (7, 7)
    assert cells.nonzero()[:, 0].unique().tolist() == [3]
