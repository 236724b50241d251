"""What diffusers writes into scheduler_config.json: the noise schedule, what is predicted, and which times are taken.

Their times count from 0, the first noisy level; ours from 0, the clean picture: t here is their t + 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from tutorial.diffusion.objective import Kind
from tutorial.diffusion.schedule import Schedule
from tutorial.exchange.settings import ForeignSetting

PREDICTS: dict[str, Kind] = {"epsilon": "eps", "sample": "x0", "v_prediction": "v"}
SPACINGS = ("leading", "trailing")


@dataclass(frozen=True)
class Spacing:
    """Which times a sampler takes, as diffusers' DDIMScheduler does (Lin et al. 2024, table 2)."""

    T: int
    kind: str
    """"leading": multiples of T // n, from the clean end on; "trailing": down from T in equal steps."""
    offset: int
    """Added to leading times."""
    to_clean: bool
    """Whether the last step arrives at the clean picture, or at the first noisy level."""

    def __call__(self, n: int) -> list[int]:
        """The n + 1 falling times of n steps; n if the last one would not move.

        Raises ValueError if there are not that many times.
        """
        if not 1 <= n <= self.T:
            raise ValueError(f"The number of steps must be between 1 and {self.T}; got {n}.")
        if self.kind == "trailing":
            if self.T % n:
                raise ValueError(f"With this pipeline's times the number of steps must divide {self.T}; got {n}.")
            times = [self.T * (n - i) // n for i in range(n)]
        else:
            stride = self.T // n
            times = [stride * (n - 1 - i) + self.offset + 1 for i in range(n)]
            if times[0] > self.T:
                raise ValueError(f"With this pipeline's offset {self.offset} there are no {n} steps; take fewer.")
        last = 0 if self.to_clean else 1
        return [t for t in times if t > last] + [last]


def read(found: Mapping[str, Any]) -> tuple[Schedule, Kind, Callable[[int], list[int]]]:
    """Schedule, prediction and times of a scheduler_config.json. Raises ForeignSetting for what is not obeyed here."""
    if found.get("prediction_type", "epsilon") not in PREDICTS:
        raise _foreign("prediction_type", found["prediction_type"], PREDICTS)
    spacing = found.get("timestep_spacing", "leading")
    if spacing not in SPACINGS:
        raise _foreign("timestep_spacing", spacing, SPACINGS)
    for name in ("thresholding", "rescale_betas_zero_snr", "clip_sample"):
        if found.get(name, False):
            raise _foreign(name, found[name], [False])
    schedule = Schedule.from_betas(_betas(found))
    offset, to_clean = found.get("steps_offset", 0), found.get("set_alpha_to_one", True)
    kind = PREDICTS[found.get("prediction_type", "epsilon")]
    return schedule, kind, Spacing(schedule.T, spacing, offset, to_clean)


def written(schedule: Schedule, predicts: Kind) -> dict[str, Any]:
    """The settings that make diffusers' DDIMScheduler walk as our samplers do by themselves."""
    beta = 1 - schedule.abar[1:] / schedule.abar[:-1]
    return {
        "_class_name": "DDIMScheduler",
        "num_train_timesteps": schedule.T,
        "trained_betas": beta.tolist(),
        "prediction_type": next(theirs for theirs, ours in PREDICTS.items() if ours == predicts),
        "timestep_spacing": "trailing",
        "steps_offset": 1,  # without meaning for trailing times; StableDiffusionPipeline insists on it
        "set_alpha_to_one": True,
        "clip_sample": False,
        "thresholding": False,
        "rescale_betas_zero_snr": False,
    }


def _betas(found: Mapping[str, Any]) -> torch.Tensor:
    """β_1 … β_T in the precision in which diffusers has them."""
    if found.get("trained_betas") is not None:
        return torch.tensor(found["trained_betas"], dtype=torch.float32)
    T, name = found.get("num_train_timesteps", 1000), found.get("beta_schedule", "linear")
    start, end = found.get("beta_start", 1e-4), found.get("beta_end", 0.02)
    if name == "linear":
        return torch.linspace(start, end, T, dtype=torch.float32)
    if name == "scaled_linear":
        return torch.linspace(start**0.5, end**0.5, T, dtype=torch.float32) ** 2
    if name == "squaredcos_cap_v2":
        abar = Schedule.cosine(T).abar
        return (1 - abar[1:] / abar[:-1]).float()
    raise _foreign("beta_schedule", name, ["linear", "scaled_linear", "squaredcos_cap_v2"])


def _foreign(name: str, found: Any, known: Any) -> ForeignSetting:
    options = ", ".join(repr(value) for value in known)
    return ForeignSetting(f"The scheduler's setting {name} is {found!r}; this sampler only knows {options}.")
