"""Shipped models, loaded once for all chapters and visitors, who only read them."""

from __future__ import annotations

from functools import cache

from apps import limits, worlds
from tutorial import weights
from tutorial.diffusion import latent, pixel, points
from tutorial.diffusion.latent import LatentDiffusion
from tutorial.diffusion.objective import Kind
from tutorial.diffusion.pixel import DigitDiffusion
from tutorial.diffusion.points import PointModel
from tutorial.families import digit_vae as autoencoders
from tutorial.families import pixel_cnn as pixel_cnns
from tutorial.families import shipped
from tutorial.families.autoregressive import Autoregressive
from tutorial.families.flow import Flow
from tutorial.families.flow import Kind as Move
from tutorial.gans import digits as gans
from tutorial.metrics import digits as judging
from tutorial.metrics.digits import DigitJudge
from tutorial.networks.digit_gan import DigitGenerator
from tutorial.networks.digit_vae import DigitVAE
from tutorial.networks.pixel_cnn import PixelCNN

LEARNED, EXACT = DENOISERS = ("learned", "exact")


@cache
def latent_diffusion_of(side: int) -> LatentDiffusion:
    """What draws critters of this height and width, in pixels.

    Raises tutorial.weights.WeightsError if a file is missing or damaged.
    """
    return latent.load(side=side)


def latent_diffusion() -> LatentDiffusion:
    """The miniature among them. Raises tutorial.weights.WeightsError as above."""
    return latent_diffusion_of(weights.SIDE)


@cache
def digit_diffusion() -> DigitDiffusion:
    """The network that draws digits among the pixels. Raises tutorial.weights.WeightsError as above."""
    return pixel.load()


@cache
def digit_judge() -> DigitJudge:
    """Who reads drawn digits and compares them with real ones. Raises tutorial.weights.WeightsError as above."""
    return judging.load()


@cache
def digit_vae(beta: float = 1.0) -> DigitVAE:
    """The autoencoder of digits with codes in the plane. Raises tutorial.weights.WeightsError as above."""
    return autoencoders.load(autoencoders.PLANE, beta)


@cache
def digit_gan() -> DigitGenerator:
    """The generator of digits. Raises tutorial.weights.WeightsError as above."""
    return gans.load()


@cache
def pixel_cnn() -> PixelCNN:
    """The network that draws digits pixel by pixel. Raises tutorial.weights.WeightsError as above."""
    return pixel_cnns.load()


@cache
def point_model(world: str, predicts: Kind = "eps") -> PointModel:
    """The shipped denoiser of a world of points. Raises tutorial.weights.WeightsError as above."""
    return points.learned(world, predicts)


@cache
def flow(world: str, kind: Move) -> Flow:
    """The shipped flow of a world of points. Raises tutorial.weights.WeightsError as above."""
    return shipped.flow(world, kind)


@cache
def autoregressive(world: str, first: int) -> Autoregressive:
    """The shipped autoregressive model of a world of points. Raises tutorial.weights.WeightsError as above."""
    return shipped.autoregressive(world, first)


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
