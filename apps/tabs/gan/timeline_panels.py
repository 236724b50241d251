"""What the lab "timeline" shows: the film of a recorded run, and what the generator that ships has drawn."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from apps import player
from tutorial import weights
from tutorial.data.digits import CLASSES
from tutorial.data.pixels import to_pixels
from tutorial.gans.digits import EVERY, NAME, Film, Record

COLUMNS = 10
"""Digits in a row of a wall of a hundred."""
GUESSING = 0.5
"""Share of its answers in which a discriminator is right that tosses a coin."""
WIDE = 0.5
"""Height by width of the lower panels."""
CAUSES = {
    "healthy": "Generator G and discriminator D learn at the same rate, from all 60,000 digits.",
    "collapsing": "D learns at a tenth of G’s rate. What is shown is G itself, not its average.",
    "over-trained": "There are only 200 digits to learn from, and no gradient penalty holds D back.",
}
"""What was done in each run; `tutorial.gans.digits.SETTINGS` has it in numbers."""


def clip(record: Record, run: str) -> str:
    """The sheet of a run beside its curves, snapshot by snapshot."""
    film = record.films[run]
    labels = [f"round {step:,} · {step * record.ms_a_round / 1000:.0f} s" for step in film.steps]
    sheet = player.panel(
        [player.image(np.repeat(film.sheets[..., None], 3, axis=3))],
        title="each row a class, each column one noise",
        label="A hundred digits, ten of each class, by the same noise in each snapshot",
        width=4,
    )
    panels = [sheet, distance(record, film), fidelity(record, film), feedback(film), score(record, film)]
    panels += [losses(film), copies(film)]
    note = (
        f"Recorded: trained by {film.command}, measured by {record.command}, on {record.samples:,} digits a snapshot. "
        f"Seconds are rounds times {record.ms_a_round:.0f} ms, which one core computed for a round of the healthy run, "
        "timed by itself; they are not those of the clock."
    )
    return player.clip(panels, frames=len(labels), labels=labels, rate=4, note=note)


def curve(film: Film, name: str, colour: str, told: str, *, dashed: bool = False) -> player.Layer:
    """One of the measured numbers over the rounds, the present snapshot marked; at round 0 there are no losses yet."""
    known = [k for k, value in enumerate(film.numbers[name]) if value is not None]
    x, y = (np.array([film.numbers[column][k] for k in known], dtype=float) for column in ("step", name))
    marker = np.searchsorted(known, range(len(film.steps))).clip(max=len(known) - 1)
    return player.curve(x, y, colour, told, dashed=dashed, marker=marker.tolist())


def level(film: Film, height: float, told: str, colour: str = "exact") -> player.Layer:
    """A dashed line at one height."""
    return player.curve(np.array([0.0, film.steps[-1]]), np.full(2, height), colour, told, dashed=True)


def rounds(film: Film) -> player.Axis:
    """The axis that all the curves share."""
    return 0.0, float(film.steps[-1]), "rounds"


def distance(record: Record, film: Film) -> player.Panel:
    """Fréchet distance, beside that of as many real digits."""
    floor = record.real["frechet"]
    found = np.array(film.numbers["frechet"], dtype=float)
    return player.panel(
        [curve(film, "frechet", "generated", "fakes"), level(film, floor, "other real digits")],
        title="Fréchet distance, the digit classifier’s features",
        x=rounds(film),
        y=(*player.decades(found, np.array(floor)), "", "log"),
    )


def fidelity(record: Record, film: Film) -> player.Panel:
    """Precision and recall, and the share that is read as what was asked for."""
    return player.panel(
        [
            curve(film, "accuracy", "field", "read as asked"),
            curve(film, "precision", "generated", "precision"),
            curve(film, "recall", "real", "recall"),
            level(film, record.real["recall"], "recall, real digits", "real"),
        ],
        title="are they like digits, and are all kinds there?",
        x=rounds(film),
        y=(0.0, 1.0, ""),
    )


def feedback(film: Film) -> player.Panel:
    """How often the discriminator is right."""
    return player.panel(
        [
            curve(film, "d_fakes", "generated", "fakes"),
            curve(film, "d_seen", "real", "training digits"),
            curve(film, "d_unseen", "field", "other real digits"),
            level(film, GUESSING, "random feedback"),
        ],
        title="share of which D is right",
        x=rounds(film),
        y=(0.0, 1.0, ""),
    )


def score(record: Record, film: Film) -> player.Panel:
    """The inception score."""
    return player.panel(
        [
            curve(film, "inception_score", "generated", "fakes"),
            level(film, record.real["inception_score"], "real digits"),
        ],
        title="inception score, by the digit classifier",
        x=rounds(film),
        y=(1.0, float(CLASSES), ""),
    )


def losses(film: Film) -> player.Panel:
    """What both networks minimise."""
    found = [value for name in ("loss_d", "loss_g") for value in film.numbers[name] if value is not None]
    return player.panel(
        [
            curve(film, "loss_d", "field", "loss of D"),
            curve(film, "loss_g", "generated", "loss of G"),
            level(film, 2 * float(np.log(2)), "loss of D, if it guesses"),
        ],
        title=f"both losses, means over {EVERY} rounds",
        x=rounds(film),
        y=(0.0, 1.05 * max(*found, 2 * float(np.log(2))), "nats"),
        aspect=WIDE,
    )


def copies(film: Film) -> player.Panel:
    """The share of fakes that are copies of digits that the run has trained with."""
    return player.panel(
        [curve(film, "copies", "generated", "fakes")],
        title="share that are copies of a training digit",
        x=rounds(film),
        y=(0.0, 1.0, ""),
        aspect=WIDE,
    )


def story(record: Record, run: str) -> str:
    """What was done in a run, and what came of it, in numbers of the record."""
    film, real = record.films[run], record.real
    best, last = ({name: column[k] for name, column in film.numbers.items()} for k in (film.best(), -1))
    distance = f"is smallest, {best['frechet']:.3g}, after round {best['step']:,}"
    if best["step"] != last["step"]:
        distance += f", and {last['frechet']:.3g} at the end"
    copied = f", {last['copies']:.0%} are copies of training digits" if last["copies"] else ""
    return (
        f"**{run.capitalize()}.** {CAUSES[run]} The Fréchet distance {distance}; as many real digits have "
        f"{real['frechet']:.3g}. At the end {last['accuracy']:.0%} are read as asked{copied}, precision is "
        f"{last['precision']:.2f} and recall {last['recall']:.2f} (real digits: {real['precision']:.2f} and "
        f"{real['recall']:.2f}). D is then right about {last['d_fakes']:.0%} of the fakes, {last['d_seen']:.0%} of its "
        f"training digits and {last['d_unseen']:.0%} of other real ones. {effort(record, film)}"
    )


def effort(record: Record, film: Film) -> str:
    """What a run costs: what its rounds compute and, if its generator is the one that ships, what the clock said.

    Raises tutorial.weights.WeightsError if that generator's card is missing or damaged.
    """
    alone = (
        f"Its rounds alone would be about {film.steps[-1] * record.ms_a_round / 1000:.0f} seconds of one core’s "
        f"computing, at {record.ms_a_round:.0f} ms each."
    )
    card = weights.read_card(NAME, needs=("command", "wall_time_minutes"))
    if card["command"] != film.command:
        return alone
    return (
        f"{alone} By the clock, all that the machine did besides included, its training took "
        f"{card['wall_time_minutes']:g} minutes, as the card of the generator says."
    )


def rgb(x: Tensor) -> np.ndarray:
    """Digits (…, 28, 28) in [−1, 1] as pictures (…, 28, 28, 3) uint8."""
    return np.repeat(to_pixels(x).numpy()[..., None], 3, axis=-1)


def wall(x: Tensor, columns: int) -> np.ndarray:
    """Digits (T, N, 1, 28, 28), `columns` in a row, as pictures (T, H, W, 3) uint8."""
    tiles = x[:, :, 0].unflatten(1, (-1, columns))  # (T, rows, columns, 28, 28)
    return rgb(tiles.transpose(2, 3).flatten(3, 4).flatten(1, 2))


def sheet(x: Tensor, digit: int, note: str) -> str:
    """A hundred digits (100, 1, 28, 28) of one class."""
    pictures = player.panel(
        [player.image(wall(x[None], 2 * COLUMNS))],
        title=f"{len(x)} times {digit}, each from a noise of its own",
        label=f"A wall of {len(x)} drawn digits, all of them to be {digit}",
        aspect=len(x) / (2 * COLUMNS) ** 2,
    )
    return player.clip([pictures], note=note)


def walk(x: Tensor, sure: Tensor, digit: int, seeds: tuple[int, int]) -> str:
    """All classes (T, 10, 1, 28, 28) along a walk, one of them large, and how sure the classifier is of it (T,)."""
    shares = np.linspace(0, 1, len(x))
    first, second = seeds
    panels = [
        player.panel([player.image(rgb(x[:, digit, 0]), smooth=True)], title=f"the {digit} on the way"),
        player.panel(
            [player.image(wall(x, CLASSES // 2), smooth=True)],
            title="all classes, by the same noise",
            label="A digit of each class, all by the noise that the walk has come to",
            width=2.5,
            aspect=0.4,
        ),
        player.panel(
            [player.curve(shares, sure.numpy(), "generated", f"p({digit})", marker=range(len(x)))],
            title=f"how likely the classifier takes it for {digit}",
            x=(0.0, 1.0, "share of the way"),
            y=(0.0, 1.0, ""),
            width=1.5,
            aspect=0.6,
        ),
    ]
    labels = [f"{share:.0%} of the way" for share in shares]
    note = f"From the noise of seed {first} to that of seed {second} on an arc, in {len(x)} steps: drawn here just now."
    return player.clip(panels, frames=len(x), labels=labels, rate=12, play=True, note=note)
