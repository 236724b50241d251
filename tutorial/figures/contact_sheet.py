"""Many small pictures on one sheet."""

from __future__ import annotations

import numpy as np
from PIL import Image


def contact_sheet(pictures: np.ndarray, columns: int, scale: int = 2, gap: int = 8) -> Image.Image:
    """Pictures (N, H, W, 3) uint8 in rows of `columns`, enlarged smoothly, on a transparent ground."""
    height, width = (side * scale for side in pictures.shape[1:3])
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGBA", (columns * (width + gap) - gap, rows * (height + gap) - gap))
    for k, picture in enumerate(pictures):
        large = Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS)
        sheet.paste(large, (k % columns * (width + gap), k // columns * (height + gap)))
    return sheet
