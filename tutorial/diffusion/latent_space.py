"""The autoencoder's latents by hand: changed, mixed, left behind, and of another scale than the sampler expects.

Latents are as the encoder gives them, not yet rescaled, unless something else is said; one of them is (1, C, h, w).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tutorial.diffusion.inversion import lerp
from tutorial.diffusion.latent import LatentDiffusion
from tutorial.diffusion.process import q_sample
from tutorial.diffusion.samplers import Step, ddim
from tutorial.diffusion.schedule import Schedule
from tutorial.metrics.similarity import psnr
from tutorial.networks.autoencoder import Autoencoder, gaussian_kl
from tutorial.networks.reader import AttributeReader

ROWS = 4
"""Latents that are decoded at a time; whoever waits for a turn has it in between."""
FORMATS = ("float32", "float16", "8 bits")
"""Forms in which the numbers of a latent can be kept."""


@dataclass(frozen=True)
class Posterior:
    """q(z | x) = N(mean, spread²) of one picture: mean and spread (1, C, h, w), and its KL to N(0, I) in nats, (C,)."""

    mean: Tensor
    spread: Tensor
    kl: Tensor


@torch.no_grad()
def posterior(autoencoder: Autoencoder, x: Tensor) -> Posterior:
    """What the encoder makes of a picture (1, 3, H, W) in [−1, 1]."""
    mean, logvar = autoencoder.encode(x)
    return Posterior(mean, (0.5 * logvar).exp(), gaussian_kl(mean[0], logvar[0]))


@torch.no_grad()
def decoded(autoencoder: Autoencoder, latents: Tensor) -> Iterator[Tensor]:
    """The pictures of latents (N, C, h, w), in [−1, 1], `ROWS` at a time."""
    for rows in latents.split(ROWS):
        yield autoencoder.decode(rows).clamp(-1, 1)


def stored(z: Tensor, form: str) -> tuple[Tensor, int]:
    """A latent as it is after it was kept in one of `FORMATS`, and the bytes that this takes.

    With 8 bits a number is one of 256 levels, evenly from the smallest to the largest, and these two are kept in
    float32. Raises ValueError for another form.
    """
    if form not in FORMATS:
        raise ValueError(f"The form must be one of {', '.join(FORMATS)}; got {form!r}.")
    if form == "float32":
        return z.float(), 4 * z.numel()
    if form == "float16":
        return z.half().float(), 2 * z.numel()
    low, high = z.min(), z.max()
    step = ((high - low) / 255).clamp(min=torch.finfo(z.dtype).tiny)
    return low + ((z - low) / step).round() * step, z.numel() + 8


def swapped(z: Tensor, first: int, second: int) -> Tensor:
    """The latent with two of its channels, counted from 0, in each other's place. Twice is not at all."""
    order = list(range(z.shape[-3]))
    order[first], order[second] = second, first
    return z[..., order, :, :]


def grafted(z: Tensor, other: Tensor, channel: int) -> Tensor:
    """The latent with one channel, counted from 0, of another."""
    mixed = z.clone()
    mixed[..., channel, :, :] = other[..., channel, :, :]
    return mixed


def scaled(z: Tensor, factors: Sequence[float]) -> Tensor:
    """The latent with each channel times its factor."""
    return z * torch.tensor(factors, dtype=z.dtype)[:, None, None]


def each_scaled(z: Tensor, factors: Sequence[float]) -> Tensor:
    """Each channel alone times each factor: (F, C, C, h, w), of which [f, c] has channel c times factors[f]."""
    C = z.shape[1]
    one_at_a_time = torch.ones(len(factors), C, C, dtype=z.dtype)
    one_at_a_time[:, range(C), range(C)] = torch.tensor(factors, dtype=z.dtype)[:, None]
    return z[None] * one_at_a_time[..., None, None]


def without_each(z: Tensor) -> Tensor:
    """A latent as it is, and with one channel after the other set to zero: (1 + C, C, h, w)."""
    return torch.cat([z, each_scaled(z, [0.0])[0]])


@torch.no_grad()
def zeroing(autoencoder: Autoencoder, x: Tensor) -> Iterator[Tensor]:
    """For each picture of x (N, 3, H, W) the PSNR in dB of what comes back: of its latent as it is, and with one
    channel after the other set to zero, (1 + C,) float64."""
    for one in x.split(1):
        back = autoencoder.decode(without_each(posterior(autoencoder, one).mean)).clamp(-1, 1)
        yield torch.tensor([psnr(one, y[None]) for y in back], dtype=torch.float64)


def blends(a: Tensor, b: Tensor, shares: Sequence[float]) -> Tensor:
    """The straight way from a (share 0) to b (share 1), of two latents or two pictures: (len(shares), …)."""
    return torch.cat([lerp(a, b, share) for share in shares])


def away(z: Tensor, centre: Tensor, distances: Sequence[float]) -> Tensor:
    """From a latent on in the direction that leads away from a centre: z + d (z − centre), (D, C, h, w).

    Distances are in units of ‖z − centre‖.
    """
    return z + torch.tensor(distances, dtype=z.dtype)[:, None, None, None] * (z - centre)


def astray(z: Tensor, centre: Tensor, distances: Sequence[float], generator: torch.Generator) -> Tensor:
    """The same distances from a latent in one direction that is drawn evenly from all that there are."""
    direction = torch.randn(z.shape, generator=generator, dtype=z.dtype)
    direction *= (z - centre).norm() / direction.norm()
    return z + torch.tensor(distances, dtype=z.dtype)[:, None, None, None] * direction


@torch.no_grad()
def confidence(reader: AttributeReader, x: Tensor) -> Tensor:
    """How sure the reader is of pictures (N, 3, H, W): the probability of what it reads, mean of all attributes, (N,).

    That of a critter is close to 1; a network may be sure of what is no critter as well.
    """
    return torch.stack([logits.softmax(1).amax(1) for logits in reader(x).values()]).mean(0)


@torch.no_grad()
def kept(reader: AttributeReader, x: Tensor, reference: Tensor) -> Tensor:
    """Of how many attributes the reader says of pictures (N, …) what it says of one, (1, …), as a share: (N,)."""
    there, here = reader.read(reference), reader.read(x)
    return torch.stack([(here[name] == there[name]).double() for name in here]).mean(0)


def decibels(schedule: Schedule, spread: float) -> Tensor:
    """Signal to noise of data of this standard deviation: 10 log₁₀ (spread² ᾱ / (1 − ᾱ)), (T + 1,), ∞ at t = 0.

    To scale the data by r moves the whole curve by 20 log₁₀ r and does nothing else: Rombach et al. 2022, appendices
    D.1, where Var(z) / σ_t² stands for it, and G.
    """
    return 10 * (spread**2 * schedule.snr).log10()


def overtaken(schedule: Schedule, spread: float) -> int | None:
    """The first time at which noise is stronger than data of this standard deviation; None if it never is."""
    weaker = (decibels(schedule, spread) < 0).nonzero()
    return int(weaker[0]) if len(weaker) else None


@torch.no_grad()
def redrawn(
    model: LatentDiffusion, z: Tensor, spreads: Sequence[float], t: int, noise: Tensor, steps: int
) -> Iterator[Step]:
    """What the sampler makes of a rescaled latent z whose scale it has been told wrong.

    Each row is r z with one r of the spreads, where the network expects r = 1. All get the same noise up to time t,
    and go back to 0 by DDIM without a prompt; what is then divided by r again is in the units of z.
    """
    r = torch.tensor(spreads, dtype=z.dtype)[:, None, None, None]
    x_t = q_sample(model.schedule, r * z, t, noise)
    times = [round(t * (steps - k) / steps) for k in range(steps + 1)]
    words = model.words([""]).expand(len(x_t), -1, -1)
    yield from ddim(model.model.denoise, model.schedule, x_t, steps=times, predicts=model.predicts, cond=words)


def octaves(reach: int, in_each: int) -> list[float]:
    """Factors from 2^−reach to 2^reach, so many to a doubling; 1 is the one in the middle."""
    return [math.pow(2, k / in_each) for k in range(-reach * in_each, reach * in_each + 1)]
