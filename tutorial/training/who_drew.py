"""Draws the digits of the game "real or fake?", by every model of digits that ships, and keeps them.

    python -m tutorial.training.who_drew

Less than a minute on one thread. All are made black and white in the same way, each pixel by a draw with the
probability of its grey value, since that is how the PixelCNN and the VAE know digits. Those two draw whichever digit
they like; so they draw on until the classifier has read enough of each, and what there is too much of is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from tutorial import measurements, weights
from tutorial.data.digits import CLASSES, SIDE, digits
from tutorial.diffusion import pixel
from tutorial.families import digit_vae, pixel_cnn
from tutorial.gans import digits as digit_gan
from tutorial.gans import turing
from tutorial.gans.turing import FAINTEST, Source
from tutorial.networks.digit_classifier import DigitClassifier

OF_EACH = 6
"""Digits of each class that a model draws."""
SEED = 0
BATCH = 150


def sources(of_each: int = OF_EACH) -> list[Source]:
    """Real digits, as many as all others together, and those of each model, so many of each class.

    Raises tutorial.weights.WeightsError or tutorial.data.digits.DataError if a file is missing or damaged.
    """
    models = [by_gan(of_each), by_vae(of_each), by_pixel_cnn(of_each), by_diffusion(of_each)]
    return [real(of_each * len(models)), *models]


def real(of_each: int) -> Source:
    """Test digits, which no model has seen, in random order."""
    pictures, labels = digits("test")
    generator = torch.Generator().manual_seed(SEED)
    order = torch.randperm(len(labels), generator=generator)
    rows = order[balanced(labels[order], of_each)]
    x = black_and_white(pictures[rows].float() / 255, generator)
    return Source("real", "MNIST's test digits", x, labels[rows], real=True)


def by_gan(of_each: int) -> Source:
    """In one pass; digit k from seed k."""
    classes = torch.arange(CLASSES).repeat(of_each)
    x = digit_gan.draw(digit_gan.load(), classes, seed=SEED)
    x = black_and_white((x + 1) / 2, torch.Generator().manual_seed(SEED))
    return Source("GAN", f"`{digit_gan.NAME}`, in one pass", x, classes)


def by_vae(of_each: int) -> Source:
    """The grey of a VAE's pixel is the probability of ink that its decoder gives."""
    model, generator = digit_vae.load(digit_vae.LARGE), torch.Generator().manual_seed(SEED)
    x, y = enough(lambda: black_and_white(digit_vae.sample(model, BATCH, generator), generator), of_each)
    return Source("VAE", f"`{digit_vae.file_name(digit_vae.LARGE, 1.0)}`, codes from the prior", x, y)


def by_pixel_cnn(of_each: int) -> Source:
    """Black and white from the start."""
    model, generator = pixel_cnn.load(), torch.Generator().manual_seed(SEED)
    paper = torch.zeros(BATCH, 1, SIDE, SIDE)

    def draw() -> Tensor:
        *_, last = pixel_cnn.draw(model, paper, generator=generator)
        return last.x

    return Source("PixelCNN", "`pixel_cnn`, pixel by pixel", *enough(draw, of_each))


def by_diffusion(of_each: int) -> Source:
    """Drawn as on the page by default; digit k from seed k."""
    classes = torch.arange(CLASSES).repeat(of_each)
    x = pixel.load().draw(classes.tolist(), seed=SEED)
    x = black_and_white((x + 1) / 2, torch.Generator().manual_seed(SEED))
    made = f"`digit_unet`, {pixel.STEPS} steps of {pixel.SAMPLER.upper()}, guidance {pixel.GUIDANCE:g}"
    return Source("diffusion", made, x, classes)


def enough(draw: Callable[[], Tensor], of_each: int) -> tuple[Tensor, Tensor]:
    """Draws until the classifier has read so many of each class: pictures and classes, those first drawn of each.

    `draw` returns pictures (B, 1, 28, 28) of zeros and ones, others each time.
    """
    classifier: DigitClassifier = weights.load("digit_classifier")
    x, y = torch.empty(0, 1, SIDE, SIDE), torch.empty(0, dtype=torch.int64)
    while y.bincount(minlength=CLASSES).min() < of_each:
        more = draw()
        x, y = torch.cat([x, more]), torch.cat([y, classifier(2 * more - 1).argmax(1)])
    rows = balanced(y, of_each)
    return x[rows], y[rows]


def balanced(classes: Tensor, of_each: int) -> Tensor:
    """The first so many rows of each class, by class: (N,) int64 → (10 · of_each,) int64."""
    return torch.cat([(classes == k).nonzero()[:of_each, 0] for k in range(CLASSES)])


def black_and_white(grey: Tensor, generator: torch.Generator) -> Tensor:
    """Each pixel is 1 with the probability of its grey value in [0, 1], if that can be seen; else 0."""
    return torch.bernoulli(torch.where(grey < FAINTEST, 0.0, grey), generator=generator)


def record(folder: Path = measurements.FOLDER) -> None:
    """Draws, and writes what the page plays with."""
    torch.set_num_threads(1)
    turing.save(sources(), folder=folder)


if __name__ == "__main__":
    record()
