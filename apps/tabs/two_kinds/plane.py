"""The plane of zeros and ones: its points, the models that are fitted there, and how both are drawn."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import gradio as gr
import numpy as np
import torch
from torch import Tensor

from apps import limits, player
from tutorial.data.principal import zeros_and_ones, zeros_and_ones_components
from tutorial.figures.contours import Lines, contour, resampled
from tutorial.two_kinds.discriminative import RBFSVM, Discriminative, LinearSVM, LogisticRegression, SmallMLP
from tutorial.two_kinds.generative import (
    Generative,
    KernelDensity,
    LinearDiscriminant,
    MixturePerClass,
    NaiveBayes,
    QuadraticDiscriminant,
)
from tutorial.two_kinds.kinds import BAYES, KERNEL, LDA, LINEAR, LOGISTIC, MIXTURE, MLP, QDA, RBF
from tutorial.two_kinds.labelled import accuracy

X: player.Axis = (-3.2, 2.4, "first principal component")
Y: player.Axis = (-2.4, 3.2, "second principal component")
"""Axes of a panel that shows the plane; a unit is as long on both."""
FEWEST, MOST = 20, 2000
"""Digits that models are fitted to."""
MIDDLES = 80
"""Places in a row, and rows, at which a model is asked for its map."""
BLOCK = 500
"""Places that a model is asked about at once: the slowest answers so many in about 0.03 s."""
CORNERS = 200
"""Points of a boundary, evenly along it."""
NOWHERE = (1e3, 1e3)
"""A place outside of the axes, for what a frame does not show."""
DEPTH = 16.0
"""Nats that a map of log p(x) shows below its highest."""
FAR = 4.0
"""A map of log-odds, or of an SVM's decision, is drawn from minus this to this."""


DISCRIMINATIVE: Mapping[str, Callable[[float], Discriminative]] = {
    LOGISTIC: LogisticRegression,
    LINEAR: LinearSVM,
    RBF: RBFSVM,
    MLP: lambda C: SmallMLP(),
}
GENERATIVE: Mapping[str, Callable[[int, float], Generative]] = {
    BAYES: lambda gaussians, bandwidth: NaiveBayes(),
    LDA: lambda gaussians, bandwidth: LinearDiscriminant(),
    QDA: lambda gaussians, bandwidth: QuadraticDiscriminant(),
    MIXTURE: lambda gaussians, bandwidth: MixturePerClass(gaussians),
    KERNEL: lambda gaussians, bandwidth: KernelDensity(bandwidth),
}


def discriminative(name: str, strength: float) -> Discriminative:
    """A model of p(y | x), not yet fitted; `strength` is log₁₀ C."""
    return DISCRIMINATIVE[name](10.0**strength)


def generative(name: str, gaussians: int, bandwidth: float) -> Generative:
    """A model of p(x, y), not yet fitted."""
    return GENERATIVE[name](gaussians, bandwidth)


@dataclass(frozen=True)
class Sample:
    """Points (N, 2), labels (N,) 0 or 1, and of each a key: k for the k-th digit, −1 − k for the k-th added point."""

    x: Tensor
    y: Tensor
    keys: tuple[int, ...]


def digits(n: int, noise: float) -> Sample:
    """The first n zeros and ones of the training set; `noise` is the share of labels that are turned, always the same
    ones. Raises tutorial.data.digits.DataError if a file is missing or damaged."""
    known = zeros_and_ones("training")
    turned = torch.rand(MOST, generator=torch.Generator().manual_seed(0))[:n] < noise
    y = known.labels[:n]
    return Sample(known.points[:n], torch.where(turned, 1 - y, y), tuple(range(n)))


def accuracy_on_test(decide: Callable[[Tensor], Tensor]) -> float:
    """Share of all zeros and ones of the test set that are on the right side."""
    known = zeros_and_ones("test")
    return accuracy(decide(known.points), known.labels)


@cache
def middles(side: int = MIDDLES) -> tuple[np.ndarray, np.ndarray, Tensor]:
    """x (side,) ascending, y (side,) descending, and the middles of side × side fields of the plane, (side², 2) row by
    row from the top."""
    x, y = (low + (high - low) * (np.arange(side) + 0.5) / side for low, high, *_ in (X, Y))
    x, y = x, y[::-1].copy()
    places = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    return x, y, torch.from_numpy(places)


def asked(values_at: Callable[[Tensor], Tensor], at: Tensor) -> Generator[None, None, Tensor]:
    """What a model says of places (N, 2), with a place to pause after each `BLOCK` of them."""
    values = []
    for block in at.split(BLOCK):
        values.append(values_at(block))
        yield None
    return torch.cat(values)


def surveyed(values_at: Callable[[Tensor], Tensor]) -> Generator[None, None, np.ndarray]:
    """As `mapped`, with places to pause: for models that remember many points."""
    values = yield from asked(values_at, middles()[2])
    return field(values)


def mapped(values_at: Callable[[Tensor], Tensor]) -> np.ndarray:
    """What a model says at the middles: (MIDDLES, MIDDLES), the first row on top."""
    return field(values_at(middles()[2]))


def field(values: Tensor) -> np.ndarray:
    """Values at the middles, (MIDDLES²,), as `mapped` has them."""
    return values.reshape(MIDDLES, MIDDLES).numpy()


def boundary(values: np.ndarray, level: float = 0.0) -> list[np.ndarray]:
    """Where a map has this level: polylines (n, 2)."""
    x, y, _ = middles()
    return contour(values, x, y, level)


def lines(frames: Sequence[Lines], colour: str, name: str, *, dashed: bool = False) -> list[player.Layer]:
    """Polylines for each of the frames, as curves; a frame may have more of them than another, or none."""
    layers = []
    for k in range(max((len(frame) for frame in frames), default=0)):
        of = [resampled(frame[k], CORNERS) if k < len(frame) else np.tile(NOWHERE, (CORNERS, 1)) for frame in frames]
        xy = np.stack(of)
        layers.append(player.curve(xy[..., 0], xy[..., 1], colour, name, dashed=dashed, told=False))
    return layers


def dots(x: np.ndarray, y: Tensor, notes: list[str] | None = None, size: float = 2.3) -> list[player.Layer]:
    """The points (T, N, 2) of two classes, with a rim that lifts them off a map."""
    layers = [player.points(x, "paper", size=size + 1.1, alpha=0.9)]
    for k, colour in ((0, "zero"), (1, "one")):
        rows = (y == k).nonzero().flatten().tolist()
        said = None if notes is None else [notes[row] for row in rows]
        layers.append(player.points(x[:, rows], colour, f"labelled {k}", size=size, alpha=1, notes=said))
    return layers


def rings(x: np.ndarray, name: str = "support vectors") -> list[player.Layer]:
    """Rings around points (T, N, 2), to be drawn behind them."""
    rim = player.points(x, "paper", size=6.4, alpha=1)
    return [rim, player.points(x, "exact", name, size=5.2, alpha=1, ring=True)]


def opinion(model: Discriminative, values: np.ndarray) -> player.Layer:
    """The map of a discriminative model's decision: as a probability, if it is one."""
    if model.probabilistic:
        return player.heat(1 / (1 + np.exp(-values[None])), "p(1 | x)", low=0, high=1, map="diverging", smooth=True)
    return player.heat(values[None], "decision", low=-FAR, high=FAR, map="diverging", smooth=True)


def density(values: np.ndarray) -> player.Layer:
    """The map of log p(x), down to `DEPTH` below its highest."""
    high = float(values.max())
    return player.heat(values[None], "log p(x)", low=high - DEPTH, high=high, smooth=True, unit="nats")


@cache
def lens(side: int = 15, follows: int = 0) -> player.Layer:
    """The picture that a place in the plane stands for, under the pointer on panel `follows`."""
    return player.lens(rgb(zeros_and_ones_components().picture(middles(side)[2])), side, follows=follows)


def rgb(pictures: Tensor) -> np.ndarray:
    """Digits (N, 1, H, W) in [0, 1] → (N, H, W, 3) uint8, as they are shown."""
    grey = (255 * pictures[:, 0]).round().to(torch.uint8).numpy()
    return np.repeat(grey[..., None], 3, axis=3)


def place(event: gr.EventData, across: player.Axis = X, up: player.Axis = Y) -> tuple[float, float]:
    """x and y of a click between these axes, checked. Raises gr.Error for anything else."""
    clicked: dict[str, Any] = event._data if isinstance(event._data, dict) else {}
    x, y = (limits.number("The place", clicked.get(name), *axis[:2]) for name, axis in (("x", across), ("y", up)))
    return x, y
