"""What every contender is asked: to draw, and four things more, some of which a family cannot do at all.

Pictures x are (N, 1, 28, 28) in [−1, 1], classes (N,) int64, masks (28, 28) of booleans, True where a pixel is missing.
What may take long is an iterator, to be shown and stopped: after each part of the work it yields the answer so far, or
None where there is nothing to see yet; the last that it yields is the answer. A contender is at rest, in evaluation
mode and without gradients of its weights.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from tutorial.data.digits import CLASSES, SIDE
from tutorial.diffusion.inversion import slerp

Task = Literal["log_likelihood", "fill_in", "invert", "interpolate"]
TASKS: tuple[Task, ...] = ("log_likelihood", "fill_in", "invert", "interpolate")
Work = Iterator[Tensor | None]


class Impossible(Exception):
    """A family cannot do what it was asked; the message says why, in one sentence."""


@dataclass(frozen=True)
class Answer:
    """Whether a family does a task, and how, or why it cannot: one sentence."""

    done: bool
    how: str


Answers = Mapping[Task, Answer]


def finished(work: Iterable[Tensor | None]) -> Tensor:
    """What work comes to: the last that is not None. Raises ValueError if there is none."""
    *_, found = (part for part in work if part is not None)
    return found


class Contender(nn.Module, ABC):
    """A trained model of one family, and what it can do."""

    config: Any
    label: ClassVar[str]
    likelihood: ClassVar[Literal["exact", "bound"] | None] = None
    """What `log_likelihood` is: log p(x | class) itself, or a number that is not above it."""
    answers: ClassVar[Answers]

    @property
    @abstractmethod
    def evaluations(self) -> int:
        """Passes through a network that one picture, or a batch of them, takes to draw."""

    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        """Codes of n pictures to be drawn, (n, …), standard normal. Raises Impossible if it has none."""
        raise Impossible(self.answers["invert"].how)

    def decoding(self, code: Tensor, classes: Tensor) -> Work:
        """The pictures of codes (N, …)."""
        raise Impossible(self.answers["invert"].how)

    def drawing(self, classes: Tensor, generator: torch.Generator) -> Work:
        """A picture of each class, by noise of its own."""
        yield from self.decoding(self.noise(len(classes), generator), classes)

    def weighing(self, pixels: Tensor, classes: Tensor, generator: torch.Generator) -> Work:
        """log p(x | class) of pictures (N, 1, 28, 28) uint8, in nats of 784 pixels of 256 grey levels: (N,)."""
        raise Impossible(self.answers["log_likelihood"].how)

    def filling(self, known: Tensor, mask: Tensor, classes: Tensor, generator: torch.Generator) -> Work:
        """Pictures that are `known` where the mask is False, and drawn where it is True."""
        raise Impossible(self.answers["fill_in"].how)

    def inverting(self, x: Tensor, classes: Tensor) -> Work:
        """Codes (N, …) of which `decoding` makes x, as nearly as the family can."""
        raise Impossible(self.answers["invert"].how)

    def interpolating(self, x0: Tensor, x1: Tensor, classes: Tensor, frames: int) -> Work:
        """The codes of x0 and x1, both of these classes, and what is drawn along the arc between them.

        (frames, N, 1, 28, 28); the first and the last are what comes back of x0 and of x1. Raises ValueError for less
        than two frames.
        """
        if frames < 2:
            raise ValueError(f"From one picture to another takes at least two frames; got {frames}.")
        if not self.answers["interpolate"].done:
            raise Impossible(self.answers["interpolate"].how)
        ends: list[Tensor] = []
        for x in (x0, x1):
            code = torch.empty(0)
            for part in self.inverting(x, classes):
                code = code if part is None else part
                yield None
            ends.append(code)
        done: list[Tensor] = []
        for k in range(frames):
            rows = [slerp(a, b, k / (frames - 1)) for a, b in zip(*ends, strict=True)]
            picture = torch.empty(0)
            for part in self.decoding(torch.stack(rows), classes):
                picture = picture if part is None else part
                yield torch.stack(done) if done else None
            done.append(picture)
            yield torch.stack(done)

    def draw(self, classes: Tensor, generator: torch.Generator) -> Tensor:
        """`drawing` to its end. Raises ValueError for what is no class."""
        if ((classes < 0) | (classes >= CLASSES)).any():
            raise ValueError(f"A class must be between 0 and {CLASSES - 1}; got {classes.tolist()}.")
        return finished(self.drawing(classes, generator))

    def log_likelihood(self, pixels: Tensor, classes: Tensor, generator: torch.Generator) -> Tensor:
        """`weighing` to its end. Raises Impossible if the family knows no likelihood."""
        return finished(self.weighing(pixels, classes, generator))

    def fill_in(self, known: Tensor, mask: Tensor, classes: Tensor, generator: torch.Generator) -> Tensor:
        """`filling` to its end. Raises Impossible, and ValueError for a mask that is not (28, 28) of booleans."""
        if mask.shape != (SIDE, SIDE) or mask.dtype != torch.bool:
            raise ValueError(f"A mask is ({SIDE}, {SIDE}) of booleans; got {tuple(mask.shape)} of {mask.dtype}.")
        return finished(self.filling(known, mask, classes, generator))

    def invert(self, x: Tensor, classes: Tensor) -> Tensor:
        """`inverting` to its end. Raises Impossible if the family has no codes."""
        return finished(self.inverting(x, classes))

    def decode(self, code: Tensor, classes: Tensor) -> Tensor:
        """`decoding` to its end. Raises Impossible if the family has no codes."""
        return finished(self.decoding(code, classes))

    def interpolate(self, x0: Tensor, x1: Tensor, classes: Tensor, frames: int) -> Tensor:
        """`interpolating` to its end. Raises Impossible if it has no codes, ValueError for less than two frames."""
        return finished(self.interpolating(x0, x1, classes, frames))
