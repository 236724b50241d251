"""Plays the game that the GAN chapter's diagram opens with, and keeps how it went and where it ended.

python -m tutorial.training.gan_lab
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tutorial import measurements
from tutorial.gans.game import Checkpoint, Game, Rules, Setup
from tutorial.gans.gauges import Gauges, Reading
from tutorial.gans.view import best
from tutorial.gans.worlds import DENSITIES, MODES, WORLDS

COMMAND = "python -m tutorial.training.gan_lab"
NAME = "gan_lab"
WORLD, SETUP, RULES, SEED = "eight Gaussians", Setup(), Rules(rate_d=0.002, rate_g=0.002), 0
TURNS, EVERY = 6000, 50
GAUGES = [field.name for field in fields(Reading) if field.name != "turns"]


def record(folder: Path = measurements.FOLDER, turns: int = TURNS) -> None:
    """Plays, reads the gauges every so many turns, and saves the readings and the game's last checkpoint."""
    torch.set_num_threads(1)
    game, gauges = Game(WORLDS[WORLD], SETUP, [SEED], RULES), Gauges(WORLDS[WORLD], MODES[WORLD])
    rows = []
    while game.turns < turns:
        game.turn()
        if game.turns % EVERY == 0:
            reading = gauges.read(game)
            numbers = {name: round(float(getattr(reading, name)[0]), 6) for name in GAUGES}
            rows.append({"turns": game.turns} | numbers | {"value": round(best(game, DENSITIES[WORLD]).value, 5)})
    measurements.save(NAME, COMMAND, {"rows": rows, "checkpoint": _packed(game.checkpoint())}, folder)


def recorded(folder: Path = measurements.FOLDER) -> tuple[list[dict[str, float]], Checkpoint]:
    """The gauges from time to time, each of a `Reading` and "value", C(G); and where the game ended.

    Raises measurements.MeasurementsError if the record is missing or damaged.
    """
    return measurements.read(NAME, _game, ("rows", "checkpoint"), folder)


def _game(found: dict[str, Any]) -> tuple[list[dict[str, float]], Checkpoint]:
    rows = [{name: row[name] for name in ("turns", *GAUGES, "value")} for row in found["rows"]]
    return rows, _unpacked(found["checkpoint"], rows[-1]["turns"])


def _packed(checkpoint: Checkpoint) -> dict[str, Any]:
    return {
        "numbers": [_text(numbers) for numbers in checkpoint.numbers],
        "descents": [[steps, _text(mean), _text(square)] for steps, mean, square in checkpoint.descents],
        "places": checkpoint.places,
    }


def _unpacked(found: dict[str, Any], turns: int) -> Checkpoint:
    """Each tensor in the shape that this game's have. Raises ValueError if one has not as many numbers."""
    shapes = Game(WORLDS[WORLD], SETUP, [SEED], RULES).checkpoint()
    numbers = [_numbers(text, like) for text, like in zip(found["numbers"], shapes.numbers, strict=True)]
    descents = [
        (int(steps), _numbers(mean, like[1]), _numbers(square, like[2]))
        for (steps, mean, square), like in zip(found["descents"], shapes.descents, strict=True)
    ]
    places = [(int(block), int(taken)) for block, taken in found["places"]]
    return Checkpoint(turns, tuple(numbers), tuple(descents), tuple(places))


def _text(numbers: Tensor) -> str:
    return measurements.packed(numbers, "<f4")


def _numbers(text: str, like: Tensor) -> Tensor:
    return measurements.unpacked(text, "<f4", like.shape)


if __name__ == "__main__":
    record()
