"""The settings of the lab "diagram": what a visitor may ask for, checked, and what each means for the game."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast, get_args

from apps import limits, worlds
from apps.tabs.gan import data
from tutorial.gans.descent import Optimiser
from tutorial.gans.game import Rules, Setup, Shape
from tutorial.gans.losses import LOSSES, Name
from tutorial.training.gan_lab import RULES, SEED, SETUP, WORLD

WIDTHS = (4, 8, 16, 32, 64)
LAYERS = (1, 2, 3)
UPDATES = (1, 2, 3, 5)
"""Of one network in a turn."""
RATES = tuple(0.001 * 2**k for k in range(-3, 9))
"""Learning rates that the page offers; four times one of them is another, up to the last."""
FASTER = 4
"""With two time scales, D’s learning rate is so many times G’s."""
R1 = (0.0, 0.01, 0.1, 1.0, 10.0)
DEFAULTS: dict[str, Any] = {
    "world": WORLD,
    "noise": SETUP.noise,
    "shape": SETUP.shape,
    "g_layers": len(SETUP.generator),
    "g_width": SETUP.generator[0],
    "d_layers": len(SETUP.discriminator),
    "d_width": SETUP.discriminator[0],
    "pack": SETUP.pack == 2,
    "loss": RULES.loss,
    "optimiser": RULES.optimiser,
    "rate_d": RULES.rate_d,
    "rate_g": RULES.rate_g,
    "k_d": RULES.k_d,
    "k_g": RULES.k_g,
    "batch": RULES.batch,
    "r1": RULES.r1,
    "spectral": RULES.spectral,
    "averaged": False,
    "seed": SEED,
}
"""Those of the recorded game."""


@dataclass(frozen=True)
class Start:
    """What a game starts from: another one is another game."""

    world: str
    drawn: worlds.Points
    setup: Setup
    seed: int


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked."""

    setup: Start
    rules: Rules
    averaged: bool
    """Whether the averaged generator is shown and measured."""


def check(
    world: Any,
    noise: Any,
    shape: Any,
    g_layers: Any,
    g_width: Any,
    d_layers: Any,
    d_width: Any,
    pack: Any,
    loss: Any,
    optimiser: Any,
    rate_d: Any,
    rate_g: Any,
    k_d: Any,
    k_g: Any,
    batch: Any,
    r1: Any,
    spectral: Any,
    averaged: Any,
    seed: Any,
    drawn: Any = (),
) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    name, points = data.check_world(world, drawn)
    setup = Setup(
        noise=limits.whole("The noise", noise, 1, 2),
        shape=cast(Shape, limits.choice("The kind of noise", shape, get_args(Shape))),
        generator=_layers("generator", g_layers, g_width),
        discriminator=_layers("discriminator", d_layers, d_width),
        pack=2 if _switch("PacGAN", pack) else 1,
    )
    rules = Rules(
        loss=cast(Name, limits.choice("The loss", loss, tuple(LOSSES))),
        optimiser=cast(Optimiser, limits.choice("The optimiser", optimiser, get_args(Optimiser))),
        rate_d=limits.number("The discriminator’s learning rate", rate_d, 1e-5, 1),
        rate_g=limits.number("The generator’s learning rate", rate_g, 1e-5, 1),
        k_d=limits.whole("The discriminator’s updates in a turn", k_d, 1, 5),
        k_g=limits.whole("The generator’s updates in a turn", k_g, 1, 5),
        batch=_batch(batch),
        r1=limits.number("The weight of R1", r1, 0, 10),
        spectral=_switch("Spectral norm", spectral),
    )
    start = Start(name, points, setup, limits.whole("The seed", seed, 0, 2**31 - 1))
    return Wish(start, rules, _switch("Average", averaged))


def two_scales(rate_g: Any) -> float:
    """D’s learning rate for two time scales. Raises gr.Error where the page offers none as high."""
    rate = FASTER * limits.number("The generator’s learning rate", rate_g, 1e-5, 1)
    if rate > max(RATES):
        raise limits.refuse(
            f"D’s learning rate goes up to {max(RATES):g}, which is less than {FASTER} × G’s: "
            f"choose {max(RATES) / FASTER:g} or less for G first."
        )
    return rate


def _layers(network: str, layers: Any, width: Any) -> tuple[int, ...]:
    depth = limits.whole(f"The number of the {network}’s hidden layers", layers, 1, max(LAYERS))
    return (limits.whole(f"The number of the {network}’s neurons", width, min(WIDTHS), max(WIDTHS)),) * depth


def _batch(value: Any) -> int:
    batch = limits.whole("The batch", value, 16, 512)
    if batch % 2:
        raise limits.refuse(f"The batch must be even, since PacGAN makes pairs of it; got {batch}.")
    return batch


def _switch(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise limits.refuse(f"{name} must be on or off: true or false.")
    return value
