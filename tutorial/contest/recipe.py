"""The one recipe by which all contenders are trained: what they share, and what each must bring.

A training is given a budget of processor time, not of steps. The learning rate follows the share of it that is spent:
up in a straight line over the first `WARM_UP` of it, then down half a cosine to zero (Loshchilov & Hutter 2017). What
draws in the end is an average of the weights (Polyak & Juditsky 1992). All chance comes from one generator, so that an
interrupted training ends as a whole one does.
"""

from __future__ import annotations

import contextlib
import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from tutorial.contest.contender import Contender
from tutorial.networks.blocks import channels_last

BUDGET = 600.0
"""Seconds of processor time of one core, for each training."""
SEEDS = (0, 1, 2)
WARM_UP = 0.02
EMA = 0.999
"""Decay of the average, after as many updates as it takes for that to make sense."""


def pace(share: float) -> float:
    """What the learning rate is multiplied by, at a share of the budget in [0, 1]."""
    if share < WARM_UP:
        return (share + 1e-3) / (WARM_UP + 1e-3)
    return 0.5 * (1 + math.cos(math.pi * (share - WARM_UP) / (1 - WARM_UP)))


class Training(ABC):
    """One contender in training, on pictures (M, 1, 28, 28) uint8 with labels (M,)."""

    batch: ClassVar[int] = 64
    rate: ClassVar[float]
    """The usual learning rate."""
    bf16: ClassVar[bool] = True
    """Whether networks run in bfloat16 while they train; chosen by which is faster."""

    def __init__(self, seed: int, pictures: Tensor, labels: Tensor, rate: float | None = None) -> None:
        self.pictures, self.labels = pictures, labels
        self.peak = self.rate if rate is None else rate
        self.updates = 0
        self.generator = torch.Generator().manual_seed(seed)
        self.modules: dict[str, nn.Module] = {}
        self.optimizers: dict[str, torch.optim.Optimizer] = {}
        with torch.random.fork_rng(devices=[]):  # networks begin from PyTorch's own dice
            torch.manual_seed(seed)
            self.model = channels_last(self.begin())
        self.modules["model"] = self.model
        self.average = self.modules["average"] = copy.deepcopy(self.model).requires_grad_(False)
        self.equip()

    @abstractmethod
    def begin(self) -> nn.Module:
        """The contender, untrained."""

    def equip(self) -> None:
        """Brings the optimisers, into `self.optimizers`, and whatever else is needed: here AdamW for the contender."""
        self.optimizers["model"] = adam(self.model)

    @abstractmethod
    def update(self, rows: Tensor, share: float) -> dict[str, Tensor]:
        """One update, by the pictures of these rows (B,), at a share of the budget; what to log."""

    def phase(self, share: float) -> float:
        """Where the learning rate is on its way, 0 … 1, at a share of the budget."""
        return share

    def step(self, share: float) -> dict[str, float]:
        """Draws a batch, with replacement, and learns from it."""
        rows = torch.randint(len(self.pictures), (self.batch,), generator=self.generator)
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = self.peak * group.get("scale", 1.0) * pace(self.phase(share))
        found = self.update(rows, share)
        self.updates += 1
        return {name: float(value.detach()) for name, value in found.items()}

    def descend(self, loss: Tensor, name: str, parameters: Iterable[Tensor], clip: float | None = 1.0) -> None:
        """A step of this optimiser, the gradient no longer than `clip`."""
        loss.backward()
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(parameters, clip)
        self.optimizers[name].step()
        self.optimizers[name].zero_grad()

    @torch.no_grad()
    def follow(self) -> None:
        """Moves the average towards the weights as they are."""
        decay = min(EMA, (1 + self.updates) / (10 + self.updates))
        torch._foreach_lerp_(list(self.average.parameters()), list(self.model.parameters()), 1 - decay)
        for mean, now in zip(self.average.buffers(), self.model.buffers(), strict=True):
            mean.copy_(now)

    @contextlib.contextmanager
    def precision(self):
        """bfloat16 where this training has it, and the attention that is fast with it on a CPU."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16), sdpa_kernel(SDPBackend.MATH):
            yield

    def randn(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self.generator)

    def trained(self) -> Contender:
        """The averaged contender, at rest."""
        return cast(Contender, copy.deepcopy(self.average).eval().requires_grad_(False))

    def state_dict(self) -> dict[str, Any]:
        """All that a training goes on from, the state of its dice included."""
        return {
            "updates": self.updates,
            "generator": self.generator.get_state(),
            "modules": {name: one.state_dict() for name, one in self.modules.items()},
            "optimizers": {name: one.state_dict() for name, one in self.optimizers.items()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from what `state_dict` gave."""
        self.updates = state["updates"]
        self.generator.set_state(state["generator"])
        for name, one in self.modules.items():
            one.load_state_dict(state["modules"][name])
        for name, one in self.optimizers.items():
            one.load_state_dict(state["optimizers"][name])


def adam(*networks: nn.Module, betas: tuple[float, float] = (0.9, 0.99), decay: float = 0.01) -> torch.optim.Optimizer:
    """AdamW (Loshchilov & Hutter 2019), without a rate: `Training.step` sets it."""
    parameters = [p for network in networks for p in network.parameters()]
    return torch.optim.AdamW(parameters, lr=1.0, betas=betas, weight_decay=decay, fused=True)
