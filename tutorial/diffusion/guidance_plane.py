"""Guidance where all of it is known: points in the plane with a label, exact and learned.

Eight Gaussians on a ring; the upper four have one label, the lower four the other. Given a label, or none, x_0 is a
mixture of Gaussians, so ε̂ with and without the label has a closed form. Beside it stands a perceptron that sees the
label, or in training now and then "no label" instead: label dropout, as captions are dropped in latent diffusion.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tutorial import weights
from tutorial.data.toy2d import GaussianMixture, ring
from tutorial.diffusion.exact import exact_denoiser, responsibilities
from tutorial.diffusion.guidance import guided
from tutorial.diffusion.point_training import CHUNK, follow
from tutorial.diffusion.points import SCHEDULE
from tutorial.diffusion.process import q_sample
from tutorial.diffusion.samplers import Denoiser, Step, ddim
from tutorial.diffusion.schedule import Schedule
from tutorial.networks.mlp import StackedMLP, waves
from tutorial.networks.unet import sinusoids

LABELS = ("upper", "lower", "none")
UPPER, LOWER, NONE = range(3)
MODES = 8
HIDDEN, LAYERS, WAVES, TIME_WAVES = 128, 3, 8, 32
"""Width and number of hidden layers; frequencies in which coordinates and the time are seen."""
BATCH, RATE = 128, 2e-3
NAME = "points_guidance"
"""Under which the trained pair of networks is shipped."""


def world() -> GaussianMixture:
    """The ring, turned so that four modes are above the horizontal and four below."""
    plain, turn = ring(MODES, 2.0, 0.2), math.pi / MODES
    turned = torch.tensor([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    return replace(plain, means=plain.means @ turned)


def shares(mixture: GaussianMixture) -> Tensor:
    """p(mode | label) for each of `LABELS`: (3, 8)."""
    upper = (mixture.means[:, 1] > 0).to(mixture.weights)
    rows = torch.stack([upper, 1 - upper, torch.ones_like(upper)]) * mixture.weights
    return rows / rows.sum(1, keepdim=True)


def of_label(mixture: GaussianMixture, label: int) -> GaussianMixture:
    """The points that have this label, as a mixture of their own."""
    share = shares(mixture)[label]
    return GaussianMixture(share[share > 0], mixture.means[share > 0], mixture.spread)


def exact(mixture: GaussianMixture, schedule: Schedule = SCHEDULE) -> Denoiser:
    """The perfect ε̂ of x (B, 2) at t (B,), given labels (B,) int64, each an index of `LABELS`."""
    table = shares(mixture)

    def denoise(x: Tensor, t: Tensor, label: Tensor) -> Tensor:
        # One mixture for each row: they differ in their weights only.
        return exact_denoiser(replace(mixture, weights=table[label]), schedule)(x, t, None)

    return denoise


def log_density(mixture: GaussianMixture, schedule: Schedule, x: Tensor, t: int) -> Tensor:
    """log p_t(x) of noisy points (N, 2) without a label: (N,)."""
    abar = schedule.abar[t].to(x)
    variance = abar * mixture.spread**2 + 1 - abar
    squares = (x[:, None] - abar.sqrt() * mixture.means).square().sum(2)  # (N, 8)
    return torch.logsumexp(mixture.weights.log() - squares / (2 * variance), dim=1) - torch.log(2 * math.pi * variance)


def log_label(mixture: GaussianMixture, schedule: Schedule, x: Tensor, t: int, label: int) -> Tensor:
    """log p(label | x_t), by Bayes' rule, (N,): how sure one can be of the label of a noisy point."""
    from_mode = responsibilities(mixture, schedule, x, t)
    has = shares(mixture)[label] > 0
    return from_mode[:, has].sum(1).clamp(min=torch.finfo(x.dtype).tiny).log()


def log_tilted(mixture: GaussianMixture, schedule: Schedule, x: Tensor, t: int, label: int, scale: float) -> Tensor:
    """log p_t(x) + scale · log p(label | x_t), (N,): what the guided score is the gradient of."""
    return log_density(mixture, schedule, x, t) + scale * log_label(mixture, schedule, x, t, label)


@torch.no_grad()
def three(denoise: Denoiser, x: Tensor, t: int, label: int, scale: float) -> Tensor:
    """ε̂ at one point x (1, 2) without the label, with it, and guided: (3, 2)."""
    asked, here, null = torch.tensor([label]), torch.tensor([t]), torch.tensor([NONE])
    rows = [denoise(x, here, null), denoise(x, here, asked), guided(denoise, null, scale)(x, here, asked)]
    return torch.cat(rows)


def walk(denoise: Denoiser, x_T: Tensor, label: int, scale: float, steps: int) -> Iterator[Step]:
    """Points (N, 2) guided to a label, by DDIM."""
    towards = guided(denoise, torch.tensor([NONE]), scale)
    return ddim(towards, SCHEDULE, x_T, steps=steps, cond=torch.full((len(x_T),), label))


class LabelDenoiser(nn.Module):
    """ε̂ of x (S, B, 2) at t (S, B) for labels (S, B), by S networks side by side: (S, B, 2)."""

    def __init__(self, stack: int, generator: torch.Generator | None = None) -> None:
        super().__init__()
        seen = 2 * (1 + 2 * WAVES) + TIME_WAVES + len(LABELS)
        self.mlp = StackedMLP(stack, [seen, *[HIDDEN] * LAYERS, 2], generator)

    @staticmethod
    def features(x: Tensor, t: Tensor, label: Tensor) -> Tensor:
        """What the first layer sees: x (…, 2), t (…), label (…) → (…, features)."""
        time = sinusoids(t.flatten(), TIME_WAVES).unflatten(0, t.shape)
        return torch.cat([waves(x, WAVES), time, F.one_hot(label, len(LABELS)).to(x)], dim=-1)

    def forward(self, x: Tensor, t: Tensor, label: Tensor) -> Tensor:
        return self.mlp(self.features(x, t, label))


class LabelTraining:
    """Networks on their way that differ in one thing, the share of the labels that training drops: each sees the same
    points, noises and times, and begins with the same weights.

    The same seed gives the same run.
    """

    def __init__(self, dropouts: Sequence[float], seed: int = 0) -> None:
        self.mixture, self.dropouts = world(), torch.tensor(dropouts)
        self.generator = torch.Generator().manual_seed(seed)
        self.network = LabelDenoiser(len(dropouts), self.generator)
        for parameter in self.network.parameters():
            parameter.data.copy_(parameter.data[:1].expand_as(parameter))
        self.average = copy.deepcopy(self.network).requires_grad_(False)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=RATE, betas=(0.9, 0.99), fused=True)
        self.step = 0

    def run(self, updates: int) -> Generator[list[float], None, None]:
        """Makes so many updates, and yields after each the loss of every network."""
        for k in range(updates):
            if k % CHUNK == 0:
                seen, wanted = self._lessons(CHUNK)
            self.step += 1
            yield self._update(seen[k % CHUNK], wanted[k % CHUNK])

    def _lessons(self, n: int) -> tuple[Tensor, Tensor]:
        """Features (n, S, B, F) and noises (n, 1, B, 2) of n updates: made together, since the calls are what costs."""
        draw, g = (n * BATCH,), self.generator
        mode = torch.randint(MODES, draw, generator=g)
        x0 = self.mixture.means[mode] + self.mixture.spread * torch.randn(*draw, 2, generator=g)
        t = torch.randint(1, SCHEDULE.T + 1, draw, generator=g)
        eps = torch.randn(*draw, 2, generator=g)
        label = shares(self.mixture)[: len(LABELS) - 1, mode].argmax(0)
        dropped = torch.rand(draw, generator=g) < self.dropouts[:, None]  # (S, n · B)
        stack = dropped.shape
        x = q_sample(SCHEDULE, x0, t, eps).expand(*stack, 2)
        seen = LabelDenoiser.features(x, t.expand(stack), torch.where(dropped, NONE, label))
        return seen.unflatten(1, (n, BATCH)).transpose(0, 1), eps.reshape(n, 1, BATCH, 2)

    def _update(self, seen: Tensor, wanted: Tensor) -> list[float]:
        losses = (self.network.mlp(seen) - wanted).square().mean((1, 2))
        losses.sum().backward()  # each network's gradient is that of its own loss
        self.optimizer.step()
        self.optimizer.zero_grad()
        follow(self.average, self.network, self.step)
        return losses.tolist()


def learned(networks: LabelDenoiser, k: int) -> Denoiser:
    """Network k of the stack as `exact` has it."""
    layers = [(layer.weight[k], layer.bias[k]) for layer in networks.mlp.layers]  # type: ignore[union-attr]
    return partial(_answer, layers)


@torch.no_grad()
def _answer(layers: list[tuple[Tensor, Tensor]], x: Tensor, t: Tensor, label: Tensor) -> Tensor:
    h = LabelDenoiser.features(x, t, label)
    for weight, bias in layers[:-1]:
        h = F.silu(torch.addmm(bias, h, weight))
    return torch.addmm(layers[-1][1], h, layers[-1][0])


def save(training: LabelTraining, card: dict[str, Any], folder: Path = weights.FOLDER) -> None:
    """Ships the averaged networks, with what is to be known of them."""
    shipped = {"dropouts": [round(share, 6) for share in training.dropouts.tolist()], "steps": training.step}
    weights.save_tensors(NAME, training.average.state_dict(), card | shipped, folder)


def load(folder: Path = weights.FOLDER) -> tuple[LabelDenoiser, dict[str, Any]]:
    """The shipped networks and their card. Raises weights.WeightsError if a file is missing or damaged."""
    card, tensors = weights.load_tensors(NAME, folder)
    try:
        networks = LabelDenoiser(len(card["dropouts"]))
        networks.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    except (KeyError, RuntimeError, TypeError) as error:
        raise weights.damaged(NAME, folder) from error
    return networks.eval().requires_grad_(False), card
