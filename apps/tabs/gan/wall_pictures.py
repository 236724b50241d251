"""How nine games are shown: their fakes in three rows of three, and under them how many modes they cover."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from apps import player, worlds
from apps.tabs.gan import data
from tutorial.data import toy2d
from tutorial.gans.rates import Frame

SEEDS = 9
FRAMES = 60
"""Frames of a film after its first, which stands before any turn."""
SHOWN = 70
"""Fakes in the picture; the modes are counted on more."""
POINTS = 250
"""Points of the data in the picture."""


@dataclass(frozen=True)
class Film:
    """The frames so far of games that take so many turns, and the seconds that they took to compute, if known."""

    world: str
    seed: int
    turns: int
    frames: Sequence[Frame]
    seconds: float | None

    @property
    def over(self) -> bool:
        return self.frames[-1].turns == self.turns


def progress(film: Film) -> str:
    """How far the games are."""
    last = film.frames[-1]
    return f"{last.turns:,} of {film.turns:,} turns: {_standing(last)}"


def told(film: Film) -> str:
    """What came out, in two sentences."""
    last = film.frames[-1]
    stopped = "" if film.over else " Stopped there."
    speed = ""
    if film.seconds:
        speed = f" {film.seconds:.1f} s of computing: {last.turns / film.seconds:.0f} turns a second for all nine."
    return f"{film.world}, after {last.turns:,} turns: {_standing(last)}.{stopped}{speed}"


def _standing(frame: Frame) -> str:
    if frame.visits is None:
        energy = _energy(frame)
        return f"energy distance {energy.mean():.3f} on average, {energy.min():.3f} to {energy.max():.3f}"
    modes, k = frame.modes.double(), frame.visits.shape[1]
    return (
        f"{int((modes == k).sum())} of {len(modes)} cover all {k} modes, {modes.mean():.1f} ± {modes.std():.1f} on "
        f"average; {frame.high_quality.mean():.0%} of the fakes are within 3σ of one"
    )


def _energy(frame: Frame) -> torch.Tensor:
    """Of the games that are within bounds."""
    assert frame.energy is not None
    return frame.energy[frame.sound]


def row(frame: Frame) -> dict[str, Any]:
    """A frame for programs; None stands for a number out of bounds."""
    if frame.visits is None:
        assert frame.energy is not None
        return {"turns": frame.turns, "energy": [x if np.isfinite(x) else None for x in frame.energy.tolist()]}
    return {"turns": frame.turns, "modes": frame.modes.tolist(), "high_quality": frame.high_quality.tolist()}


def present(film: Film) -> str:
    """The clip of the last frame alone; it keeps the bar under it, so that the page does not jump."""
    return _clip(film, [len(film.frames) - 1], [progress(film).partition(":")[0]] * (FRAMES + 1))


def whole(film: Film) -> str:
    """The clip of all frames so far."""
    return _clip(film, range(len(film.frames)), [f"turn {frame.turns:,}" for frame in film.frames])


def _clip(film: Film, shown: Sequence[int], labels: list[str]) -> str:
    points = data.draw(film.world)(POINTS, torch.Generator().manual_seed(0))[None].numpy()
    frames = [film.frames[k] for k in shown]
    panels = [_panel(film, seed, frames, points) for seed in range(len(frames[0].fakes))]
    marks = list(shown) if len(shown) > 1 else list(shown) * len(labels)
    return player.clip([*panels, strip(film, marks)], frames=len(labels), labels=labels, rate=8)


def _panel(film: Film, k: int, frames: Sequence[Frame], points: np.ndarray) -> player.Panel:
    layers = [player.points(points, "real", "" if k else "data", size=1.5, alpha=0.35)]
    mixture = data.modes(film.world)
    if mixture is not None:
        covered = np.stack([_visits(frame)[k].numpy() > 0 for frame in frames])  # (T, K)
        marks = np.where(covered[..., None], mixture.means.numpy(), worlds.AWAY)
        layers.insert(0, player.points(marks, "field", "" if k else "covered mode", size=7, alpha=0.3))
    fakes = worlds.drawable(torch.stack([frame.fakes[k, :SHOWN] for frame in frames]))
    layers.append(player.points(fakes, "generated", "" if k else "fakes"))
    return player.panel(
        layers,
        title=f"seed {film.seed + k}: {_counted(film.frames[-1], k)}",
        label=f"Data and fakes of seed {film.seed + k}",
        x=worlds.AXIS,
        y=worlds.AXIS,
    )


def _visits(frame: Frame) -> torch.Tensor:
    assert frame.visits is not None
    return frame.visits


def _counted(frame: Frame, k: int) -> str:
    if not frame.sound[k]:
        return "out of bounds"
    away = "" if (frame.fakes[k].abs() < toy2d.REACH).all(dim=1).any() else ", out of sight"
    if frame.visits is None:
        assert frame.energy is not None
        return f"energy distance {frame.energy[k]:.3f}{away}"
    return f"{int(frame.modes[k])} of {frame.visits.shape[1]}{away}"


def strip(film: Film, marks: Sequence[int]) -> player.Panel:
    """How many of the nine cover how many modes at each frame, and their mean; `marks` says for each frame of the clip
    which of the film's is the present one."""
    turns = np.array([frame.turns for frame in film.frames], dtype=float)
    x: player.Axis = (-film.turns / FRAMES / 2, film.turns * (1 + 1 / FRAMES / 2), "turns")
    if film.frames[0].visits is None:
        return _distances(film, turns, marks, x)
    k = film.frames[0].visits.shape[1]
    modes = np.stack([frame.modes.numpy() for frame in film.frames])  # (T, 9)
    seeds = np.full((k + 1, FRAMES + 1), np.nan)
    for column, counts in enumerate(modes):
        found, n = np.unique(counts, return_counts=True)
        seeds[k - found, column] = n
    return player.panel(
        [
            player.heat(seeds[None], "seeds", low=0, high=SEEDS),
            player.curve(turns, modes.mean(1), "generated", "mean of the nine", marker=marks),
        ],
        title="modes covered by the nine",
        label="How many of the nine seeds cover how many modes, in the course of the turns",
        x=x,
        y=(-0.5, k + 0.5, "modes"),
        aspect=0.28,
    )


def _distances(film: Film, turns: np.ndarray, marks: Sequence[int], x: player.Axis) -> player.Panel:
    energy = np.array([[e.mean().item(), e.min().item(), e.max().item()] for e in map(_energy, film.frames)])
    return player.panel(
        [
            player.curve(turns, energy[:, 1], "noise", "best and worst"),
            player.curve(turns, energy[:, 2], "noise", "best and worst"),
            player.curve(turns, energy[:, 0], "generated", "mean of the nine", marker=marks),
        ],
        title="energy distance of the nine to the data",
        x=x,
        y=(*player.decades(energy), "energy distance", "log"),
        aspect=0.28,
    )
