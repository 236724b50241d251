"""The variational autoencoder: a code drawn from N(0, I), and from the code each pixel's distribution of grey levels.

log p(x | y) ≥ E_q[log p(x | z, y)] − KL(q(z | x, y) ‖ N(0, I))          Kingma & Welling 2014; Sohn et al. 2015
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, cast

import torch
from torch import Tensor, nn

from tutorial.contest import grey
from tutorial.contest.contender import Answer, Answers, Contender, Work
from tutorial.contest.recipe import Training
from tutorial.data.digits import CLASSES, SIDE
from tutorial.data.pixels import to_pixels, to_signed
from tutorial.families.elbo import draw, kl_to_prior, log_ratio

ROUNDS = 30
"""Of `filling`: there and back."""
BETA = 4.0
"""What a nat of KL costs in training (Higgins et al. 2017)."""


@dataclass(frozen=True)
class ContestVAEConfig:
    latent: int = 32
    width: int = 32
    """Channels at 14 × 14 pixels; there are twice as many at 7 × 7."""
    mixture: int = 3
    """Logistics of a pixel."""


class ContestVAE(Contender):
    label = "VAE"
    likelihood = "bound"
    answers: ClassVar[Answers] = {
        "log_likelihood": Answer(True, "a lower bound, by one code drawn from the encoder"),
        "fill_in": Answer(True, f"encoded and decoded {ROUNDS} times, the known half put back each time"),
        "invert": Answer(True, "one pass of the encoder, which keeps most but not all"),
        "interpolate": Answer(True, "along an arc between two codes"),
    }

    def __init__(self, config: ContestVAEConfig) -> None:
        super().__init__()
        self.config = config
        w, self.side = config.width, SIDE // 4
        flat = 2 * w * self.side**2
        self.classes = nn.Embedding(CLASSES, w)
        self.down = nn.Sequential(
            nn.Conv2d(1, w, 4, stride=2, padding=1), nn.SiLU(), nn.Conv2d(w, 2 * w, 4, stride=2, padding=1), nn.SiLU()
        )
        self.code = nn.Linear(flat + w, 2 * config.latent)
        self.first = nn.Linear(config.latent + w, flat)
        self.up = nn.Sequential(
            nn.SiLU(),
            nn.ConvTranspose2d(2 * w, w, 4, stride=2, padding=1),
            nn.SiLU(),
            nn.ConvTranspose2d(w, w, 4, stride=2, padding=1),
            nn.SiLU(),
            nn.Conv2d(w, 3 * config.mixture, 3, padding=1),
        )

    @property
    def evaluations(self) -> int:
        return 1

    def encode(self, x: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of q(z | x, y): each (N, latent)."""
        h = torch.cat([self.down(x).flatten(1), self.classes(classes)], dim=1)
        mean, logvar = self.code(h).float().chunk(2, dim=1)
        return mean, logvar.clamp(-12, 4)

    def likely(self, code: Tensor, classes: Tensor) -> Tensor:
        """Raw parameters of each pixel's grey, see `tutorial.contest.grey`: (N, latent) → (N, 3K, 28, 28)."""
        h = self.first(torch.cat([code, self.classes(classes)], dim=1))
        return self.up(h.unflatten(1, (-1, self.side, self.side)))

    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        return torch.randn(n, self.config.latent, generator=generator)

    def decoding(self, code: Tensor, classes: Tensor) -> Work:
        """The mean grey of each pixel; drawing pixels apart from each other would only add grain."""
        yield grey.mean(self.likely(code, classes))

    def log_weights(self, pixels: Tensor, classes: Tensor, generator: torch.Generator, draws: int) -> Tensor:
        """log p(x, z | y) / q(z | x, y) of codes from q, see `tutorial.families.elbo.log_ratio`: (draws, N)."""
        mean, logvar = self.encode(to_signed(pixels), classes)
        z = draw(mean, logvar, generator, draws)
        said = torch.stack([grey.log_probability(self.likely(one, classes), pixels).flatten(1).sum(1) for one in z])
        return log_ratio(said, z, mean, logvar)

    def weighing(self, pixels: Tensor, classes: Tensor, generator: torch.Generator) -> Work:
        reconstruction, kl = self.bound(pixels, classes, generator)
        yield reconstruction - kl

    def bound(self, pixels: Tensor, classes: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """E_q[log p(x | z, y)] by one draw, and KL(q ‖ N(0, I)), in nats: each (N,)."""
        mean, logvar = self.encode(to_signed(pixels), classes)
        raw = self.likely(draw(mean, logvar, generator)[0], classes)
        return grey.log_probability(raw, pixels).flatten(1).sum(1), kl_to_prior(mean, logvar)

    def filling(self, known: Tensor, mask: Tensor, classes: Tensor, generator: torch.Generator) -> Work:
        """Pseudo-Gibbs sampling (Rezende et al. 2014, appendix F): z from q(z | x), what is missing from p(x | z)."""
        x = torch.where(mask, -1.0, known)
        for _ in range(ROUNDS):
            raw = self.likely(draw(*self.encode(x, classes), generator)[0], classes)
            x = torch.where(mask, to_signed(grey.draw(raw, generator)), known)
            yield torch.where(mask, grey.mean(raw), known)

    def inverting(self, x: Tensor, classes: Tensor) -> Work:
        """The mean of q(z | x, y)."""
        yield self.encode(to_signed(to_pixels(x)), classes)[0]


class VAETraining(Training):
    """Up the bound."""

    rate = 2e-3

    def begin(self) -> ContestVAE:
        return ContestVAE(ContestVAEConfig())

    def update(self, rows: Tensor, share: float) -> dict[str, Tensor]:
        """One up the bound, in which the KL counts `BETA` times."""
        model = cast(ContestVAE, self.model)
        with self.precision():
            reconstruction, kl = model.bound(self.pictures[rows], self.labels[rows], self.generator)
        nats, loss = (kl - reconstruction).mean(), (BETA * kl - reconstruction).mean()
        self.descend(loss / SIDE**2, "model", model.parameters())
        self.follow()
        return {"nats": nats, "kl": kl.mean()}
