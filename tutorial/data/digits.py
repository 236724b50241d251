"""Real handwriting: the 70,000 digits of MNIST (LeCun, Cortes & Burges; CC BY-SA 3.0), which ship with the tutorial."""

from __future__ import annotations

import gzip
import math
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

FOLDER = Path(__file__).parents[2] / "assets" / "data" / "mnist"
CLASSES, SIDE = 10, 28
FILES = {"training": "train", "test": "t10k"}


class DataError(Exception):
    """A data file is missing or damaged; the message names it and says how to get it back."""


@cache
def digits(part: Literal["training", "test"]) -> tuple[Tensor, Tensor]:
    """Pictures (N, 1, 28, 28) uint8, ink white on black, and labels (N,) int64; N is 60,000 or 10,000.

    Read once and shared: don't write to them. Raises DataError if a file is missing or damaged.
    """
    prefix = FILES[part]
    pictures = read_idx(FOLDER / f"{prefix}-images-idx3-ubyte.gz")
    labels = read_idx(FOLDER / f"{prefix}-labels-idx1-ubyte.gz")
    return torch.from_numpy(pictures)[:, None], torch.from_numpy(labels).long()


def binarised(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Black and white digits: each pixel is 1 with the probability of its grey value, else 0.

    uint8 (…) → float32 (…) in {0, 1}. Drawn anew each time a digit is seen, which is called dynamic binarisation
    (Salakhutdinov & Murray 2008; Burda et al. 2016, section 5); likelihoods are then in nats of 784 bits.
    """
    return torch.bernoulli(pictures.float() / 255, generator=generator)


@cache
def black_and_white() -> Tensor:
    """MNIST's test digits, binarised once with seed 0: (10,000, 1, 28, 28) float32 in {0, 1}.

    Made once and shared: don't write to them. Raises DataError if a file is missing or damaged.
    """
    return binarised(digits("test")[0], torch.Generator().manual_seed(0))


def read_idx(path: Path) -> np.ndarray:
    """An array of bytes from a gzipped idx file: two zeros, 8 for "unsigned byte", the number of dimensions, each
    dimension as a big-endian 32-bit number, then the bytes. Raises DataError for anything else."""
    try:
        content = gzip.decompress(path.read_bytes())
        zero, kind, ndim = content[:2], content[2], content[3]
        shape = tuple(int(size) for size in np.frombuffer(content, ">u4", ndim, offset=4))
        start = 4 + 4 * ndim
        if zero != b"\0\0" or kind != 8 or len(content) != start + math.prod(shape):
            raise ValueError("not an idx file of bytes")
    except (OSError, EOFError, ValueError, IndexError) as error:
        again = (
            f"git checkout -- {path.relative_to(FOLDER.parents[2])}" if path.is_relative_to(FOLDER) else "another copy"
        )
        raise DataError(f"The data file {path.name} is missing or damaged. Get it back: `{again}`") from error
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()
