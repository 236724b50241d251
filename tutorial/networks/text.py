"""Stable Diffusion's text encoder: the text half of CLIP (Radford et al. 2021, section 2.4).

A causal transformer that turns tokens into one vector each, for the U-Net to look up. With
`STABLE_DIFFUSION_V1` it has the 123,060,480 parameters of the original, under transformers' names
(`CLIPTextModel`). Stable Diffusion takes it trained and frozen; the miniature here is first
trained as CLIP was, on captions and pictures, and then together with its U-Net, as in the latent-diffusion paper.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class TextConfig:
    vocabulary: int = 49_408
    width: int = 768
    layers: int = 12
    heads: int = 12
    length: int = 77
    """Tokens of a prompt, its start, end and padding included."""


STABLE_DIFFUSION_V1 = TextConfig()
EPS = 1e-5


class Embeddings(nn.Module):
    """What a token is, plus where it stands: (B, N) int64 → (B, N, C)."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.token_embedding = nn.Embedding(config.vocabulary, config.width)
        self.position_embedding = nn.Embedding(config.length, config.width)
        nn.init.normal_(self.token_embedding.weight, std=0.02)  # as CLIP starts: what a token is outweighs
        nn.init.normal_(self.position_embedding.weight, std=0.01)  # where it stands

    def forward(self, tokens: Tensor) -> Tensor:
        return self.token_embedding(tokens) + self.position_embedding.weight[: tokens.shape[1]]


class SelfAttention(nn.Module):
    """Causal multi-head attention: a token looks only at itself and those before it. (B, N, C) → the same."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.q_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """x (B, N, C) → the same; each token attends to itself and to those before it."""
        q, k, v = (
            h.unflatten(2, (self.heads, -1)).transpose(1, 2)  # (B, heads, N, C / heads)
            for h in (self.q_proj(x), self.k_proj(x), self.v_proj(x))
        )
        h = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out_proj(h.transpose(1, 2).flatten(2))


class MLP(nn.Module):
    """Two linear layers around CLIP's quick GELU, x · sigmoid(1.702 x) (Hendrycks & Gimpel 2016, section 2)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        h = self.fc1(x)
        return self.fc2(h * torch.sigmoid(1.702 * h))


class Layer(nn.Module):
    """A pre-norm transformer layer: look around, then think."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.self_attn = SelfAttention(config.width, config.heads)
        self.layer_norm1 = nn.LayerNorm(config.width, eps=EPS)
        self.mlp = MLP(config.width)
        self.layer_norm2 = nn.LayerNorm(config.width, eps=EPS)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.self_attn(self.layer_norm1(x))
        return x + self.mlp(self.layer_norm2(x))


class Encoder(nn.Module):
    """The stack of layers. (B, N, C) → the same."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList([Layer(config) for _ in range(config.layers)])

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


class TextEncoder(nn.Module):
    """Tokens (B, N) int64, N at most `config.length` → word vectors (B, N, width)."""

    def __init__(self, config: TextConfig = STABLE_DIFFUSION_V1) -> None:
        super().__init__()
        self.config = config
        self.embeddings = Embeddings(config)
        self.encoder = Encoder(config)
        self.final_layer_norm = nn.LayerNorm(config.width, eps=EPS)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.final_layer_norm(self.encoder(self.embeddings(tokens)))
