"""The chapter "Latent diffusion": the whole of Stable Diffusion in miniature."""

from apps import notebook
from apps.tabs.latent import draw

TITLE = "Latent diffusion"


def build() -> None:
    """The chapter's page, with its labs in their places."""
    notebook.chapter("latent", {"draw": draw.lab})
