"""What the order of the pixels costs: they are learned from all at once, and drawn one after the other."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator

import torch

from tutorial.data.digits import SIDE
from tutorial.families.pixel_cnn import draw, surprise
from tutorial.networks.pixel_cnn import PixelCNN


def drawing(model: PixelCNN, n: int = 1, *, seed: int = 0) -> Iterator[float]:
    """Draws n pictures from nothing, and yields after each row the seconds that it has computed so far."""
    blank = torch.zeros(n, 1, SIDE, SIDE, device=next(model.parameters()).device)
    seconds, begun = 0.0, time.perf_counter()
    for _ in draw(model, blank, generator=torch.Generator().manual_seed(seed)):
        seconds += time.perf_counter() - begun
        yield seconds
        begun = time.perf_counter()


@torch.enable_grad()
def learning(model: PixelCNN, n: int = 1, *, tries: int = 5) -> Iterator[float]:
    """Passes of training, forth and back, over all pixels of n pictures at once: yields the seconds of each."""
    learner = copy.deepcopy(model).requires_grad_()
    x = torch.zeros(n, 1, SIDE, SIDE, device=next(model.parameters()).device)
    for _ in range(tries):
        begun = time.perf_counter()
        surprise(learner(x), x).sum().backward()
        yield time.perf_counter() - begun
