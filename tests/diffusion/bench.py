"""How fast does a denoiser of points learn? `make bench` prints it: beside a plain loop, and nine seeds at once."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import nn

from tutorial.data.toy2d import ring
from tutorial.diffusion.point_training import POINTS, Knobs, PointTraining
from tutorial.diffusion.points import SCHEDULE
from tutorial.diffusion.process import q_sample
from tutorial.networks.mlp import PointDenoiser, PointDenoiserConfig

CONFIG = PointDenoiserConfig(hidden=128, layers=3)
BATCH = 32
SEEDS = 9
UPDATES, REPEATS = 320, 5


def plain() -> Iterator[float]:
    """The loop that one would write down first, with the same network, features and data: the loss of each update."""
    data = ring().sample(POINTS)
    features = PointDenoiser(CONFIG).features
    widths = [features(data[:1], torch.ones(1)).shape[-1], *[CONFIG.hidden] * CONFIG.layers]
    hidden = [layer for a, b in itertools.pairwise(widths) for layer in (nn.Linear(a, b), nn.SiLU())]
    network = nn.Sequential(*hidden, nn.Linear(CONFIG.hidden, 2))
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    while True:
        x0 = data[torch.randint(len(data), (BATCH,))]
        t = torch.randint(1, SCHEDULE.T + 1, (BATCH,))
        eps = torch.randn_like(x0)
        loss = F.mse_loss(network(features(q_sample(SCHEDULE, x0, t, eps), t)), eps)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield loss.item()


def ours(seeds: int) -> Iterator[float]:
    """The loop that the page runs, for so many networks at once; it keeps the averaged weights besides."""
    training = PointTraining(ring().sample(POINTS), PointDenoiserConfig(CONFIG.hidden, CONFIG.layers, stack=seeds))
    return (update.loss for update in training.run(lambda: Knobs(batch=BATCH)))


def milliseconds() -> dict[str, float]:
    """The time of one update in each way, taken in turn: the best of `REPEATS`, so that other work is left out."""
    loops = {"plain": plain(), "ours": ours(1), "nine": ours(SEEDS)}
    best = dict.fromkeys(loops, float("inf"))
    for _ in range(REPEATS):
        for name, loop in loops.items():
            begun = time.perf_counter()
            for _ in itertools.islice(loop, UPDATES):
                pass
            best[name] = min(best[name], 1000 * (time.perf_counter() - begun) / UPDATES)
    return best


def main() -> None:
    best = milliseconds()
    print(
        f"An update of a {CONFIG.layers} × {CONFIG.hidden} network, batch {BATCH}, {torch.get_num_threads()} threads:"
    )
    loop, one, nine = best.values()
    print(f"a plain loop {loop:.2f} ms, ours {one:.2f} ms: {loop / one:.1f} times as fast")
    print(f"{SEEDS} seeds at once {nine:.2f} ms: {nine / one:.1f} of ours, {nine / loop:.1f} of the plain loop")


if __name__ == "__main__":
    main()
