"""The verdict of the closing chapter, worked out from the records, so that a new record changes what is said.

Each finding is what was measured here, beside what is usually told. Two numbers are called apart if no seed of the one
comes between those of the other; with three seeds that is all that can be asked.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tutorial.training.contest_recorded import COLUMNS, NEAR_BEST, Board, Family, Patch, Rates, apart, enough

GAN, PIXEL, LATENT = "gan", "pixel_diffusion", "latent_diffusion"
Word = Literal["as usually told", "not as usually told", "the seeds cannot tell", ""]


@dataclass(frozen=True)
class Finding:
    """A sentence or two of the verdict, and the lab of the closing chapter that measured it."""

    about: str
    usual: str
    """What is usually told."""
    found: str
    word: Word
    lab: str


def findings(board: Board, rates: Rates, patch: Patch) -> list[Finding]:
    """The whole verdict, in the order of the chapter."""
    return [
        quality(board),
        coverage(board),
        speed(board),
        few_steps(board),
        likelihood(board),
        tasks(board),
        stability(rates),
        discriminator(patch),
        after_all(board),
    ]


def said(family: Family, column: str) -> str:
    """A family's number with its spread over seeds: "GAN 12.3 ± 0.4"."""
    mean, text = family.mean(column), COLUMNS[column].text
    return f"{family.label} –" if mean is None else f"{family.label} {text(mean)} ± {text(family.spread(column))}"


def _distance(value: float) -> str:
    return COLUMNS["frechet"].text(value)


def _word(sign: int, usual: int) -> Word:
    return "the seeds cannot tell" if sign == 0 else "as usually told" if sign == usual else "not as usually told"


def quality(board: Board) -> Finding:
    """Who comes nearest to real digits."""
    ranked = board.ranked("frechet")
    first, second, *_ = ranked
    firm = all(apart(first.values("frechet"), other.values("frechet")) < 0 for other in ranked[1:])
    near = f"but no farther ahead of the {second.label} than seeds differ"
    lead = "ahead of all others from every seed" if firm else near
    order = ", ".join(said(family, "frechet") for family in ranked)
    sign = apart(board.families[PIXEL].values("frechet"), board.families[GAN].values("frechet"))
    return Finding(
        "quality",
        "diffusion draws better than GANs",
        f"With {board.budget:g} s of one core to train in, the {first.label} comes nearest to real digits, {lead}. "
        f"Fréchet distances, ± over seeds: {order}; as many other real digits {_distance(board.real['frechet'])}.",
        _word(sign, -1),
        "scoreboard",
    )


def coverage(board: Board) -> Finding:
    """Whether the GAN drops what the others draw."""
    gan, pixel = board.families[GAN], board.families[PIXEL]
    parts = [f"{COLUMNS[name].title}: {said(gan, name)}, {said(pixel, name)}" for name in ("recall", "variety")]
    worst = min(gan.values("worst_class"))
    kept = f"and of the digit that its worst seed draws worst, {worst:.0%} are read as asked"
    return Finding(
        "coverage",
        "GANs leave out a part of the data, and diffusion does not",
        f"{'; '.join(parts)}; recall of other real digits {board.real['recall']:.1%}. The GAN is told which digit to "
        f"draw, {kept}.",
        _word(apart(gan.values("recall"), pixel.values("recall")), -1),
        "scoreboard",
    )


def speed(board: Board) -> Finding:
    """How much faster the GAN draws."""
    name = "seconds_a_picture"
    gan = board.families[GAN]
    own = gan.mean(name)
    assert own  # every run is timed
    others = [family for family in board.families.values() if family is not gan]
    ratios = ", ".join(f"{family.label} {(family.mean(name) or 0) / own:.3g}" for family in others)
    fastest = board.ranked(name)[0]
    also = "" if fastest is gan else f" Fastest of all is the {fastest.label}."
    sign = apart(gan.values(name), board.families[PIXEL].values(name))
    return Finding(
        "speed",
        "a GAN draws in one pass, and much faster than diffusion",
        f"A picture, of 64 drawn at once, takes the GAN {COLUMNS[name].text(own)} of one core. The others take so "
        f"many times as long: {ratios}.{also}",
        _word(sign, -1),
        "race",
    )


def few_steps(board: Board) -> Finding:
    """How few steps diffusion needs to be as good as the GAN."""
    level = statistics.fmean(board.families[GAN].values("frechet_of_few"))
    parts, found = [], []
    for name in (PIXEL, LATENT):
        family = board.families[name]
        steps = enough(family, level)
        found.append(steps)
        most = max(row["steps"] for row in family.runs[0]["few_steps"])
        never = f"{family.label} at none of the numbers of steps up to {most}"
        parts.append(f"{family.label} from {steps} steps on" if steps is not None else never)
    return Finding(
        "steps",
        "diffusion needs tens of steps where a GAN needs one",
        f"As near to real digits as the GAN in its one pass, Fréchet distance {_distance(level)} for {board.of_few:,} "
        f"digits, come: {'; '.join(parts)}.",
        "as usually told" if all(steps is None or steps >= 10 for steps in found) else "not as usually told",
        "steps",
    )


def likelihood(board: Board) -> Finding:
    """Who can say how likely a picture is, and what they say."""
    ranked = board.ranked("nats")
    silent = [family.label for family in board.families.values() if family.likelihood is None]
    order = ", ".join(f"{said(family, 'nats')} ({family.likelihood})" for family in ranked)
    first, best = ranked[0], board.ranked("frechet")[0]
    draws = (
        "also comes nearest to real digits"
        if first is best
        else f"is not the one nearest to real digits, the {best.label}"
    )
    return Finding(
        "likelihood",
        "likelihood and looks are two things",
        f"−log p of unseen digits in nats, lower is better, and a bound may be loose: {order}. There is no such "
        f"number for {_named(silent)}. Whoever has the lowest, the {first.label}, {draws}.",
        "not as usually told" if first is best else "as usually told",
        "tasks",
    )


def tasks(board: Board) -> Finding:
    """Who does what else is asked."""
    able = [family.label for family in board.families.values() if all(one.done for one in family.answers.values())]
    trips = {
        family.label: statistics.fmean(run["round_trip"]["error"] for run in family.runs)
        for family in board.families.values()
        if all("round_trip" in run for run in family.runs)
    }
    errors = ", ".join(f"{label} {error:.3f}" for label, error in sorted(trips.items(), key=lambda one: one[1]))
    filled = {
        family.label: statistics.fmean(run["filled"]["accuracy"] for run in family.runs)
        for family in board.families.values()
        if all("filled" in run for run in family.runs)
    }
    shares = ", ".join(f"{label} {share:.0%}" for label, share in sorted(filled.items(), key=lambda one: -one[1]))
    gan = board.families[GAN].label
    last = bool(trips) and max(trips, key=lambda label: trips[label]) == gan
    return Finding(
        "what else",
        "a GAN is hard to invert, and diffusion is easy to edit with",
        f"All four tasks are done by: {_named(able)}. A digit that is inverted and drawn again is off by (root mean "
        f"square, of a range of 2): {errors}. With the lower half drawn anew, read as what they were: {shares}.",
        "as usually told" if last else "not as usually told",
        "tasks",
    )


def stability(rates: Rates) -> Finding:
    """How many trainings end well."""
    families = (GAN, PIXEL)
    found = {family: rates.ended_well(family) for family in families}
    broken = {family: rates.broken(family) for family in families}
    names = {GAN: "GAN", PIXEL: "pixel diffusion"}
    told = "; ".join(
        f"{names[family]} {well} of {all_} (best {_distance(best)}; numbers ran out of bounds in {broken[family]})"
        for family, (well, all_, best) in found.items()
    )
    own, other = (found[family][0] / max(1, found[family][1]) for family in families)
    word: Word = (
        "the seeds cannot tell" if own == other else "as usually told" if own < other else "not as usually told"
    )
    return Finding(
        "stability",
        "GANs are delicate to train, and diffusion is not",
        f"Over learning rates of three decades and {len({run['seed'] for run in rates.runs})} seeds, this many "
        f"trainings end within {NEAR_BEST:g} times the Fréchet distance of their family’s best: {told}.",
        word,
        "stability",
    )


def discriminator(patch: Patch) -> Finding:
    """What the patch discriminator does to an autoencoder's pictures."""
    off, on = ({name: patch.values(which, name) for name in ("edges", "psnr", "frechet")} for which in ("off", "on"))
    mean = statistics.fmean
    return Finding(
        "where GANs live on",
        "the discriminator inside the autoencoder makes its pictures sharper, at some cost in PSNR",
        f"Without and with it, means over seeds: edge energy {mean(off['edges']):.3f} and {mean(on['edges']):.3f} "
        f"(real digits {patch.real['edges']:.3f}), PSNR {mean(off['psnr']):.1f} and {mean(on['psnr']):.1f} dB, "
        f"Fréchet distance {_distance(mean(off['frechet']))} and {_distance(mean(on['frechet']))}.",
        _word(apart(off["edges"], on["edges"]), -1),
        "patch",
    )


def after_all(board: Board) -> Finding:
    """Who is first at what."""
    names = ("frechet", "precision", "recall", "accuracy", "worst_class", "seconds_a_picture", "nats")
    firsts: dict[str, list[str]] = {}
    for name in names:
        first, second, *_ = board.ranked(name)
        if first.mean(name) != second.mean(name):
            firsts.setdefault(first.label, []).append(COLUMNS[name].title)
    told = "; ".join(f"{label}: {', '.join(titles)}" for label, titles in firsts.items())
    end = "One family is first in all of them." if len(firsts) == 1 else "No family is first in all of them."
    return Finding(
        "so why ditch GANs?",
        "diffusion is better at all but speed",
        f"First by the mean over seeds, of {len(names)} columns of the scoreboard: {told}. {end}",
        "",
        "scoreboard",
    )


def _named(labels: Sequence[str]) -> str:
    if not labels:
        return "none"
    *others, last = (f"the {label}" for label in labels)
    return f"{', '.join(others)} and {last}" if others else last
