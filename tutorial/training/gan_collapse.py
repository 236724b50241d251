"""How often GANs lose modes, and how often under each remedy: 30 seeds a row, and what else the page opens with.

    python -m tutorial.training.gan_collapse

A quarter of an hour on one thread of a busy machine. All games of a row are one computation.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from tutorial import measurements
from tutorial.gans.game import Rules, Setup
from tutorial.gans.gradients import Look, watched
from tutorial.gans.losses import LOSSES
from tutorial.gans.rates import Crowd, Frame
from tutorial.gans.remedies import NONE, REMEDIES
from tutorial.gans.worlds import MODES, WORLDS
from tutorial.training.cards import rounded

COMMAND = "python -m tutorial.training.gan_collapse"
NAME = "gan_collapse"
SEEDS = 30
SETUP = Setup()
RULES = Rules(rate_d=1e-3, rate_g=1e-2)
"""Settings under which games collapse: G learns ten times as fast as D, and leaves for the next mode before D has
learned that this one is lost."""
TURNS = 2000
WALL_SEEDS, WALL_FRAMES, WALL_SHOWN = 9, 60, 70
HOPS_SEED, HOPS_EVERY, HOPS_FRAMES, HOPS_SHOWN = 0, 5, 300, 100
HELD_SEEDS, HELD_STEPS = 5, 1000
WORLD = "eight Gaussians"
FAR = 1e4
"""Farther than that, a coordinate is kept as if it were there: half precision ends soon after."""


@dataclass(frozen=True)
class Row:
    """What came out for one world and one remedy."""

    world: str
    remedy: str
    modes: tuple[int, ...]
    """Modes that each seed covers."""
    high_quality: tuple[float, ...]
    """Share of each seed's fakes within three spreads of a mode."""

    @property
    def all_covered(self) -> int:
        """Seeds that cover all modes."""
        return sum(n == len(MODES[self.world].means) for n in self.modes)


def crowd(world: str, remedy: str, seeds: Sequence[int]) -> Crowd:
    """The games of a row, before the first turn."""
    return Crowd(WORLDS[world], seeds, modes=MODES[world], remedy=remedy, setup=SETUP, rules=RULES)


def rate(world: str, remedy: str, seeds: Sequence[int], turns: int = TURNS) -> Iterator[Row | int]:
    """Plays a row: yields the number of turns after each, and the row in the end."""
    games = crowd(world, remedy, seeds)
    for _ in range(turns):
        games.game.turn()
        yield games.game.turns
    last = games.frame()
    yield Row(world, remedy, tuple(last.modes.tolist()), tuple(last.high_quality.tolist()))


def record(folder: Path = measurements.FOLDER, seeds: int = SEEDS, turns: int = TURNS) -> None:
    """Measures all rows, makes both films, and saves them."""
    torch.set_num_threads(1)
    begun, rows = time.monotonic(), []
    for world in MODES:
        for remedy in REMEDIES:
            steps = tqdm(rate(world, remedy, range(seeds), turns), f"{world}, {remedy}", turns + 1)
            *_, row = steps
            assert isinstance(row, Row)
            rows.append(vars(row))
    content = {
        "seeds": seeds,
        "turns": turns,
        "rows": rounded(rows),
        "wall": _film(crowd(WORLD, NONE, range(WALL_SEEDS)), turns, WALL_FRAMES, WALL_SHOWN),
        "hops": _film(crowd(WORLD, NONE, [HOPS_SEED]), HOPS_EVERY * HOPS_FRAMES, HOPS_FRAMES, HOPS_SHOWN),
        "gradients": _gradients(),
        "seconds": round(time.monotonic() - begun),
    }
    measurements.save(NAME, COMMAND, content, folder)


def _film(games: Crowd, turns: int, frames: int, shown: int) -> dict[str, Any]:
    """The frames of games as they are played, arrays as base64 of their bytes."""
    steps = tqdm(games.play(turns, frames), f"film of {len(games.game.seeds)}", turns + 1)
    film = [frame for frame in steps if frame is not None]
    fakes = torch.stack([frame.fakes[:, :shown] for frame in film])  # (T, S, shown, 2)
    visits = torch.stack([frame.visits for frame in film if frame.visits is not None])  # (T, S, K)
    return {
        "turns": [frame.turns for frame in film],
        "fakes": measurements.packed(fakes.clamp(-FAR, FAR), "<f2"),
        "visits": measurements.packed(visits, "<f2"),
    }


def _gradients() -> list[dict[str, Any]]:
    """What a held generator learns from each loss, with the settings that the page opens with."""
    found = watched(WORLDS[WORLD], SETUP, range(HELD_SEEDS), 0, HELD_STEPS)
    return [rounded(vars(look)) for look in found if look is not None]


def rows(folder: Path = measurements.FOLDER) -> list[Row]:
    """The recorded table. Raises measurements.MeasurementsError if the record is missing or damaged."""
    return measurements.read(NAME, _rows, ("rows",), folder)


def wall(folder: Path = measurements.FOLDER) -> list[Frame]:
    """The recorded film of nine games. Raises measurements.MeasurementsError if it is missing or damaged."""
    return measurements.read(NAME, lambda found: _frames(found["wall"], WALL_SEEDS, WALL_SHOWN), ("wall",), folder)


def hops(folder: Path = measurements.FOLDER) -> list[Frame]:
    """The recorded film of one game, the same way."""
    return measurements.read(NAME, lambda found: _frames(found["hops"], 1, HOPS_SHOWN), ("hops",), folder)


def gradients(folder: Path = measurements.FOLDER) -> list[Look]:
    """What was found with G held. Raises measurements.MeasurementsError if the record is missing or damaged."""
    return measurements.read(NAME, _looks, ("gradients",), folder)


def _rows(found: dict[str, Any]) -> list[Row]:
    """Raises ValueError if they are not one for each world and remedy, in order."""
    table = [Row(r["world"], r["remedy"], tuple(r["modes"]), tuple(r["high_quality"])) for r in found["rows"]]
    if [(row.world, row.remedy) for row in table] != [(world, remedy) for world in MODES for remedy in REMEDIES]:
        raise ValueError("the rows are those of other worlds or remedies")
    return table


def _looks(found: dict[str, Any]) -> list[Look]:
    return [
        Look(one["step"], _by_loss(one["norms"]), _by_loss(one["noise"]), torch.tensor(one["accuracy"]))
        for one in found["gradients"]
    ]


def _by_loss(values: dict[str, list[float]]) -> dict[str, Tensor]:
    return {loss: torch.tensor(values[loss], dtype=torch.float64) for loss in LOSSES}


def _frames(film: dict[str, Any], seeds: int, shown: int) -> list[Frame]:
    fakes = measurements.unpacked(film["fakes"], "<f2", (-1, seeds, shown, 2))
    visits = measurements.unpacked(film["visits"], "<f2", (len(fakes), seeds, -1))
    return [Frame(n, x, v.double(), None) for n, x, v in zip(film["turns"], fakes, visits, strict=True)]


if __name__ == "__main__":
    record()
