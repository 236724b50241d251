"""Stable Diffusion's U-Net made ready for drawing on a CPU: recorded once, then replayed without Python.

Nothing of `tutorial.networks.unet` is written down again. A copy of that network, with the very same tensors, runs once
while PyTorch records its operations (`torch.jit.trace`). At the miniature's size, Python takes a third of the time
between some 300 of them; a replay leaves that out. In the copy some layers give way to others with the same answer:

    words   K and V of every cross-attention depend on the words alone: one product a prompt, not 2 · layers a step
    pixels  Q, K and V of a self-attention are three products of the same input: one product with stacked weights
    1 × 1   a convolution that sees one pixel at a time is a linear layer, which costs less to start
    3 × 3   oneDNN, who convolves, arranges weights anew at each call, unless they are given as it wants them

The layers that made the first two only pick their columns of the common product (`Columns`).

PyTorch calls `torch.jit` deprecated, but has nothing yet that does this: what `torch.export` gives is run by Python
again, and `torch.compile` takes a C++ compiler and most of a minute.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tutorial.networks.blocks import private
from tutorial.networks.unet import Attention, TransformerBlock, UNet


class Columns(nn.Module):
    """Stands where a linear layer stood, whose product was taken ahead beside others: (…, all) → (…, its own)."""

    def __init__(self, first: int, width: int) -> None:
        super().__init__()
        self.first, self.width = first, width

    def forward(self, products: Tensor) -> Tensor:
        return products.narrow(-1, self.first, self.width)


class Pointwise(nn.Module):
    """A convolution with a kernel of 1 × 1, as a product: x (B, C_in, H, W) → (B, C_out, H, W), channels last."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.weight, self.bias = conv.weight, conv.bias

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x.permute(0, 2, 3, 1), self.weight.flatten(1), self.bias).permute(0, 3, 1, 2)


class Packed(nn.Module):
    """A convolution whose weights lie as oneDNN wants them: x (B, C_in, H, W) → (B, C_out, h, w), channels last."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.bias = conv.bias
        self.how = [*conv.padding], [*conv.stride], [*conv.dilation]
        self.weight: Tensor = torch.ops.aten.mkldnn_reorder_conv2d_weight(conv.weight.detach().to_mkldnn(), *self.how)
        self.convolve = torch.jit.script(_convolve)

    def forward(self, x: Tensor) -> Tensor:
        return self.convolve(x, self.weight, self.bias, *self.how)


def _convolve(
    x: Tensor, weight: Tensor, bias: Tensor | None, padding: list[int], stride: list[int], dilation: list[int]
) -> Tensor:
    """What `torch.compile` convolves with. As a script, since tracing cannot record its empty list of scalars."""
    return torch.ops.mkldnn._convolution_pointwise(x, weight, bias, padding, stride, dilation, 1, "none", [], "")


@dataclass(frozen=True)
class Recording:
    """The U-Net as it is replayed."""

    replay: Callable[[Tensor, Tensor, Tensor, list[Tensor]], Tensor]
    packed: list[Tensor]
    """Weights that a recording cannot hold, since they lie as oneDNN wants them: it is given them at each call."""
    keys_and_values: Tensor
    """The weights of every cross-attention's K and V, (all, context)."""


class CompiledUNet:
    """A U-Net for drawing, of any batch, size and number of words: the numbers of `unet`, in less of its time.

    It is for 32-bit floats on a CPU, and has neither gradients nor hooks. It records when it is first asked, in a
    fifth of a second, which the first picture saves again; of a `unet` that is trained on or converted after that, a
    new one must be made. It holds packed and stacked weights besides those of `unet`. Several threads may ask at once.
    """

    def __init__(self, unet: UNet) -> None:
        self.unet = unet
        self._copy = private(unet).eval()  # now, so that hooks which are put on `unet` later are no part of it
        self._recording: Recording | None = None
        self._lock = threading.Lock()

    def drawing(self) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
        """`UNet.forward` for a drawing: it looks words up only if they are others than when it was last asked."""
        last: tuple[Tensor, Tensor] | None = None

        def ask(x: Tensor, t: Tensor, words: Tensor) -> Tensor:
            nonlocal last
            known = last  # of this moment: several threads may ask
            if known is None or not torch.equal(known[0], words):
                last = known = words.clone(), self.look_up(words)
            return self(x, t, known[1])

        return ask

    def look_up(self, words: Tensor) -> Tensor:
        """Word vectors (B, N, context) → what `__call__` wants of them: every layer's keys and values, (B, N, all)."""
        return F.linear(words, self._recorded().keys_and_values)

    def __call__(self, x: Tensor, t: Tensor, looked_up: Tensor) -> Tensor:
        """As `UNet.forward`, but with what `look_up` made of the words."""
        recording = self._recorded()
        with torch.inference_mode(), torch.jit.optimized_execution(False):  # optimising takes long, and gains nothing
            answer = recording.replay(x, t, looked_up, recording.packed)
        return answer.clone()  # a tensor like any other again

    def _recorded(self) -> Recording:
        with self._lock:
            if self._recording is None:
                self._recording = _record(self._copy)
        return self._recording


@torch.no_grad()
def _record(network: UNet) -> Recording:
    """Replaces layers of this network, runs it once, and takes down what was run."""
    blocks = [layer for layer in network.modules() if isinstance(layer, TransformerBlock)]
    for block in blocks:
        _ask_together(block)
    keys_and_values = _stacked([(block.attn2, name) for block in blocks for name in ("to_k", "to_v")])
    convolutions = _replace_convolutions(network)

    def run(x: Tensor, t: Tensor, looked_up: Tensor, packed: list[Tensor]) -> Tensor:
        for layer, weight in zip(convolutions, packed, strict=True):
            layer.weight = weight
        return network(x.contiguous(memory_format=torch.channels_last), t, looked_up)

    packed = [layer.weight for layer in convolutions]
    side = 2 ** len(network.config.channels)  # two rows of positions where there are fewest
    x, t = torch.zeros(2, network.config.latent_channels, side, side), torch.zeros(2, dtype=torch.int64)
    given = x, t, torch.zeros(2, 3, len(keys_and_values)), packed
    replay = torch.jit.trace(run, given, check_trace=False)
    return Recording(replay, packed, keys_and_values)  # type: ignore[arg-type]


def _ask_together(block: TransformerBlock) -> None:
    """Has self-attention's Q, K and V made by one product, which goes with the norm before it."""
    weights = _stacked([(block.attn1, name) for name in ("to_q", "to_k", "to_v")])
    together = nn.Linear(weights.shape[1], weights.shape[0], bias=False, device="meta")
    together.weight = nn.Parameter(weights, requires_grad=False)
    block.norm1 = nn.Sequential(block.norm1, together)  # type: ignore[assignment]


def _stacked(layers: list[tuple[Attention, str]]) -> Tensor:
    """The weights of linear layers one above the other, (all, S); the layers become `Columns` of their product."""
    weights, first = [], 0
    for attention, name in layers:
        weight = getattr(attention, name).weight.detach()
        setattr(attention, name, Columns(first, len(weight)))
        weights.append(weight)
        first += len(weight)
    return torch.cat(weights)


def _replace_convolutions(network: nn.Module) -> list[Packed]:
    """Puts others in the place of convolutions; returns those whose weights are packed, where PyTorch has oneDNN."""
    found = []
    for parent in [*network.modules()]:
        for name, layer in [*parent.named_children()]:
            if isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1):
                setattr(parent, name, Pointwise(layer))
            elif isinstance(layer, nn.Conv2d) and torch.backends.mkldnn.is_available():
                found.append(Packed(layer))
                setattr(parent, name, found[-1])
    return found
