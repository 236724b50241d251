"""Plays the game of a GAN on the eight Gaussians, as the page does live, and keeps the film of it.

python -m tutorial.training.point_gan
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
        "fakes": measurements.packed(torch.stack([frame.fakes for frame in frames]), "<f2"),
        "opinions": measurements.packed((255 * torch.stack([frame.opinion for frame in frames])).round(), "u1"),
    }
    measurements.save(NAME, COMMAND, content, folder)


def recorded(folder: Path = measurements.FOLDER) -> list[Frame]:
    """The frames, D to within 1/255. Raises measurements.MeasurementsError if the record is missing or damaged."""
    return measurements.read(NAME, _frames, ("steps", "losses", "energies", "fakes", "opinions"), folder)


def _frames(found: dict[str, Any]) -> list[Frame]:
    fakes = measurements.unpacked(found["fakes"], "<f2", (-1, SAMPLES, 2))
    opinions = measurements.unpacked(found["opinions"], "u1", (-1, SIDE, SIDE)) / 255
    numbers = zip(found["steps"], fakes, opinions, found["losses"], found["energies"], strict=True)
    return [Frame(*numbers_of_one) for numbers_of_one in numbers]


if __name__ == "__main__":
    record()
