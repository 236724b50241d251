"""Training on two processes is training on one with twice the batch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]
LESSON = """
import sys
from pathlib import Path
import torch
from torch import nn
from accelerate import PartialState
from tutorial.training.fit import Clock, descend, fit, seeded_accelerator, shuffled, warm_cosine

accelerator = seeded_accelerator()
torch.manual_seed(1)  # data, and where the network starts, are the same however many there are
x = torch.randn(64, 5)
y = torch.tanh(x.sum(1, keepdim=True))
network = nn.Sequential(nn.Linear(5, 16), nn.Tanh(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
schedule = warm_cosine(optimizer, 60, warmup=10)
loader = shuffled(x, y, batch=16)
model, optimizer, loader = accelerator.prepare(network, optimizer, loader)

def update(rows, step):
    value = (model(rows[0]) - rows[1]).square().mean()
    descend(accelerator, value, model, optimizer, schedule)
    return {"loss": value, "rows": torch.tensor(float(len(rows[0])))}

for _ in fit(accelerator, update, loader, Clock(), steps=60, folder=Path("run"), inputs={}, log_every=4):
    pass
if accelerator.is_main_process:
    torch.save(accelerator.unwrap_model(model).state_dict(), "weights.pt")
"""


def trained(folder: Path, processes: int) -> tuple[list[dict[str, float]], dict[str, torch.Tensor]]:
    """The lesson's log and weights, from so many processes."""
    folder.mkdir()
    (folder / "lesson.py").write_text(LESSON)
    alone = [sys.executable, "lesson.py"]
    several = ["-m", "torch.distributed.run", "--nproc_per_node", str(processes), "--master_port", "29573", "lesson.py"]
    done = subprocess.run(
        alone if processes == 1 else [sys.executable, *several],
        cwd=folder,
        env=os.environ | {"ACCELERATE_USE_CPU": "true", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    log = [json.loads(line) for line in (folder / "run" / "log.jsonl").read_text().splitlines()]
    return log, torch.load(folder / "weights.pt")


@pytest.mark.slow
def test_two_processes_have_the_loss_curve_of_one_with_twice_the_batch(tmp_path):
    """Each of the two takes half of a batch, and gradients are averaged: the same descent, but for rounding."""
    (one, weights), (two, others) = (trained(tmp_path / f"{n}", n) for n in (1, 2))
    assert [line["rows"] for line in one] == [16.0] * 15
    assert [line["rows"] for line in two] == [8.0] * 15
    assert [line["loss"] for line in two] == pytest.approx([line["loss"] for line in one], rel=1e-4)
    assert one[-1]["loss"] < one[0]["loss"] / 2
    for name, tensor in weights.items():
        assert torch.allclose(others[name], tensor, atol=1e-4)
