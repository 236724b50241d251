"""How much signal is left at each time: the noise schedule.

Time is an integer t from 0 (clean) to T (noise), and ᾱ_t is the share of the variance that is still signal:
x_t = √ᾱ_t x_0 + √(1 − ᾱ_t) ε.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Schedule:
    """ᾱ at every time: (T + 1,) float64, from exactly 1 at t = 0 strictly down to something positive.

    Raises ValueError for anything else.
    """

    abar: Tensor

    def __post_init__(self) -> None:
        a = self.abar
        if a.ndim != 1 or len(a) < 2 or a.dtype != torch.float64:
            raise ValueError("abar must be a float64 vector of at least two values.")
        if a[0] != 1 or not (a[1:] < a[:-1]).all() or not a[-1] > 0:
            raise ValueError("abar must start at exactly 1 and fall strictly, staying above 0.")

    @staticmethod
    def from_betas(beta: Tensor) -> Schedule:
        """β_1 … β_T, the variance added at each step: ᾱ_t = Π (1 − β_s) (Ho et al. 2020, below eq. 3)."""
        return Schedule(torch.cat([torch.ones(1, dtype=torch.float64), (1 - beta.double()).cumprod(0)]))

    @staticmethod
    def linear(T: int = 1000) -> Schedule:
        """β from 10⁻⁴ to 0.02 in a straight line (Ho et al. 2020, section 4), as rates for T = 1000 steps.

        For another T the rates are multiplied by 1000 / T, so that the end is about as noisy.
        """
        return Schedule.from_betas(_rates(torch.linspace(1e-4, 0.02, T, dtype=torch.float64)))

    @staticmethod
    def scaled_linear(T: int = 1000) -> Schedule:
        """√β in a straight line from √0.00085 to √0.012: Stable Diffusion's (Rombach et al. 2022, code)."""
        return Schedule.from_betas(_rates(torch.linspace(0.00085**0.5, 0.012**0.5, T, dtype=torch.float64) ** 2))

    @staticmethod
    def cosine(T: int = 1000, s: float = 0.008) -> Schedule:
        """ᾱ_t = f(t) / f(0), f(t) = cos²(π/2 · (t/T + s) / (1 + s)), with β at most 0.999.

        Nichol & Dhariwal 2021, equation 17.
        """
        f = torch.cos((torch.arange(T + 1, dtype=torch.float64) / T + s) / (1 + s) * math.pi / 2) ** 2
        return Schedule.from_betas((1 - f[1:] / f[:-1]).clamp(max=0.999))

    @staticmethod
    def shifted_cosine(T: int = 1000) -> Schedule:
        """The cosine schedule for pictures twice as high and wide: a quarter of its SNR at every time.

        The mean of 2 × 2 pixels has a quarter of their noise's variance, so a large picture shows at the same noise
        what a small one hides. Hoogeboom et al. 2023, "simple diffusion", section 3.1.
        """
        abar = Schedule.cosine(T).abar
        return Schedule(abar / (abar + 4 * (1 - abar)))

    @staticmethod
    def sigmoid(T: int = 1000, start: float = -3.0, end: float = 3.0) -> Schedule:
        """ᾱ_t falls along a logistic curve (Jabri et al. 2023; Chen 2023), with β at most 0.999."""
        f = torch.sigmoid(torch.linspace(start, end, T + 1, dtype=torch.float64))
        abar = (f[-1] - f) / (f[-1] - f[0])
        return Schedule.from_betas((1 - abar[1:] / abar[:-1]).clamp(max=0.999))

    @staticmethod
    def named(name: str, T: int) -> Schedule:
        """One of the above by its name, as on the cards of weights. Raises ValueError for another name."""
        if name not in ("linear", "scaled_linear", "cosine", "shifted_cosine", "sigmoid"):
            raise ValueError(f"There is no schedule {name!r}.")
        return getattr(Schedule, name)(T)

    @property
    def T(self) -> int:
        return len(self.abar) - 1

    @property
    def snr(self) -> Tensor:
        """Signal-to-noise ratio ᾱ / (1 − ᾱ) at every time: (T + 1,), infinite at t = 0."""
        return self.abar / (1 - self.abar)

    @property
    def sigma(self) -> Tensor:
        """Noise per unit of signal, √((1 − ᾱ) / ᾱ) = SNR^−½: (T + 1,), 0 at t = 0 (Karras et al. 2022)."""
        return ((1 - self.abar) / self.abar).sqrt()

    def timesteps(self, n: int, sigma_max: float = math.inf) -> list[int]:
        """n + 1 times, evenly spaced from the noisiest whose σ is at most `sigma_max` down to 0.

        This is the "trailing" spacing of Lin et al. 2024 (table 2): the first step does start at t = T.
        Raises ValueError if there are not that many different times.
        """
        top = int((self.sigma <= sigma_max).sum()) - 1
        if not 1 <= n <= top:
            raise ValueError(f"The number of steps must be between 1 and {top}; got {n}.")
        return [round(top * (n - i) / n) for i in range(n + 1)]

    def grid(self, steps: int | Sequence[int], sigma_max: float = math.inf) -> list[int]:
        """`steps` as a list of times: a number is spaced evenly, a list is checked to fall within [0, T]."""
        if isinstance(steps, int):
            return self.timesteps(steps, sigma_max)
        times = list(steps)
        falling = all(t > s for t, s in itertools.pairwise(times))
        if len(times) < 2 or not falling or times[0] > self.T or times[-1] < 0:
            raise ValueError(f"Times must fall strictly, within {self.T} and 0; got {times}.")
        return times


def at(values: Tensor, t: Tensor | int, x: Tensor) -> Tensor:
    """Picks values[t] for each row of a batch, shaped and typed to multiply x: t (B,) or int → (B, 1, …)."""
    picked = values[t if isinstance(t, int) else t.cpu()].to(x)
    return picked.reshape(-1, *[1] * (x.ndim - 1))


def _rates(beta: Tensor) -> Tensor:
    return (beta * (1000 / len(beta))).clamp(max=0.999)
