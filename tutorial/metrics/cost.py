"""What a network costs, counted rather than typed in."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count


@torch.no_grad()
def flops(module: nn.Module, *inputs: Any) -> int:
    """Floating-point operations of one forward pass: two for each multiply-add of the matrix products,
    convolutions and attentions; the rest, element by element, is left out as usual."""
    # PyTorch's counter knows the attention kernels of GPUs, not the CPU's, and would take it for free.
    kernels = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention}
    with FlopCounterMode(display=False, custom_mapping=kernels) as counter:
        module(*inputs)
    return counter.get_total_flops()


def _attention(q: torch.Size, k: torch.Size, v: torch.Size, *_: Any, **__: Any) -> int:
    return sdpa_flop_count(q, k, v)
