"""The remedies against mode collapse that the course compares, by name: what each changes in a game."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from tutorial.gans.game import Rules, Setup

NONE, TWO_SCALES = "none", "two time scales"


@dataclass(frozen=True)
class Remedy:
    """A remedy: what it changes of a game's settings."""

    about: str
    """What it does, with its source."""
    setup: dict[str, Any] = field(default_factory=dict)
    """What it changes of the set-up."""
    rules: dict[str, Any] = field(default_factory=dict)
    """What it changes of the rules."""
    speeds: tuple[float, float] = (1.0, 1.0)
    """What it multiplies the rates of D and of G by."""
    averaged: bool = False
    """Whether the averaged generator is the one that draws."""


REMEDIES: dict[str, Remedy] = {
    NONE: Remedy("The game as it is."),
    "R1": Remedy("D pays for its slope at the data, γ/2 · E‖∇D(x)‖² (Mescheder et al. 2018).", rules={"r1": 0.1}),
    "spectral norm": Remedy(
        "Each weight of D is divided by its largest singular value (Miyato et al. 2018).", rules={"spectral": True}
    ),
    "PacGAN2": Remedy("D judges two points at a time, both data or both fakes (Lin et al. 2018).", setup={"pack": 2}),
    "EMA": Remedy("A running mean of the generator draws (Yazıcı et al. 2019).", averaged=True),
    TWO_SCALES: Remedy(
        "D learns four times as fast, and G a quarter as fast, as before (Heusel et al. 2017). If a hasty generator is "
        "what is wrong, this takes the haste back.",
        speeds=(4.0, 0.25),
    ),
}


def remedied(name: str, setup: Setup, rules: Rules) -> tuple[Setup, Rules, bool]:
    """The set-up and the rules under a remedy, and whether the averaged generator draws.

    Raises KeyError for a name that there is not.
    """
    remedy = REMEDIES[name]
    fast, slow = remedy.speeds
    changed = replace(rules, rate_d=rules.rate_d * fast, rate_g=rules.rate_g * slow, **remedy.rules)
    return replace(setup, **remedy.setup), changed, remedy.averaged
