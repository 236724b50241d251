"""A class-conditional GAN of digits: three runs of it that were recorded, and drawing with what ships.

The runs differ in one thing or two, and each is a film of snapshots: what the generator made of the same noise all the
way, and what was measured of it. `tutorial.training.digit_gan` trains them, `tutorial.training.evaluate_digit_gan`
records them.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from tutorial import measurements, weights
from tutorial.data.digits import CLASSES, SIDE
from tutorial.diffusion.inversion import slerp
from tutorial.diffusion.process import gaussian
from tutorial.gans.losses import Name
from tutorial.networks.digit_gan import DigitGenerator, DigitGeneratorConfig

NAME = "digit_gan"
ARCHITECTURES: dict[str, tuple[type[nn.Module], type]] = {"DigitGenerator": (DigitGenerator, DigitGeneratorConfig)}
RECORDED_BY = "python -m tutorial.training.evaluate_digit_gan"
COLUMNS = 10
"""Noises of a snapshot's sheet; a row is a class."""
SHEET = COLUMNS * SIDE, CLASSES * SIDE
"""Pixels of its width and height."""
LEVELS = 8
"""Of grey, in a recorded sheet."""


@dataclass(frozen=True)
class Setting:
    """What sets one recorded run apart from another."""

    steps: int
    """Rounds, each an update of the discriminator and one of the generator."""
    digits: int = 60_000
    """Training digits, the first of MNIST's."""
    loss: Name = "non-saturating"
    """What both minimise: one of `tutorial.gans.losses`."""
    penalty: float = 0.1
    """γ of the gradient penalty R1; 0 for none."""
    rate: float = 1e-3
    """Adam's, of the discriminator."""
    generator_rate: float = 1e-3
    """Adam's, of the generator."""
    ema: float = 0.998
    """Decay of the generator's average, which is what draws; 0 for the generator as it is."""


SETTINGS = {
    "healthy": Setting(steps=5_000),
    "collapsing": Setting(steps=1_500, rate=1e-4, ema=0.0),
    "over-trained": Setting(steps=2_000, digits=200, penalty=0.0),
}
EVERY = 25
"""Rounds over which losses are averaged, and which snapshots are multiples of."""
SNAPSHOTS = 26
"""Of a run, the networks' beginning not counted."""


def snapshots(steps: int) -> list[int]:
    """Rounds after which a run is photographed, from 0 on: closer together at the start, where more happens."""
    even = [steps * (i / SNAPSHOTS) ** 2 for i in range(1, SNAPSHOTS + 1)]
    return sorted({0, steps, *(EVERY * max(1, round(step / EVERY)) for step in even)})


def load(folder: Path = weights.FOLDER) -> DigitGenerator:
    """The generator that ships. Raises tutorial.weights.WeightsError if its file is missing or damaged."""
    return weights.load(NAME, folder, architectures=ARCHITECTURES)


def noise(generator: DigitGenerator, seeds: Sequence[int]) -> Tensor:
    """z for each seed, (N, Z), whoever else is drawn."""
    dice = [torch.Generator().manual_seed(seed) for seed in seeds]
    return gaussian(torch.empty(len(dice), generator.config.noise), dice)


@torch.no_grad()
def draw(generator: DigitGenerator, classes: Tensor, seed: int = 0) -> Tensor:
    """A digit of each class (N,) int64 in one pass, (N, 1, 28, 28) in [−1, 1]; digit k by the noise of `seed + k`.

    Raises ValueError for what is no class.
    """
    if ((classes < 0) | (classes >= CLASSES)).any():
        raise ValueError(f"A class must be between 0 and {CLASSES - 1}; got {classes.tolist()}.")
    return generator(noise(generator, range(seed, seed + len(classes))), classes)


def same_noise(generator: DigitGenerator, seed: int = 0) -> tuple[Tensor, Tensor]:
    """What the generator is told for a sheet, row by row: each class by the same `COLUMNS` noises, (100, Z), (100,)."""
    z = noise(generator, range(seed, seed + COLUMNS))
    return z.repeat(CLASSES, 1), torch.arange(CLASSES).repeat_interleave(COLUMNS)


def walk(generator: DigitGenerator, first: int, second: int, frames: int) -> Tensor:
    """Noises on the arc from that of one seed to that of another, (frames, Z), frames > 1.

    On an arc, since almost all of a Gaussian's noises are nearly as long as √Z, and those on the straight line between
    two of them are not.
    """
    a, b = noise(generator, [first]), noise(generator, [second])
    return torch.cat([slerp(a, b, k / (frames - 1)) for k in range(frames)])


@dataclass(frozen=True)
class Film:
    """A recorded run: T snapshots."""

    command: str
    """What trains it again."""
    setting: Setting
    numbers: dict[str, list[float | None]]
    """Of each snapshot, by name: `MEASURED`."""
    sheets: np.ndarray = field(repr=False)
    """(T, 280, 280) uint8."""

    @property
    def steps(self) -> list[int]:
        """The round of each snapshot."""
        return [int(step or 0) for step in self.numbers["step"]]

    def best(self) -> int:
        """The snapshot that is nearest to real digits, by Fréchet distance."""
        return int(np.argmin(np.array(self.numbers["frechet"], dtype=float)))


MEASURED = (
    *("step", "inception_score", "frechet", "precision", "recall", "accuracy", "copies"),
    *("d_seen", "d_unseen", "d_fakes", "loss_d", "loss_g"),
)
"""As in `tutorial.metrics.verdict.Verdict`; then the shares of training digits, other digits and fakes of which the
discriminator is right, and both losses, over the `EVERY` rounds before."""


@dataclass(frozen=True)
class Record:
    """The three films, and what real digits would have been measured as."""

    command: str
    samples: int
    """Digits by which each snapshot was measured."""
    ms_a_round: float
    """Of one thread that has a processor for itself."""
    real: dict[str, float]
    films: dict[str, Film]


def recorded(folder: Path = measurements.FOLDER) -> Record:
    """The films. Raises tutorial.measurements.MeasurementsError if they are missing or damaged."""
    return measurements.read(NAME, _record, ("samples", "ms_a_round", "real", "runs"), folder)


def _record(found: dict[str, Any]) -> Record:
    films = {run: _film(found["runs"][run]) for run in SETTINGS}
    return Record(found["command"], found["samples"], float(found["ms_a_round"]), dict(found["real"]), films)


def _film(found: dict[str, Any]) -> Film:
    numbers = {name: list(found[name]) for name in MEASURED}
    sheets = unpacked(found["sheets"])
    if {len(column) for column in numbers.values()} != {len(sheets)}:
        raise ValueError("there are not as many numbers as sheets")
    return Film(found["command"], Setting(**found["setting"]), numbers, sheets)


def packed(sheets: Sequence[Tensor]) -> str:
    """Sheets of 100 digits (100, 1, 28, 28) uint8, at most 58, one below the other, as base64 of one WebP file.

    Lossless but for the number of grey levels: that is smaller, and nearer to the pictures, than WebP's own losses.
    """
    rows = torch.stack(list(sheets)).reshape(-1, CLASSES, COLUMNS, SIDE, SIDE).swapaxes(2, 3)
    step, buffer = 255 / (LEVELS - 1), io.BytesIO()
    whole = ((rows / step).round() * step).round().to(torch.uint8).reshape(-1, SHEET[0])
    Image.fromarray(whole.numpy()).save(buffer, "WEBP", lossless=True, method=4)
    return base64.b64encode(buffer.getvalue()).decode()


def unpacked(text: str) -> np.ndarray:
    """Those sheets as pictures (T, 280, 280) uint8. Raises ValueError or OSError if there are none."""
    with Image.open(io.BytesIO(base64.b64decode(text, validate=True)), formats=["WEBP"]) as picture:
        grey = np.array(picture.convert("L"))
    return grey.reshape(-1, SHEET[1], SHEET[0])
