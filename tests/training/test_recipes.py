"""The recipes: they run, resume, run on two processes, and leave what the app can load."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy
import torch
import transformers
from accelerate.utils import set_seed

from tutorial import weights
from tutorial.data.critters import EVALUATION_SEED
from tutorial.data.digits import digits
from tutorial.data.pixels import to_signed
from tutorial.diffusion import latent, points
from tutorial.networks.reader import AttributeReader, ReaderConfig
from tutorial.networks.text import TextConfig, TextEncoder
from tutorial.training import (
    autoencoder,
    contrastive,
    decoder,
    digit_classifier,
    latent_diffusion,
    pixel_diffusion,
    point_denoisers,
    preview,
    reader,
    tokenizer,
    training_index,
)
from tutorial.training.fit import Clock, fit, seeded_accelerator, shuffled
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
    autoencoder.train(2, side=128, batch=4, seeds=SEEDS, assets=assets)
    decoder.train(1, side=128, batch=4, seeds=SEEDS, assets=assets)
    latent_diffusion.train(2, side=128, batch=4, seeds=SEEDS, assets=assets)
    assert latent.load(assets, side=128).draw("a blue one", steps=2).shape == (1, 3, 128, 128)
    for name in ("reader", "autoencoder", "clip_text", "unet", "text_encoder"):
        assert weights.read_card(name, assets)["steps"] in (2, 4)


def test_the_recipes_of_digits_and_points_leave_what_loads(tmp_path):
    assets = tmp_path / "weights"
    digit_classifier.train(2, batch=16, assets=assets, folder=tmp_path / "d")
    pixel_diffusion.train(2, batch=4, assets=assets, folder=tmp_path / "p")
    point_denoisers.train("spiral", 3, assets=assets)
    x = torch.zeros(2, 1, 28, 28)
    assert weights.load("digit_classifier", assets)(x).shape == (2, 10)
    unet = weights.load("digit_unet", assets)
    assert unet(x, torch.tensor([1, 900]), torch.tensor([0, 10])).shape == x.shape
    assert points.learned("spiral", folder=assets).read(torch.zeros(5, 2), 10)[0].shape == (5, 2)
    assert weights.read_card(points.file_name("spiral"), assets)["history"]["rows"][-1][0] == 3


def test_every_batch_of_digits_sees_all_noise_levels():
    t = pixel_diffusion.stratified_times(100)
    assert ((t - 1) // 10).tolist() == list(range(100))  # one from each slice


def test_the_shipped_digit_classifier_reads_test_digits():
    x, y = (rows[:2000] for rows in digits("test"))
    right = weights.load("digit_classifier")(to_signed(x)).argmax(1) == y
    assert right.float().mean() >= 0.99


def test_the_scaling_factor_gives_unit_variance():
    model = weights.load("autoencoder")
    x = to_signed(pictures(range(EVALUATION_SEED, EVALUATION_SEED + 100), training=True))
    z = model.encode(x)[0] * model.config.scaling_factor
    assert z.std().item() == pytest.approx(1, abs=0.05)


class Recorder:
    """A small noisy training that remembers which examples it saw, to tell what an interruption does to it."""

    def __init__(self, folder: Path, inputs: dict[str, torch.Tensor] | None = None) -> None:
        self.accelerator, self.folder, self.clock = seeded_accelerator(), folder, Clock()
        self.inputs = inputs or {}
        self.model = torch.nn.Linear(1, 1, bias=False)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01, momentum=0.9)
        examples = shuffled(torch.arange(7.0)[:, None], batch=2)  # three batches an epoch
        self.model, self.optimizer, self.loader = self.accelerator.prepare(self.model, self.optimizer, examples)
        self.seen: list[tuple[float, ...]] = []

    def update(self, rows: list[torch.Tensor], step: int) -> dict[str, torch.Tensor]:
        self.seen.append(tuple(rows[0].flatten().tolist()))
        value = (self.model(rows[0]) - 3 + torch.randn(1)).square().mean()
        self.accelerator.backward(value)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return {"loss": value}

    def run(self, steps: int, stop: int | None = None) -> list[int]:
        numbers = []
        loop = fit(
            self.accelerator,
            self.update,
            self.loader,
            self.clock,
            steps=steps,
            folder=self.folder,
            inputs=self.inputs,
            log_every=1,
            save_every=5,
        )
        for step in loop:
            numbers.append(step.i)
            if step.i == stop:
                loop.close()
                break
        return numbers


@pytest.mark.parametrize("stop", [7, 13, 17])  # the checkpoints at 5 and 10 lie within an epoch, that at 15 at its end
def test_an_interrupted_run_ends_as_if_it_had_not_been(tmp_path, stop):
    """Same examples in the same order, same noise, same weights, same log."""
    whole = Recorder(tmp_path / "whole")
    assert whole.run(20) == list(range(1, 21))
    cut = Recorder(tmp_path / "cut")
    assert cut.run(20, stop) == list(range(1, stop + 1))
    torch.manual_seed(1234)  # whatever happens in between
    resumed = Recorder(tmp_path / "cut")
    saved = stop // 5 * 5
    assert resumed.run(20) == list(range(saved + 1, 21))
    assert resumed.clock.step == 20
    assert cut.seen[:saved] + resumed.seen == whole.seen
    assert torch.equal(resumed.model.weight, whole.model.weight)
    logs = [
        [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in (folder / "log.jsonl").open()]
        for folder in (whole.folder, cut.folder)
    ]
    assert logs[0] == logs[1]
    assert len(logs[0]) == 20


def test_a_run_in_which_something_never_learns_is_ended(tmp_path):
    """A parameter that the loss does not depend on, though its gradient is there: all zeros."""
    recorder = Recorder(tmp_path)
    learn = recorder.update
    recorder.update = lambda rows, step: learn([0 * rows[0]], step)
    with pytest.raises(RuntimeError, match=r"shape \(1, 1\) gets no gradient"):
        recorder.run(5)


def test_an_optimiser_that_joins_in_later_does_not_end_a_run(tmp_path):
    """As the autoencoder's discriminator does."""
    recorder = Recorder(tmp_path)
    recorder.accelerator.prepare(torch.optim.Adam(torch.nn.Linear(1, 1).parameters()))
    assert recorder.run(2) == [1, 2]


def test_each_epoch_has_its_own_order(tmp_path):
    recorder = Recorder(tmp_path)
    recorder.run(30)
    epochs = {tuple(recorder.seen[i : i + 3]) for i in range(0, 30, 3)}
    assert len(epochs) == 10


def test_a_checkpoint_that_was_cut_off_is_passed_over(tmp_path):
    Recorder(tmp_path).run(20, stop=13)
    (tmp_path / "checkpoint-15").mkdir()  # killed while it saved
    assert Recorder(tmp_path).run(20)[0] == 11
    assert {path.parent.name for path in tmp_path.glob("checkpoint-*/complete")} == {"checkpoint-20"}


def test_a_run_of_other_length_or_from_other_inputs_is_not_resumed(tmp_path):
    Recorder(tmp_path, {"encoder": torch.zeros(3)}).run(10, stop=6)
    with pytest.raises(ValueError, match=r"differs in: steps\. Delete that folder"):
        Recorder(tmp_path, {"encoder": torch.zeros(3)}).run(20)
    with pytest.raises(ValueError, match=r"differs in: encoder\."):
        Recorder(tmp_path, {"encoder": torch.ones(3)}).run(10)
    assert Recorder(tmp_path, {"encoder": torch.zeros(3)}).run(10)[0] == 6


def test_too_few_examples_for_a_batch_are_refused_in_a_sentence():
    with pytest.raises(ValueError, match="A batch needs 8 examples; there are 3"):
        shuffled(torch.zeros(3), batch=8)


def test_lesson_times_fall_one_into_each_slice_of_a_logit_normal():
    """Against SciPy's distribution; t is rounded up, so its own slice may end just before it."""
    n, T = 96, latent_diffusion.T
    law = scipy.stats.norm(latent_diffusion.TIMES_CENTRE, latent_diffusion.TIMES_SPREAD)
    batches = [latent_diffusion.lesson_times(n) for _ in range(50)]
    slices = np.arange(n) / n
    for t in batches:
        assert (law.cdf(scipy.special.logit(t.numpy() / T)) >= slices).all()
        assert (law.cdf(scipy.special.logit((t.numpy() - 1) / T)) <= slices + 1 / n).all()
    assert not torch.equal(batches[0], batches[1])


def test_the_matching_loss_is_clips():
    """transformers computes CLIP's loss from the same vectors."""
    config = transformers.CLIPConfig(
        text_config={"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "vocab_size": 10},
        vision_config={"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "patch_size": 32},
        projection_dim=6,
    )
    theirs = transformers.CLIPModel(config).eval()
    found = theirs(input_ids=torch.randint(0, 10, (5, 7)), pixel_values=torch.randn(5, 3, 224, 224), return_loss=True)
    ours = contrastive.matching_loss(theirs.logit_scale.exp() * found.text_embeds, found.image_embeds)
    assert ours.item() == pytest.approx(found.loss.item(), rel=1e-5)


def test_a_matcher_reads_a_caption_at_its_first_end_token():
    """What follows the end does not matter, what stands before it does."""
    matcher = contrastive.Matcher(TextEncoder(TextConfig(20, 16, 1, 2, 8)), torch.randn(9, 4))
    end, features = 19, torch.randn(1, 4)
    rows = torch.tensor([[1, 5, 6, end, end, end], [1, 5, 7, end, end, end], [1, 5, 6, end, 3, end]])
    same, other, padded = (matcher(row[None], features)[0] for row in rows)
    assert torch.allclose(same, padded)
    assert not torch.allclose(same, other)


COMPILED = """
from pathlib import Path
import torch
from tests.training.test_recipes import Recorder
from tutorial import weights
from tutorial.training import contrastive, reader, tokenizer, training_index

cut = Recorder(Path("cut"))
cut.run(20, stop=13)
resumed = Recorder(Path("cut"))
assert hasattr(resumed.model, "_orig_mod")
assert resumed.run(20)[0] == 11
assets, seeds = Path("weights"), range(64)
tokenizer.train(assets)
reader.train(2, batch=16, seeds=seeds, assets=assets, folder=Path("r"))
training_index.make(seeds, assets)
contrastive.train(2, batch=16, seeds=seeds, assets=assets, folder=Path("c"))
for name in ("reader", "clip_text"):
    weights.load(name, assets)
"""


@pytest.mark.slow
def test_a_compiled_run_resumes_and_saves_plain_weights(tmp_path):
    """With the compiler that compiles nothing, through the same wrapping and unwrapping as the real one."""
    done = subprocess.run(
        [sys.executable, "-c", COMPILED],
        cwd=tmp_path,
        env=os.environ | {"ACCELERATE_DYNAMO_BACKEND": "eager", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_make_weights_runs_the_commands_on_the_cards():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipes = (tokenizer, reader, training_index, autoencoder, decoder, preview, contrastive, latent_diffusion)
    places = [makefile.index(f"\t{recipe.COMMAND.replace('python -m', '$(BIN)/python -m')}\n") for recipe in recipes]
    assert places == sorted(places)


TWO = """
import os
from pathlib import Path
import torch
import transformers
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


@pytest.mark.slow
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
