"""The autoregressive model: each pixel's grey level given all pixels before it, and the class.

The gated PixelCNN of `tutorial.networks.pixel_cnn`, told the class by a shift in every gate and one of every place (van
den Oord et al. 2016b, section 2.3), and with the grey levels of `tutorial.contest.grey` for the coin of each pixel.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tutorial.contest import grey
from tutorial.contest.contender import Answer, Answers, Contender, Work
from tutorial.contest.recipe import Training
from tutorial.data.digits import CLASSES, SIDE
from tutorial.data.pixels import to_pixels, to_signed
from tutorial.networks.pixel_cnn import GatedLayer

CODELESS = "It has no code: a picture is 784 decisions, one after the other, and nothing stands for the whole."


@dataclass(frozen=True)
class ContestPixelCNNConfig:
    channels: int = 32
    layers: int = 5
    reach: int = 3
    """Rows up, and pixels to each side, that one layer sees beyond its own place."""
    mixture: int = 3
    """Logistics of a pixel."""
    side: int = SIDE


class ContestPixelCNN(Contender):
    label = "PixelCNN"
    likelihood = "exact"
    answers: ClassVar[Answers] = {
        "log_likelihood": Answer(True, "exact, in one pass: the sum over all pixels"),
        "fill_in": Answer(
            True,
            "pixel after pixel: exactly, if all that is missing comes after all that is known",
        ),
        "invert": Answer(False, CODELESS),
        "interpolate": Answer(False, CODELESS),
    }

    def __init__(self, config: ContestPixelCNNConfig) -> None:
        super().__init__()
        self.config = config
        c, side = config.channels, config.side
        self.classes = nn.Embedding(CLASSES, 2 * c)
        self.gates = nn.Embedding(CLASSES, config.layers * 2 * c)
        self.above, self.left = nn.Conv2d(2, c, 1), nn.Conv2d(2, c, 1)
        self.v_place = nn.Parameter(torch.zeros(1, c, side, side))
        self.h_place = nn.Parameter(torch.zeros(CLASSES, c, side, side))  # where a class has ink, to begin with
        self.layers = nn.ModuleList(GatedLayer(c, config.reach) for _ in range(config.layers))
        self.hidden = nn.Conv2d(c, 2 * c, 1)
        self.head = nn.Conv2d(2 * c, 3 * config.mixture, 1)

    @property
    def evaluations(self) -> int:
        return self.config.side**2

    def forward(self, pixels: Tensor, classes: Tensor) -> Tensor:
        """Raw parameters of all pixels' greys, each from those before it: (N, 1, S, S) uint8 → (N, 3K, S, S)."""
        x = _marked(to_signed(pixels))
        v, h = self.above(F.pad(x, (0, 0, 1, -1))), self.left(F.pad(x, (1, -1, 0, 0)))
        v_class, h_class = self.shifts(classes)
        v, h = v + self.v_place + v_class, h + self.h_place[classes] + h_class
        reach = self.config.reach
        for layer, gate in zip(self._layers(), self.shifts_of_gates(classes), strict=True):
            v = v + layer.vertical(F.pad(v, (0, 0, reach, 0)))
            h = h + layer.horizontal(F.pad(h, (reach, 0, 0, 0)), layer.link(v) + gate)
        return self.read(h)

    def shifts(self, classes: Tensor) -> tuple[Tensor, Tensor]:
        """What the class adds to the first layer of either stack: (N, C, 1, 1) each."""
        v, h = self.classes(classes)[:, :, None, None].chunk(2, dim=1)
        return v, h

    def shifts_of_gates(self, classes: Tensor) -> tuple[Tensor, ...]:
        """What the class adds inside the horizontal stack's gates: (N, 2C, 1, 1) for each layer."""
        return self.gates(classes)[:, :, None, None].chunk(self.config.layers, dim=1)

    def read(self, h: Tensor) -> Tensor:
        """Raw parameters of what the horizontal stack came to: (N, C, H, W) → (N, 3K, H, W)."""
        return self.head(F.relu(self.hidden(F.relu(h))))

    def weighing(self, pixels: Tensor, classes: Tensor, generator: torch.Generator) -> Work:
        yield grey.log_probability(self(pixels, classes), pixels).flatten(1).sum(1)

    def drawing(self, classes: Tensor, generator: torch.Generator) -> Work:
        side = self.config.side
        blank = torch.zeros(len(classes), 1, side, side, dtype=torch.uint8)
        yield from self._rows(blank, torch.ones(side, side, dtype=torch.bool), classes, generator)

    def filling(self, known: Tensor, mask: Tensor, classes: Tensor, generator: torch.Generator) -> Work:
        """A missing pixel is drawn from what is above it and to its left; what is known below is not looked at."""
        for x in self._rows(to_pixels(known), mask, classes, generator):
            yield torch.where(mask, x, known)

    @torch.no_grad()
    def _rows(self, pixels: Tensor, mask: Tensor, classes: Tensor, generator: torch.Generator) -> Iterator[Tensor]:
        """Draws what the mask wants, and yields the pictures after each row, black where they are not yet drawn.

        Nothing is computed twice: each layer remembers the last rows, or pixels, of its input (Ramachandran et al.
        2017), as in `tutorial.families.pixel_cnn`.
        """
        c, reach, side = self.config.channels, self.config.reach, self.config.side
        pixels = torch.where(mask, torch.zeros_like(pixels), pixels)
        v_class, h_class = self.shifts(classes)
        h_class = h_class + self.h_place[classes]
        gates = self.shifts_of_gates(classes)
        memory = [v_class.new_zeros(len(pixels), c, reach, side) for _ in self.layers]
        row_above = v_class.new_zeros(len(pixels), 2, 1, side)
        for i in range(side):
            v, told = self.above(row_above) + self.v_place[:, :, i : i + 1] + v_class, []
            for k, layer in enumerate(self._layers()):
                rows = torch.cat([memory[k], v], dim=2)
                v, memory[k] = v + layer.vertical(rows), rows[:, :, 1:]
                told.append(layer.link(v) + gates[k])
            self._row(pixels, mask, i, told, h_class, generator)
            row_above = _marked(to_signed(pixels[:, :, i : i + 1]))
            yield to_signed(pixels)

    def _row(
        self, pixels: Tensor, mask: Tensor, i: int, told: list[Tensor], h_class: Tensor, generator: torch.Generator
    ) -> None:
        c, reach, side = self.config.channels, self.config.reach, self.config.side
        memory = [h_class.new_zeros(len(pixels), c, 1, reach) for _ in self.layers]
        before = h_class.new_zeros(len(pixels), 2, 1, 1)
        for j in range(side):
            h = self.left(before) + h_class[:, :, i : i + 1, j : j + 1]
            for k, layer in enumerate(self._layers()):
                near = torch.cat([memory[k], h], dim=3)
                h, memory[k] = h + layer.horizontal(near, told[k][..., j : j + 1]), near[..., 1:]
            if mask[i, j]:
                pixels[:, :, i : i + 1, j : j + 1] = grey.draw(self.read(h), generator)
            before = _marked(to_signed(pixels[:, :, i : i + 1, j : j + 1]))

    def _layers(self) -> Iterator[GatedLayer]:
        for layer in self.layers:
            yield cast(GatedLayer, layer)


def _marked(x: Tensor) -> Tensor:
    """A second channel of ones, so that black differs from what lies beyond the edge: (N, 1, H, W) → (N, 2, H, W)."""
    return torch.cat([x, torch.ones_like(x)], dim=1)


class PixelCNNTraining(Training):
    """Up the likelihood."""

    batch = 16
    rate = 2e-3

    def begin(self) -> ContestPixelCNN:
        return ContestPixelCNN(ContestPixelCNNConfig())

    def update(self, rows: Tensor, share: float) -> dict[str, Tensor]:
        """One up the likelihood, in nats of a pixel."""
        model, pixels = cast(ContestPixelCNN, self.model), self.pictures[rows]
        with self.precision():
            raw = model(pixels, self.labels[rows])
        nats = -grey.log_probability(raw, pixels).flatten(1).sum(1).mean()
        self.descend(nats / SIDE**2, "model", model.parameters())
        self.follow()
        return {"nats": nats}
