"""The six contenders by name, and those that ship."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from tutorial import weights
from tutorial.contest.contender import Contender
from tutorial.contest.flow import ContestFlow, ContestFlowConfig, FlowTraining
from tutorial.contest.gan import ContestGAN, GANTraining
from tutorial.contest.latent_diffusion import ContestLatentDiffusion, LatentDiffusionConfig, LatentDiffusionTraining
from tutorial.contest.pixel_cnn import ContestPixelCNN, ContestPixelCNNConfig, PixelCNNTraining
from tutorial.contest.pixel_diffusion import ContestPixelDiffusion, PixelDiffusionConfig, PixelDiffusionTraining
from tutorial.contest.recipe import Training
from tutorial.contest.vae import ContestVAE, ContestVAEConfig, VAETraining
from tutorial.networks.digit_gan import DigitGeneratorConfig

TRAININGS: dict[str, type[Training]] = {
    "vae": VAETraining,
    "flow": FlowTraining,
    "pixel_cnn": PixelCNNTraining,
    "gan": GANTraining,
    "pixel_diffusion": PixelDiffusionTraining,
    "latent_diffusion": LatentDiffusionTraining,
}
ARCHITECTURES: dict[str, tuple[type[nn.Module], type]] = {
    "ContestVAE": (ContestVAE, ContestVAEConfig),
    "ContestFlow": (ContestFlow, ContestFlowConfig),
    "ContestPixelCNN": (ContestPixelCNN, ContestPixelCNNConfig),
    "ContestGAN": (ContestGAN, DigitGeneratorConfig),
    "ContestPixelDiffusion": (ContestPixelDiffusion, PixelDiffusionConfig),
    "ContestLatentDiffusion": (ContestLatentDiffusion, LatentDiffusionConfig),
}


def file_name(family: str) -> str:
    """Name of a shipped contender."""
    return f"contest_{family}"


def load(family: str, folder: Path = weights.FOLDER) -> Contender:
    """A shipped contender, at rest. Raises tutorial.weights.WeightsError if its file is missing or damaged."""
    return weights.load(file_name(family), folder, architectures=ARCHITECTURES)
