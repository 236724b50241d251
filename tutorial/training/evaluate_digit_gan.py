"""Measures the three runs of the GAN of digits, snapshot by snapshot, and the generator that ships.

    python -m tutorial.training.evaluate_digit_gan

Needs what `python -m tutorial.training.digit_gan` left in runs/. Writes the film of the runs to
assets/measurements/digit_gan.json, and the generator's figures, beside those of diffusion and of an autoencoder, to its
card. With --card it writes the card alone, for which no runs are needed. Ten minutes on one thread.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from tqdm import tqdm

from tutorial import measurements, weights
from tutorial.data.digits import digits
from tutorial.data.pixels import to_pixels, to_signed
from tutorial.gans import breaking, drawn_ahead
from tutorial.gans import digits as gan
from tutorial.gans.digits import NAME, RECORDED_BY, SETTINGS, packed, same_noise, snapshots
from tutorial.metrics import digits as judging
from tutorial.metrics.digits import REFERENCE, others
from tutorial.metrics.verdict import Part, Reference, Verdict, judged, measured_reference
from tutorial.networks.digit_gan import (
    DigitDiscriminator,
    DigitDiscriminatorConfig,
    DigitGenerator,
    DigitGeneratorConfig,
)
from tutorial.training.cards import last, rounded
from tutorial.training.digit_gan import BATCH, LAZY, Game, run_folder, snapshot_file
from tutorial.training.digit_gan import COMMAND as TRAINED_BY
from tutorial.training.fit import seeded_accelerator

SAMPLES = 1000
"""Digits by which a snapshot is measured."""
TRIES = 20
GAN, DIFFUSION = "GAN", "diffusion"


def drawn(generator: DigitGenerator, n: int, seed: int = 0) -> Iterator[Part]:
    """n digits of the classes of real ones, each by noise of its own."""
    classes = digits("training")[1][others()[:n]]
    for k, y in enumerate(classes.split(breaking.PART)):
        yield gan.draw(generator, y, seed + k * breaking.PART), y


def verdict(known: Reference, parts: Iterable[Part]) -> Verdict:
    """All that is measured of a set of digits."""
    return last(judged(known, parts))


def network(kind: type[nn.Module], config: Any, tensors: dict[str, Tensor], who: str) -> Any:
    """One of the networks in a snapshot."""
    found = kind(config)
    found.load_state_dict({k.removeprefix(f"{who}."): v for k, v in tensors.items() if k.startswith(f"{who}.")})
    return found.eval().requires_grad_(False)


def opinion(critic: DigitDiscriminator, x: Tensor, y: Tensor, *, real: bool) -> float:
    """The share of digits x of classes y of which a discriminator is right."""
    says = torch.cat([critic(*rows) for rows in zip(x.split(breaking.PART), y.split(breaking.PART), strict=True)])
    return ((says > 0) == real).double().mean().item()


def photograph(known: Reference, path: Path, training: int) -> tuple[dict[str, float], Tensor]:
    """What is measured of a snapshot, and its sheet (100, 1, 28, 28) of digits in [−1, 1].

    The averaged generator draws the digits that are measured; the discriminator is asked about the fakes of the one
    that it plays against, and about real digits that it has trained with, and others.
    """
    tensors = load_file(path)
    average, player = (
        network(DigitGenerator, DigitGeneratorConfig(), tensors, who) for who in ("average", "generator")
    )
    critic = network(DigitDiscriminator, DigitDiscriminatorConfig(), tensors, "discriminator")
    (pictures, labels), (new, their_labels) = digits("training"), digits("test")
    seen = slice(min(training, SAMPLES))
    fakes = [torch.cat(part) for part in zip(*drawn(player, SAMPLES), strict=True)]
    found = asdict(verdict(known, drawn(average, SAMPLES)))
    found["d_seen"] = opinion(critic, to_signed(pictures[seen]), labels[seen], real=True)
    found["d_unseen"] = opinion(critic, to_signed(new[:SAMPLES]), their_labels[:SAMPLES], real=True)
    found["d_fakes"] = opinion(critic, *fakes, real=False)
    return found, average(*same_noise(average))


def film(run: str, known: Reference, folder: Path) -> dict[str, Any]:
    """Every snapshot of a run, measured."""
    setting = SETTINGS[run]
    own = replace(known, training=digits("training")[0][: setting.digits])  # what it may have copied
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    losses = {line["step"]: line for line in lines}
    rows, sheets = [], []
    for step in tqdm(snapshots(setting.steps), desc=run, mininterval=10):
        found, sheet = photograph(own, snapshot_file(folder, step), setting.digits)
        told = losses.get(step, {})
        rows.append(found | {"step": step, "loss_d": told.get("loss_d"), "loss_g": told.get("loss_g")})
        sheets.append(to_pixels(sheet))
    columns = {name: [rounded(row[name]) for row in rows] for name in rows[0] if name != "n"}
    return {"command": f"{TRAINED_BY} --run {run}", "setting": asdict(setting)} | columns | {"sheets": packed(sheets)}


def milliseconds_a_round() -> float:
    """Of this thread alone: the mean of a healthy run's rounds, as many as lie between two gradient penalties."""
    os.environ.setdefault("ACCELERATE_MIXED_PRECISION", "bf16")  # as the recipe trains
    game, (pictures, labels) = Game(seeded_accelerator(), SETTINGS["healthy"]), digits("training")
    rows, taken = [pictures[:BATCH], labels[:BATCH]], []
    for step in range(2 * LAZY):
        begun = time.thread_time()
        game.round(rows, step)
        taken.append(time.thread_time() - begun)
    return 1000 * statistics.mean(taken[LAZY:])  # the first ones warm up


def milliseconds_a_pass(generator: DigitGenerator) -> float:
    """Of this thread alone, to draw 100 digits at once: the fastest of `TRIES`."""
    z, y = same_noise(generator)
    taken = []
    for _ in range(TRIES):
        begun = time.thread_time()
        generator(z, y)
        taken.append(time.thread_time() - begun)
    return 1000 * min(taken)


def compared(known: Reference, sets: Mapping[str, Iterable[Part]]) -> dict[str, dict[str, Any]]:
    """What is measured of several sets of digits."""
    return {name: rounded(asdict(verdict(known, parts))) for name, parts in sets.items()}


def write_card(known: Reference) -> None:
    """Measures the generator that ships, beside other models and real digits, and writes its card.

    Diffusion is slow: of many digits its own card has the distance and the accuracy, with guidance 1; all else is
    measured of the few that were drawn ahead, and then of as few by the others.
    """
    generator, few = gan.load(), len(drawn_ahead.load().pictures)
    rest = {one.name: one for one in (*breaking.models(), breaking.REAL) if one.name != GAN}

    def sets(n: int, without: Collection[str] = ()) -> dict[str, Iterator[Part]]:
        ways = {name: one for name, one in rest.items() if name not in without}
        return {GAN: drawn(generator, n)} | {name: one.draw(known, n, 0) for name, one in ways.items()}

    other = weights.read_card("digit_unet", needs=("measured",))["measured"]
    found: dict[str, Any] = {
        "command": f"{RECORDED_BY} --card",
        "ms_100_digits": milliseconds_a_pass(generator),
        "compared": compared(known, sets(REFERENCE, without=[DIFFUSION]))
        | {DIFFUSION: {"n": other["samples"], "frechet": other["frechet_1"], "accuracy": other["accuracy_1"]}},
        "compared_by_few": compared(known, sets(few)),
    }
    found |= {name: found["compared"][GAN][name] for name in ("accuracy", "frechet", "precision", "recall")}
    weights.write_card(NAME, weights.read_card(NAME) | {"measured": rounded(found)})
    for name in ("compared", "compared_by_few"):
        for who, row in found[name].items():
            print(name, who, row)


def main(runs: Iterable[str], *, card: bool) -> None:
    """Measures these runs, into what is recorded of the others; and the card if it is wanted."""
    known = last(measured_reference(judging.load().classifier))
    for run in runs:
        found, content = film(run, known, run_folder(run)), _recorded()
        content["runs"][run] = found
        content["real"] = rounded(asdict(verdict(known, breaking.unseen(known, SAMPLES, 0))))
        content["samples"], content["ms_a_round"] = SAMPLES, rounded(milliseconds_a_round())
        measurements.save(NAME, RECORDED_BY, content)
    if card:
        write_card(known)


def _recorded() -> dict[str, Any]:
    try:
        found = measurements.load(NAME, needs=("runs",))
    except measurements.MeasurementsError:
        found = {"runs": {}}
    return {name: value for name, value in found.items() if name != "command"}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", choices=list(SETTINGS), help="measure only that one")
    parser.add_argument("--card", action="store_true", help="write only the card")
    wanted = parser.parse_args()
    torch.set_num_threads(1)
    some = bool(wanted.run or wanted.card)
    main(([wanted.run] if wanted.run else []) if some else SETTINGS, card=wanted.card or not some)
