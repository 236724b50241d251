"""Our three networks against diffusers and transformers: the same names, the same numbers out."""

from __future__ import annotations

import diffusers
import pytest
import torch
import transformers

from tutorial.networks import autoencoder, text, unet
from tutorial.networks.blocks import parameter_count

TOLERANCE = 1e-5


def randomize(module: torch.nn.Module) -> None:
    """Weights that no layer treats as special: norms and biases too."""
    generator = torch.Generator().manual_seed(1)
    for parameter in module.parameters():
        parameter.data = 0.12 * torch.randn(parameter.shape, generator=generator)


def shapes(module: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in module.state_dict().items()}


def their_unet(config: unet.UNetConfig) -> diffusers.UNet2DConditionModel:
    kinds = ["CrossAttnDownBlock2D" if looks else "DownBlock2D" for looks in config.attention]
    return diffusers.UNet2DConditionModel(
        sample_size=8,
        block_out_channels=config.channels,
        down_block_types=tuple(kinds),
        up_block_types=tuple(kind.replace("Down", "Up") for kind in reversed(kinds)),
        layers_per_block=config.layers,
        cross_attention_dim=config.context,
        attention_head_dim=config.heads,  # Stable Diffusion's configuration says head_dim and means heads
        norm_num_groups=config.groups,
        in_channels=config.latent_channels,
        out_channels=config.latent_channels,
    )


def their_autoencoder(config: autoencoder.AutoencoderConfig) -> diffusers.AutoencoderKL:
    levels = len(config.channels)
    return diffusers.AutoencoderKL(
        block_out_channels=config.channels,
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        layers_per_block=config.layers,
        latent_channels=config.latent_channels,
        norm_num_groups=config.groups,
    )


def their_text_encoder(config: text.TextConfig) -> transformers.CLIPTextModel:
    return transformers.CLIPTextModel(
        transformers.CLIPTextConfig(
            vocab_size=config.vocabulary,
            hidden_size=config.width,
            intermediate_size=4 * config.width,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            max_position_embeddings=config.length,
            eos_token_id=config.vocabulary - 1,
            bos_token_id=config.vocabulary - 2,
        )
    ).eval()


@pytest.mark.parametrize(
    ("ours", "theirs", "count", "tensors"),
    [
        (unet.UNet, lambda: their_unet(unet.STABLE_DIFFUSION_V1), 859_520_964, 686),
        (autoencoder.Autoencoder, lambda: their_autoencoder(autoencoder.STABLE_DIFFUSION_V1), 83_653_863, 248),
        (text.TextEncoder, lambda: their_text_encoder(text.STABLE_DIFFUSION_V1), 123_060_480, 196),
    ],
    ids=["unet", "autoencoder", "text"],
)
def test_full_size_is_stable_diffusion_v1(ours, theirs, count, tensors):
    with torch.device("meta"):
        mine, original = ours(), theirs()
    assert parameter_count(mine) == count
    assert len(mine.state_dict()) == tensors
    assert shapes(mine) == shapes(original)


@pytest.mark.parametrize(
    "config",
    [
        unet.UNetConfig(channels=(64, 128), attention=(True, True), layers=1, context=128, heads=4),
        unet.UNetConfig(channels=(32, 64, 64), attention=(True, True, False), layers=2, context=24, heads=8, groups=16),
    ],
)
@torch.no_grad()
def test_unet_answers_as_diffusers_does(config):
    mine, theirs = unet.UNet(config), their_unet(config)
    randomize(mine)
    theirs.load_state_dict(mine.state_dict())
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(3, config.latent_channels, 8, 12, generator=generator)
    words = torch.randn(3, 7, config.context, generator=generator)
    t = torch.tensor([0, 417, 999])
    assert (mine(x, t, words) - theirs(x, t, words).sample).abs().max() < TOLERANCE


@pytest.mark.parametrize(
    "config",
    [
        autoencoder.AutoencoderConfig(channels=(32, 64, 96, 128), layers=1, groups=8),
        autoencoder.AutoencoderConfig(channels=(16, 32), layers=2, latent_channels=3, groups=4),
    ],
)
@torch.no_grad()
def test_autoencoder_answers_as_diffusers_does(config):
    torch.manual_seed(2)  # weights whose pictures stay near [−1, 1], as float32 errors grow with them
    mine, theirs = autoencoder.Autoencoder(config), their_autoencoder(config)
    theirs.load_state_dict(mine.state_dict())
    x = torch.randn(2, 3, 32, 48, generator=torch.Generator().manual_seed(0))
    mean, logvar = mine.encode(x)
    posterior = theirs.encode(x).latent_dist  # type: ignore[union-attr]
    assert (mean - posterior.mean).abs().max() < TOLERANCE
    assert (logvar - posterior.logvar).abs().max() < TOLERANCE
    assert (mine.decode(mean) - theirs.decode(mean).sample).abs().max() < TOLERANCE  # type: ignore[union-attr]
    expected = torch.distributions.kl_divergence(
        torch.distributions.Normal(mean.double(), (0.5 * logvar.double()).exp()), torch.distributions.Normal(0.0, 1.0)
    )
    assert torch.allclose(autoencoder.gaussian_kl(mean.double(), logvar.double()), expected.flatten(1).sum(1))


@pytest.mark.parametrize(
    "config",
    [text.TextConfig(900, 128, 2, 4, 48), text.TextConfig(vocabulary=60, width=48, layers=3, heads=6, length=9)],
)
@torch.no_grad()
def test_text_encoder_answers_as_transformers_does(config):
    mine, theirs = text.TextEncoder(config), their_text_encoder(config)
    randomize(mine)
    theirs.load_state_dict(mine.state_dict(), strict=False)
    tokens = torch.randint(0, config.vocabulary, (3, config.length), generator=torch.Generator().manual_seed(0))
    assert (mine(tokens) - theirs(tokens).last_hidden_state).abs().max() < TOLERANCE


def test_a_picture_that_does_not_divide_is_refused_in_words():
    tiny = autoencoder.Autoencoder(autoencoder.AutoencoderConfig(channels=(8, 8), layers=1, groups=4))
    with pytest.raises(ValueError, match="multiples of 2"):
        tiny.encode(torch.zeros(1, 3, 9, 8))
