"""How fast do we draw beside diffusers? `make bench` measures, and writes it into the README and a figure.

Three draw in turn, in one process, with the same weights, from the same noise: ours (`LatentDiffusion.draw`), that of
diffusers, `StableDiffusionPipeline` made of our weights by `to_diffusers`, and the same with its U-Net and autoencoder
in `channels_last`. Timed is everything from the text to decoded pictures in floating point: tokenizer, text encoder,
noise, 20 steps of DDIM with guidance, decoder. Neither side has a safety checker, a watermark, a progress bar or
previews. What is done once is not timed: reading weights, and recording our U-Net, whose time is told beside.

All draw on one thread, as the app does, and then again on as many as there are cores. Ways of ours that ask the network
less often draw another picture of the prompt, and have rows of their own. 16-bit floats have none: with them pictures
differ by more than `EQUAL`. About five minutes on a machine that does nothing else; `--quick` shows that it runs.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import diffusers
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from apps import limits
from tutorial.diffusion import guidance_study, latent
from tutorial.diffusion.latent import LatentDiffusion
from tutorial.diffusion.samplers import evaluations
from tutorial.exchange import to_diffusers
from tutorial.figures.speed import Panel, draw_panels
from tutorial.networks.blocks import channels_last
from tutorial.networks.compiled import CompiledUNet
from tutorial.training.evaluate import ROOT, Row, at_least, at_most, markdown, write_readme
from tutorial.training.guidance_curve import MIDDLE

PROMPT, SEED, STEPS, GUIDANCE = "a blue one with a crown", 3, 20, 5.0
OURS, DIFFUSERS, CHANNELS_LAST = "ours", "diffusers", "diffusers, channels_last"
ONE, FOUR = 1, 4
BARS, AIMS = {ONE: 1.5, FOUR: 1.35}, {ONE: 3, FOUR: 2.2}
SHARE, SHARE_AIM, EQUAL = 0.4, 0.55, 2.0
MATRIX, FASTER, FASTER_STEPS = 2048, "dpm_solver_pp_2m", 10
SWEEPS = {"steps": (5, 10, 20, 40), "pictures": (1, 2, 4, 8), "side of the latent": (8, 16, 32)}
FIGURE = "assets/figures/speed.png"

Draw = Callable[..., Tensor]
"""(pictures, steps, side of the latent) → pictures (B, 3, H, W) in [0, 1]."""


@dataclass(frozen=True)
class Counts:
    """How often each is measured: drawings in the table, in the figure, and single calls of the U-Net."""

    rounds: int = 15
    few: int = 5
    calls: int = 60


def ours(model: LatentDiffusion) -> Draw:
    def draw(pictures: int = 1, steps: int = STEPS, side: int = model.side) -> Tensor:
        settings = {"guidance": GUIDANCE, "sampler": "ddim", "seed": SEED}
        return replace(model, side=side).draw(PROMPT, steps=steps, n=pictures, **settings) / 2 + 0.5

    return draw


def theirs(model: LatentDiffusion, folder: Path, *, last: bool) -> Draw:
    pipe = diffusers.StableDiffusionPipeline.from_pretrained(folder)
    pipe.set_progress_bar_config(disable=True)
    if last:
        channels_last(pipe.unet)
        channels_last(pipe.vae)

    def draw(pictures: int = 1, steps: int = STEPS, side: int = model.side) -> Tensor:
        noise, _ = replace(model, side=side).noise(range(SEED, SEED + pictures))
        settings = {"num_inference_steps": steps, "guidance_scale": GUIDANCE, "num_images_per_prompt": pictures}
        return pipe(PROMPT, latents=noise, eta=0.0, output_type="pt", **settings).images

    return draw


def fewer(model: LatentDiffusion) -> dict[str, tuple[Draw, int]]:
    """Ours with fewer evaluations: what it is, what draws so, and how many evaluations for a picture."""

    def solver(pictures: int) -> Tensor:
        return model.draw(PROMPT, steps=FASTER_STEPS, guidance=GUIDANCE, sampler=FASTER, seed=SEED, n=pictures)

    def middle(pictures: int) -> Tensor:
        prompts, seeds = [PROMPT] * pictures, range(SEED, SEED + pictures)
        *_, last = guidance_study.drawn(model, prompts, seeds, GUIDANCE, interval=MIDDLE)
        return model.decode(last.x_next)

    name, times = "DPM-Solver++(2M)", guidance_study.times(model, STEPS)
    some = guidance_study.evaluations(times, GUIDANCE, MIDDLE)
    return {
        f"{name} in {FASTER_STEPS} steps": (solver, 2 * evaluations(FASTER, FASTER_STEPS)),
        f"{name} in {STEPS}, guidance at {MIDDLE.last} < t ≤ {MIDDLE.first} only": (middle, some),
    }


def contestants(model: LatentDiffusion) -> dict[str, Draw]:
    """All who draw, by name."""
    with tempfile.TemporaryDirectory() as name:
        to_diffusers(Path(name), model)
        plain, last = (theirs(model, Path(name), last=last) for last in (False, True))
    return {OURS: ours(model), DIFFUSERS: plain, CHANNELS_LAST: last}


def in_turn(works: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each, round by round, after one round that does not count; each round begins with another of them."""
    names, seconds = list(works), {name: [] for name in works}
    for k in range(-1, rounds):
        for name in names[k % len(names) :] + names[: k % len(names)]:
            begun = time.perf_counter()
            works[name]()
            if k >= 0:
                seconds[name].append(time.perf_counter() - begun)
    return seconds


def race(draws: Mapping[str, Draw], rounds: int, **settings: int) -> dict[str, list[float]]:
    """`in_turn` for those who draw, all with these settings."""
    return in_turn({name: lambda draw=draw: draw(**settings) for name, draw in draws.items()}, rounds)


def times_as_fast(seconds: Mapping[str, Sequence[float]], other: str) -> float:
    """How many of ours go into one of the other's: the median of the rounds' ratios, as load comes and goes."""
    return statistics.median(b / a for a, b in zip(seconds[OURS], seconds[other], strict=True))


def furthest(draws: Mapping[str, Draw]) -> float:
    """How far apart the same pixel of the same picture is at most, in steps of 256."""
    gaps = []
    for pictures in (ONE, FOUR):
        mine = draws[OURS](pictures)
        gaps += [(draws[name](pictures) - mine).abs().max().item() for name in (DIFFUSERS, CHANNELS_LAST)]
    return 255 * max(gaps)


@torch.no_grad()
def flops_per_second(model: LatentDiffusion, calls: int) -> tuple[float, float]:
    """(the machine's peak, what our U-Net gets when four pictures are drawn with guidance), the fastest of so many.

    The peak is that of a large float32 matrix product. Of the U-Net those operations are counted which the readable one
    makes, without those with which the recorded one, which is timed, has looked the words up before.
    """
    assert model.compiled is not None
    x, _ = model.noise(range(2 * FOUR))
    t, words = torch.full((len(x),), 500), model.words([PROMPT] * len(x))
    with FlopCounterMode(display=False) as all_of_them:
        model.unet(x, t, words)
    with FlopCounterMode(display=False) as before:
        model.compiled.look_up(words)
    flops = all_of_them.get_total_flops() - before.get_total_flops()
    matrix, denoise = torch.randn(MATRIX, MATRIX), model.denoiser
    seconds = in_turn({"peak": lambda: matrix @ matrix, "ours": lambda: denoise(x, t, words)}, calls)
    return 2 * MATRIX**3 / min(seconds["peak"]), flops / min(seconds["ours"])


def compared(model: LatentDiffusion, draws: Mapping[str, Draw], counts: Counts) -> list[Row]:
    """Rows of one picture, of four, and of the U-Net alone, on as many threads as are set."""
    rows, threads = [], torch.get_num_threads()
    on = f"{threads} thread{'s' if threads > 1 else ''}"
    for pictures, called in ((ONE, "one picture"), (FOUR, "four pictures")):
        seconds = race(draws, counts.rounds, pictures=pictures)
        medians = "; ".join(f"{1000 * statistics.median(seconds[name]):.0f}" for name in draws)
        ratio, other = (times_as_fast(seconds, name) for name in (DIFFUSERS, CHANNELS_LAST))
        what = f"the same: times as fast as diffusers; aim {AIMS[pictures]}"
        rows += [
            Row(f"{called}, {on}, ms: {'; '.join(draws)}", medians),
            at_least(what, ratio, BARS[pictures], ".2f"),
            Row("the same: times as fast as diffusers in channels_last", f"{other:.2f}"),
        ]
    peak, reached = flops_per_second(model, counts.calls)
    what = f"the U-Net for four, {on}: share of their own peak; aim {SHARE_AIM:.0%}"
    return [
        *rows,
        at_least(what, reached / peak, SHARE, ".0%"),
        Row("the same in GFLOP/s; the peak, of a matrix product", f"{reached / 1e9:.0f}; {peak / 1e9:.0f}"),
    ]


def with_fewer(model: LatentDiffusion, rounds: int) -> list[Row]:
    """Rows of other pictures, which take fewer evaluations than the 2 · `STEPS` of those compared."""
    rows, ways = [], fewer(model)
    for pictures, called in ((ONE, "one picture"), (FOUR, "four pictures")):
        seconds = race({way: draw for way, (draw, _) in ways.items()}, rounds, pictures=pictures)
        for way, (_, asked) in ways.items():
            what = f"fewer evaluations, {asked} for {2 * STEPS}: {way}, {called}, ms"
            rows.append(Row(what, f"{1000 * statistics.median(seconds[way]):.0f}"))
    return rows


def sweeps(draws: Mapping[str, Draw], rounds: int) -> list[Panel]:
    """Median milliseconds against each setting, the others as by default."""
    panels = []
    for (label, values), name in zip(SWEEPS.items(), ("steps", "pictures", "side"), strict=True):
        lines: dict[str, list[float]] = {who: [] for who in draws}
        for value in values:
            for who, seconds in race(draws, rounds, **{name: value}).items():
                lines[who].append(1000 * statistics.median(seconds))
        panels.append(Panel(label, values, lines))
    return panels


def recording(model: LatentDiffusion) -> float:
    """Seconds that the first evaluation takes more than the next."""
    x, _ = model.noise([SEED])
    t, words, taken = torch.full((1,), 500), model.words([PROMPT]), []
    denoise = replace(model, compiled=CompiledUNet(model.unet)).denoiser
    for _ in range(2):
        begun = time.perf_counter()
        denoise(x, t, words)
        taken.append(time.perf_counter() - begun)
    return taken[0] - taken[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="measure everything once, and write nothing")
    counts = Counts(1, 1, 2) if (quick := parser.parse_args().quick) else Counts()
    torch.set_num_threads(limits.THREADS)
    model = latent.load()
    once = recording(model)
    draws = contestants(model)
    rows = [
        at_most("pictures differ from diffusers' by, of 255", furthest(draws), EQUAL, ".2f"),
        *compared(model, draws, counts),
        *with_fewer(model, counts.rounds),
        Row("recording the U-Net, at its first evaluation: seconds", f"{once:.2f}"),
    ]
    panels = sweeps(draws, counts.few)
    if not quick:
        torch.set_num_threads(os.cpu_count() or 1)
        rows += compared(model, draws, counts)
    what = f"`make bench`: {STEPS} DDIM steps with guidance, text to decoded pictures, medians of {counts.rounds}"
    block = markdown(what, rows)
    print(block)
    if not quick:
        draw_panels(panels, ROOT / FIGURE, OURS)
        shown = f"![Milliseconds on one thread against steps, pictures and the side of the latent]({FIGURE})"
        write_readme("sampler-speed", f"\n{block}\n\n{shown}\n")


if __name__ == "__main__":
    main()
