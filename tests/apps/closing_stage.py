"""What the tests of the closing chapter share: contenders that have learned nothing, and records that are made up."""

from __future__ import annotations

import contextlib
import functools
import math
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import torch

from apps.tabs.closing import contenders as page_contenders
from apps.tabs.closing import scoreboard
from tutorial import chapters, measurements, weights
from tutorial.contest.contender import Contender
from tutorial.contest.families import ARCHITECTURES, TRAININGS, file_name
from tutorial.gans.digits import packed
from tutorial.training import contest_recorded

SEEDS = (0, 1, 2)
FRECHET = {"vae": 60.0, "flow": 80.0, "pixel_cnn": 20.0, "gan": 12.0, "pixel_diffusion": 8.0, "latent_diffusion": 10.0}
SECONDS = {"vae": 5e-4, "flow": 2e-3, "pixel_cnn": 0.04, "gan": 2e-4, "pixel_diffusion": 0.08, "latent_diffusion": 0.07}
NATS = {"vae": 1100.0, "flow": 1300.0, "pixel_cnn": 900.0, "pixel_diffusion": 1000.0}
FEW_STEPS = (1, 2, 5, 10, 20)


@functools.cache
def untrained() -> dict[str, Contender]:
    """All six, as they begin."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        models = zip(TRAININGS, ARCHITECTURES.values(), strict=True)
        return {name: cast(Contender, model(config())).eval() for name, (model, config) in models}


def contenders(folder: Path) -> None:
    """Contenders that have learned nothing, saved as if they shipped."""
    for name, model in untrained().items():
        weights.save(file_name(name), model, {"command": "python -m tests"}, folder)


def board() -> dict[str, Any]:
    """A scoreboard whose seeds differ by a tenth to either side."""
    families = {}
    for k, (name, made) in enumerate(untrained().items()):
        dice = torch.Generator().manual_seed(k)
        sheets = [torch.randint(256, (100, 1, 28, 28), generator=dice).to(torch.uint8) for _ in SEEDS]
        families[name] = {
            "label": made.label,
            "likelihood": made.likelihood,
            "evaluations": made.evaluations,
            "answers": {task: {"done": one.done, "how": one.how} for task, one in made.answers.items()},
            "runs": [_run(name, seed) for seed in SEEDS],
            "sheets": packed(sheets),
        }
    real = _scores(1.5, 0.9) | {"frechet_of_few": 2.0}
    drawn = {"steps": 20, "guidance": 2.0, "sampler": "dpm_solver_pp_2m", "temperature": 0.8}
    return {
        "budget": 600.0,
        "samples": 2000,
        "of_few": 1000,
        "weighed": 500,
        "inverted": 32,
        "filled": 100,
        "drawn_with": drawn,
        "real": real,
        "families": families,
    }


def _run(name: str, seed: int) -> dict[str, Any]:
    off = 0.9 + 0.1 * seed
    run: dict[str, Any] = {
        "command": f"python -m tests --family {name} --seed {seed}",
        "seed": seed,
        "rate": 1e-3,
        "steps": 1000 + seed,
        "seconds_spent": 600.1,
        "batch": 64,
        "parameters": 400_000,
        "frechet_of_few": 1.2 * FRECHET[name] * off,
        "seconds_alone": 2 * SECONDS[name] * off,
        "seconds_a_picture": SECONDS[name] * off,
        "filled": {"accuracy": 0.8, "seam": 1.2},
    } | _scores(FRECHET[name] * off, 0.7 - FRECHET[name] / 200 + 0.001 * seed)
    if name in NATS:
        run["nats"] = {"mean": NATS[name] + seed, "standard_error": 9.0}
    if name != "pixel_cnn":
        error = {"gan": 0.4, "flow": 0.001}.get(name, 0.1)
        run["round_trip"] = {"error": error, "worst": 2 * error, "size": 1.0, "accuracy": 0.9}
    if "diffusion" in name:
        run["few_steps"] = [
            {"steps": steps, "frechet": FRECHET[name] * off * (1 + 40 / steps**2), "accuracy": 1 - 0.5 / steps}
            for steps in FEW_STEPS
        ]
    return run


def _scores(frechet: float, recall: float) -> dict[str, Any]:
    return {
        "n": 2000,
        "frechet": frechet,
        "precision": 0.8,
        "recall": recall,
        "accuracy": 0.97,
        "worst_class": 0.93,
        "variety": 0.95,
        "copies": 0.0,
    }


def rates() -> dict[str, Any]:
    """The GAN breaks with high rates, and diffusion does not."""
    runs = []
    for seed in SEEDS:
        for k in range(-3, 4):
            for family, best in (("gan", 20.0), ("pixel_diffusion", 15.0)):
                run: dict[str, Any] = {
                    "command": "python -m tests",
                    "family": family,
                    "rate": 10 ** (k / 2 - 3),
                    "seed": seed,
                }
                if family == "pixel_diffusion" or k < 3:
                    wide = 0.1 if family == "pixel_diffusion" else 1.0
                    run |= _scores(best * math.exp(wide * k * k / 2) * (1 + 0.05 * seed), 0.5)
                runs.append(run)
    return {"seconds": 60.0, "samples": 500, "runs": runs}


def patch() -> dict[str, Any]:
    """Sharper with the discriminator."""
    runs = [
        {
            "patch": which,
            "seed": seed,
            "steps": 2000,
            "seconds_spent": 180.0,
            "psnr": psnr + 0.1 * seed,
            "edges": edges + 0.001 * seed,
            "frechet": frechet + seed,
        }
        for which, psnr, edges, frechet in (("off", 20.0, 0.05, 30.0), ("on", 19.0, 0.09, 12.0))
        for seed in SEEDS
    ]
    dice = torch.Generator().manual_seed(9)
    sheets = [torch.randint(256, (100, 1, 28, 28), generator=dice).to(torch.uint8) for _ in range(3)]
    return {
        "seconds": 180.0,
        "digits": 2000,
        "real": {"edges": 0.1, "frechet": 1.5},
        "runs": runs,
        "sheets": packed(sheets),
    }


def records(folder: Path) -> None:
    """All three, as their commands would save them."""
    for name, content in (("contest", board()), ("contest_rates", rates()), ("contest_patch", patch())):
        measurements.save(name, f"python -m tests {name}", content, folder)


@contextlib.contextmanager
def staged() -> Iterator[Path]:
    """The chapter stands on these contenders and records, and on its notebook wherever that lies."""
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patched:
        folder = Path(name)
        contenders(folder)
        records(folder)
        patched.setattr(page_contenders, "FOLDER", folder)
        patched.setattr(contest_recorded, "FOLDER", folder)
        if not (chapters.FOLDER / "closing.md").exists():  # it waits for the real records
            read = chapters.read
            patched.setattr(chapters, "read", lambda name: read("waiting/closing" if name == "closing" else name))
        for kept in (page_contenders.contender, scoreboard.board):
            kept.cache_clear()
        yield folder
        for kept in (page_contenders.contender, scoreboard.board):
            kept.cache_clear()
