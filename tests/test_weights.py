"""Saving and loading weights, and what happens when a file is not as it should be."""

from __future__ import annotations

import pytest
import torch

from tutorial import weights
from tutorial.networks.text import TextConfig, TextEncoder
from tutorial.weights import WeightsError

CONFIG = TextConfig(vocabulary=50, width=16, layers=1, heads=2, length=6)
CARD = {"command": "python -m tutorial.training.made_up"}


@pytest.fixture
def folder(tmp_path):
    weights.save("small", TextEncoder(CONFIG), CARD, tmp_path)
    return tmp_path


def test_what_is_saved_loads_again_to_half_precision(folder):
    model = TextEncoder(CONFIG)
    weights.save("other", model, CARD, folder)
    loaded = weights.load("other", folder)
    assert loaded.config == CONFIG
    assert not loaded.training
    for name, tensor in model.state_dict().items():
        assert torch.allclose(tensor, loaded.state_dict()[name], rtol=1e-3, atol=1e-6)
        assert loaded.state_dict()[name].dtype == torch.float32


@pytest.mark.parametrize("damage", ["missing", "cut short", "garbage", "another shape", "no config"])
def test_a_bad_file_is_named_with_the_command_that_makes_it_again(folder, damage):
    path = folder / "small.safetensors"
    if damage == "missing":
        path.unlink()
    elif damage == "cut short":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "garbage":
        path.write_bytes(b"\x00" * 1000)
    else:
        card = weights.read_card("small", folder)
        card["config"] = [] if damage == "no config" else card["config"] | {"width": 32}
        weights.write_card("small", card, folder)
    with pytest.raises(WeightsError, match=r"small\.safetensors .* python -m tutorial\.training\.made_up"):
        weights.load("small", folder)


@pytest.mark.parametrize("content", [None, "{", '"text"', "{}"])
def test_a_bad_card_is_named_too(folder, content):
    card = folder / "small.json"
    if content is None:
        card.unlink()
    else:
        card.write_text(content, encoding="utf-8")
    with pytest.raises(WeightsError, match="small"):
        weights.load("small", folder)


def test_a_card_that_lacks_what_is_needed_is_named(folder):
    with pytest.raises(WeightsError, match="small"):
        weights.read_card("small", folder, needs=("schedule",))


@pytest.mark.parametrize("vocabulary", ["{}", "[]", '{"a": 0}', '{"<|startoftext|>": 0, "<|endoftext|>": 1}'])
def test_a_damaged_tokenizer_is_named(tmp_path, vocabulary):
    (tmp_path / "tokenizer").mkdir()
    (tmp_path / "tokenizer" / "vocab.json").write_text(vocabulary, encoding="utf-8")
    (tmp_path / "tokenizer" / "merges.txt").write_text("#version: 0.2\na b\n", encoding="utf-8")
    with pytest.raises(WeightsError, match="tokenizer"):
        weights.load_tokenizer(8, tmp_path)


def test_a_missing_tokenizer_is_named(tmp_path):
    with pytest.raises(WeightsError, match=r"tutorial\.training\.tokenizer"):
        weights.load_tokenizer(8, tmp_path)
