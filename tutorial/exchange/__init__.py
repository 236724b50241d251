"""Stable Diffusion to and from the folders in which diffusers keeps its pipelines."""

from tutorial.exchange.folders import from_diffusers, to_diffusers
from tutorial.exchange.settings import ForeignSetting

__all__ = ["ForeignSetting", "from_diffusers", "to_diffusers"]
