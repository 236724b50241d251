"""Writes the README's figures of the GANs, from what is on the generator's card and in the recorded games.

    python -m tutorial.training.evaluate_gans

Measures nothing itself: `evaluate_digit_gan`, `gan_collapse` and `pacgan` do.
"""

from __future__ import annotations

from statistics import fmean, stdev

from tutorial import weights
from tutorial.gans.digits import NAME
from tutorial.gans.remedies import NONE
from tutorial.gans.worlds import MODES
from tutorial.training import gan_collapse, pacgan
from tutorial.training.evaluate import Row, at_least, markdown, write_readme
from tutorial.training.pacgan import MENDED, PUBLISHED

GOOD = 0.90
"""Share of samples within three spreads of a mode that a remedy is to have."""
COVERED = {"ring of 8": 7.8, "grid of 25": 24}
"""Modes that it is to cover, on average over the seeds."""


def collapse() -> list[Row]:
    """How often all modes of the ring are covered, without a remedy and with each."""
    found = []
    for row in gan_collapse.rows():
        if row.world == gan_collapse.WORLD:
            n, k = len(row.modes), len(MODES[row.world].means)
            plain = f"hasty generator, {n} seeds: cover all of {k} modes"
            what = plain if row.remedy == NONE else f"the same with {row.remedy}"
            found.append(Row(what, f"{row.all_covered} of {n}"))
    return found


def published() -> list[Row]:
    """PacGAN's table 1 again: modes over the seeds, and the share of good samples of the mended game."""
    rows, record = pacgan.recorded()
    found = []
    for row in rows:
        modes, good = fmean(row.modes), fmean(row.high_quality)
        what = f"{row.world}, {row.arm}, {record['seeds']} seeds: modes, mean"
        if row.arm == MENDED:
            found.append(at_least(what, modes, COVERED[row.world], ".1f"))
            found.append(at_least(f"{row.world}, {row.arm}: samples within 3σ", good, GOOD, ".1%"))
        else:
            spread = stdev(row.modes)
            figure = f"{modes:.1f}; {spread:.1f}; {spread / len(row.modes) ** 0.5:.1f}"
            theirs = f"published as {PUBLISHED[row.world, row.arm]}"
            found.append(Row(f"{what}; standard deviation; standard error ({theirs})", figure))
    return found


def drawn() -> list[Row]:
    """The generator of digits, beside other models and real digits, as many of each."""
    found = weights.read_card(NAME, needs=("measured",))["measured"]
    few = found["compared_by_few"]
    n = few["GAN"]["n"]
    rows = [at_least("GAN of digits: read as asked", found["accuracy"], 0.95, ".1%")]
    for name, one in few.items():
        figure = f"{one['frechet']:.1f}; {one['precision']:.2f}; {one['recall']:.2f}"
        rows.append(Row(f"{name}, {n:,} digits: Fréchet distance; precision; recall", figure))
    return rows


def table() -> str:
    """The README's figures as a Markdown table."""
    return markdown("`make evaluate`", [*drawn(), *collapse(), *published()])


if __name__ == "__main__":
    write_readme("gans", f"\n{table()}\n")
    print(table())
