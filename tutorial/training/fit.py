"""What every training recipe shares: a loop that logs, checkpoints and resumes.

Distribution, precision and device are accelerate's business: the same recipe runs as `python -m …` on a
laptop, under `torchrun` on several processes, and under `accelerate launch` on GPUs. The environment chooses,
for instance `ACCELERATE_MIXED_PRECISION=bf16`.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
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


def fit(
    accelerator: Accelerator,
    update: Callable[[Any, int], dict[str, Tensor]],
    batches: Iterable[Any],
    clock: Clock,
    *,
    steps: int,
    folder: Path,
    log_every: int = 50,
    save_every: int = 500,
) -> Iterator[TrainStep]:
    """Runs `update(batch, step)` until `steps` updates are done, resuming from `folder` if it can.

    Everything to be resumed must have been prepared by, or registered with, the accelerator. Yields after
    each update, with its values detached. A line of means goes to `folder/log.jsonl` every `log_every`
    updates, and a checkpoint to `folder/checkpoint` every `save_every` and at the end.
    """
    accelerator.register_for_checkpointing(clock)
    checkpoint, log = folder / "checkpoint", folder / "log.jsonl"
    if (checkpoint / "complete").exists():
        accelerator.load_state(str(checkpoint))
    folder.mkdir(parents=True, exist_ok=True)
    bar = tqdm(total=steps, initial=clock.step, disable=not accelerator.is_main_process, mininterval=10)
    stream, recent, begun = endless(batches), [], time.monotonic() - clock.seconds
    while clock.step < steps:
        values = {name: float(v.detach()) for name, v in update(next(stream), clock.step).items()}
        clock.step, clock.seconds = clock.step + 1, time.monotonic() - begun
        recent.append(values)
        bar.update()
        if clock.step % log_every == 0 and accelerator.is_main_process:
            means = {k: sum(v.get(k, 0.0) for v in recent) / len(recent) for k in recent[-1]}
            bar.set_postfix({k: f"{v:.3g}" for k, v in means.items()})
            with log.open("a") as lines:
                lines.write(json.dumps({"step": clock.step, "seconds": round(clock.seconds, 1)} | means) + "\n")
            recent.clear()
        if clock.step % save_every == 0 or clock.step == steps:
            (checkpoint / "complete").unlink(missing_ok=True)
            accelerator.save_state(str(checkpoint))
            accelerator.wait_for_everyone()
            (checkpoint / "complete").touch()
        yield TrainStep(clock.step, steps, values)


def endless(batches: Iterable[Any]) -> Iterator[Any]:
    """Goes over the batches again and again."""
    while True:
        yield from batches


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
