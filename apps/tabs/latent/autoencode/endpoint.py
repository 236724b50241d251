"""The endpoint of the lab "through the autoencoder"."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
from collections.abc import Generator
from typing import Any

import gradio as gr
from gradio.data_classes import FileData

from apps import limits, pictures
from apps.pictures import png_bytes, served
from apps.tabs.latent.autoencode.scene import CHANNELS, DEFAULTS, NONE, Scene, back, check, sizes, staged
from apps.tabs.latent.source import OWN, SEED, WORDS
from apps.tabs.latent.studio import LONGEST_PROMPT
from tutorial.data.pixels import to_arrays
from tutorial.metrics.similarity import psnr

Answer = tuple[dict[str, Any], list, dict[str, float], list[dict[str, float]]]


def autoencode(
    request: gr.Request,
    seed: int = DEFAULTS["seed"],
    description: str = "",
    picture: FileData | None = None,
    scales: list[float] | None = None,
    swap: str = NONE,
    other: int = DEFAULTS["other"],
):
    """Sends a picture through the autoencoder. Yields (PNG file of what comes back, latent, numbers, channels).

    The picture is a critter by its seed, 0–2137483647, with what a description asks for, or a picture of your own (PNG,
    JPEG, WebP or GIF; its middle square, at 64 × 64). scales: four numbers from −2 to 3, one for each channel. swap:
    “none”, “channels 1 and 2” and so on, or “channel 1 with the other critter’s” and so on, of the critter of seed
    other; it comes before the scales. latent: 4 channels of 8 rows of 8 numbers, as decoded. numbers: psnr in dB, kl in
    nats, and the bytes of the picture, of its PNG, and of the latent in float32, float16 and 8 bits. channels: mean and
    std of μ, smallest, mean and largest σ, and kl of each, before any change.
    """
    file = pictures.uploaded(picture)
    kind = OWN if file else WORDS if limits.text("The description", description, LONGEST_PROMPT).strip() else SEED
    values = [kind, seed, description, other, *factors(scales), swap, file]
    wish = check(*values)

    def answer() -> Generator[Answer | None, None, None]:
        scene = staged(wish)
        yield None
        yield answer_of(scene)

    yield from limits.run(request, answer())


autoencode.__annotations__["return"] = tuple[
    FileData, list[list[list[float]]], dict[str, float], list[dict[str, float]]
]


def factors(scales: Any) -> list[Any]:
    """Four scales, all 1 for none. Raises gr.Error for what is no list of four."""
    if scales is None:
        return [1.0] * CHANNELS
    if not isinstance(scales, list) or len(scales) != CHANNELS:
        raise limits.refuse(f"The scales must be a list of {CHANNELS} numbers.")
    return scales


def answer_of(scene: Scene) -> Answer:
    """What `autoencode` gives."""
    z = scene.changed(scene.found.mean)
    y = back(z)
    mean, spread, kl = scene.found.mean[0], scene.found.spread[0], scene.found.kl
    names = ("picture_bytes", "png_bytes", "float32_bytes", "float16_bytes", "eight_bit_bytes")
    numbers = {"psnr": psnr(scene.x, y), "kl": kl.sum().item()}
    numbers |= {name: float(taken) for name, (_, taken, _) in zip(names, sizes(scene), strict=True)}
    channels = [
        {
            "mean": mean[c].mean().item(),
            "std": mean[c].std().item(),
            "sigma_min": spread[c].min().item(),
            "sigma_mean": spread[c].mean().item(),
            "sigma_max": spread[c].max().item(),
            "kl": kl[c].item(),
        }
        for c in range(CHANNELS)
    ]
    path = served(png_bytes(to_arrays(y)[0]), "decoded.png")
    return FileData(path=path).model_dump(), z[0].tolist(), numbers, channels
