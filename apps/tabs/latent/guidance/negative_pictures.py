"""A negative prompt as arrows, drawn: what the words and the unwanted words change, and what guidance makes of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from apps import player
from tutorial.diffusion.guidance_study import in_their_plane

QUALITY = 88


@dataclass(frozen=True)
class Look:
    """One step at time t: arrows (5, 4) in the plane of the three answers, by how much the prompt and the negative one
    move ε̂ from that to the empty prompt, and the cosine between them."""

    t: int
    arrows: np.ndarray
    prompt: float
    negative: float
    cosine: float


ARROWS = (
    ("real", "ε̂(c) − ε̂(∅)"),
    ("boundary", "ε̂(neg) − ε̂(∅)"),
    ("noise", "w (ε̂(c) − ε̂(∅))"),
    ("zero", "−(w − 1) (ε̂(neg) − ε̂(∅))"),
    ("generated", "the sum: guided against neg"),
)
"""Colour and name of each arrow of a look."""


def look(t: int, asked: Tensor, guided: Tensor, scale: float) -> Look:
    """From ε̂ without words, with the prompt and with the negative prompt, (3, …), and the ε̂ that the sampler used."""
    empty, cond, away = asked
    towards, unwanted = cond - empty, away - empty
    plain = empty + scale * towards
    places = in_their_plane(empty, cond, away, [cond, away, plain, guided]).numpy()
    c, neg, far, end = places
    zero = np.zeros(2)
    arrows = np.stack(
        [np.concatenate(pair) for pair in ((zero, c), (zero, neg), (zero, far), (far, end - far), (zero, end))]
    )
    sizes = towards.norm().item(), unwanted.norm().item()
    cosine = torch.cosine_similarity(towards.flatten(), unwanted.flatten(), dim=0).item()
    return Look(t, arrows, *sizes, cosine)


def film(looks: Sequence[Look], without: np.ndarray, against: np.ndarray, *, note: str) -> str:
    """A frame for each step: the arrows, both pictures as they would be, and how large the arrows are over time."""
    every = np.stack([one.arrows for one in looks])  # (T, 5, 4)
    tips = every[..., :2] + every[..., 2:]
    reach = 1.08 * max(np.abs(tips).max(), 1e-3)
    axis: player.Axis = (-reach, reach, "")
    # The longest first, so that the short ones are seen on them.
    order = (2, 3, 4, 0, 1)
    layers = [player.arrows(every[:, k : k + 1], *ARROWS[k]) for k in order]
    label = "Arrows from the answer without words: to the prompt, to the negative prompt, and to what is used"
    panels = [
        player.panel(layers, title="what is added up", label=label, x=axis, y=axis, width=1.4),
        player.panel([player.image(without, smooth=True, quality=QUALITY)], title="ẑ₀ without it"),
        player.panel([player.image(against, smooth=True, quality=QUALITY)], title="ẑ₀ against it"),
        _sizes(looks),
    ]
    labels = [f"step {k + 1}: t = {one.t}" for k, one in enumerate(looks)]
    return player.clip(panels, frames=len(looks), labels=labels, rate=6, note=note, start=len(looks) // 2)


def _sizes(looks: Sequence[Look]) -> player.Panel:
    steps = np.arange(1.0, len(looks) + 1)
    rows = {
        "real": ("prompt", [one.prompt for one in looks]),
        "boundary": ("negative", [one.negative for one in looks]),
    }
    layers = [
        player.curve(steps, np.array(values), colour, name, marker=range(len(looks)))
        for colour, (name, values) in rows.items()
    ]
    top = 1.1 * max(max(values) for _, values in rows.values()) or 1.0
    return player.panel(layers, title="how far each moves ε̂", x=(1.0, float(len(looks)), "step"), y=(0.0, top, "‖·‖"))
