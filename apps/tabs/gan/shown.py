"""What the lab "diagram" shows of a game: a line on how it stands, and all pictures by name."""

from __future__ import annotations

from apps.tabs.gan import curves, frames
from apps.tabs.gan.play import Look, Play
from tutorial.gans.gauges import SAMPLES
from tutorial.metrics.coverage import NEAR


def told(play: Play, look: Look) -> str:
    """How a game stands, in a line."""
    row = look.row
    alone = [
        f"{n:,} {'step' if n == 1 else 'steps'} of {name} alone" for n, name in zip(play.alone, "DG", strict=True) if n
    ]
    said = [" + ".join([f"turn {row.turns:,}", *alone])]
    if play.speed is not None:
        said.append(f"{play.speed:,.0f} turns a second")
    if play.modes is not None:
        said.append(
            f"{row.modes:.0f} of {len(play.modes.means)} modes in {SAMPLES} fakes, "
            f"{row.high_quality:.0%} of them within {NEAR:g}σ of one"
        )
    return " · ".join([*said, f"energy distance {row.energy:.3g}"])


def everything(play: Play, look: Look, note: str) -> dict[str, str]:
    """All pictures."""
    still = {"codes": frames.codes(play), "real": frames.real(play), "gauges": curves.gauges(play, look)}
    return moving(play, look, note) | still


def moving(play: Play, look: Look, note: str) -> dict[str, str]:
    """The pictures that change with every look."""
    return {
        "frame": frames.frame(play, look, note),
        "warp": frames.warp(look),
        "fakes": frames.fakes(look),
        "opinion": frames.opinion(look),
    }
