"""Does the real network learn what it should? Held against the exact answer, over seeds."""

from __future__ import annotations

import pytest
import torch

from tutorial.diffusion.exact import GaussianMixture, posterior_mean
from tutorial.diffusion.latent import as_denoiser
from tutorial.diffusion.objective import loss, read
from tutorial.diffusion.process import q_sample
from tutorial.diffusion.schedule import Schedule
from tutorial.networks.unet import UNet, UNetConfig

SHAPE = (4, 8, 8)
CONFIG = UNetConfig(channels=(32, 64), attention=(False, True), layers=1, context=8, heads=2, groups=8)


def distance_to_exact(unet: UNet, mixture: GaussianMixture, schedule: Schedule, words: torch.Tensor) -> float:
    """Mean squared distance between the network's x̂_0 and E[x_0 | x_t], over times; the data's variance is 1."""
    generator = torch.Generator().manual_seed(99)
    x0 = mixture.sample(len(words), generator)
    t = torch.randint(1, schedule.T + 1, (len(words),), generator=generator)
    x = q_sample(schedule, x0, t, torch.randn(x0.shape, generator=generator))
    exact = posterior_mean(mixture, schedule, x, t)
    with torch.no_grad():
        prediction = as_denoiser(unet)(x.unflatten(1, SHAPE), t, words).flatten(1)
    return (read("v", schedule, prediction, x, t)[1] - exact).square().mean().item()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_unet_approaches_the_exact_denoiser(seed):
    torch.manual_seed(seed)
    schedule, spread = Schedule.cosine(), 0.3
    means = (1 - spread**2) ** 0.5 * torch.randn(4, 256)
    mixture = GaussianMixture(torch.full((4,), 0.25), means, spread)
    unet, words = UNet(CONFIG), torch.zeros(64, 1, CONFIG.context)
    before = distance_to_exact(unet, mixture, schedule, words.repeat(8, 1, 1))
    optimizer = torch.optim.AdamW(unet.parameters(), lr=2e-3)
    for _ in range(400):
        x0 = mixture.sample(64)
        t, eps = torch.randint(1, schedule.T + 1, (64,)), torch.randn_like(x0)
        x = q_sample(schedule, x0, t, eps).unflatten(1, SHAPE)
        prediction = as_denoiser(unet)(x, t, words).flatten(1)
        loss("v", schedule, prediction, x0, t, eps).mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    after = distance_to_exact(unet, mixture, schedule, words.repeat(8, 1, 1))
    assert after < 0.15 * before, f"{before:.3f} before training, {after:.3f} after"
