"""Pictures on their way to a visitor and back: bytes for a canvas, PNG files that remember how they were made."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from apps import limits

KEY = "latent-diffusion-hands-on"
"""Keyword of the text in a PNG file that holds its settings as JSON."""
LONGEST = 100_000
"""Characters of settings that are looked at."""


def rgb_base64(pixels: np.ndarray) -> str:
    """(H, W, 3) uint8 → base64 of its bytes."""
    return base64.b64encode(np.ascontiguousarray(pixels).tobytes()).decode()


def png_bytes(pixels: np.ndarray, settings: dict[str, Any] | None = None) -> bytes:
    """(H, W, 3) uint8 → a PNG file, with the settings that made the picture."""
    buffer, info = io.BytesIO(), PngInfo()
    if settings is not None:
        info.add_itxt(KEY, json.dumps(settings))
    Image.fromarray(pixels).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def png_url(pixels: np.ndarray, settings: dict[str, Any] | None = None) -> str:
    """(H, W, 3) uint8 → a PNG as data URL."""
    return "data:image/png;base64," + base64.b64encode(png_bytes(pixels, settings)).decode()


def read_settings(path: str | Path) -> dict[str, Any]:
    """The settings in a PNG file that was saved here. Nothing of the picture itself is decoded.

    Raises gr.Error, with a sentence, for any other file.
    """
    foreign = limits.refuse("This file carries no settings: only pictures saved from this page do.")
    try:
        with Image.open(path, formats=["PNG"]) as picture:
            text = str(picture.info.get(KEY, ""))
        settings = json.loads(text) if len(text) <= LONGEST else None
    except (OSError, ValueError, SyntaxError, RecursionError, Image.DecompressionBombError) as error:
        raise foreign from error
    if not isinstance(settings, dict):
        raise foreign
    return settings
