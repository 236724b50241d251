"""The gated PixelCNN: at each pixel, how likely it is white, given all pixels before it.

"Before" means in the rows above, or in the same row further left. Stacked convolutions of one such shape leave a blind
spot to the upper right; two stacks do not. The vertical one sees the rows above in full width, the horizontal one what
stands to the left, and is told what the vertical one found.

van den Oord et al. 2016a, "Pixel recurrent neural networks"; 2016b, "Conditional image generation with PixelCNN
decoders", section 2 and figure 2. Where they mask a convolution's weights, we pad its input on one side only, which
comes to the same and multiplies no zeros; like Salimans et al. 2017, "PixelCNN++", we gate without a tanh; and both
stacks, not only the horizontal one, are residual.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tutorial.data.digits import SIDE


@dataclass(frozen=True)
class PixelCNNConfig:
    channels: int = 32
    layers: int = 5
    reach: int = 3
    """Rows up, and pixels to each side, that one layer sees beyond its own place."""


class GatedLayer(nn.Module):
    """One layer of both stacks: v, h (B, C, H, W) → the same.

    In row i, v speaks of the picture's rows above i, in full width; at pixel i, h speaks of the pixels to its left, and
    of what v says there. (Both are moved by one before the first layer, so that a layer may look at its own place.)
    """

    def __init__(self, channels: int, reach: int) -> None:
        super().__init__()
        self.reach = reach
        self.above = nn.Conv2d(channels, 2 * channels, (reach + 1, 2 * reach + 1), padding=(0, reach))
        self.left = nn.Conv2d(channels, 2 * channels, (1, reach + 1))
        self.link = nn.Conv2d(channels, 2 * channels, 1, bias=False)
        self.out = nn.Conv2d(channels, channels, 1)

    def vertical(self, rows: Tensor) -> Tensor:
        """What to add to v: rows of v, `reach` more of them above (B, C, reach + H, W) → (B, C, H, W)."""
        return F.glu(self.above(rows), dim=1)  # half of the channels gate the other half

    def horizontal(self, pixels: Tensor, told: Tensor) -> Tensor:
        """What to add to h: pixels of h, `reach` more of them to the left (B, C, H, reach + W) → (B, C, H, W).

        `told` (B, 2C, H, W) is what the new v has to say, through `link`.
        """
        return self.out(F.glu(self.left(pixels) + told, dim=1))

    def forward(self, v: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        v = v + self.vertical(F.pad(v, (0, 0, self.reach, 0)))
        return v, h + self.horizontal(F.pad(h, (self.reach, 0, 0, 0)), self.link(v))


class PixelCNN(nn.Module):
    """Pictures (B, 1, 28, 28) of zeros and ones → logits of p(x_i = 1 | x_<i), of the same shape.

    The pixels are taken row by row from the top, each row from the left.
    """

    def __init__(self, config: PixelCNNConfig) -> None:
        super().__init__()
        self.config = config
        c = config.channels
        self.above, self.left = nn.Conv2d(1, c, 1), nn.Conv2d(1, c, 1)
        # Digits stand in the middle: where a pixel is says much of it, and padding alone does not tell.
        self.v_place, self.h_place = (nn.Parameter(torch.zeros(1, c, SIDE, SIDE)) for _ in range(2))
        self.layers = nn.ModuleList(GatedLayer(c, config.reach) for _ in range(config.layers))
        self.hidden = nn.Conv2d(c, c, 1)
        self.head = nn.Conv2d(c, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """All pixels' logits in one pass, (B, 1, 28, 28) → the same: each sees only those before it."""
        above, left = F.pad(x, (0, 0, 1, -1)), F.pad(x, (1, -1, 0, 0))  # what stands one row up, one pixel to the left
        v, h = self.above(above), self.left(left)
        v, h = v + self.v_place.to(v.dtype), h + self.h_place.to(h.dtype)
        for layer in self.layers:
            v, h = layer(v, h)
        return self.read(h)

    def read(self, h: Tensor) -> Tensor:
        """Logits of what the horizontal stack came to: (B, C, H, W) → (B, 1, H, W)."""
        return self.head(F.relu(self.hidden(F.relu(h))))
