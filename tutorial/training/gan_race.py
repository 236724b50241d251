"""What the chapter about GANs says of losses, codes and times on points in the plane, measured once, and kept.

    python -m tutorial.training.gan_race              # everything
    python -m tutorial.training.gan_race race         # one of: loss, generators, race, past

Only seconds in which this thread computed are counted, whatever else the machine has to do; still, a busy machine
computes more slowly.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch

from tutorial import measurements
from tutorial.gans import loss_and_distance, overtraining, race
from tutorial.gans.game import Game, Rules, Setup
from tutorial.gans.gauges import Gauges
from tutorial.gans.held import Held
from tutorial.gans.inversion import Generate, folded, generator, nearest
from tutorial.gans.loss_and_distance import READINGS, LossCourse
from tutorial.gans.overtraining import OvertrainingCourse
from tutorial.gans.race import RaceCourse
from tutorial.gans.worlds import MODES, WORLDS
from tutorial.training.cards import last, rounded

NAME, COMMAND = "gan_race", "python -m tutorial.training.gan_race"
WORLD = "eight Gaussians"
"""Of loss and race."""
PAST_WORLD = "two moons"
"""Of over-training: a world on which a small D is soon at its wits' end."""
RACERS = range(10)
PAST_SEEDS, PAST_TURNS = range(10), 12_000
CANDIDATES, TURNS = range(9), 2500
"""Games from which the generators to be inverted are taken."""
SETUP = Setup(generator=(32, 32), discriminator=(32, 32))
FAST = Rules(rate_g=5e-3)
"""A generator that learns five times as fast as usual may drop modes."""
GENERATORS = {
    "of the eight Gaussians": ("eight Gaussians", Rules(), False),
    "of the eight Gaussians, modes dropped": ("eight Gaussians", FAST, True),
    "of the two moons": ("two moons", Rules(), False),
}
"""By name: the world, the rules of the game, and whether it must have dropped modes. Of the candidates that fit, it is
the one with the smallest energy distance."""

T = TypeVar("T")


@dataclass(frozen=True)
class Trained:
    """A generator that is to be inverted."""

    name: str
    world: str
    seed: int
    energy: float
    """Energy distance of its fakes to the data."""
    modes: int | None
    """Modes that its fakes cover, where they can be counted."""
    folded: float
    """Share of noise at which its determinant has the rarer sign."""
    numbers: tuple[float, ...]
    near: tuple[float, ...]
    """How near to each place of a grid over the plane the search comes, row by row from the top."""

    @property
    def generate(self) -> Generate:
        """The generator itself: codes (B, 2) → points (B, 2)."""
        return generator(torch.tensor(self.numbers), SETUP.generator)


def _loss() -> dict[str, Any]:
    held = Held(WORLDS[WORLD], loss_and_distance.SAMPLES)
    courses = [last(loss_and_distance.run(arm, held)) for arm in READINGS]
    return {course.arm: rounded(asdict(course)) for course in courses}


def _race() -> list[dict[str, Any]]:
    track = race.Track(WORLDS[WORLD])
    return [rounded(asdict(last(race.run(runner, track, seed)))) for seed in RACERS for runner in race.RUNNERS]


def _past() -> dict[str, Any]:
    return rounded(asdict(last(overtraining.run(WORLDS[PAST_WORLD], list(PAST_SEEDS), PAST_TURNS))))


def _generators() -> list[dict[str, Any]]:
    return [rounded(asdict(_trained(name, *chosen))) for name, chosen in GENERATORS.items()]


def _trained(name: str, world: str, rules: Rules, dropped: bool) -> Trained:
    game = Game(WORLDS[world], SETUP, list(CANDIDATES), rules)
    for _ in range(TURNS):
        game.turn()
    reading = Gauges(WORLDS[world], MODES.get(world)).read(game)
    all_modes = len(MODES[world].means) if dropped else 0
    fits = [k for k in range(len(game.seeds)) if not dropped or reading.modes[k] < all_modes]
    k = min(fits, key=lambda one: reading.energy[one].item())
    numbers = torch.cat([leaf[k].detach().flatten() for leaf in game.generator.numbers])
    generate, modes = generator(numbers, SETUP.generator), reading.modes[k].item()
    return Trained(
        name,
        world,
        game.seeds[k],
        reading.energy[k].item(),
        int(modes) if modes == modes else None,
        folded(generate),
        tuple(numbers.tolist()),
        tuple(last(nearest(generate)).flatten().tolist()),
    )


PARTS: dict[str, Callable[[], Any]] = {"loss": _loss, "generators": _generators, "race": _race, "past": _past}


def record(parts: list[str], folder: Path = measurements.FOLDER) -> None:
    """Measures these parts anew, all for none; the others stay as they were."""
    torch.set_num_threads(1)
    content = {} if not parts else measurements.load(NAME, folder=folder)
    for part in parts or PARTS:
        content[part] = PARTS[part]()
        measurements.save(NAME, COMMAND, {key: value for key, value in content.items() if key != "command"}, folder)


def losses(folder: Path = measurements.FOLDER) -> list[LossCourse]:
    """Of each arm, how its readings and the distance went. Raises measurements.MeasurementsError if the record is
    missing or damaged, as the others below do."""
    return _read("loss", lambda rows: [LossCourse(**_tensors(row)) for row in rows.values()], folder)


def generators(folder: Path = measurements.FOLDER) -> dict[str, Trained]:
    """The generators to be inverted, by name."""
    return _read("generators", lambda rows: {row["name"]: _whole(**row) for row in rows}, folder)


def races(folder: Path = measurements.FOLDER) -> list[RaceCourse]:
    """The ways of both runners from each of `RACERS`, seed by seed."""
    return _read("race", lambda rows: [_course(**row) for row in rows], folder)


def past(folder: Path = measurements.FOLDER) -> OvertrainingCourse:
    """How the games of `PAST_SEEDS` went, past the moment of random feedback."""
    return _read("past", lambda row: OvertrainingCourse(**_tensors(row)), folder)


def _course(runner: race.Runner, seed: int, looks: list[dict[str, Any]], arrived: bool) -> RaceCourse:
    return RaceCourse(runner, seed, tuple(race.Look(**look) for look in looks), arrived)


def _whole(numbers: list[float], near: list[float], **row: Any) -> Trained:
    return Trained(numbers=tuple(numbers), near=tuple(near), **row)


def _read(part: str, build: Callable[[Any], T], folder: Path) -> T:
    return measurements.read(NAME, lambda found: build(found[part]), (part,), folder)


def _tensors(row: dict[str, Any]) -> dict[str, Any]:
    """Lists of lists as tensors; plain lists stay."""
    return {
        key: torch.tensor(value) if isinstance(value, list) and isinstance(value[0], list) else value
        for key, value in row.items()
    }


if __name__ == "__main__":
    record(sys.argv[1:])
