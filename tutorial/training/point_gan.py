"""Plays the game of a GAN on the eight Gaussians, as the page does live, and keeps the film of it.

python -m tutorial.training.point_gan
"""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import torch

from tutorial import measurements
from tutorial.data.toy2d import ring
from tutorial.families.gan_game import SAMPLES, SIDE, Frame, data, game

COMMAND = "python -m tutorial.training.point_gan"
NAME = "point_gan"


def record(folder: Path = measurements.FOLDER) -> None:
    """Plays with the settings that the page opens with, and saves the frames: arrays as base64 of their bytes."""
    torch.set_num_threads(1)
    frames = [frame for frame in game(*data(ring().sample, 0)) if frame is not None]
    content = {
        "steps": [frame.step for frame in frames],
        "losses": [round(frame.loss, 5) for frame in frames],
        "energies": [round(frame.energy, 5) for frame in frames],
        "fakes": _packed(np.stack([frame.fakes.numpy() for frame in frames]).astype("<f2")),
        "opinions": _packed(np.round(255 * np.stack([frame.opinion.numpy() for frame in frames])).astype(np.uint8)),
    }
    measurements.save(NAME, COMMAND, content, folder)


def recorded(folder: Path = measurements.FOLDER) -> list[Frame]:
    """The frames, D to within 1/255. Raises measurements.MeasurementsError if the record is missing or damaged."""
    found = measurements.load(NAME, needs=("steps", "losses", "energies", "fakes", "opinions"), folder=folder)
    try:
        fakes = _unpacked(found["fakes"], "<f2", (-1, SAMPLES, 2))
        opinions = _unpacked(found["opinions"], "u1", (-1, SIDE, SIDE)) / 255
        numbers = zip(found["steps"], fakes, opinions, found["losses"], found["energies"], strict=True)
        return [Frame(*numbers_of_one) for numbers_of_one in numbers]
    except (TypeError, ValueError) as error:
        raise measurements.MeasurementsError(
            f"The measurement {NAME}.json is damaged. Make it again: `{COMMAND}`"
        ) from error


def _packed(values: np.ndarray) -> str:
    return base64.b64encode(values.tobytes()).decode()


def _unpacked(text: str, kind: str, shape: tuple[int, ...]) -> torch.Tensor:
    return torch.from_numpy(np.frombuffer(base64.b64decode(text), kind).reshape(shape).astype(np.float32))


if __name__ == "__main__":
    record()
