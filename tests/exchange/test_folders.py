"""Our folder in diffusers, and diffusers' folders here: the same pictures from the same noise."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import diffusers
import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from safetensors.torch import load_file, save_file

from tests.networks.test_stable_diffusion import randomize, their_autoencoder, their_text_encoder, their_unet
from tutorial import weights
from tutorial.data.pixels import to_arrays
from tutorial.diffusion import latent
from tutorial.exchange import ForeignSetting, from_diffusers, to_diffusers
from tutorial.exchange.__main__ import main
from tutorial.networks.autoencoder import AutoencoderConfig
from tutorial.networks.text import TextConfig
from tutorial.networks.unet import UNetConfig

pytestmark = pytest.mark.usefixtures("one_thread")
PROMPT = "a blue one with a crown"
TOKENIZER = weights.FOLDER / "tokenizer"
SD_SCHEDULER = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "clip_sample": False,
    "set_alpha_to_one": False,
    "steps_offset": 1,
}


def theirs(pipe, noise: torch.Tensor, steps: int, guidance: float) -> torch.Tensor:
    """What a diffusers pipeline draws from this noise: (B, H, W, 3) in [0, 1]."""
    pipe.set_progress_bar_config(disable=True)
    drawn = pipe(PROMPT, latents=noise, num_inference_steps=steps, guidance_scale=guidance, eta=0.0, output_type="np")
    return torch.from_numpy(drawn.images)


def ours(model, steps: int, guidance: float) -> torch.Tensor:
    picture = model.draw(PROMPT, steps=steps, guidance=guidance, sampler="ddim", seed=3)
    return (picture / 2 + 0.5).permute(0, 2, 3, 1)


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    to_diffusers(folder, latent.load())
    return folder


def test_our_folder_draws_the_same_picture_in_diffusers(exported):
    model = latent.load()
    pipe = diffusers.StableDiffusionPipeline.from_pretrained(exported)
    noise, _ = model.noise([3])
    assert (ours(model, 20, 5.0) - theirs(pipe, noise, 20, 5.0)).abs().max() <= 2 / 255


def test_our_folder_comes_back_as_it_was(exported):
    before, after = latent.load(), from_diffusers(exported)
    assert (after.side, after.predicts) == (before.side, before.predicts)
    assert (after.schedule.abar - before.schedule.abar).abs().max() < 1e-6
    assert (ours(after, 10, 3.0) - ours(before, 10, 3.0)).abs().max() < 1e-3


def pipeline(scheduler: diffusers.SchedulerMixin) -> diffusers.StableDiffusionPipeline:
    """A small pipeline of random weights, of Stable Diffusion's shape."""
    unet = their_unet(UNetConfig(channels=(32, 64), attention=(True, False), layers=1, context=32, heads=2))
    vae = their_autoencoder(AutoencoderConfig(channels=(32, 64), layers=1))
    tokenizer = transformers.CLIPTokenizer(
        str(TOKENIZER / "vocab.json"), str(TOKENIZER / "merges.txt"), model_max_length=20
    )
    text = their_text_encoder(TextConfig(vocabulary=len(tokenizer), width=32, layers=2, heads=2, length=20))
    for network in (unet, vae, text):
        randomize(network)
    return diffusers.StableDiffusionPipeline(
        vae, text, tokenizer, unet.eval(), scheduler, None, None, requires_safety_checker=False
    )


@pytest.mark.parametrize(
    "settings",
    [
        SD_SCHEDULER,
        SD_SCHEDULER | {"set_alpha_to_one": True, "steps_offset": 0},
        SD_SCHEDULER | {"steps_offset": 0, "prediction_type": "v_prediction"},
        SD_SCHEDULER | {"timestep_spacing": "trailing", "beta_schedule": "linear"},
        SD_SCHEDULER | {"beta_schedule": "squaredcos_cap_v2", "prediction_type": "sample"},
    ],
)
@pytest.mark.parametrize("steps", [4, 7, 10])
def test_their_folder_draws_the_same_picture_here(tmp_path, settings, steps):
    pipe = pipeline(diffusers.DDIMScheduler(**settings))
    pipe.save_pretrained(tmp_path)
    model = from_diffusers(tmp_path)
    if settings.get("timestep_spacing") == "trailing" and 1000 % steps:
        with pytest.raises(ValueError, match="must divide 1000"):
            ours(model, steps, 5.0)
        return
    noise, _ = model.noise([3])
    assert (ours(model, steps, 5.0) - theirs(pipe, noise, steps, 5.0)).abs().max() <= 2 / 255


def test_another_scheduler_of_theirs_lends_its_settings(tmp_path):
    """Stable Diffusion v1 comes with PNDM; here one of our samplers walks at its times."""
    settings = {name: value for name, value in SD_SCHEDULER.items() if name != "clip_sample"}
    pipe = pipeline(diffusers.PNDMScheduler(**settings, skip_prk_steps=True))
    pipe.save_pretrained(tmp_path)
    model = from_diffusers(tmp_path)
    noise, _ = model.noise([3])
    pipe.scheduler = diffusers.DDIMScheduler.from_config(pipe.scheduler.config, clip_sample=False)
    assert (ours(model, 10, 5.0) - theirs(pipe, noise, 10, 5.0)).abs().max() <= 2 / 255


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    pipeline(diffusers.DDIMScheduler(**SD_SCHEDULER)).save_pretrained(folder)
    return folder


def test_several_files_old_names_and_half_precision_are_read(saved, tmp_path):
    before = from_diffusers(saved)
    folder = tmp_path / "copy"
    shutil.copytree(saved, folder)
    pipeline(diffusers.DDIMScheduler(**SD_SCHEDULER)).unet.save_pretrained(folder / "unet", max_shard_size="300KB")
    (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink(missing_ok=True)
    assert (folder / "unet" / "diffusion_pytorch_model.safetensors.index.json").exists()
    _rename(folder / "text_encoder" / "model.safetensors", lambda name: f"text_model.{name}")
    old = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}

    def older(name: str) -> str:
        for new, then in old.items():
            name = name.replace(f"attentions.0.{new}", f"attentions.0.{then}")
        return name

    _rename(folder / "vae" / "diffusion_pytorch_model.safetensors", older)
    after = from_diffusers(folder)
    assert torch.equal(ours(after, 4, 5.0), ours(before, 4, 5.0))
    half = folder / "unet2"
    half.mkdir()
    tensors = {name: value.half() for name, value in before.unet.state_dict().items()}
    shutil.copy(folder / "unet" / "config.json", half)
    save_file({k: v.contiguous() for k, v in tensors.items()}, half / "diffusion_pytorch_model.fp16.safetensors")
    shutil.rmtree(folder / "unet")
    half.rename(folder / "unet")
    assert from_diffusers(folder).unet.conv_in.weight.dtype == torch.float32


def _rename(path: Path, rule) -> None:
    save_file({rule(name): tensor for name, tensor in load_file(path).items()}, path, {"format": "pt"})


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        ("unet/config.json", {"use_linear_projection": True}, "use_linear_projection"),
        ("unet/config.json", {"in_channels": 9}, "out_channels"),
        ("unet/config.json", {"attention_head_dim": [2, 2]}, "attention_head_dim"),
        ("unet/config.json", {"addition_embed_type": "text_time"}, "addition_embed_type"),
        ("unet/config.json", {"novelty": 3}, "novelty"),
        ("unet/config.json", {"up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D"]}, "up_block_types"),
        ("vae/config.json", {"shift_factor": 0.1}, "shift_factor"),
        ("vae/config.json", {"mid_block_add_attention": False}, "mid_block_add_attention"),
        ("text_encoder/config.json", {"hidden_act": "gelu"}, "hidden_act"),
        ("scheduler/scheduler_config.json", {"prediction_type": "flow_prediction"}, "prediction_type"),
        ("scheduler/scheduler_config.json", {"timestep_spacing": "linspace"}, "timestep_spacing"),
        ("scheduler/scheduler_config.json", {"rescale_betas_zero_snr": True}, "rescale_betas_zero_snr"),
        ("scheduler/scheduler_config.json", {"clip_sample": True}, "clip_sample"),
        ("tokenizer/tokenizer_config.json", {"pad_token": "!"}, "pads with"),
    ],
)
def test_another_kind_of_pipeline_is_refused_in_a_sentence(saved, tmp_path, file, change, said):
    folder = tmp_path / "copy"
    shutil.copytree(saved, folder)
    content = json.loads((folder / file).read_text())
    (folder / file).write_text(json.dumps(content | change))
    with pytest.raises(ForeignSetting, match=said):
        from_diffusers(folder)


@pytest.mark.parametrize("file", ["unet/config.json", "vae/diffusion_pytorch_model.safetensors"])
@pytest.mark.parametrize("damage", ["missing", "garbage"])
def test_what_is_missing_or_damaged_is_named(saved, tmp_path, file, damage):
    folder = tmp_path / "copy"
    shutil.copytree(saved, folder)
    (folder / file).unlink() if damage == "missing" else (folder / file).write_text("{")
    with pytest.raises(ValueError, match=file.split("/")[0]):
        from_diffusers(folder)


def test_the_command_line_exports_and_draws(saved, tmp_path, capsys):
    main(["export", str(tmp_path / "ours")])
    assert (tmp_path / "ours" / "model_index.json").exists()
    out = tmp_path / "drawn.png"
    main(["draw", str(saved), PROMPT, "--steps", "2", "--guidance", "3", "--seed", "3", "--out", str(out)])
    model = from_diffusers(saved)
    picture = model.draw(PROMPT, steps=2, guidance=3.0, sampler="ddim", seed=3)
    assert np.array_equal(np.asarray(Image.open(out)), to_arrays(picture)[0])
    with pytest.raises(SystemExit, match=r"model_index|config\.json"):
        main(["draw", str(tmp_path), PROMPT])
    with pytest.raises(SystemExit, match="steps"):
        main(["draw", str(saved), PROMPT, "--steps", "0"])
