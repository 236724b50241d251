"""Sets of digits that fool a metric, made from real ones, beside what models draw.

Each set is a function of how many digits and of a seed, and yields them in parts of at most `PART`. Of the same seed,
the first digits of a larger set are the smaller one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from tutorial import weights
from tutorial.data.digits import CLASSES, digits
from tutorial.data.pixels import to_signed
from tutorial.gans import digits as gan_digits
from tutorial.gans import drawn_ahead
from tutorial.metrics.digits import others, reference
from tutorial.metrics.verdict import Part, Reference, Verdict
from tutorial.networks.digit_gan import DigitGenerator
from tutorial.networks.digit_vae import DigitVAE

VAE = "digit_vae_32_beta_1"
PART = 200
ONLY = 1
"""The digit of the set that has only one."""
MANY = 100_000
"""Seeds of a GAN's digits from one set to the next: more than any set has."""
NOISE = 0.2
"""Standard deviation of the noise that is added, where black is −1 and white is 1."""
METRICS = {"inception_score": 1, "frechet": -1, "precision": 1, "recall": 1, "accuracy": 1}
"""What a set can fool, and whether higher or lower is better. To have few copies is no praise."""


@dataclass(frozen=True)
class Trick:
    """A way to make a set of digits."""

    name: str
    what: str
    """In a few words: how the set is made, and so what is wrong with it."""
    draw: Callable[[Reference, int, int], Iterator[Part]]
    """From the reference, how many and the seed."""


def unseen(known: Reference, n: int, seed: int) -> Iterator[Part]:
    """Real digits that are not in the reference: what a perfect generator would draw."""
    return _of(_shuffled(others(), seed)[:n])


def many_unseen(n: int | None = None) -> Iterator[Part]:
    """The first n of the 55,000 training digits that are not in the reference, or all."""
    rest = torch.ones(len(digits("training")[1]), dtype=torch.bool)
    rest[reference()] = False
    return _of(rest.nonzero()[:n, 0])


def memorised(known: Reference, n: int, seed: int) -> Iterator[Part]:
    """The digits of the reference themselves."""
    return _of(_shuffled(reference(), seed)[:n])


def one_of_each(known: Reference, n: int, seed: int) -> Iterator[Part]:
    """Of each class the one digit of the reference of which the classifier is surest, again and again."""
    labels = digits("training")[1][reference()]
    sure = known.classifier.head(known.features).softmax(1)
    best = torch.stack([sure[:, k].where(labels == k, -1.0).argmax() for k in range(CLASSES)])
    return _of(reference()[best].repeat(-(-n // CLASSES))[:n])


def one_class(known: Reference, n: int, seed: int) -> Iterator[Part]:
    """Of the unseen digits those of one class alone, which are fewer than 600."""
    rows = _shuffled(others(), seed)
    return _of(rows[digits("training")[1][rows] == ONLY][:n])


def half_noise(known: Reference, n: int, seed: int) -> Iterator[Part]:
    """Every second digit gives way to noise, even from black to white."""
    generator = torch.Generator().manual_seed(seed)
    for x, y in unseen(known, n, seed):
        noise = 2 * torch.rand(PART, *x.shape[1:], generator=generator)[: len(x)] - 1
        second = torch.arange(len(x)) % 2 == 1
        yield torch.where(second[:, None, None, None], noise, x), y


def blurred(known: Reference, n: int, seed: int) -> Iterator[Part]:
    """Each pixel becomes the mean of the 3 × 3 around it."""
    for x, y in unseen(known, n, seed):
        yield F.avg_pool2d(x + 1, 3, stride=1, padding=1) - 1, y  # what is beyond the edge counts as black


def noisy(known: Reference, n: int, seed: int) -> Iterator[Part]:
    """Gaussian noise on every pixel."""
    generator = torch.Generator().manual_seed(seed)
    for x, y in unseen(known, n, seed):
        noise = torch.randn(PART, *x.shape[1:], generator=generator)[: len(x)]
        yield (x + NOISE * noise).clamp(-1, 1), y


REAL = Trick("other real digits", "none of them in the reference: what a perfect generator would draw", unseen)
TRICKS = (
    Trick("memorised", "the digits of the reference themselves", memorised),
    Trick("one of each", "ten digits of the reference, again and again", one_of_each),
    Trick("ones only", "real digits, but nothing else than ones", one_class),
    Trick("half noise", "every second picture is noise", half_noise),
    Trick("blurred", "real digits, each pixel the mean of 3 × 3", blurred),
    Trick("noisy", f"real digits with noise of σ = {NOISE:g}", noisy),
)


def models() -> tuple[Trick, ...]:
    """What models draw that ship. Raises tutorial.weights.WeightsError or tutorial.measurements.MeasurementsError."""
    vae, diffusion, gan = weights.load(VAE), drawn_ahead.load(), gan_digits.load()
    return (
        Trick("VAE", f"{VAE}: grey is the probability of a pixel", lambda known, n, seed: by_vae(vae, n, seed)),
        Trick("diffusion", f"{diffusion.made}: drawn ahead", lambda known, n, seed: diffusion.parts(n, PART)),
        Trick("GAN", f"{gan_digits.NAME}: told the classes in turn", lambda known, n, seed: by_gan(gan, n, seed)),
    )


@torch.no_grad()
def by_vae(model: DigitVAE, n: int, seed: int) -> Iterator[Part]:
    """Codes from the prior, decoded; the probability of a pixel is its grey value. Nobody says which digit it is."""
    generator = torch.Generator().manual_seed(seed)
    for start in range(0, n, PART):
        z = torch.randn(PART, model.config.latent, generator=generator)
        yield (2 * model.decode(z).sigmoid() - 1)[: n - start], None


def by_gan(generator: DigitGenerator, n: int, seed: int) -> Iterator[Part]:
    """Digits of classes 0, 1, … 9 in turn."""
    for start in range(0, n, PART):
        classes = torch.arange(start, min(start + PART, n)) % CLASSES
        yield gan_digits.draw(generator, classes, seed * MANY + start), classes


def worst(verdicts: Sequence[Verdict]) -> dict[str, float]:
    """Of each of the `METRICS` the worst value that one of these sets has, whose digits all have classes."""
    columns = {name: [getattr(one, name) for one in verdicts] for name in METRICS}
    return {name: min(column) if METRICS[name] > 0 else max(column) for name, column in columns.items()}


def fooled(found: Verdict, limits: dict[str, float]) -> set[str]:
    """The metrics by which a set is no worse than the `worst` of real ones as large: names out of `METRICS`."""
    values = {name: getattr(found, name) for name in METRICS}
    return {
        name
        for name, value in values.items()
        if value is not None and METRICS[name] * value >= METRICS[name] * limits[name]
    }


def _of(rows: Tensor) -> Iterator[Part]:
    pictures, labels = digits("training")
    for some in rows.split(PART):
        yield to_signed(pictures[some]), labels[some]


def _shuffled(rows: Tensor, seed: int) -> Tensor:
    return rows[torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))]
