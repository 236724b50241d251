"""Shipped models, loaded once for all chapters and visitors, who only read them."""

from __future__ import annotations

from functools import cache

from tutorial.diffusion import latent, points
from tutorial.diffusion.latent import LatentDiffusion
from tutorial.diffusion.objective import Kind
from tutorial.diffusion.points import PointModel


@cache
def latent_diffusion() -> LatentDiffusion:
    """The miniature that draws critters. Raises tutorial.weights.WeightsError if a file is missing or damaged."""
    return latent.load()


@cache
def point_model(world: str, predicts: Kind = "eps") -> PointModel:
    """The shipped denoiser of a world of points. Raises tutorial.weights.WeightsError as above."""
    return points.learned(world, predicts)
