"""Pixels as pictures store them, and as networks see them."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor


def to_signed(x: Tensor) -> Tensor:
    """uint8 pixels → float32 in [−1, 1], what all networks here see."""
    return x.float() / 127.5 - 1


def to_pixels(x: Tensor) -> Tensor:
    """float in [−1, 1], clipped → uint8 pixels."""
    return ((x.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)


def from_image(image: Image.Image) -> Tensor:
    """An RGB picture of Pillow's → (3, H, W) uint8."""
    return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)


def to_arrays(x: Tensor) -> np.ndarray:
    """Pictures (N, 3, H, W) in [−1, 1] → (N, H, W, 3) uint8, as Pillow takes them one by one."""
    return to_pixels(x).permute(0, 2, 3, 1).cpu().numpy()
