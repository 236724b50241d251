"""The recipes: they run, resume, run on two processes, and leave what the app can load."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from accelerate.utils import set_seed

from tutorial import weights
from tutorial.data.critters import EVALUATION_SEED
from tutorial.data.pixels import to_signed
from tutorial.diffusion import latent
from tutorial.networks.reader import AttributeReader, ReaderConfig
from tutorial.training import autoencoder, decoder, latent_diffusion, reader, tokenizer, training_index
from tutorial.training.fit import Clock, fit
from tutorial.training.pictures import pictures

SEEDS = range(64)
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Recipes write checkpoints and caches below the working directory."""
    monkeypatch.chdir(tmp_path)


def test_the_whole_chain_from_nothing_to_a_picture(tmp_path):
    """Each recipe for a few steps, in the order of `make weights`; the result loads and draws."""
    assets = tmp_path / "weights"
    tokenizer.train(assets)
    reader.train(2, batch=16, seeds=SEEDS, assets=assets, folder=tmp_path / "r")
    training_index.make(SEEDS, assets)
    autoencoder.train(4, batch=4, seeds=SEEDS, assets=assets, folder=tmp_path / "a")
    before = weights.load("autoencoder", assets)
    decoder.train(2, batch=4, seeds=SEEDS, assets=assets, folder=tmp_path / "d")
    latent_diffusion.train(2, batch=8, seeds=SEEDS, assets=assets, folder=tmp_path / "l")
    model = latent.load(assets)
    assert model.draw("a blue one", steps=2, n=2).shape == (2, 3, 64, 64)
    after = model.autoencoder.state_dict()
    moved = {name for name, tensor in before.state_dict().items() if not torch.equal(tensor, after[name])}
    assert moved  # polishing changed the decoder, and left the encoder alone
    assert not any(name.startswith(("encoder", "quant_conv")) for name in moved)
    for name in ("reader", "autoencoder", "unet", "text_encoder"):
        assert weights.read_card(name, assets)["steps"] in (2, 4)


def test_the_scaling_factor_gives_unit_variance():
    model = weights.load("autoencoder")
    x = to_signed(pictures(range(EVALUATION_SEED, EVALUATION_SEED + 100), training=True))
    z = model.encode(x)[0] * model.config.scaling_factor
    assert z.std().item() == pytest.approx(1, abs=0.05)


class Recorder:
    """A training loop whose state is a single number, to see what an interruption does to it."""

    def __init__(self, folder: Path) -> None:
        from accelerate import Accelerator

        self.accelerator, self.folder = Accelerator(), folder
        torch.manual_seed(0)
        self.model = torch.nn.Linear(1, 1, bias=False)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.1, momentum=0.9)
        self.model, self.optimizer = self.accelerator.prepare(self.model, self.optimizer)

    def update(self, batch: torch.Tensor, step: int) -> dict[str, torch.Tensor]:
        value = (self.model(batch) - 3).square().mean()
        self.accelerator.backward(value)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return {"loss": value}

    def run(self, steps: int, clock: Clock, stop: int | None = None) -> list[int]:
        seen = []
        loop = fit(
            self.accelerator, self.update, [torch.ones(1, 1)], clock, steps=steps, folder=self.folder, save_every=5
        )
        for step in loop:
            seen.append(step.i)
            if step.i == stop:
                loop.close()
                break
        return seen


def test_an_interrupted_run_goes_on_from_its_last_checkpoint(tmp_path):
    whole = Recorder(tmp_path / "whole")
    assert whole.run(20, Clock()) == list(range(1, 21))
    assert Recorder(tmp_path / "cut").run(20, Clock(), stop=13) == list(range(1, 14))
    resumed, clock = Recorder(tmp_path / "cut"), Clock()
    assert resumed.run(20, clock) == list(range(11, 21))  # from the checkpoint at 10
    assert clock.step == 20
    assert torch.equal(resumed.model.weight, whole.model.weight)


TWO = """
import os
from pathlib import Path
import torch
from accelerate import PartialState
from tutorial.training import autoencoder, decoder, latent_diffusion, reader, tokenizer

settings = {"seeds": range(64), "assets": Path("weights")}
if os.environ["RANK"] == "0":
    tokenizer.train(Path("weights"))
models = [reader.train(3, batch=8, folder=Path("r"), **settings)]
PartialState().wait_for_everyone()
models.append(autoencoder.train(4, batch=4, folder=Path("a"), **settings))  # the last step with its discriminator
PartialState().wait_for_everyone()
models.append(decoder.train(2, batch=4, folder=Path("d"), **settings))
PartialState().wait_for_everyone()
models.append(latent_diffusion.train(2, batch=8, folder=Path("l"), **settings))
torch.save([[p.detach() for p in m.parameters()] for m in models], f"models{PartialState().process_index}.pt")
"""


def test_two_processes_train_one_model(tmp_path):
    """torchrun really starts two, and every recipe ends with the same weights on both."""
    (tmp_path / "two.py").write_text(TWO)
    for training in (False, True):
        pictures(SEEDS, training=training)  # rendered once, not by both
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_port", "29571", "two.py"],
        cwd=tmp_path,
        env=os.environ | {"ACCELERATE_USE_CPU": "true", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    for name in ("reader", "autoencoder", "unet", "text_encoder"):
        assert weights.read_card(name, tmp_path / "weights")["hardware"].startswith("2 process")
    first, second = (torch.load(tmp_path / f"models{rank}.pt") for rank in (0, 1))
    for one, other in zip(first, second, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    set_seed(0, device_specific=True)
    untrained = list(AttributeReader(ReaderConfig()).parameters())  # where the reader of rank 0 started
    assert not all(torch.equal(a, b) for a, b in zip(first[0], untrained, strict=True))
