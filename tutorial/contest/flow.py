"""The normalising flow: a small Glow, told the class (Kingma & Dhariwal 2018; Dinh et al. 2017).

    log p(x | y) = log N(f(x; y); 0, I) + log |det ∂f/∂x|

f folds 2 × 2 pixels into channels, goes through steps at 14 × 14 places, folds again, and goes through steps at 7 × 7.
A step is a scale and a shift of each channel, an invertible mix of the channels, and an affine coupling: one half of the
channels decides how the other is stretched and moved. At the end each number has a scale and a shift by class.

Grey levels v are spread evenly over their width first: c = (v + u) / 128 − 1 with u uniform in [0, 1), so that there is
a density; then log P(v) ≥ E_u log p(c) − 784 log 128 (Theis et al. 2016, section 3.1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tutorial.contest.contender import Answer, Contender, Work
from tutorial.contest.recipe import Training, adam
from tutorial.contest.search import STEPS, completing
from tutorial.data.digits import CLASSES, SIDE
from tutorial.families.flow import log_normal

LEVEL = 128
TEMPERATURE = 0.8
"""What codes are multiplied by to draw with (Kingma & Dhariwal 2018, section 5): likelier pictures, less varied."""
STEEPEST = 2.0
"""A coupling stretches by e^±STEEPEST at most."""


@dataclass(frozen=True)
class ContestFlowConfig:
    fine: int = 4
    """Steps at 14 × 14 places."""
    coarse: int = 8
    """Steps at 7 × 7 places."""
    fine_width: int = 32
    coarse_width: int = 64
    """Channels of the networks that decide."""
    side: int = SIDE


class Mix(nn.Module):
    """A scale and a shift of each channel, and then an invertible matrix over the channels of each place."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.log_scale, self.shift = (nn.Parameter(torch.zeros(1, channels, 1, 1)) for _ in range(2))
        self.matrix = nn.Parameter(torch.linalg.qr(torch.randn(channels, channels))[0].contiguous())

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        places = x.shape[2] * x.shape[3]
        y = (x + self.shift) * self.log_scale.exp()
        logdet = places * (self.log_scale.sum() + torch.linalg.slogdet(self.matrix)[1])
        return torch.einsum("oc,bchw->bohw", self.matrix, y), logdet.expand(len(x))

    def inverse(self, y: Tensor) -> Tensor:
        back = torch.linalg.inv(self.matrix.double()).to(y)
        return torch.einsum("oc,bchw->bohw", back, y) * (-self.log_scale).exp() - self.shift

    @torch.no_grad()
    def settle(self, x: Tensor) -> None:
        """Makes what it says of x (B, C, H, W) have mean 0 and variance 1 (Kingma & Dhariwal 2018, section 3.1)."""
        self.shift.copy_(-x.mean((0, 2, 3), keepdim=True))
        self.log_scale.copy_(-(x.std((0, 2, 3), keepdim=True) + 1e-3).log())


class Decider(nn.Module):
    """Half of the channels (B, C, H, W) and the class → what to do with the other half (B, 2C, H, W).

    Between the convolutions every place hears of all others by a linear layer over places: a digit is one stroke.
    """

    def __init__(self, channels: int, width: int, side: int) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.zeros(1, width, side, side))
        self.classes = nn.Embedding(CLASSES, width)
        self.look = nn.Conv2d(channels, width, 3, padding=1)
        self.everywhere = nn.Linear(side * side, side * side)
        self.think = nn.Conv2d(2 * width, width, 1)
        self.say = nn.Conv2d(width, 2 * channels, 3, padding=1)
        nn.init.zeros_(self.say.weight)
        nn.init.zeros_(cast(Tensor, self.say.bias))

    def forward(self, x: Tensor, classes: Tensor) -> Tensor:
        h = F.silu(self.look(x) + self.place + self.classes(classes)[:, :, None, None])
        heard = self.everywhere(h.flatten(2)).unflatten(2, h.shape[2:])
        return self.say(F.silu(h + self.think(F.silu(torch.cat([h, heard], dim=1)))))


class Coupling(nn.Module):
    """The second half of the channels becomes exp(s) times itself plus t; the first decides on s and t, and stays."""

    def __init__(self, channels: int, width: int, side: int) -> None:
        super().__init__()
        self.decide = Decider(channels // 2, width, side)

    def forward(self, x: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
        kept, moved = x.chunk(2, dim=1)
        s, t = self._move(kept, classes)
        return torch.cat([kept, moved * s.exp() + t], dim=1), s.flatten(1).sum(1)

    def inverse(self, y: Tensor, classes: Tensor) -> Tensor:
        kept, moved = y.chunk(2, dim=1)
        s, t = self._move(kept, classes)
        return torch.cat([kept, (moved - t) * (-s).exp()], dim=1)

    def _move(self, kept: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
        s, t = self.decide(kept, classes).float().chunk(2, dim=1)
        return STEEPEST * torch.tanh(s / STEEPEST), t


class ContestFlow(Contender):
    label = "flow"
    likelihood = "bound"
    answers = {
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
        levels = [(4, config.fine_width, config.side // 2)] * config.fine
        levels += [(16, config.coarse_width, config.side // 4)] * config.coarse
        self.mixes = nn.ModuleList(Mix(channels) for channels, _, _ in levels)
        self.couplings = nn.ModuleList(Coupling(*level) for level in levels)
        size = 16 * (config.side // 4) ** 2
        self.ends = nn.Embedding(CLASSES, 2 * size)
        nn.init.zeros_(self.ends.weight)

    @property
    def evaluations(self) -> int:
        return 1

    def forward(self, c: Tensor, classes: Tensor, settle: bool = False) -> tuple[Tensor, Tensor]:
        """c (N, 1, S, S) → z (N, S²) and log |det ∂z/∂c| (N,). `settle` makes the scales fit this batch first."""
        x, total = F.pixel_unshuffle(c, 2), c.new_zeros(len(c))
        for k, (mix, coupling) in enumerate(zip(self.mixes, self.couplings, strict=True)):
            if k == self.config.fine:
                x = F.pixel_unshuffle(x, 2)
            if settle:
                cast(Mix, mix).settle(x)
            x, logdet = mix(x)
            total = total + logdet
            x, logdet = coupling(x, classes)
            total = total + logdet
        s, t = self.ends(classes).chunk(2, dim=1)
        return x.flatten(1) * s.exp() + t, total + s.sum(1)

    def inverse(self, z: Tensor, classes: Tensor) -> Work:
        """z (N, S²) → c (N, 1, S, S), None after each step."""
        s, t = self.ends(classes).chunk(2, dim=1)
        x = ((z - t) * (-s).exp()).unflatten(1, (16, self.config.side // 4, -1))
        for k in reversed(range(len(self.mixes))):
            x = cast(Coupling, self.couplings[k]).inverse(x, classes)
            x = cast(Mix, self.mixes[k]).inverse(x)
            if k == self.config.fine:
                x = F.pixel_shuffle(x, 2)
            yield None
        yield F.pixel_shuffle(x, 2)

    def density(self, c: Tensor, classes: Tensor) -> Tensor:
        """log p(c | y) in nats: (N,)."""
        z, logdet = self(c, classes)
        return log_normal(z) + logdet

    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        return torch.randn(n, self.config.side**2, generator=generator)

    def drawing(self, classes: Tensor, generator: torch.Generator) -> Work:
        yield from self.decoding(TEMPERATURE * self.noise(len(classes), generator), classes)

    def decoding(self, code: Tensor, classes: Tensor) -> Work:
        for c in self.inverse(code, classes):
            yield None if c is None else _picture(c).clamp(-1, 1)

    def weighing(self, pixels: Tensor, classes: Tensor, generator: torch.Generator) -> Work:
        yield self.density(spread(pixels, generator), classes) - pixels[0].numel() * math.log(LEVEL)

    def inverting(self, x: Tensor, classes: Tensor) -> Work:
        """A grey level is inverted from the middle of its width."""
        yield self(((x + 1) * 127.5 + 0.5) / LEVEL - 1, classes)[0]

    def filling(self, known: Tensor, mask: Tensor, classes: Tensor, generator: torch.Generator) -> Work:
        start = TEMPERATURE * self.noise(len(known), generator)

        def generate(z: Tensor) -> Tensor:
            *_, c = self.inverse(z, classes)
            return _picture(cast(Tensor, c))

        yield from completing(generate, known, mask, start)


def spread(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Grey levels (N, 1, S, S) uint8, each moved to a place within its width: the same shape, in [−1, 1)."""
    return (pixels + torch.rand(pixels.shape, generator=generator)) / LEVEL - 1


def _picture(c: Tensor) -> Tensor:
    return ((c + 1) * LEVEL - 0.5) / 127.5 - 1


class FlowTraining(Training):
    """Up the likelihood."""

    rate = 1e-3
    bf16 = False

    def begin(self) -> ContestFlow:
        return ContestFlow(ContestFlowConfig())

    def equip(self) -> None:
        self.optimizers["model"] = adam(self.model)
        rows = torch.randint(len(self.pictures), (256,), generator=self.generator)
        with torch.no_grad():
            self.model(spread(self.pictures[rows], self.generator), self.labels[rows], settle=True)
        self.average.load_state_dict(self.model.state_dict())

    def update(self, rows: Tensor, share: float) -> dict[str, Tensor]:
        model, pixels = cast(ContestFlow, self.model), self.pictures[rows]
        with self.precision():
            density = model.density(spread(pixels, self.generator), self.labels[rows])
        nats = pixels[0].numel() * math.log(LEVEL) - density.mean()
        self.descend(nats / SIDE**2, "model", model.parameters())
        self.follow()
        return {"nats": nats}
