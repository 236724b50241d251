"""Checkpoints saved years ago load too; diffusers and transformers, which still read them, are the oracle."""

from __future__ import annotations

import torch

from tests.networks.test_stable_diffusion import their_autoencoder, their_text_encoder
from tutorial.networks.autoencoder import Autoencoder, AutoencoderConfig
from tutorial.networks.checkpoints import current_names
from tutorial.networks.text import TextConfig, TextEncoder

SMALL = AutoencoderConfig(channels=(16, 32), layers=1, groups=4)


def test_an_old_autoencoder_checkpoint_loads(tmp_path):
    """Written under the old names, read by diffusers and by us: the same reconstruction."""
    saved = Autoencoder(SMALL).state_dict()
    to_old = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    old = {}
    for name, tensor in saved.items():
        for new, ancient in to_old.items():
            name = name.replace(f".{new}.", f".{ancient}.")
        old[name] = tensor
    assert set(old) != set(saved)
    theirs = their_autoencoder(SMALL)
    theirs.save_pretrained(tmp_path, safe_serialization=False)
    torch.save(old, tmp_path / "diffusion_pytorch_model.bin")
    theirs = type(theirs).from_pretrained(tmp_path, use_safetensors=False, low_cpu_mem_usage=False)
    mine = Autoencoder(SMALL)
    mine.load_state_dict(current_names(old))
    z = torch.randn(1, 4, 4, 4, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert (mine.decode(z) - theirs.decode(z).sample).abs().max() < 1e-5


def test_an_old_text_checkpoint_loads():
    config = TextConfig(vocabulary=60, width=48, layers=2, heads=6, length=9)
    theirs = their_text_encoder(config)
    old = {f"text_model.{name}": tensor for name, tensor in theirs.state_dict().items()}
    old["text_model.embeddings.position_ids"] = torch.arange(9)[None]
    mine = TextEncoder(config)
    mine.load_state_dict(current_names(old))
    tokens = torch.randint(0, 60, (2, 9), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert (mine(tokens) - theirs(tokens).last_hidden_state).abs().max() < 1e-5


def test_current_names_stay():
    names = Autoencoder(SMALL).state_dict()
    assert set(current_names(names)) == set(names)
