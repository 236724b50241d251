"""Trains the flows and the autoregressive models of points by maximum likelihood, as the page does live.

python -m tutorial.training.point_likelihoods
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import torch
from torch import Tensor, nn

from tutorial import weights
from tutorial.data.toy2d import WORLDS
from tutorial.diffusion.elbo import negative_log_density
from tutorial.families import shipped
from tutorial.families.autoregressive import AutoregressiveConfig
from tutorial.families.flow import SHAPES, Flow
from tutorial.families.learners import AutoregressiveLearner, FlowLearner
from tutorial.families.truth import DENSITIES, floor
from tutorial.families.warping import round_trip, strips

COMMAND = "python -m tutorial.training.point_likelihoods"
POINTS, TESTED = 200_000, 50_000
"""Points to learn from, and fresh ones to measure on."""
RATES = {"spline": 5e-3, "affine": 2e-3, "autoregressive": 5e-3}
"""At the start; from there it falls to nothing along a half cosine."""


def train(learner: FlowLearner | AutoregressiveLearner, rate: float, updates: int) -> None:
    """So many updates, the rate falling (Loshchilov & Hutter 2017, eq. 5)."""
    for k in range(updates):
        learner.rate = rate * (1 + math.cos(math.pi * k / updates)) / 2
        learner.update()


@torch.no_grad()
def measure(model: nn.Module, world: str) -> dict[str, float]:
    """−log p on fresh points, and how far above the truth's on the same points, in nats and in standard errors.

    Also ∫ p over the square from −5 to 5, and of a flow how far from itself, at worst, a point comes back, in float32.
    """
    x = WORLDS[world](TESTED, torch.Generator().manual_seed(2))
    above = -model.log_prob(x) - negative_log_density(DENSITIES[world], x)  # type: ignore[operator]
    error = _standard_error(above)
    found = {
        "nll": round(floor(world) + above.mean().item(), 4),
        "above_floor": round(above.mean().item(), 4),
        "standard_error": round(error, 4),
        "errors_above_floor": round(above.mean().item() / error, 1),
        "floor": round(floor(world), 4),
        "integral": round(sum(strips(model.log_prob, width=0.02)), 4),  # type: ignore[arg-type]
    }
    return found | ({"inversion": round_trip(model, x).max().item()} if isinstance(model, Flow) else {})


def _standard_error(x: Tensor) -> float:
    return x.std().item() / math.sqrt(len(x))


def ship(name: str, world: str, learner: FlowLearner | AutoregressiveLearner, rate: float, updates: int, folder: Path):
    """Trains, saves, and measures what was saved."""
    begun = time.monotonic()
    train(learner, rate, updates)
    card = {
        "command": COMMAND,
        "world": world,
        "updates": updates,
        "batch": learner.batch,
        "rate": rate,
        "points": POINTS,
        "wall_time_minutes": round((time.monotonic() - begun) / 60, 2),
    }
    weights.save(name, learner.average, card, folder)
    stored = weights.load(name, folder, architectures=shipped.ARCHITECTURES)  # in half precision
    measured = measure(stored, world)
    weights.write_card(name, weights.read_card(name, folder) | {"measured": measured}, folder)
    print(f"{name}: {measured}")


def main(updates: int, folder: Path = weights.FOLDER) -> None:
    """Trains every model of `shipped`."""
    for world in shipped.WORLDS:
        data = WORLDS[world](POINTS, torch.Generator().manual_seed(1))
        for config in SHAPES.values():
            learner = FlowLearner(data, config, torch.Generator().manual_seed(0))
            ship(shipped.flow_name(world, config.kind), world, learner, RATES[config.kind], updates, folder)
        for first in (0, 1):
            shape = AutoregressiveConfig(first=first)
            learner = AutoregressiveLearner(data, shape, torch.Generator().manual_seed(0))
            name = shipped.autoregressive_name(world, first)
            ship(name, world, learner, RATES["autoregressive"], updates, folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--updates", type=int, default=4000)
    torch.set_num_threads(1)
    main(parser.parse_args().updates)
