"""Writes the README's figures of the four families, from what is on their cards and in the recorded run.

    python -m tutorial.training.evaluate_families

Measures nothing itself: `point_likelihoods`, `point_families`, `evaluate_pixel_cnn` and `evaluate_digit_vae` do.
"""

from __future__ import annotations

from tutorial import weights
from tutorial.families import digit_vae
from tutorial.families.comparison import Standing
from tutorial.families.flow import KINDS
from tutorial.families.shipped import WORLDS, autoregressive_name, flow_name
from tutorial.training.evaluate import Row, at_least, at_most, markdown, write_readme
from tutorial.training.point_families import recorded

LARGE = digit_vae.file_name(32, 1.0)
MODELS = {
    "spline flow": lambda world: flow_name(world, "spline"),
    "autoregressive": lambda world: autoregressive_name(world, 0),
}
FLOWS = [flow_name(world, kind) for kind in KINDS for world in WORLDS]
EXACT = [*FLOWS, *(autoregressive_name(world, first) for first in (0, 1) for world in WORLDS)]
"""All that ship with an exact density."""


def alone() -> list[Row]:
    """The shipped models of points, each trained by itself."""
    found = {name: weights.read_card(name, needs=("measured",))["measured"] for name in EXACT}
    rows = [
        at_most(f"{model}, {world}: nats above the entropy floor", found[name(world)]["above_floor"], 0.10, ".3f")
        for model, name in MODELS.items()
        for world in WORLDS
    ]
    farthest = max(abs(one["integral"] - 1) for one in found.values())
    lowest = min(one["errors_above_floor"] for one in found.values())
    worst = max(found[name]["inversion"] for name in FLOWS)
    return [
        *rows,
        at_least("these, affine flows, x₂ first: standard errors above the floor, the least", lowest, -3, ".1f"),
        at_most("their integrals over the square from −5 to 5, off 1 by at most", farthest, 0.01, ".4f"),
        at_most("flows: a point from its noise back to itself, float32, off by at most", worst, 1e-4, ".1e"),
    ]


def together() -> list[Row]:
    """The recorded run of all five side by side."""
    state = recorded()
    by_name = {standing.name: standing for standing in state.standings}
    spread = by_name["diffusion"].quick.coverage
    assert spread is not None  # the run is of the eight Gaussians, a known mixture
    return [
        at_most("five families, 30 s together: flow, nats above the floor", _above(by_name["flow"]), 0.25, ".2f"),
        at_most("the same: autoregressive", _above(by_name["autoregressive"]), 0.15, ".2f"),
        at_least("the same: diffusion, modes of 8", spread.modes, 8, "d"),
        at_least("the same: diffusion, samples within 3σ of one", spread.high_quality, 0.90, ".0%"),
    ]


def digits() -> list[Row]:
    """The shipped models of binarised MNIST."""
    pixels = weights.read_card("pixel_cnn", needs=("measured",))["measured"]
    vae = weights.read_card(LARGE, needs=("measured",))["measured"]
    weighed = -vae["elbo"]["mean"] - vae["importance"]["above_elbo"]["mean"]
    return [
        at_most("PixelCNN, test digits binarised anew: nats", pixels["nats"]["mean"], 90, ".1f"),
        Row("VAE of 32 numbers, the same: −ELBO; importance-weighted", f"{-vae['elbo']['mean']:.1f}; {weighed:.1f}"),
    ]


def _above(standing: Standing) -> float:
    """Nats above −log p of the data itself."""
    assert standing.thorough is not None  # a recording ends with all measurements
    assert standing.thorough.excess is not None
    return standing.thorough.excess.mean


def table() -> str:
    """The README's figures as a Markdown table."""
    return markdown(
        f"`make evaluate`, and by `make weights` for the first {len(alone())}", [*alone(), *together(), *digits()]
    )


if __name__ == "__main__":
    write_readme("families", f"\n{table()}\n")
    print(table())
