"""Does the real network learn what it should? Held against the exact answer, over seeds."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tutorial.data.toy2d import GaussianMixture
from tutorial.diffusion.exact import posterior_mean
from tutorial.diffusion.latent import as_denoiser
from tutorial.diffusion.objective import loss, read, target
from tutorial.diffusion.process import q_sample
from tutorial.diffusion.samplers import Denoiser
from tutorial.diffusion.schedule import Schedule
from tutorial.networks.unet import UNet, UNetConfig

SHAPE = (4, 8, 8)
CONFIG = UNetConfig(channels=(32, 64), attention=(False, True), layers=1, context=8, heads=2, groups=8)


def best_linear(mixture: GaussianMixture, schedule: Schedule) -> Denoiser:
    """The exact denoiser of one Gaussian with the mixture's mean and covariance: what knows of no components."""
    mean = mixture.means.mean(0)
    spread = (mixture.means - mean).T @ (mixture.means - mean) / len(mixture.means)
    covariance = spread + mixture.spread**2 * torch.eye(len(mean))

    def denoise(x: torch.Tensor, t: torch.Tensor, cond: Any = None) -> torch.Tensor:
        answers = []
        for row, time in zip(x.flatten(1), t, strict=True):
            abar = schedule.abar[time].float()
            seen = abar * covariance + (1 - abar) * torch.eye(len(mean))
            x0 = mean + abar.sqrt() * covariance @ torch.linalg.solve(seen, row - abar.sqrt() * mean)
            eps = (row - abar.sqrt() * x0) / (1 - abar).sqrt()
            answers.append(target("v", schedule, x0[None], int(time), eps[None]))
        return torch.cat(answers).reshape(x.shape)

    return denoise


def distance_to_exact(denoise: Denoiser, mixture: GaussianMixture, schedule: Schedule, words: torch.Tensor) -> float:
    """Mean squared distance between a denoiser's x̂_0 and E[x_0 | x_t], over times; the data's variance is 1."""
    generator = torch.Generator().manual_seed(99)
    x0 = mixture.sample(len(words), generator)
    t = torch.randint(1, schedule.T + 1, (len(words),), generator=generator)
    x = q_sample(schedule, x0, t, torch.randn(x0.shape, generator=generator))
    exact = posterior_mean(mixture, schedule, x, t)
    with torch.no_grad():
        prediction = denoise(x.unflatten(1, SHAPE), t, words).flatten(1)
    return (read("v", schedule, prediction, x, t)[1] - exact).square().mean().item()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_unet_approaches_the_exact_denoiser(seed):
    torch.manual_seed(seed)
    schedule, spread = Schedule.cosine(), 0.3
    means = (1 - spread**2) ** 0.5 * torch.randn(4, 256)
    mixture = GaussianMixture(torch.full((4,), 0.25), means, spread)
    unet, words = UNet(CONFIG), torch.zeros(64, 1, CONFIG.context)
    optimizer = torch.optim.AdamW(unet.parameters(), lr=2e-3)
    for _ in range(400):
        x0 = mixture.sample(64)
        t, eps = torch.randint(1, schedule.T + 1, (64,)), torch.randn_like(x0)
        x = q_sample(schedule, x0, t, eps).unflatten(1, SHAPE)
        prediction = as_denoiser(unet)(x, t, words).flatten(1)
        loss("v", schedule, prediction, x0, t, eps).mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    learned = distance_to_exact(as_denoiser(unet), mixture, schedule, words.repeat(8, 1, 1))
    linear = distance_to_exact(best_linear(mixture, schedule), mixture, schedule, words.repeat(8, 1, 1))
    assert learned < 0.5 * linear, f"{learned:.3f}; the best linear denoiser: {linear:.3f}"
