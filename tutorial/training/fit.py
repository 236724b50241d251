"""What every training recipe shares: a loop that logs, checkpoints and resumes.

Distribution, precision and device are accelerate's business: the same recipe runs as `python -m …` on a
laptop, under `torchrun` on several processes, and under `accelerate launch` on GPUs. The environment chooses,
for instance `ACCELERATE_MIXED_PRECISION=bf16`.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import platform
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import DataLoaderConfiguration, set_seed
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader
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
    """An accelerator under which a recipe means the same on any number of processes, interrupted or not.

    A batch is split between the processes, each of which draws its own noise, and the order of the examples
    follows from the epoch's number.
    """
    loading = DataLoaderConfiguration(split_batches=True, use_seedable_sampler=True, data_seed=0)
    accelerator = Accelerator(dataloader_config=loading)
    set_seed(0, device_specific=True)
    return accelerator


def fit(
    accelerator: Accelerator,
    update: Callable[[Any, int], dict[str, Tensor]],
    batches: DataLoader,
    clock: Clock,
    *,
    steps: int,
    folder: Path,
    inputs: Sequence[Path] = (),
    log_every: int = 50,
    save_every: int = 500,
) -> Iterator[TrainStep]:
    """Runs `update(batch, step)` until `steps` updates are done, resuming from `folder` if it can.

    Everything to be resumed must have been prepared by, or registered with, the accelerator. Yields after
    each update, with its values detached. A line of means goes to `folder/log.jsonl` every `log_every`
    updates, and a checkpoint to `folder/checkpoint-<step>` every `save_every` and at the end; the one before is
    deleted when the new one is complete. `inputs` are the files that the recipe builds on.

    Raises ValueError if the folder holds a run of another number of steps, or one built on other inputs.
    """
    accelerator.register_for_checkpointing(clock)
    folder.mkdir(parents=True, exist_ok=True)
    _same_run(folder, {"steps": steps} | {path.name: _digest(path) for path in inputs})
    saved = _checkpoints(folder)
    if saved:
        accelerator.load_state(str(saved[-1]))
    bar = tqdm(total=steps, initial=clock.step, disable=not accelerator.is_main_process, mininterval=10)
    stream, recent, begun = _endless(batches, clock.step), [], time.monotonic() - clock.seconds
    while clock.step < steps:
        values = {name: float(v.detach()) for name, v in update(next(stream), clock.step).items()}
        clock.step, clock.seconds = clock.step + 1, time.monotonic() - begun
        recent.append(values)
        bar.update()
        if clock.step % log_every == 0 and accelerator.is_main_process:
            means = {k: sum(v.get(k, 0.0) for v in recent) / len(recent) for k in recent[-1]}
            bar.set_postfix({k: f"{v:.3g}" for k, v in means.items()})
            with (folder / "log.jsonl").open("a") as lines:
                lines.write(json.dumps({"step": clock.step, "seconds": round(clock.seconds, 1)} | means) + "\n")
            recent.clear()
        if clock.step % save_every == 0 or clock.step == steps:
            _save(accelerator, folder, clock.step)
        yield TrainStep(clock.step, steps, values)


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


def _same_run(folder: Path, run: dict[str, Any]) -> None:
    note = folder / "run.json"
    if note.exists() and (before := json.loads(note.read_text())) != run:
        differs = ", ".join(name for name in before.keys() | run.keys() if before.get(name) != run.get(name))
        raise ValueError(f"{folder} holds a run that differs in: {differs}. Delete that folder to start anew.")
    note.write_text(json.dumps(run) + "\n")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


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
