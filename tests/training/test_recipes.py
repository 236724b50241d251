"""The recipes: they run, resume, run on two processes, and leave what the app can load."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy
import torch
from accelerate.utils import set_seed
from torch.utils.data import DataLoader, TensorDataset

from tutorial import weights
from tutorial.data.critters import EVALUATION_SEED
from tutorial.data.pixels import to_signed
from tutorial.diffusion import latent
from tutorial.networks.reader import AttributeReader, ReaderConfig
from tutorial.training import (
    autoencoder,
    contrastive,
    decoder,
    latent_diffusion,
    preview,
    reader,
    tokenizer,
    training_index,
)
from tutorial.training.fit import Clock, fit, seeded_accelerator
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
    preview.make(SEEDS, assets)
    contrastive.train(2, batch=16, seeds=SEEDS, assets=assets, folder=tmp_path / "c")
    latent_diffusion.train(2, batch=8, seeds=SEEDS, assets=assets, folder=tmp_path / "l")
    model = latent.load(assets)
    assert model.draw("a blue one", steps=2, n=2).shape == (2, 3, 64, 64)
    after = model.autoencoder.state_dict()
    moved = {name for name, tensor in before.state_dict().items() if not torch.equal(tensor, after[name])}
    assert moved  # polishing changed the decoder, and left the encoder alone
    assert not any(name.startswith(("encoder", "quant_conv")) for name in moved)
    for name in ("reader", "autoencoder", "clip_text", "unet", "text_encoder"):
        assert weights.read_card(name, assets)["steps"] in (2, 4)


def test_the_scaling_factor_gives_unit_variance():
    model = weights.load("autoencoder")
    x = to_signed(pictures(range(EVALUATION_SEED, EVALUATION_SEED + 100), training=True))
    z = model.encode(x)[0] * model.config.scaling_factor
    assert z.std().item() == pytest.approx(1, abs=0.05)


class Recorder:
    """A small training that remembers which examples it saw, to tell what an interruption does to it."""

    def __init__(self, folder: Path) -> None:
        self.accelerator, self.folder, self.clock = seeded_accelerator(), folder, Clock()
        self.model = torch.nn.Linear(1, 1, bias=False)
        torch.nn.init.zeros_(self.model.weight)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01, momentum=0.9)
        examples = DataLoader(TensorDataset(torch.arange(7.0)[:, None]), batch_size=2, shuffle=True, drop_last=True)
        self.model, self.optimizer, self.loader = self.accelerator.prepare(self.model, self.optimizer, examples)
        self.seen: list[tuple[float, ...]] = []

    def update(self, rows: list[torch.Tensor], step: int) -> dict[str, torch.Tensor]:
        self.seen.append(tuple(rows[0].flatten().tolist()))
        value = (self.model(rows[0]) - 3).square().mean()
        self.accelerator.backward(value)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return {"loss": value}

    def run(self, steps: int, stop: int | None = None, **settings) -> list[int]:
        numbers = []
        loop = fit(
            self.accelerator,
            self.update,
            self.loader,
            self.clock,
            steps=steps,
            folder=self.folder,
            save_every=5,
            **settings,
        )
        for step in loop:
            numbers.append(step.i)
            if step.i == stop:
                loop.close()
                break
        return numbers


def test_an_interrupted_run_ends_as_if_it_had_not_been(tmp_path):
    """Same examples in the same order, same weights."""
    whole, cut, resumed = (Recorder(tmp_path / folder) for folder in ("whole", "cut", "cut"))
    assert whole.run(20) == list(range(1, 21))
    assert cut.run(20, stop=13) == list(range(1, 14))
    assert resumed.run(20) == list(range(11, 21))  # from the checkpoint at 10
    assert resumed.clock.step == 20
    assert cut.seen[:10] + resumed.seen == whole.seen
    assert len(set(whole.seen[:3] + whole.seen[3:6])) > 3  # the second epoch has another order than the first
    assert torch.equal(resumed.model.weight, whole.model.weight)


def test_a_checkpoint_that_was_cut_off_is_passed_over(tmp_path):
    Recorder(tmp_path).run(20, stop=13)
    (tmp_path / "checkpoint-15").mkdir()  # killed while it saved
    assert Recorder(tmp_path).run(20)[0] == 11
    assert {path.parent.name for path in tmp_path.glob("checkpoint-*/complete")} == {"checkpoint-20"}


def test_a_run_of_other_length_or_from_other_inputs_is_not_resumed(tmp_path):
    made_from = tmp_path / "reader.safetensors"
    made_from.write_bytes(b"one")
    folder = tmp_path / "run"
    Recorder(folder).run(10, stop=6, inputs=[made_from])
    with pytest.raises(ValueError, match=r"differs in: steps\. Delete that folder"):
        Recorder(folder).run(20, inputs=[made_from])
    made_from.write_bytes(b"other")
    with pytest.raises(ValueError, match=r"differs in: reader\.safetensors"):
        Recorder(folder).run(10, inputs=[made_from])


def test_lesson_times_are_logit_normal_and_cover_every_level():
    """Against SciPy's distribution: a batch of n falls one into each of n equally likely slices."""
    n = 96
    t = torch.stack([latent_diffusion.lesson_times(n) for _ in range(200)]).double()
    assert t.min() >= 1
    assert t.max() <= latent_diffusion.T
    law = scipy.stats.norm(latent_diffusion.TIMES_CENTRE, latent_diffusion.TIMES_SPREAD)
    late = law.cdf(scipy.special.logit(t.numpy() / latent_diffusion.T - 1e-12))  # t was rounded up
    slices = np.arange(n) / n
    assert (late >= slices - 1e-9).all()
    assert np.abs(np.quantile(late, 0.5) - 0.5) < 0.01


TWO = """
import os
from pathlib import Path
import torch
from accelerate import PartialState
from tutorial.training import autoencoder, contrastive, decoder, latent_diffusion, reader, tokenizer, training_index

settings = {"seeds": range(64), "assets": Path("weights")}
if os.environ["RANK"] == "0":
    tokenizer.train(Path("weights"))
models = [reader.train(3, batch=8, folder=Path("r"), **settings)]
PartialState().wait_for_everyone()
models.append(autoencoder.train(4, batch=4, folder=Path("a"), **settings))  # the last step with its discriminator
PartialState().wait_for_everyone()
models.append(decoder.train(2, batch=4, folder=Path("d"), **settings))
if os.environ["RANK"] == "0":
    training_index.make(range(64), Path("weights"))
PartialState().wait_for_everyone()
models.append(contrastive.train(2, batch=8, folder=Path("c"), **settings))
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
    for name in ("reader", "autoencoder", "clip_text", "unet", "text_encoder"):
        assert weights.read_card(name, tmp_path / "weights")["hardware"].startswith("2 process")
    first, second = (torch.load(tmp_path / f"models{rank}.pt") for rank in (0, 1))
    for one, other in zip(first, second, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    set_seed(0, device_specific=True)
    untrained = list(AttributeReader(ReaderConfig()).parameters())  # where the reader of rank 0 started
    assert not all(torch.equal(a, b) for a, b in zip(first[0], untrained, strict=True))
