"""The normalising flow: a RealNVP among frequencies, told the class (Dinh et al. 2017).

    log p(x | y) = log N(f(x; y); 0, I) + log |det ∂f/∂x|

f turns the picture into its cosines, which is a rotation, gives each number mean 0 and variance 1, and couples: some of
the numbers and the class decide how others are stretched and moved. First the coarse numbers decide on the fine ones,
then every other coarse number on the rest, in turn. At the end each number has a scale and a shift by class.

Couplings among pixels, folded into channels as a Glow has them (Kingma & Dhariwal 2018), were tried first. In a minute
they were likelier, 930 nats against 1,045, but their digits were speckles that a classifier read in one case of four,
where those of the cosines, after two thirds of a minute, were read in nine of ten.

Grey levels v are spread evenly over their width first, s = (v + u) / 256 with u uniform in [0, 1), so that there is a
density; then log P(v) ≥ E_u log p(s) − 784 log 256 (Theis et al. 2016, section 3.1). The flow sees c = logit(s), in
which black, most of a digit, is not a needle (Dinh et al. 2017, section 4.1; Papamakarios et al. 2017).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tutorial.contest.contender import Answer, Answers, Contender, Work, finished
from tutorial.contest.recipe import Training
from tutorial.contest.search import STEPS, completing
from tutorial.data.digits import CLASSES, SIDE
from tutorial.families.flow import log_normal
from tutorial.networks.digit_vae import perceptron

EDGE = 1e-6
"""How far s is kept away from 0 and 1, where the logit has no end."""
TEMPERATURE = 0.8
"""What codes are multiplied by to draw with (Kingma & Dhariwal 2018, section 5): likelier pictures, less varied."""
STEEPEST = 2.0
"""A coupling stretches by e^±STEEPEST at most."""


@dataclass(frozen=True)
class ContestFlowConfig:
    coarse: int = 144
    """Numbers of lowest frequency, an even number of them; the rest is fine."""
    couplings: int = 8
    """Among the coarse numbers."""
    hidden: int = 128
    """Width of the two hidden layers of the networks that decide there."""
    fine_hidden: int = 320
    """Width of the hidden layer of the one that decides on the fine numbers."""
    classes: int = 16
    """Numbers that stand for a class."""
    side: int = SIDE


def cosines(side: int) -> Tensor:
    """The discrete cosine transform as an orthogonal matrix, the lowest frequency first (Ahmed et al. 1974)."""
    k, n = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    waves = torch.cos(math.pi * (n.double() + 0.5) * k / side) * math.sqrt(2 / side)
    waves[0] /= math.sqrt(2)
    return waves


class Coupling(nn.Module):
    """Numbers `kept` and the class decide on s and t; each number of `moved` becomes exp(s) times itself plus t."""

    def __init__(self, kept: Tensor, moved: Tensor, hidden: Sequence[int], classes: int) -> None:
        super().__init__()
        self.kept: Tensor
        self.moved: Tensor
        self.register_buffer("kept", kept, persistent=False)
        self.register_buffer("moved", moved, persistent=False)
        self.classes = nn.Embedding(CLASSES, classes)
        self.decide = perceptron((len(kept) + classes, *hidden, 2 * len(moved)))
        last = cast(nn.Linear, self.decide[-1])
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def forward(self, x: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
        """x (N, D) → y (N, D) and log |det ∂y/∂x| (N,)."""
        s, t = self._move(x, classes)
        return x.index_copy(1, self.moved, x[:, self.moved] * s.exp() + t), s.sum(1)

    def inverse(self, y: Tensor, classes: Tensor) -> Tensor:
        s, t = self._move(y, classes)
        return y.index_copy(1, self.moved, (y[:, self.moved] - t) * (-s).exp())

    def _move(self, x: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
        told = torch.cat([x[:, self.kept], self.classes(classes)], dim=1)
        s, t = self.decide(told).to(x.dtype).chunk(2, dim=1)
        return STEEPEST * torch.tanh(s / STEEPEST), t


class ContestFlow(Contender):
    label = "flow"
    likelihood = "bound"
    answers: ClassVar[Answers] = {
        "log_likelihood": Answer(
            True, "the density is exact; for grey levels it is a bound, by one draw of what spreads them"
        ),
        "fill_in": Answer(True, f"by search for the code that fits the known part, {STEPS} gradient steps"),
        "invert": Answer(True, "one pass, exactly"),
        "interpolate": Answer(True, "along an arc between two codes"),
    }

    def __init__(self, config: ContestFlowConfig) -> None:
        super().__init__()
        self.config = config
        size, coarse = config.side**2, torch.arange(config.coarse)
        frequency = torch.arange(config.side).square()
        order = (frequency[:, None] + frequency).flatten().argsort(stable=True)
        self.waves: Tensor
        self.order: Tensor
        self.register_buffer("waves", cosines(config.side), persistent=False)
        self.register_buffer("order", order, persistent=False)
        self.log_scale, self.shift = (nn.Parameter(torch.zeros(size)) for _ in range(2))
        fine = Coupling(coarse, torch.arange(config.coarse, size), [config.fine_hidden], config.classes)
        halves = [coarse[::2], coarse[1::2]]
        among = [
            Coupling(halves[k % 2], halves[1 - k % 2], [config.hidden] * 2, config.classes)
            for k in range(config.couplings)
        ]
        self.couplings = nn.ModuleList([fine, *among])
        self.ends = nn.Embedding(CLASSES, 2 * size)
        nn.init.zeros_(self.ends.weight)

    @property
    def evaluations(self) -> int:
        return 1

    def forward(self, c: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
        """Logits c (N, 1, S, S) → z (N, S²) and log |det ∂z/∂c| (N,)."""
        x = (self._turned(c) - self.shift) * self.log_scale.exp()
        total = self.log_scale.sum().expand(len(c))
        for coupling in self.couplings:
            x, logdet = coupling(x, classes)
            total = total + logdet
        s, t = self.ends(classes).chunk(2, dim=1)
        return x * s.exp() + t, total + s.sum(1)

    def inverse(self, z: Tensor, classes: Tensor) -> Tensor:
        """z (N, S²) → c (N, 1, S, S)."""
        s, t = self.ends(classes).chunk(2, dim=1)
        x = (z - t) * (-s).exp()
        for coupling in reversed(self.couplings):
            x = cast(Coupling, coupling).inverse(x, classes)
        x = x * (-self.log_scale).exp() + self.shift
        spectrum = torch.zeros_like(x).index_copy(1, self.order, x).unflatten(1, (1, self.config.side, -1))
        waves = self.waves.to(z)
        return waves.T @ spectrum @ waves

    def _turned(self, c: Tensor) -> Tensor:
        """The picture's cosines, the lowest frequency first: (N, 1, S, S) → (N, S²)."""
        waves = self.waves.to(c)
        return (waves @ c @ waves.T).flatten(1)[:, self.order]

    @torch.no_grad()
    def settle(self, c: Tensor) -> None:
        """Fits the first scales and shifts to these logits: each number has mean 0 and variance 1."""
        x = self._turned(c)
        self.shift.copy_(x.mean(0))
        self.log_scale.copy_(-(x.std(0) + 1e-3).log())

    def density(self, c: Tensor, classes: Tensor) -> Tensor:
        """log p(c | y) in nats: (N,)."""
        z, logdet = self(c, classes)
        return log_normal(z) + logdet

    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        return torch.randn(n, self.config.side**2, generator=generator)

    def drawing(self, classes: Tensor, generator: torch.Generator) -> Work:
        yield from self.decoding(TEMPERATURE * self.noise(len(classes), generator), classes)

    def decoding(self, code: Tensor, classes: Tensor) -> Work:
        yield _picture(self.inverse(code, classes)).clamp(-1, 1)

    def weighing(self, pixels: Tensor, classes: Tensor, generator: torch.Generator) -> Work:
        c = to_logits(spread(pixels, generator))
        yield self.density(c, classes) + log_slope(c) - pixels[0].numel() * math.log(256)

    def inverting(self, x: Tensor, classes: Tensor) -> Work:
        """A grey level is inverted from the middle of its width."""
        yield self(to_logits(((x + 1) * 127.5 + 0.5) / 256), classes)[0]

    def filling(self, known: Tensor, mask: Tensor, classes: Tensor, generator: torch.Generator) -> Work:
        start = TEMPERATURE * self.noise(len(known), generator)
        yield from completing(lambda z: _picture(self.inverse(z, classes)), known, mask, start)


def spread(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Grey levels (N, 1, S, S) uint8, each moved to a place within its width: the same shape, in [0, 1]."""
    return (pixels + torch.rand(pixels.shape, generator=generator)) / 256


def to_logits(s: Tensor) -> Tensor:
    """s in [0, 1] → c = logit(EDGE + (1 − 2 EDGE) s)."""
    return torch.logit(EDGE + (1 - 2 * EDGE) * s)


def log_slope(c: Tensor) -> Tensor:
    """log |det ∂c/∂s| of logits (N, …): (N,)."""
    slope = math.log(1 - 2 * EDGE) - F.logsigmoid(c) - F.logsigmoid(-c)
    return slope.flatten(1).sum(1)


def _picture(c: Tensor) -> Tensor:
    """Logits → pixels, in [−1, 1] and a little more: the middle of a level is the level."""
    s = (torch.sigmoid(c) - EDGE) / (1 - 2 * EDGE)
    return (256 * s - 0.5) / 127.5 - 1


class FlowTraining(Training):
    """Up the likelihood."""

    rate = 1e-3
    bf16 = False

    def begin(self) -> ContestFlow:
        return ContestFlow(ContestFlowConfig())

    def equip(self) -> None:
        """Besides the optimiser: the flow is settled on some digits, so that it begins near to them."""
        super().equip()
        rows = torch.randint(len(self.pictures), (1000,), generator=self.generator)
        cast(ContestFlow, self.model).settle(to_logits(spread(self.pictures[rows], self.generator)))
        self.average.load_state_dict(self.model.state_dict())

    def update(self, rows: Tensor, share: float) -> dict[str, Tensor]:
        """One up the likelihood of digits with noise of their grey levels' width, in nats of a pixel."""
        model, pixels = cast(ContestFlow, self.model), self.pictures[rows]
        with self.precision():
            nats = -finished(model.weighing(pixels, self.labels[rows], self.generator)).mean()
        self.descend(nats / SIDE**2, "model", model.parameters())
        self.follow()
        return {"nats": nats}
