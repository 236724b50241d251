"""What diffusers and transformers write into a network's config.json, and what of it our networks can be.

Their classes have dozens of settings, of which Stable Diffusion v1 uses few. Those that our networks share are read
into a config; of all others we know the value that Stable Diffusion has, and any other one is refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tutorial.networks.autoencoder import AutoencoderConfig
from tutorial.networks.text import TextConfig
from tutorial.networks.unet import UNetConfig


class ForeignSetting(ValueError):
    """A pipeline that this sampler cannot run; the message says which setting of which part is another one."""


UNET: dict[str, Any] = {
    "center_input_sample": False,
    "flip_sin_to_cos": True,
    "freq_shift": 0,
    "mid_block_type": "UNetMidBlock2DCrossAttn",
    "only_cross_attention": False,
    "downsample_padding": 1,
    "mid_block_scale_factor": 1,
    "dropout": 0.0,
    "act_fn": "silu",
    "norm_eps": 1e-5,
    "transformer_layers_per_block": 1,
    "dual_cross_attention": False,
    "use_linear_projection": False,
    "resnet_time_scale_shift": "default",
    "resnet_skip_time_act": False,
    "resnet_out_scale_factor": 1.0,
    "time_embedding_type": "positional",
    "conv_in_kernel": 3,
    "conv_out_kernel": 3,
    "attention_type": "default",
    "class_embeddings_concat": False,
}
UNET_READ = {
    "sample_size", "in_channels", "out_channels", "down_block_types", "up_block_types", "block_out_channels",
    "layers_per_block", "norm_num_groups", "cross_attention_dim", "attention_head_dim",
}  # fmt: skip
UNET_IDLE = {"upcast_attention", "addition_embed_type_num_heads"}
"""Without meaning here: how exactly attention is rounded, and the size of what is not there."""

AUTOENCODER: dict[str, Any] = {
    "in_channels": 3,
    "out_channels": 3,
    "act_fn": "silu",
    "use_quant_conv": True,
    "use_post_quant_conv": True,
    "mid_block_add_attention": True,
}
AUTOENCODER_READ = {
    "down_block_types", "up_block_types", "block_out_channels", "layers_per_block", "latent_channels",
    "norm_num_groups", "scaling_factor",
}  # fmt: skip
AUTOENCODER_IDLE = {"sample_size", "force_upcast"}

TEXT: dict[str, Any] = {"hidden_act": "quick_gelu", "layer_norm_eps": 1e-5}
TEXT_READ = {"vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"}


def unet_config(found: Mapping[str, Any]) -> UNetConfig:
    """Ours for theirs (`UNet2DConditionModel`). Raises ForeignSetting."""
    _check("U-Net", found, UNET, UNET_READ | UNET_IDLE)
    down, channels = found["down_block_types"], found["block_out_channels"]
    attention = tuple(kind == "CrossAttnDownBlock2D" for kind in down)
    mirrored = unet_blocks(attention)
    _same("U-Net", "down_block_types", list(down), mirrored[0])
    _same("U-Net", "up_block_types", list(found["up_block_types"]), mirrored[1])
    _same("U-Net", "out_channels", found["out_channels"], found["in_channels"])
    for name in ("layers_per_block", "cross_attention_dim", "attention_head_dim"):
        if not isinstance(found[name], int):
            raise ForeignSetting(f"The U-Net's {name} is {found[name]!r}; here it must be one number for all levels.")
    return UNetConfig(
        channels=tuple(channels),
        attention=attention,
        layers=found["layers_per_block"],
        context=found["cross_attention_dim"],
        heads=found["attention_head_dim"],
        groups=found["norm_num_groups"],
        latent_channels=found["in_channels"],
    )


def unet_blocks(attention: tuple[bool, ...]) -> tuple[list[str], list[str]]:
    """The names of the blocks on the way down and up: up is down, mirrored."""
    down = ["CrossAttnDownBlock2D" if looks else "DownBlock2D" for looks in attention]
    return down, [name.replace("Down", "Up") for name in reversed(down)]


def unet_settings(config: UNetConfig, side: int) -> dict[str, Any]:
    """Theirs for ours."""
    down, up = unet_blocks(config.attention)
    return UNET | {
        "sample_size": side,
        "in_channels": config.latent_channels,
        "out_channels": config.latent_channels,
        "down_block_types": down,
        "up_block_types": up,
        "block_out_channels": list(config.channels),
        "layers_per_block": config.layers,
        "norm_num_groups": config.groups,
        "cross_attention_dim": config.context,
        "attention_head_dim": config.heads,
    }


def autoencoder_config(found: Mapping[str, Any]) -> AutoencoderConfig:
    """Ours for theirs (`AutoencoderKL`). Raises ForeignSetting."""
    _check("autoencoder", found, AUTOENCODER, AUTOENCODER_READ | AUTOENCODER_IDLE)
    levels = len(found["block_out_channels"])
    _same("autoencoder", "down_block_types", list(found["down_block_types"]), ["DownEncoderBlock2D"] * levels)
    _same("autoencoder", "up_block_types", list(found["up_block_types"]), ["UpDecoderBlock2D"] * levels)
    return AutoencoderConfig(
        channels=tuple(found["block_out_channels"]),
        layers=found["layers_per_block"],
        latent_channels=found["latent_channels"],
        groups=found["norm_num_groups"],
        scaling_factor=found["scaling_factor"],
    )


def autoencoder_settings(config: AutoencoderConfig, side: int) -> dict[str, Any]:
    """Theirs for ours."""
    levels = len(config.channels)
    return AUTOENCODER | {
        "down_block_types": ["DownEncoderBlock2D"] * levels,
        "up_block_types": ["UpDecoderBlock2D"] * levels,
        "block_out_channels": list(config.channels),
        "layers_per_block": config.layers,
        "latent_channels": config.latent_channels,
        "norm_num_groups": config.groups,
        "scaling_factor": config.scaling_factor,
        "sample_size": side * config.f,
    }


def text_config(found: Mapping[str, Any]) -> TextConfig:
    """Ours for theirs (`CLIPTextModel`). Raises ForeignSetting; what does not bear on the result is not looked at."""
    for name, value in TEXT.items():
        _same("text encoder", name, found.get(name, value), value)
    if missing := sorted((TEXT_READ | {"max_position_embeddings"}) - set(found)):
        raise ForeignSetting(f"The text encoder's config.json does not say {missing[0]}.")
    _same("text encoder", "intermediate_size", found["intermediate_size"], 4 * found["hidden_size"])
    return TextConfig(
        vocabulary=found["vocab_size"],
        width=found["hidden_size"],
        layers=found["num_hidden_layers"],
        heads=found["num_attention_heads"],
        length=found["max_position_embeddings"],
    )


def text_settings(config: TextConfig, start: int, end: int) -> dict[str, Any]:
    """Theirs for ours; start and end are the numbers of those tokens."""
    return TEXT | {
        "vocab_size": config.vocabulary,
        "hidden_size": config.width,
        "intermediate_size": 4 * config.width,
        "projection_dim": config.width,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "max_position_embeddings": config.length,
        "bos_token_id": start,
        "eos_token_id": end,
        "pad_token_id": end,
        "model_type": "clip_text_model",
        "architectures": ["CLIPTextModel"],
        "dtype": "float32",
    }


def _check(part: str, found: Mapping[str, Any], fixed: Mapping[str, Any], free: set[str]) -> None:
    """Refuses what is not as Stable Diffusion has it, and what is set that it does not have."""
    needed = free - UNET_IDLE - AUTOENCODER_IDLE - {"sample_size"}
    if missing := sorted(needed - set(found)):
        raise ForeignSetting(f"The {part}'s config.json does not say {missing[0]}.")
    for name, value in found.items():
        if name.startswith("_") or name in free:
            continue
        _same(part, name, value, fixed.get(name))


def _same(part: str, name: str, found: Any, wanted: Any) -> None:
    if found != wanted and not (wanted is None and found is False):
        raise ForeignSetting(
            f"The {part}'s setting {name} is {found!r}; this sampler only knows {wanted!r}, Stable Diffusion v1’s."
        )
