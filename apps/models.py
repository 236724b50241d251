"""Shipped models, loaded once for all chapters and visitors, who only read them."""

from __future__ import annotations

from functools import cache

from tutorial.diffusion import latent
from tutorial.diffusion.latent import LatentDiffusion


@cache
def latent_diffusion() -> LatentDiffusion:
    """The miniature that draws critters. Raises tutorial.weights.WeightsError if a file is missing or damaged."""
    return latent.load()
