"""What every training recipe shares: a loop that logs, checkpoints and resumes.

Distribution, precision and device are accelerate's business: the same recipe runs as `python -m …` on a
laptop, under `torchrun` on several processes, and under `accelerate launch` on GPUs. The environment chooses,
for instance `ACCELERATE_MIXED_PRECISION=bf16`.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import platform
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import DataLoaderConfiguration, set_seed
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, TensorDataset
from tqdm import tqdm

RUNS = Path("runs")
"""Where checkpoints and logs go, relative to the working directory; ignored by git."""


@dataclass(frozen=True)
class TrainStep:
    """The state of a run just after update number `i` of `n` (counted from 1)."""

    i: int
    n: int
    values: dict[str, float]


class Clock:
    """Counts the updates and the seconds of a run across interruptions."""

    def __init__(self) -> None:
        self.step, self.seconds = 0, 0.0

    def state_dict(self) -> dict[str, float]:
        return {"step": self.step, "seconds": self.seconds}

    def load_state_dict(self, state: dict[str, float]) -> None:
        self.step, self.seconds = int(state["step"]), state["seconds"]


def seeded_accelerator() -> Accelerator:
    """An accelerator that splits each batch between the processes, with every process drawing its own noise.

    The order of the examples follows from the number of the epoch alone.
    """
    loading = DataLoaderConfiguration(split_batches=True, use_seedable_sampler=True, data_seed=0)
    accelerator = Accelerator(dataloader_config=loading)
    set_seed(0, device_specific=True)
    return accelerator


def shuffled(*tensors: Tensor, batch: int) -> DataLoader:
    """Batches of rows of these tensors, in a new order each epoch, an incomplete last one left out.

    Raises ValueError if there are fewer rows than a batch needs.
    """
    if len(tensors[0]) < batch:
        raise ValueError(f"A batch needs {batch} examples; there are {len(tensors[0])}.")
    # A generator of its own: opening the loader again, on resuming, must not disturb the noise of the training.
    own = torch.Generator()
    return DataLoader(TensorDataset(*tensors), batch_size=batch, shuffle=True, drop_last=True, generator=own)


def fit(
    accelerator: Accelerator,
    update: Callable[[Any, int], dict[str, Tensor]],
    batches: DataLoader,
    clock: Clock,
    *,
    steps: int,
    folder: Path,
    inputs: Mapping[str, Tensor | nn.Module],
    log_every: int = 50,
    save_every: int = 500,
) -> Iterator[TrainStep]:
    """Runs `update(batch, step)` until `steps` updates are done, resuming from `folder` if it can.

    A resumed run ends as an uninterrupted one does. Everything to be resumed must have been prepared by, or
    registered with, the accelerator. Yields after each update, with its values detached. A line of means, over the
    processes too, goes to `folder/log.jsonl` every `log_every` updates, and a checkpoint to `folder/checkpoint-<step>`
    every `save_every` and at the end; the one before is deleted when the new one is complete.

    Raises RuntimeError, when it logs, if some parameter has never had a gradient: such a network can look as if it
    learned. Raises ValueError if the folder holds a run of another length, or under another precision, compiler or
    number of processes, or from other `inputs`: what the recipe builds on, under a name for the message.
    """
    accelerator.register_for_checkpointing(clock)
    run = {
        "steps": steps,
        "processes": accelerator.num_processes,
        "precision": accelerator.mixed_precision,
        "compiler": str(getattr(accelerator.state.dynamo_plugin, "backend", "no")),
    }
    _same_run(accelerator, folder, run | {name: _digest(value) for name, value in inputs.items()})
    saved = _checkpoints(folder)
    if saved:
        accelerator.load_state(str(saved[-1]))
    log = _Log(folder / "log.jsonl", clock.step) if accelerator.is_main_process else None
    bar = tqdm(total=steps, initial=clock.step, disable=log is None, mininterval=10)
    stream, recent, begun = _endless(batches, clock.step), [], time.monotonic() - clock.seconds
    while clock.step < steps:
        with _fast_attention(accelerator.device):
            values = {name: float(v.detach()) for name, v in update(next(stream), clock.step).items()}
        clock.step, clock.seconds = clock.step + 1, time.monotonic() - begun
        recent.append(values)
        bar.update()
        if clock.step % log_every == 0:
            _all_learn(accelerator)
            means = {k: sum(v.get(k, 0.0) for v in recent) / len(recent) for k in recent[-1]}
            means = {k: _over_processes(accelerator, v) for k, v in means.items()}
            recent.clear()
            if log is not None:
                bar.set_postfix({k: f"{v:.3g}" for k, v in means.items()})
                log.write({"step": clock.step, "seconds": round(clock.seconds, 1)} | means)
        if clock.step % save_every == 0 or clock.step == steps:
            _save(accelerator, folder, clock.step)
        yield TrainStep(clock.step, steps, values)


def _over_processes(accelerator: Accelerator, value: float) -> float:
    mean = accelerator.reduce(torch.tensor(value, device=accelerator.device), "mean")
    assert isinstance(mean, Tensor)  # as what it was given
    return mean.item()


class _Log:
    """Lines of JSON; what an interrupted run wrote after its last checkpoint is taken back."""

    def __init__(self, path: Path, step: int) -> None:
        self.path = path
        lines = path.read_text().splitlines() if path.exists() else []
        path.write_text("".join(line + "\n" for line in lines if json.loads(line)["step"] <= step))

    def write(self, values: dict[str, float]) -> None:
        with self.path.open("a") as lines:
            lines.write(json.dumps(values) + "\n")


def _all_learn(accelerator: Accelerator) -> None:
    """Raises RuntimeError for a parameter of which the optimiser has seen no gradient, or only zeros.

    It happened: in bfloat16 on a CPU, PyTorch 2.13's inductor computes no gradient for what lies below a U-Net's finest
    resolution, and the loss falls all the same. An optimiser that has not begun, as a discriminator's that joins in
    late, is passed over.
    """
    for wrapped in (one for one in accelerator._optimizers if one.optimizer.state):
        for parameters in (p for group in wrapped.param_groups for p in group["params"]):
            state = wrapped.optimizer.state.get(parameters, {}).values()
            if not any(
                isinstance(value, Tensor) and value.shape == parameters.shape and value.any() for value in state
            ):
                raise RuntimeError(
                    f"A parameter of shape {tuple(parameters.shape)} gets no gradient. Is it used, and does the "
                    "compiler differentiate it? Try without ACCELERATE_DYNAMO_BACKEND."
                )


def _fast_attention(device: torch.device) -> contextlib.AbstractContextManager:
    """The CPU's fused attention is slow in bfloat16: a step of the U-Net takes 0.68 s with it, 0.41 s without."""
    return sdpa_kernel(SDPBackend.MATH) if device.type == "cpu" else contextlib.nullcontext()


def _save(accelerator: Accelerator, folder: Path, step: int) -> None:
    """Writes a checkpoint, marks it complete, and only then deletes the older ones."""
    older = _checkpoints(folder)
    checkpoint = folder / f"checkpoint-{step}"
    accelerator.save_state(str(checkpoint))
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        (checkpoint / "complete").touch()
        for old in older:
            shutil.rmtree(old)
    accelerator.wait_for_everyone()


def _checkpoints(folder: Path) -> list[Path]:
    """The complete checkpoints of a run, the newest last."""
    marks = folder.glob("checkpoint-*/complete")
    return sorted((mark.parent for mark in marks), key=lambda path: int(path.name.split("-")[1]))


def _same_run(accelerator: Accelerator, folder: Path, run: dict[str, Any]) -> None:
    note = folder / "run.json"
    if note.exists() and (before := json.loads(note.read_text())) != run:
        differs = ", ".join(sorted(name for name in before.keys() | run.keys() if before.get(name) != run.get(name)))
        raise ValueError(f"{folder} holds a run that differs in: {differs}. Delete that folder to start anew.")
    accelerator.wait_for_everyone()  # nobody writes while another still reads
    if accelerator.is_main_process:
        folder.mkdir(parents=True, exist_ok=True)
        whole = note.with_suffix(".new")
        whole.write_text(json.dumps(run, indent=1) + "\n")
        whole.replace(note)
    accelerator.wait_for_everyone()


def _digest(value: Tensor | nn.Module) -> str:
    tensors = value.state_dict() if isinstance(value, nn.Module) else {"": value}
    content = hashlib.sha256()
    for name, tensor in tensors.items():
        content.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    return content.hexdigest()[:16]


def _endless(batches: DataLoader, done: int) -> Iterator[Any]:
    """Goes over the batches again and again, each time in another order, from where `done` batches left it."""
    epoch, skip = divmod(done, len(batches))
    for number in itertools.count(epoch):
        batches.set_epoch(number)  # type: ignore[attr-defined]  # an accelerator's loader has it
        yield from itertools.islice(batches, skip, None)
        skip = 0


def averaged(model: nn.Module, decay: float) -> AveragedModel:
    """An exponential moving average of a model's weights, to be updated after each step."""
    return AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=False)


def warm_cosine(optimizer: torch.optim.Optimizer, steps: int, *, warmup: int) -> torch.optim.lr_scheduler.LRScheduler:
    """Learning rate: linear warm-up, then half a cosine down to zero (Loshchilov & Hutter 2017)."""
    up = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=1 / warmup, total_iters=warmup)
    down = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=max(1, steps - warmup))
    return torch.optim.lr_scheduler.SequentialLR(optimizer, [up, down], milestones=[warmup])


def descend(
    accelerator: Accelerator,
    loss: Tensor,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
) -> None:
    """One step down the gradient of a loss, the gradient no longer than 1, and one step of the learning rate."""
    accelerator.backward(loss)
    accelerator.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()
    schedule.step()


def provenance(accelerator: Accelerator, command: str, clock: Clock) -> dict[str, Any]:
    """The part of a card that says how, and on what, a model was trained."""
    return {
        "command": command,
        "steps": clock.step,
        "wall_time_minutes": round(clock.seconds / 60, 1),
        "hardware": f"{accelerator.num_processes} process(es) of {torch.get_num_threads()} thread(s), "
        f"{accelerator.device.type}, {platform.machine()}, {accelerator.mixed_precision} mixed precision",
        "torch": torch.__version__,
    }


def trained_on(seeds: range) -> str:
    """Which critters, for a card."""
    return f"critters of seeds {seeds.start}–{seeds.stop - 1}, held-out pairs excluded"
