"""What a network costs, counted rather than typed in."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


@torch.no_grad()
def flops(module: nn.Module, *inputs: Any) -> int:
    """Floating-point operations of one forward pass: two for each multiply-add of the matrix products,
    convolutions and attentions; the rest, element by element, is left out as usual."""
    with FlopCounterMode(display=False) as counter:
        module(*inputs)
    return counter.get_total_flops()
