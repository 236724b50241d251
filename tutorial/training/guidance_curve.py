"""Measures what guidance does to fidelity and diversity, records a strip of critters, and trains the pair in the plane.

    python -m tutorial.training.guidance_curve

Writes assets/measurements/guidance.json and assets/weights/points_guidance. All scales begin at the same noises.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from tutorial import measurements, weights
from tutorial.data.critter_words import EXAMPLES
from tutorial.data.critters import ATTRIBUTES
from tutorial.diffusion import guidance_plane, latent
from tutorial.diffusion.guidance_measured import Judged, measured, of_drawings, topics
from tutorial.diffusion.guidance_study import Interval, drawn, evaluations, everywhere, times
from tutorial.diffusion.latent import LatentDiffusion
from tutorial.training.cards import called, last, rounded

COMMAND = "python -m tutorial.training.guidance_curve"
NAME = "guidance"
DEFAULTS = {"prompts": 48, "each": 8, "updates": 6000}
PROMPT = EXAMPLES[0]
ASKED = {"mood": "smiling", "colour": "yellow", "ears": "long", "cheeks": "red"}
"""What it asks for."""
SCALES = tuple(range(16))
"""Of the strip."""
STRIP_SEED, STRIP_NOISES = 1, 4
CURVE = (0, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 11, 15)
"""Scales at which fidelity and diversity are measured."""
MIDDLE = Interval(900, 500)
"""The limited interval that is measured beside all steps."""
DROPOUTS = (0.1, 0.0)
"""Shares of labels that training drops, of the pair in the plane."""


@dataclass(frozen=True)
class Row:
    """What came out at one scale: of each prompt, and the network's evaluations a picture."""

    interval: Interval
    scale: float
    judged: Judged
    evaluations: int


@dataclass(frozen=True)
class Curve:
    """The rows of both intervals, what drawings of the same prompts come to, and how many pictures each prompt has."""

    rows: tuple[Row, ...]
    drawings: Judged
    each: int

    def of(self, interval: Interval) -> list[Row]:
        """Those of one interval, by their scale."""
        return [row for row in self.rows if row.interval == interval]


def asked_labels() -> Iterator[tuple[str, int, int]]:
    """What the strip's prompt asks for: each value, its column among the reader's labels, and its index there."""
    for name, value in ASKED.items():
        yield f"{name} {value}", list(ATTRIBUTES).index(name), ATTRIBUTES[name].index(value)


def record(
    folder: Path = measurements.FOLDER,
    prompts: int = DEFAULTS["prompts"],
    each: int = DEFAULTS["each"],
    scales: Sequence[float] = CURVE,
    steps: int = latent.STEPS,
    command: str = COMMAND,
) -> None:
    """Measures the curve with the shipped models, draws the strip, and saves both."""
    begun, model, reader = time.monotonic(), latent.load(), weights.load("reader")
    subjects, rows = topics(prompts), []
    for interval, scale in [(everywhere(model), s) for s in scales] + [(MIDDLE, s) for s in scales if s > 1]:
        pieces = measured(model, reader, subjects, each, scale, interval=interval, steps=steps)
        found = last(tqdm(pieces, f"scale {scale:g}, {interval.last} < t ≤ {interval.first}"))
        rows.append(vars(found) | vars(interval) | {"scale": float(scale)})
        rows[-1]["evaluations"] = evaluations(times(model, steps), scale, interval)
    content = {
        "prompts": prompts,
        "each": each,
        "steps": steps,
        "rows": rounded(rows),
        "drawings": rounded(vars(of_drawings(reader, subjects, each))),
        "strip": measurements.packed(_strip(model, steps), "<f2"),
        "strip_shape": list(model.shape),
        "seconds": round(time.monotonic() - begun),
    }
    measurements.save(NAME, command, content, folder)


def _strip(model: LatentDiffusion, steps: int) -> Tensor:
    """Finished latents of the strip's prompt at each scale: (16, noises, …)."""
    seeds, found = range(STRIP_SEED, STRIP_SEED + STRIP_NOISES), []
    for scale in tqdm(SCALES, "strip"):
        *_, step = drawn(model, [PROMPT] * STRIP_NOISES, seeds, scale, steps=steps)
        found.append(step.x_next)
    return torch.stack(found)


def train_pair(updates: int, assets: Path = weights.FOLDER, command: str = COMMAND) -> None:
    """Trains the pair in the plane as the page does, with and without label dropout, and ships it."""
    begun, training = time.monotonic(), guidance_plane.LabelTraining(DROPOUTS)
    for _ in tqdm(training.run(updates), "the pair in the plane", updates):
        pass
    minutes = round((time.monotonic() - begun) / 60, 2)
    guidance_plane.save(training, {"command": command, "wall_time_minutes": minutes}, assets)


def curve(folder: Path = measurements.FOLDER) -> Curve:
    """The recorded curve. Raises measurements.MeasurementsError if the record is missing or damaged."""
    return measurements.read(NAME, _curve, ("rows", "drawings", "each"), folder)


def strip(folder: Path = measurements.FOLDER) -> Tensor:
    """The recorded strip's finished latents: (16, noises, …). Raises measurements.MeasurementsError as above."""
    return measurements.read(NAME, _unpacked_strip, ("strip", "strip_shape"), folder)


def _unpacked_strip(found: dict[str, Any]) -> Tensor:
    shape = (len(SCALES), STRIP_NOISES, *found["strip_shape"])
    return measurements.unpacked(found["strip"], "<f2", shape)


def _curve(found: dict[str, Any]) -> Curve:
    """Raises ValueError if there are not at least two scales with all steps."""
    rows = [
        Row(Interval(row["first"], row["last"]), float(row["scale"]), _judged(row), int(row["evaluations"]))
        for row in found["rows"]
    ]
    whole = Curve(tuple(rows), _judged(found["drawings"]), int(found["each"]))
    if len(whole.of(rows[0].interval)) < 2:
        raise ValueError("a curve needs two points")
    return whole


def _judged(found: dict[str, Any]) -> Judged:
    fidelity, apart = (torch.tensor(found[name], dtype=torch.float64) for name in ("fidelity", "spread"))
    if len(fidelity) < 2 or len(fidelity) != len(apart):
        raise ValueError("each prompt has a fidelity and a spread")
    return Judged(fidelity, apart)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, usual in DEFAULTS.items():
        parser.add_argument(f"--{name}", type=int, default=usual)
    asked = vars(parser.parse_args())
    torch.set_num_threads(1)
    own = called(COMMAND, asked, DEFAULTS)
    train_pair(asked["updates"], command=own)
    record(prompts=asked["prompts"], each=asked["each"], command=own)
