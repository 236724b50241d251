"""PacGAN's table 1 again, with smaller networks: how many modes a GAN, PacGAN2 and a mended GAN cover.

    python -m tutorial.training.pacgan

Lin et al. 2018, section 4.1: a ring of eight Gaussians, of radius 1 and spread 0.01, and a grid of 25, of spread 0.05;
2,500 samples, counted as in `tutorial.metrics.coverage`; two-dimensional Gaussian noise, batches of 100. What is not as
theirs is said in `THEIRS`, `OURS` and `MENDING`. All seeds of a row are one computation.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from tutorial import measurements
from tutorial.data.toy2d import GaussianMixture, ring
from tutorial.gans.descent import BETAS
from tutorial.gans.game import Game, Rules, Setup, noise
from tutorial.gans.rates import LOOK, SAMPLES, visits
from tutorial.gans.streams import generator_of
from tutorial.gans.wavy import Wavy
from tutorial.gans.worlds import grid
from tutorial.training.cards import called, rounded

COMMAND = "python -m tutorial.training.pacgan"
NAME = "pacgan"
SEEDS = 10
WORLDS: dict[str, GaussianMixture] = {"ring of 8": ring(8, 1.0, 0.01), "grid of 25": grid(5, 4.0, 0.05)}
PUBLISHED: dict[tuple[str, str], str] = {
    ("ring of 8", "GAN"): "6.3 ± 0.5",
    ("ring of 8", "PacGAN2"): "7.9 ± 0.1",
    ("grid of 25", "GAN"): "17.3 ± 0.8",
    ("grid of 25", "PacGAN2"): "23.8",
}
"""Modes covered, of ten runs, as printed in table 1. Whether what follows ± is a standard deviation or a standard error
is not known here."""
THEIRS = (
    "generator of 4 hidden layers of 400 with batch normalisation, discriminator of 3 maxout layers of 200 × 5, Adam "
    "with rate 0.0001 and β₁ = 0.8, 400,000 iterations"
)


SETUP = Setup(generator=(64, 64, 64, 64), discriminator=(128, 128))
RULES = Rules(batch=100)
OURS = (
    f"generator of {len(SETUP.generator)} hidden layers of {SETUP.generator[0]}, discriminator of "
    f"{len(SETUP.discriminator)} of {SETUP.discriminator[0]}, leaky rectifiers, no normalisation, Adam with rates "
    f"{RULES.rate_d:g} of D and {RULES.rate_g:g} of G and β₁ = {BETAS[0]:g}"
)
"""GAN and PacGAN2; the third arm has the same hidden layers and β₁, and for the rest see `MENDING`."""
MENDED = "mended GAN"
ARMS: dict[str, Setup] = {"GAN": SETUP, "PacGAN2": replace(SETUP, pack=2), MENDED: SETUP}
TURNS: dict[tuple[str, str], int] = {
    ("ring of 8", "GAN"): 5000,
    ("ring of 8", "PacGAN2"): 5000,
    ("ring of 8", MENDED): 6000,
    ("grid of 25", "GAN"): 5000,
    ("grid of 25", "PacGAN2"): 5000,
    ("grid of 25", MENDED): 20_000,
}
"""Turns, each with an update of G."""
CRITIC = replace(RULES, loss="Wasserstein", k_d=2, rate_d=3e-3, rate_g=2e-3)
"""The mended game's rules in its first quarter."""
SLOWED = 0.02
"""Share of its rates that is left at the end."""
EASE = 0.003
"""γ of its R1 on the grid, for a slope in units of the waves."""
UNITS: dict[str, float] = {"ring of 8": 0.25, "grid of 25": 1.0}
"""Unit of the waves in which its discriminator sees a world."""
REACH = 0.5
"""The same of its generator's codes."""
MENDING = (
    f"both networks see their inputs as sines and cosines too; D is a Wasserstein critic, with {CRITIC.k_d} updates a "
    f"turn, for the first quarter of the turns, and then learns from the {RULES.loss} loss with R1, with {RULES.k_d}; "
    f"Adam’s rates are {CRITIC.rate_d:g} of D and {CRITIC.rate_g:g} of G, and in the last quarter both fall along half "
    f"a cosine to {SLOWED:.0%} of that; the averaged generator draws"
)


@dataclass(frozen=True)
class Row:
    """What came out for one world and one arm."""

    world: str
    arm: str
    modes: tuple[int, ...]
    """Modes that each seed covers."""
    high_quality: tuple[float, ...]
    """Share of each seed's samples within three spreads of a mode."""
    turns: int


def rules_at(world: str, done: float) -> Rules:
    """The mended game's rules when this share of the turns, 0–1, is done."""
    if done < 0.25:
        return CRITIC
    pace = SLOWED + (1 - SLOWED) * 0.5 * (1 + math.cos(math.pi * max(0.0, 4 * done - 3)))
    rates = {"rate_d": CRITIC.rate_d * pace, "rate_g": CRITIC.rate_g * pace}
    return replace(RULES, r1=EASE * UNITS[world] ** 2, **rates)


def played(world: str, arm: str, seeds: Sequence[int], turns: int) -> Iterator[Row | None]:
    """Plays the games of a row: yields None after each turn but the last, and then the row."""
    draw, setup = WORLDS[world].sample, ARMS[arm]
    mended = arm == MENDED
    game = (
        Wavy(draw, setup, seeds, CRITIC, unit=UNITS[world], reach=REACH) if mended else Game(draw, setup, seeds, RULES)
    )
    for turn in range(turns):
        if mended:
            game.rules = rules_at(world, turn / turns)
        game.turn()
        if turn < turns - 1:
            yield None
    z = torch.stack([noise(SAMPLES, setup, generator_of(seed, LOOK)) for seed in seeds])
    found = visits(WORLDS[world], game.fakes(z, averaged=mended))
    yield Row(world, arm, tuple((found > 0).sum(1).tolist()), tuple(found.sum(1).tolist()), turns)


def record(
    folder: Path = measurements.FOLDER, seeds: int = SEEDS, turns: Mapping[tuple[str, str], int] = TURNS
) -> None:
    """Plays all rows and saves what came out."""
    torch.set_num_threads(1)
    rows = []
    for world in WORLDS:
        for arm in ARMS:
            begun = time.process_time()
            n = turns[world, arm]
            steps = tqdm(played(world, arm, range(seeds), n), f"{world}, {arm}", n, mininterval=10)
            *_, row = steps
            assert row is not None
            rows.append(vars(row) | {"seconds": round(time.process_time() - begun)})
    save(rows, seeds, folder)


def save(rows: Sequence[dict[str, Any]], seeds: int, folder: Path = measurements.FOLDER) -> None:
    """Writes the rows, as `record` makes them, beside the command that makes them again."""
    command = called(COMMAND, {"seeds": seeds}, {"seeds": SEEDS})
    measurements.save(NAME, command, {"seeds": seeds, "rows": rounded(rows)}, folder)


def recorded(folder: Path = measurements.FOLDER) -> tuple[list[Row], dict[str, Any]]:
    """The rows, and the record's command and seeds. Raises measurements.MeasurementsError if it is missing or
    damaged."""
    return measurements.read(NAME, lambda found: (_rows(found), found), ("rows", "seeds"), folder)


def _rows(found: dict[str, Any]) -> list[Row]:
    """Raises ValueError if they are not one for each world and arm, in order."""
    rows = [Row(r["world"], r["arm"], tuple(r["modes"]), tuple(r["high_quality"]), r["turns"]) for r in found["rows"]]
    if [(row.world, row.arm) for row in rows] != [(world, arm) for world in WORLDS for arm in ARMS]:
        raise ValueError("the rows are those of another experiment")
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    record(seeds=parser.parse_args().seeds)
