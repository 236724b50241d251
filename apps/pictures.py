"""Pictures on their way to a visitor and back: bytes for a canvas, PNG files that remember how they were made, and
pictures of a visitor's own."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import math
import struct
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from gradio.utils import get_upload_folder
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo

from apps import limits

KEY = "latent-diffusion-hands-on"
"""Keyword of the text in a PNG file that holds its settings as JSON."""
LONGEST = 100_000
"""Characters of settings that are looked at."""
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
"""Kinds of files in which visitors may send a picture of theirs."""
SMALLEST, LARGEST = 8, 4096
"""Pixels of the sides of such a picture."""
DAMAGED = (
    *(OSError, ValueError, SyntaxError, KeyError, IndexError, TypeError, struct.error),
    *(Image.DecompressionBombError, Image.DecompressionBombWarning),
)
"""What Pillow raises for files that are no pictures, or are cut off, or promise more than they should."""

# Pillow warns of a picture that would unpack to very much, and fails only at twice that. For the whole process, since
# `warnings.catch_warnings` is not for threads.
warnings.simplefilter("error", Image.DecompressionBombWarning)


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
    except (*DAMAGED, RecursionError) as error:
        raise foreign from error
    if not isinstance(settings, dict):
        raise foreign
    return settings


def served(png: bytes, name: str) -> str:
    """The path of a file of this name and content that Gradio serves.

    Written beside its place and then moved there: who asks for the same picture at the same time gets all of it.
    """
    folder = Path(get_upload_folder()) / hashlib.sha256(png).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    whole = folder / Path(name).name
    if not whole.exists():
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as part:
            part.write(png)
        Path(part.name).replace(whole)
    return str(whole.resolve())


def channels(x: np.ndarray) -> np.ndarray:
    """The channels of (T, C, H, W) in one picture, two by two if there are four: (T, rows, columns), with lines of
    NaN between them, where nothing is drawn."""
    frames, count, h, w = x.shape
    across = math.ceil(count**0.5)
    down = math.ceil(count / across)
    tiles = np.full((frames, down * (h + 1) - 1, across * (w + 1) - 1), np.nan, np.float32)
    for k in range(count):
        row, column = k // across * (h + 1), k % across * (w + 1)
        tiles[:, row : row + h, column : column + w] = x[:, k]
    return tiles


def read_picture(path: str | Path, side: int) -> np.ndarray:
    """The middle square of any picture, at (side, side, 3) uint8; where it is transparent it becomes white.

    Its size is known before its pixels are decoded. Raises gr.Error, with a sentence, for a file that is no still
    picture, is damaged, or has sides that are not from `SMALLEST` to `LARGEST`.
    """
    try:
        with Image.open(path, formats=FORMATS) as picture:
            fits = SMALLEST <= min(picture.size) <= max(picture.size) <= LARGEST
            moves = getattr(picture, "is_animated", False)
            with limits.CPU.turn():  # so that few large ones are in memory at once
                upright = ImageOps.exif_transpose(picture).convert("RGBA") if fits and not moves else None
    except DAMAGED as error:
        raise limits.refuse(f"This is no undamaged picture of a kind that is read: {', '.join(FORMATS)}.") from error
    if not fits:
        raise limits.refuse(f"A picture's sides must have {SMALLEST} to {LARGEST:,} pixels.")
    if upright is None:
        raise limits.refuse("This picture moves. Please choose a still one.")
    rgba = ImageOps.fit(upright, (side, side), Image.Resampling.LANCZOS)
    return np.array(Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB"))


def uploaded(file: Any) -> str | None:
    """Path of a file that this visitor's client uploaded. Raises gr.Error for any other path, and what is none."""
    if file is None:
        return None
    path = file.get("path") if isinstance(file, dict) else None
    if not isinstance(path, str) or not Path(path).resolve().is_relative_to(Path(get_upload_folder()).resolve()):
        raise limits.refuse("The picture must be an uploaded file.")
    return path
