"""PacGAN's table 1 beside ours."""

from __future__ import annotations

import gradio as gr
import torch

from apps.quantities import added, plain
from tutorial import measurements
from tutorial.training.pacgan import ARMS, MENDED, MENDING, OURS, PUBLISHED, THEIRS, WORLDS, Row, recorded


def show() -> None:
    """The table, or a sentence that says how to get it back."""
    gr.Markdown("### Beside a published table")
    try:
        rows, record = recorded()
    except measurements.MeasurementsError as error:
        gr.Markdown(str(error))
        return
    gr.Markdown(table(rows), elem_id="published")
    gr.Markdown(
        f"Published: Lin et al. 2018, table 1, ten runs; {THEIRS}; ± as published. Ours: recorded by "
        f"{record['command']}, {record['seeds']} seeds; {OURS}; mean ± standard deviation over the seeds. In the "
        f"{MENDED} the hidden layers are the same, but {MENDING}.\n\n{errors(rows)} "
        f"{' '.join(difference(rows, world) for world in WORLDS)}"
    )


def table(rows: list[Row]) -> str:
    """The rows in Markdown."""
    lines = [
        "| data | model | published: modes, ± as published | ours: modes, ± standard deviation | fewest | "
        "within 3σ, ± standard deviation | turns |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        modes, good = (torch.tensor(x, dtype=torch.float64) for x in (row.modes, row.high_quality))
        lines.append(
            f"| {row.world} | {row.arm} | {PUBLISHED.get((row.world, row.arm), '–')} | "
            f"{plain(modes.mean().item())} ± {modes.std().item():.1f} | {min(row.modes)} | "
            f"{good.mean():.1%} ± {100 * good.std():.1f} | {row.turns:,} |"
        )
    return "\n".join(lines)


def errors(rows: list[Row]) -> str:
    """How well the seeds tell each mean number of modes: its standard error, for who reads the published ± as that."""
    told = []
    for world in WORLDS:
        own = [row for row in rows if row.world == world]
        each = (torch.tensor(row.modes, dtype=torch.float64) for row in own)
        found = (f"{row.arm} {x.std() / len(x) ** 0.5:.2f}" for row, x in zip(own, each, strict=True))
        told.append(f"{world}: {', '.join(found)}")
    return f"Standard errors of our mean modes (standard deviation / √seeds): {'; '.join(told)}."


def difference(rows: list[Row], world: str) -> str:
    """What the seeds say about PacGAN2 against GAN: the difference, and whether it is beyond its own error."""
    gan, packed = (
        torch.tensor(next(row.modes for row in rows if (row.world, row.arm) == (world, arm)), dtype=torch.float64)
        for arm in list(ARMS)[:2]
    )
    apart = (packed.mean() - gan.mean()).item()
    error = (packed.var() / len(packed) + gan.var() / len(gan)).sqrt().item()
    clear = "more than two standard errors" if abs(apart) > 2 * error else "no more than these seeds can tell apart"
    return (
        f"{world.capitalize()}: PacGAN2’s modes minus GAN’s, ± standard error, {added(apart)} ± {error:.2f}, {clear}."
    )
