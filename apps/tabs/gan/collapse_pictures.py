"""How a collapsed game is shown, and the table of how often games collapse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from apps import player, worlds
from apps.quantities import plain
from tutorial.gans.rates import Frame
from tutorial.gans.remedies import REMEDIES
from tutorial.gans.worlds import MODES, WORLDS
from tutorial.training.gan_collapse import HOPS_EVERY, HOPS_FRAMES, HOPS_SHOWN, WORLD, Row

POINTS = 250
"""Points of the data in the picture."""
TURNS = HOPS_EVERY * HOPS_FRAMES
TRAIL = 20
"""Frames that the way of the mean goes back."""
AXIS: player.Axis = (-HOPS_EVERY / 2, TURNS + HOPS_EVERY / 2, "turns")


def film(frames: Sequence[Frame], *, whole: bool) -> str:
    """The clip of one game: data, fakes and the way of their mean, and which mode gets how many.

    All frames so far or, if not `whole`, the last alone; that keeps the bar under it, so that the page does not jump.
    """
    shown = frames if whole else frames[-1:]
    marks = list(range(len(frames))) if whole else [len(frames) - 1] * (HOPS_FRAMES + 1)
    labels = [f"turn {frames[k].turns:,}" for k in marks]
    panels = [_plane(frames, shown), _closest(frames), _covered(frames, marks)]
    return player.clip(panels, frames=len(marks), labels=labels, rate=20)


def _plane(frames: Sequence[Frame], shown: Sequence[Frame]) -> player.Panel:
    points = WORLDS[WORLD](POINTS, torch.Generator().manual_seed(0))[None].numpy()
    fakes, means = _fakes(shown), _fakes(frames).mean(1)  # (T or 1, HOPS_SHOWN, 2), (T, 2)
    ends = range(len(frames)) if len(shown) > 1 else [len(frames) - 1]
    trails = np.stack([means[np.arange(end - TRAIL, end + 1).clip(0)] for end in ends])  # (T or 1, TRAIL + 1, 2)
    covered = f"{int(frames[-1].modes[0])} of {len(MODES[WORLD].means)} modes"
    return player.panel(
        [
            player.points(points, "real", "data", size=1.5, alpha=0.4),
            player.mesh([trails], "exact", f"way of their mean, last {TRAIL * HOPS_EVERY} turns", alpha=0.6),
            player.points(fakes, "generated", "fakes"),
        ],
        title=f"after {frames[-1].turns:,} turns: {covered}",
        label="Data, fakes, and the way of the fakes' mean",
        x=worlds.AXIS,
        y=worlds.AXIS,
    )


def _fakes(frames: Sequence[Frame]) -> np.ndarray:
    """(T, HOPS_SHOWN, 2)."""
    return worlds.drawable(torch.stack([frame.fakes[0, :HOPS_SHOWN] for frame in frames]))


def _closest(frames: Sequence[Frame]) -> player.Panel:
    """The share of the fakes that are closer to each mode than to the others, in the course of the turns."""
    means = MODES[WORLD].means
    shares = np.full((len(means), HOPS_FRAMES + 1), np.nan)
    for column, fakes in enumerate(torch.from_numpy(_fakes(frames))):
        closest = torch.cdist(fakes, means).argmin(1)
        shares[::-1, column] = closest.bincount(minlength=len(means)).numpy() / len(closest)
    return player.panel(
        [player.heat(shares[None], "share of the fakes", low=0, high=1)],
        title="which mode they are closest to",
        label="The share of the fakes that are closest to each of the eight modes, in the course of the turns",
        x=AXIS,
        y=(0.5, len(means) + 0.5, "mode, counter-clockwise"),
    )


def _covered(frames: Sequence[Frame], marks: Sequence[int]) -> player.Panel:
    turns = np.array([frame.turns for frame in frames], dtype=float)
    modes = np.array([int(frame.modes[0]) for frame in frames], dtype=float)
    k = len(MODES[WORLD].means)
    return player.panel(
        [
            player.curve(np.array(AXIS[:2]), np.full(2, float(k)), "exact", "all", dashed=True, told=False),
            player.curve(
                np.resize(turns, max(len(turns), 2)),
                np.resize(modes, max(len(turns), 2)),
                "generated",
                "covered",
                marker=marks,
            ),
        ],
        title="how many modes are covered",
        x=AXIS,
        y=(0.0, k + 0.5, "modes"),
    )


def summary(row: Row) -> str:
    """What came out for a row: two numbers and their spread."""
    modes = torch.tensor(row.modes, dtype=torch.float64)
    return f"{row.all_covered} of {len(row.modes)} · {_spread(modes)} · {sum(row.high_quality) / len(row.modes):.0%}"


def _spread(modes: torch.Tensor) -> str:
    return f"{plain(modes.mean().item())} ± {modes.std().item():.1f}"


def table(world: str, rows: Sequence[Row], fresh: Mapping[tuple[str, str], Row]) -> str:
    """A world's rows in Markdown: seeds that cover all modes, modes (mean ± standard deviation), share of high quality;
    and beside them what came out of fresh seeds, as far as a visitor had them played."""
    mine = [row for row in rows if row.world == world]
    k, n = len(MODES[world].means), len(mine[0].modes)
    lines = [
        f"| remedy | all {k} covered | modes | within 3σ | nine fresh seeds, here |",
        "|---|---|---|---|---|",
    ]
    for row in mine:
        modes = torch.tensor(row.modes, dtype=torch.float64)
        beside = fresh.get((world, row.remedy))
        lines.append(
            f"| {row.remedy} | {row.all_covered} of {n} | {_spread(modes)} | "
            f"{sum(row.high_quality) / n:.0%} | {summary(beside) if beside else '–'} |"
        )
    return "\n".join(lines)


def explained() -> str:
    """What each remedy does, in Markdown."""
    return "\n".join(f"- **{name}**: {remedy.about}" for name, remedy in REMEDIES.items())


def histogram(row: Row) -> str:
    """How many seeds of a row cover how many modes, as a clip."""
    k = len(MODES[row.world].means)
    counts = np.bincount(row.modes, minlength=k + 1)
    edges = np.repeat(np.arange(k + 2) - 0.5, 2)
    heights = np.concatenate([[0], np.repeat(counts, 2), [0]]).astype(float)
    return player.clip(
        [
            player.panel(
                [player.curve(edges, heights, "generated", "seeds", told=False)],
                title=f"{row.world}, remedy: {row.remedy}",
                label="How many seeds cover how many modes",
                x=(-0.5, k + 0.5, "modes covered"),
                y=(0.0, float(max(counts.max() * 1.1, 1)), "seeds"),
                aspect=0.4,
            )
        ]
    )
