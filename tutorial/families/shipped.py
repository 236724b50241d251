"""The models with an exact density that ship: flows and autoregressive models of points in the plane."""

from __future__ import annotations

from pathlib import Path

from tutorial import weights
from tutorial.families.autoregressive import Autoregressive, AutoregressiveConfig
from tutorial.families.flow import Flow, FlowConfig, Kind

ARCHITECTURES = {"Autoregressive": (Autoregressive, AutoregressiveConfig), "Flow": (Flow, FlowConfig)}
WORLDS = ("eight Gaussians", "two moons")
"""What they learned: the worlds whose entropy floor is known."""


def flow_name(world: str, kind: Kind) -> str:
    """Under which name a flow is shipped."""
    return f"flow_{kind}_{_slug(world)}"


def autoregressive_name(world: str, first: int) -> str:
    """Under which name the autoregressive model is shipped that begins with coordinate `first`, 0 or 1."""
    return f"autoregressive_x{first + 1}_first_{_slug(world)}"


def flow(world: str, kind: Kind = "spline", folder: Path = weights.FOLDER) -> Flow:
    """A shipped flow of one of `WORLDS`. Raises weights.WeightsError if its file is missing or damaged."""
    return weights.load(flow_name(world, kind), folder, architectures=ARCHITECTURES)


def autoregressive(world: str, first: int = 0, folder: Path = weights.FOLDER) -> Autoregressive:
    """A shipped autoregressive model of one of `WORLDS`. Raises weights.WeightsError as above."""
    return weights.load(autoregressive_name(world, first), folder, architectures=ARCHITECTURES)


def _slug(world: str) -> str:
    return world.lower().replace(" ", "_")
