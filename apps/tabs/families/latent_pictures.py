"""What the labs on the autoencoder share: the digits that they show, and pictures of many on one wall."""

from __future__ import annotations

from typing import Any

import gradio as gr
import numpy as np
import torch
from torch import Tensor

from apps import limits
from tutorial.data.digits import SIDE, black_and_white, digits
from tutorial.families.digit_vae import BETAS

DIGITS = 1000
"""Digits of the test set that the labs speak of, by their numbers from 0."""


def shown() -> Tensor:
    """Those digits: (DIGITS, 1, 28, 28) of zeros and ones.

    Raises tutorial.data.digits.DataError if a file is missing or damaged.
    """
    return black_and_white()[:DIGITS]


def labels() -> list[int]:
    """What they are. Raises DataError like `shown`."""
    return digits("test")[1][:DIGITS].tolist()


def beta(value: Any) -> float:
    """One of the β that ship. Raises gr.Error for anything else; so do the next two."""
    checked = limits.number("β", value, BETAS[0], BETAS[-1])
    if checked not in BETAS:
        raise limits.refuse(f"β must be one of {', '.join(f'{one:g}' for one in BETAS)}.")
    return checked


def digit(value: Any) -> int:
    """The number of a test digit."""
    return limits.whole("The test digit", value, 0, DIGITS - 1)


def seed(value: Any) -> int:
    """A seed."""
    return limits.whole("The seed", value, 0, 2**31 - 1)


def beta_radio(lab: str, value: float) -> gr.Radio:
    """The control that chooses β."""
    choices = [(f"{one:g}", one) for one in BETAS]
    return gr.Radio(choices, value=value, label="β, the price of a nat of rate", elem_id=f"{lab}-beta", min_width=260)


def grey(x: Tensor) -> np.ndarray:
    """Digits (N, 1, 28, 28) in [0, 1] as pictures (N, 28, 28, 3) uint8."""
    return (255 * x).round().to(torch.uint8).permute(0, 2, 3, 1).expand(-1, -1, -1, 3).numpy()


def wall(x: Tensor, across: int) -> np.ndarray:
    """Digits (N, 1, 28, 28) in [0, 1], `across` in a row, as one picture (1, H, W, 3) uint8."""
    rows = grey(x).reshape(-1, across, SIDE, SIDE, 3)
    return rows.swapaxes(1, 2).reshape(1, -1, across * SIDE, 3)
