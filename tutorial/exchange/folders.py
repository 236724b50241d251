"""Folders of pipelines: ours as diffusers' StableDiffusionPipeline reads it, and theirs as our sampler runs it.

model_index.json                                    what is in which folder
unet/, vae/, text_encoder/     config.json and tensors (.safetensors, in one file or several)
tokenizer/                     vocab.json and merges.txt, or both in tokenizer.json
scheduler/                     scheduler_config.json
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from tutorial import weights
from tutorial.diffusion.latent import LatentDiffusion
from tutorial.exchange import scheduler, settings
from tutorial.exchange.settings import ForeignSetting
from tutorial.networks.autoencoder import Autoencoder
from tutorial.networks.blocks import channels_last
from tutorial.networks.checkpoints import current_names
from tutorial.networks.text import TextEncoder
from tutorial.networks.tokenizer import END, START, ClipTokenizer
from tutorial.networks.unet import UNet

INDEX = {
    "_class_name": "StableDiffusionPipeline",
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "scheduler": ["diffusers", "DDIMScheduler"],
    "safety_checker": [None, None],
    "feature_extractor": [None, None],
    "image_encoder": [None, None],
    "requires_safety_checker": False,
}
SIDE = 64
"""Of Stable Diffusion v1's latents, where a pipeline does not say."""


def to_diffusers(folder: Path, model: LatentDiffusion, tokenizer: Path = weights.FOLDER / "tokenizer") -> None:
    """Writes a model as a folder for `StableDiffusionPipeline.from_pretrained`; what is there is overwritten.

    `tokenizer` is the folder with the vocab.json and merges.txt that the model's tokenizer was made of. From the same
    noise, the pipeline walks as our DDIM does with a number of steps that divides T.
    """
    unet, autoencoder, text = model.unet, model.autoencoder, model.text
    start, end = model.tokenizer.start, model.tokenizer.end
    _write(folder / "model_index.json", INDEX)
    _write_network(folder / "unet", "diffusion_pytorch_model", unet, settings.unet_settings(unet.config, model.side))
    vae = settings.autoencoder_settings(autoencoder.config, model.side)
    _write_network(folder / "vae", "diffusion_pytorch_model", autoencoder, vae)
    _write_network(folder / "text_encoder", "model", text, settings.text_settings(text.config, start, end))
    _write(folder / "scheduler" / "scheduler_config.json", scheduler.written(model.schedule, model.predicts))
    special = {"bos_token": START, "eos_token": END, "unk_token": END, "pad_token": END}
    tokens = {"tokenizer_class": "CLIPTokenizer", "model_max_length": model.tokenizer.length} | special
    _write(folder / "tokenizer" / "tokenizer_config.json", tokens)
    for name in ("vocab.json", "merges.txt"):
        shutil.copyfile(tokenizer / name, folder / "tokenizer" / name)


def from_diffusers(folder: Path, device: torch.device | str = "cpu") -> LatentDiffusion:
    """A pipeline of Stable Diffusion v1's shape that diffusers saved, in float32, ready to draw.

    Its scheduler's times, last step and prediction are obeyed, whatever rule for stepping that scheduler has: which
    sampler walks is chosen when drawing. Raises ForeignSetting if a part is of another kind, and ValueError if files
    are missing or damaged; both say which.
    """
    parts = "unet", "vae", "text_encoder"
    unet_found, vae_found, text_found = (_read(folder / part / "config.json") for part in parts)
    schedule, predicts, times = scheduler.read(_read(folder / "scheduler" / "scheduler_config.json"))
    with torch.device("meta"):  # filled from the files
        unet = UNet(settings.unet_config(unet_found))
        autoencoder = Autoencoder(settings.autoencoder_config(vae_found))
        encoder = TextEncoder(settings.text_config(text_found))
    _fill(unet, folder / "unet", device)
    _fill(autoencoder, folder / "vae", device)
    _fill(encoder, folder / "text_encoder", device)
    return LatentDiffusion(
        tokenizer=_tokenizer(folder / "tokenizer", encoder.config.length),
        text=encoder,
        unet=unet,
        autoencoder=autoencoder,
        schedule=schedule,
        predicts=predicts,
        side=unet_found.get("sample_size") or SIDE,
        spacing=times,
    )


def _write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _write_network(folder: Path, name: str, network: nn.Module, config: dict[str, Any]) -> None:
    _write(folder / "config.json", config)
    tensors = {key: value.contiguous().cpu() for key, value in network.state_dict().items()}
    save_file(tensors, folder / f"{name}.safetensors", metadata={"format": "pt"})


def _read(path: Path) -> dict[str, Any]:
    """A JSON object. Raises ValueError if it is missing or damaged."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(
            f"This is no folder of a diffusers pipeline: there is no {path.parent.name}/{path.name}."
        ) from error
    except ValueError as error:
        raise ValueError(f"{path.parent.name}/{path.name} is damaged: it is not JSON.") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path.parent.name}/{path.name} is damaged: it is not a JSON object.")
    return found


def _fill(network: nn.Module, folder: Path, device: torch.device | str) -> None:
    """Gives a network made on the meta device its numbers, in float32, and makes it ready to be asked."""
    tensors = current_names(_tensors(folder))
    try:
        network.load_state_dict({name: tensor.float().to(device) for name, tensor in tensors.items()}, assign=True)
    except RuntimeError as error:
        raise ValueError(f"The tensors in {folder.name} do not fit its config.json: {error}") from error
    channels_last(network.eval().requires_grad_(False))


def _tensors(folder: Path) -> dict[str, Tensor]:
    """All tensors of a folder: of one file or, where there is an index, of several; in half precision if need be."""
    for stem in ("diffusion_pytorch_model", "model"):
        for variant in ("", ".fp16"):
            index = folder / f"{stem}.safetensors.index{variant}.json"
            whole = folder / f"{stem}{variant}.safetensors"
            if index.exists():
                names = sorted(set(_read(index)["weight_map"].values()))
                return {key: tensor for name in names for key, tensor in _load(folder / name).items()}
            if whole.exists():
                return _load(whole)
    raise ValueError(
        f"There is no .safetensors file in {folder.name}. Save the pipeline again, with safe_serialization=True: files "
        "that Python has pickled can run any program, and are not read."
    )


def _load(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise ValueError(f"{path.parent.name}/{path.name} is missing or damaged.") from error


def _tokenizer(folder: Path, length: int) -> ClipTokenizer:
    """The tokenizer; its padding must be the end token, as Stable Diffusion v1's is. Raises ForeignSetting."""
    found = _read(folder / "tokenizer_config.json")
    padding = found.get("pad_token", END)
    padding = padding["content"] if isinstance(padding, dict) else padding
    if padding != END:
        raise ForeignSetting(f"The tokenizer pads with {padding!r}; this sampler only knows {END!r}.")
    try:
        return ClipTokenizer(folder, min(length, int(found.get("model_max_length", length))))
    except (OSError, ValueError, KeyError) as error:
        raise ValueError("The tokenizer is damaged: it needs vocab.json and merges.txt, or tokenizer.json.") from error
