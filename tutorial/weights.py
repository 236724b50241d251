"""Shipped weights: a safetensors file each, beside a JSON card that says what made it.

The card holds the architecture's configuration, the command that trains it again, and what was measured.
Tensors are stored as float16 (half the download, no visible difference) and computed with as float32.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from tutorial.networks.autoencoder import Autoencoder, AutoencoderConfig
from tutorial.networks.blocks import channels_last
from tutorial.networks.class_unet import ClassUNet, ClassUNetConfig
from tutorial.networks.digit_classifier import DigitClassifier, DigitClassifierConfig
from tutorial.networks.digit_vae import DigitVAE, DigitVAEConfig
from tutorial.networks.mlp import PointDenoiser, PointDenoiserConfig
from tutorial.networks.pixel_cnn import PixelCNN, PixelCNNConfig
from tutorial.networks.reader import AttributeReader, ReaderConfig
from tutorial.networks.text import TextConfig, TextEncoder
from tutorial.networks.tokenizer import ClipTokenizer
from tutorial.networks.unet import UNet, UNetConfig

FOLDER = Path(__file__).parents[1] / "assets" / "weights"
SIDE = 64
"""Height and width of the miniature's pictures, in pixels."""

ARCHITECTURES: dict[str, tuple[type[nn.Module], type]] = {
    "AttributeReader": (AttributeReader, ReaderConfig),
    "Autoencoder": (Autoencoder, AutoencoderConfig),
    "ClassUNet": (ClassUNet, ClassUNetConfig),
    "DigitClassifier": (DigitClassifier, DigitClassifierConfig),
    "DigitVAE": (DigitVAE, DigitVAEConfig),
    "PixelCNN": (PixelCNN, PixelCNNConfig),
    "PointDenoiser": (PointDenoiser, PointDenoiserConfig),
    "UNet": (UNet, UNetConfig),
    "TextEncoder": (TextEncoder, TextConfig),
}


class WeightsError(Exception):
    """A weight file is missing or damaged; the message names it and the command that makes it again."""


def sized(name: str, side: int) -> str:
    """The name under which a network for pictures of a side ships; the miniature's side goes without saying."""
    return name if side == SIDE else f"{name}_{side}"


def tensors_file(name: str, folder: Path = FOLDER) -> Path:
    """Where the tensors of a shipped file lie."""
    return folder / f"{name}.safetensors"


def save(name: str, model: nn.Module, card: dict[str, Any], folder: Path = FOLDER) -> None:
    """Writes a model as `<name>.safetensors` (float16) and `<name>.json`.

    `card` must hold "command", the shell command that trains the model again; the architecture and its
    configuration are added here, from the model itself.
    """
    head = {"architecture": type(model).__name__, "config": asdict(model.config)}  # type: ignore[arg-type]
    save_tensors(name, model.state_dict(), head | card, folder)


def save_tensors(name: str, tensors: dict[str, Tensor], card: dict[str, Any], folder: Path = FOLDER) -> None:
    """Writes tensors, floating-point ones as float16, and their card."""
    folder.mkdir(parents=True, exist_ok=True)
    small = {k: (v.half() if v.is_floating_point() else v).cpu().contiguous() for k, v in tensors.items()}
    save_file(small, tensors_file(name, folder))
    write_card(name, {"name": name} | card, folder)


def write_card(name: str, card: dict[str, Any], folder: Path = FOLDER) -> None:
    (folder / f"{name}.json").write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_card(name: str, folder: Path = FOLDER, needs: tuple[str, ...] = ()) -> dict[str, Any]:
    """The card of a shipped file. Raises WeightsError if it is missing, not JSON, or lacks what it `needs`."""
    path = folder / f"{name}.json"
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(card, dict) or not set(needs) <= set(card):
            raise ValueError(f"a card is a JSON object with {needs}")
        return card
    except (OSError, ValueError) as error:
        raise WeightsError(_sentence(path, name)) from error


def load(
    name: str,
    folder: Path = FOLDER,
    device: torch.device | str = "cpu",
    architectures: Mapping[str, tuple[type[nn.Module], type]] = MappingProxyType(ARCHITECTURES),
) -> Any:
    """Loads a shipped model, one of these architectures, as float32, in evaluation mode, without gradients.

    Raises WeightsError if the file is missing, truncated, or does not fit its card.
    """
    card, stored = load_tensors(name, folder, device)
    try:
        network, config = architectures[card["architecture"]]
        fields = {k: tuple(v) if isinstance(v, list) else v for k, v in card["config"].items()}
        model = network(config(**fields))
        tensors = {k: v.float() if v.is_floating_point() else v for k, v in stored.items()}
        model.load_state_dict(tensors, assign=True)
    except (RuntimeError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(_sentence(tensors_file(name, folder), name, card.get("command"))) from error
    return channels_last(model.eval().requires_grad_(False))


def load_tensors(
    name: str,
    folder: Path = FOLDER,
    device: torch.device | str = "cpu",
    shapes: Mapping[str, tuple[int, ...]] = MappingProxyType({}),
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """A card and the tensors beside it, as stored; those named in `shapes` must be there in that shape.

    Raises WeightsError if anything is missing or damaged.
    """
    card, path = read_card(name, folder), tensors_file(name, folder)
    try:
        # Through the CPU: accelerate calls it "cpu:0" on several processes, which safetensors does not know.
        tensors = {name: tensor.to(device) for name, tensor in load_file(path).items()}
        if any(tuple(tensors[name].shape) != shape for name, shape in shapes.items()):
            raise ValueError(f"the tensors should have the shapes {dict(shapes)}")
        return card, tensors
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise WeightsError(_sentence(path, name, card.get("command"))) from error


def load_tokenizer(length: int, folder: Path = FOLDER) -> ClipTokenizer:
    """The shipped tokenizer, for prompts of `length` tokens. Raises WeightsError if a file is missing or damaged."""
    try:
        return ClipTokenizer(folder / "tokenizer", length)
    except Exception as error:  # the tokenizers package raises nothing narrower
        command = "python -m tutorial.training.tokenizer"
        raise WeightsError(_sentence(folder / "tokenizer", "tokenizer", command)) from error


def damaged(name: str, folder: Path = FOLDER) -> WeightsError:
    """The error that says that a card cannot be made sense of, to raise."""
    return WeightsError(_sentence(folder / f"{name}.json", name))


def _sentence(path: Path, name: str, command: str | None = None) -> str:
    files = [name] if name == "tokenizer" else [f"{name}.json", f"{name}.safetensors"]
    shipped = " ".join(f"assets/weights/{file}" for file in files)
    again = f", or make new ones: `pip install -r requirements-dev.txt && {command}`" if command else ""
    return (
        f"The weights {path.name} are missing or damaged. Get the shipped ones back: `git checkout -- {shipped}`{again}"
    )
