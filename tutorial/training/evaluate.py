"""Measures the shipped models: `make evaluate`. Writes the figures to their cards and to the README.

Everything is measured on fresh critters, whose seeds no training has seen, with the default settings of
`tutorial.diffusion.latent`. About twenty minutes on two cores; with `--side 128`, for the networks of that side, an
hour. The reader, who tells what pictures show and how far they are from real ones, sees larger ones averaged down to
its own size.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from tutorial import weights
from tutorial.data.critter_art import render
from tutorial.data.critter_words import EXAMPLES, Caption, caption
from tutorial.data.critters import EVALUATION_SEED, Critter, any_critter, critters, held_out_pairs
from tutorial.data.pixels import from_image, to_arrays, to_signed
from tutorial.diffusion import latent
from tutorial.diffusion.latent import LatentDiffusion
from tutorial.figures.contact_sheet import contact_sheet
from tutorial.metrics import nearest
from tutorial.metrics.fidelity import marks, read_labels
from tutorial.metrics.frechet import features_of, frechet_distance, moments
from tutorial.metrics.similarity import edge_energy, psnr
from tutorial.networks.autoencoder import reconstruct
from tutorial.networks.reader import AttributeReader
from tutorial.training.pictures import LESSONS
from tutorial.training.reader import blurred, labels, noisy

DEFAULTS = {"count": 1000, "samples": 5000}
ROOT = Path(__file__).parents[2]
BATCH = 100


def real(count: int, offset: int, *, training: bool, side: int = weights.SIDE) -> Tensor:
    """Fresh renders: (count, 3, side, side) in [−1, 1]; with `training`, without held-out pairs."""
    seeds = range(EVALUATION_SEED + offset, EVALUATION_SEED + offset + count)
    return to_signed(torch.stack([from_image(render(one, side)) for one in critters(seeds, training=training)]))


def restored(model: LatentDiffusion, x: Tensor) -> Tensor:
    """Pictures after a round trip through the autoencoder."""
    return torch.cat([reconstruct(model.autoencoder, rows.to(model.device)).cpu() for rows in x.split(BATCH)])


def measure_reader(reader: AttributeReader, count: int) -> dict[str, float]:
    """Accuracy on the attribute it reads worst: of fresh critters as drawn, blurred, and noisy."""
    x, y = real(count, 0, training=False), labels(range(EVALUATION_SEED, EVALUATION_SEED + count))
    seen = {"drawn": x, "blurred": blurred(x), "noisy": noisy(x)}
    right = {name: (read_labels(reader, pictures) == y).double().mean(0).min() for name, pictures in seen.items()}
    return {f"worst_{name}": share.item() for name, share in right.items()} | {"critters": count}


def measure_autoencoder(model: LatentDiffusion, reader: AttributeReader, count: int) -> dict[str, float]:
    """PSNR in dB, the reader's agreement, and edge energy relative to the original's, on fresh critters."""
    x = real(count, 0, training=False, side=model.pixels)
    y = restored(model, x)
    return {
        "psnr": psnr(x, y),
        "reader_agreement": (read_labels(reader, x) == read_labels(reader, y)).double().mean().item(),
        "edge_energy": (edge_energy(y) / edge_energy(x)).item(),
        "critters": count,
    }


def draw(model: LatentDiffusion, prompts: Sequence[str], label: str, **settings) -> Tensor:
    """One picture for each prompt, of seeds 0, 1, 2, …"""
    starts = tqdm(range(0, len(prompts), BATCH), desc=label)
    return torch.cat([model.draw(list(prompts[i : i + BATCH]), seed=i, **settings).cpu() for i in starts])


def fresh_prompts(count: int) -> tuple[list[Critter], list[Caption]]:
    """Fresh critters of any combination, and captions that mention at least four of their attributes."""
    seeds = range(EVALUATION_SEED + 100_000, EVALUATION_SEED + 100_000 + count)
    wanted = list(critters(seeds, training=False))
    return wanted, [caption(c, np.random.default_rng(s), at_least=4) for c, s in zip(wanted, seeds, strict=True)]


def held_out_prompts(count: int) -> tuple[list[Critter], list[Caption], list[tuple[str, str]]]:
    """Critters that each show a held-out pair, in turn, with captions that mention both of its attributes."""
    wanted, said, couples = [], [], []
    pairs = held_out_pairs()
    for k in range(count):
        first, a, second, b = pairs[k % len(pairs)]
        critter = any_critter(EVALUATION_SEED + 200_000 + k, **{first: a, second: b})
        rng = np.random.default_rng(k)
        while not {first, second} <= set((text := caption(critter, rng, at_least=2)).mentioned):
            pass
        wanted.append(critter)
        said.append(text)
        couples.append((first, second))
    return wanted, said, couples


def measure_prompts(model: LatentDiffusion, reader: AttributeReader, count: int, **settings) -> dict[str, float]:
    """Prompt fidelity over all attributes mentioned, and how often both of a held-out pair come out right."""
    wanted, said = fresh_prompts(count)
    x = draw(model, [text.text for text in said], "fresh prompts", **settings)
    right = [mark for row in marks(read_labels(reader, x), wanted, [t.mentioned for t in said]) for mark in row]
    strange, said, couples = held_out_prompts(count)
    x = draw(model, [text.text for text in said], "held-out pairs", **settings)
    both = [all(row) for row in marks(read_labels(reader, x), strange, couples)]
    return {"prompt_fidelity": float(np.mean(right)), "held_out_pairs": float(np.mean(both)), "prompts": count}


def measure_distribution(model: LatentDiffusion, reader: AttributeReader, count: int, **settings) -> dict[str, float]:
    """Fréchet distances in the reader's last hidden layer, and how close samples come to training critters.

    A sample counts as suspiciously close if it is nearer to its closest training critter than 99 % of fresh
    critters, which no training can have copied, are to theirs. So 1 % is what chance gives.
    """
    reference = real(count, 300_000, training=True, side=model.pixels)
    other = real(count, 400_000, training=True, side=model.pixels)
    seeds = range(EVALUATION_SEED + 500_000, EVALUATION_SEED + 500_000 + count)
    prompts = [
        caption(c, np.random.default_rng(s)).text for c, s in zip(critters(seeds, training=True), seeds, strict=True)
    ]
    samples = features_of(reader, draw(model, prompts, "samples", **settings))
    target = moments(features_of(reader, reference))

    def distance(features: Tensor) -> float:
        return frechet_distance(moments(features), target)

    floor, first_stage = distance(features_of(reader, other)), distance(features_of(reader, restored(model, other)))
    index = nearest.load()
    usual = index.nearest(features_of(reader, other))[1]
    return {
        "frechet_real": floor,
        "frechet_reconstructions": first_stage,
        "frechet_samples": distance(samples),
        "frechet_bar": 2 * first_stage + floor,
        "suspiciously_close": (index.nearest(samples)[1] < usual.quantile(0.01)).double().mean().item(),
        "samples": count,
    }


@dataclass(frozen=True)
class Row:
    """A line of the README's table; without a bar there is no verdict."""

    what: str
    figure: str
    bar: str = ""
    met: bool | None = None


def at_least(what: str, value: float, bar: float, style: str) -> Row:
    return Row(what, format(value, style), "≥ " + format(bar, style), value >= bar)


def at_most(what: str, value: float, bar: float, style: str) -> Row:
    return Row(what, format(value, style), "≤ " + format(bar, style), value <= bar)


@dataclass(frozen=True)
class Bars:
    """What the networks of a side have to reach."""

    psnr: float
    prompt_fidelity: float
    held_out_pairs: float
    frechet_samples: float


def bars(side: int, measured: dict[str, Any]) -> Bars:
    """Those of the miniature, of which its U-Net's own figures have one, or those of a larger model: the miniature."""
    if side == weights.SIDE:
        return Bars(33, 0.97, 0.90, measured["frechet_bar"])
    small = weights.read_card("unet")["measured"]
    return Bars(34, small["prompt_fidelity"], small["held_out_pairs"], small["frechet_samples"])


def rows_of_reader(r: dict[str, Any]) -> list[Row]:
    """The reader's figures."""
    return [
        at_least("attribute reader, the worst of ten attributes: accuracy", r["worst_drawn"], 0.995, ".2%"),
        Row("the same on blurred; on noisy pictures", f"{r['worst_blurred']:.2%}; {r['worst_noisy']:.2%}"),
    ]


def rows(a: dict[str, Any], u: dict[str, Any], bar: Bars) -> list[Row]:
    """The figures of an autoencoder and of the U-Net among its latents, beside their bars."""
    return [
        at_least("autoencoder, fresh critters: PSNR in dB", a["psnr"], bar.psnr, ".1f"),
        at_least("the same: the reader's agreement", a["reader_agreement"], 0.99, ".2%"),
        at_most("the same: edge energy, off the original's by", abs(a["edge_energy"] - 1), 0.05, ".1%"),
        at_least("prompt fidelity, attributes mentioned", u["prompt_fidelity"], bar.prompt_fidelity, ".1%"),
        at_least("pairs never seen in training: both right", u["held_out_pairs"], bar.held_out_pairs, ".1%"),
        at_most("Fréchet distance of samples, reader's features", u["frechet_samples"], bar.frechet_samples, ".1f"),
        Row(
            "the same for reconstructions; for other real ones",
            f"{u['frechet_reconstructions']:.1f}; {u['frechet_real']:.1f}",
        ),
        Row(
            "samples nearer to training than 99 % of fresh critters", f"{u['suspiciously_close']:.1%}", "1 % by chance"
        ),
    ]


def table(side: int) -> str:
    """The figures on the cards of a side's networks, and of the reader with the miniature's, as a Markdown table."""
    r, a, u = (
        weights.read_card(name)["measured"]
        for name in ("reader", weights.sized("autoencoder", side), weights.sized("unet", side))
    )
    lines = (rows_of_reader(r) if side == weights.SIDE else []) + rows(a, u, bars(side, u))
    return markdown(f"`{u['command']}`: {u['prompts']:,} prompts, {u['samples']:,} samples", lines)


def markdown(what: str, lines: Sequence[Row]) -> str:
    """A Markdown table of figures measured by `what`, with their verdicts."""
    verdict = {None: "", True: " ✓", False: " (missed)"}
    head = [f"| measured by {what} | figure | bar |", "|---|---|---|"]
    return "\n".join(head + [f"| {row.what} | {row.figure} | {row.bar}{verdict[row.met]} |" for row in lines])


def between(text: str, mark: str, content: str) -> str:
    """The text with what stands between <!-- mark --> and <!-- /mark --> replaced. Raises ValueError without them."""
    before, rest = text.split(f"<!-- {mark} -->")
    _, after = rest.split(f"<!-- /{mark} -->")
    return f"{before}<!-- {mark} -->{content}<!-- /{mark} -->{after}"


def write_readme(mark: str, content: str) -> None:
    """Puts content between the README's marks of this name."""
    readme = ROOT / "README.md"
    readme.write_text(between(readme.read_text(encoding="utf-8"), mark, content), encoding="utf-8")


def main(count: int, samples: int, side: int) -> None:
    """Measures everything of a side, and writes cards, README and figures."""
    torch.manual_seed(0)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model, reader = latent.load(device=device, side=side), weights.load("reader", device=device)
    settings = {"steps": latent.STEPS, "guidance": latent.GUIDANCE, "sampler": latent.SAMPLER}
    command = {"command": of_side("make evaluate", count, samples, side)}
    distribution = measure_distribution(model, reader, samples)
    measured = {
        weights.sized("autoencoder", side): command | measure_autoencoder(model, reader, count),
        weights.sized("unet", side): command | measure_prompts(model, reader, count) | distribution | settings,
    }
    if side == weights.SIDE:
        measured["reader"] = command | measure_reader(reader, count)
    for name, figures in measured.items():
        figures = {k: float(f"{v:.6g}") if isinstance(v, float) else v for k, v in figures.items()}
        weights.write_card(name, weights.read_card(name) | {"measured": figures})
    write_readme(weights.sized("figures", side), f"\n{table(side)}\n")
    figures = ROOT / "assets" / "figures"
    figures.mkdir(exist_ok=True)
    drawn = contact_sheet(to_arrays(draw(model, EXAMPLES, "figure")), columns=4)
    drawn.save(figures / f"{weights.sized('drawn', side)}.png", optimize=True)
    if side == weights.SIDE:
        write_readme("prompts", "; ".join(EXAMPLES))
        sheet = contact_sheet(to_arrays(real(24, 0, training=False)), columns=8)
        sheet.save(figures / "critters.png", optimize=True)
    print(table(side))


def of_side(usual: str, count: int, samples: int, side: int) -> str:
    """The command that measures so many of a side: the usual one, if that does it."""
    if {"count": count, "samples": samples} == DEFAULTS:
        return usual
    larger = "" if side == weights.SIDE else f" --side {side}"
    return f"python -m tutorial.training.evaluate{larger} --count {count} --samples {samples}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--count", type=int, default=DEFAULTS["count"], help="fresh critters, prompts, held-out prompts"
    )
    parser.add_argument("--samples", type=int, default=DEFAULTS["samples"], help="samples for the Fréchet distance")
    parser.add_argument("--side", type=int, choices=LESSONS, default=weights.SIDE, help="of the pictures, in pixels")
    options = parser.parse_args()
    main(options.count, options.samples, options.side)
