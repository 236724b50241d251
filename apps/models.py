"""Shipped models, loaded once for all chapters and visitors, who only read them."""

from __future__ import annotations

from functools import cache

from apps import limits, worlds
from tutorial.diffusion import latent, pixel, points
from tutorial.diffusion.latent import LatentDiffusion
from tutorial.diffusion.objective import Kind
from tutorial.diffusion.pixel import DigitDiffusion
from tutorial.diffusion.points import PointModel
from tutorial.metrics import digits as judging
from tutorial.metrics.digits import DigitJudge

LEARNED, EXACT = DENOISERS = ("learned", "exact")


@cache
def latent_diffusion() -> LatentDiffusion:
    """The miniature that draws critters. Raises tutorial.weights.WeightsError if a file is missing or damaged."""
    return latent.load()


@cache
def digit_diffusion() -> DigitDiffusion:
    """The network that draws digits among the pixels. Raises tutorial.weights.WeightsError as above."""
    return pixel.load()


@cache
def digit_judge() -> DigitJudge:
    """Who reads drawn digits and compares them with real ones. Raises tutorial.weights.WeightsError as above."""
    return judging.load()


@cache
def point_model(world: str, predicts: Kind = "eps") -> PointModel:
    """The shipped denoiser of a world of points. Raises tutorial.weights.WeightsError as above."""
    return points.learned(world, predicts)


def denoiser(kind: str, world: str, drawn: worlds.Points = ()) -> PointModel:
    """The learned or the exact denoiser of a world, one of `DENOISERS`; raises gr.Error where there is no such one."""
    if limits.choice("The denoiser", kind, DENOISERS) == LEARNED:
        if world == worlds.DRAWN:
            raise limits.refuse("Nothing has learned what you drew; choose the exact denoiser.")
        return point_model(world)
    mixture = worlds.mixture(world, drawn)
    if mixture is None:
        raise limits.refuse("The exact denoiser is known for the eight Gaussians and for what you draw, not for this.")
    return points.exact(mixture, points.SCHEDULE)
