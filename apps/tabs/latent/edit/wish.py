"""What is to be edited and how: the source picture, the mask over its latent's cells, and all settings, checked."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from apps import limits, player
from apps.tabs.latent import source as autoencode_source
from apps.tabs.latent.source import WORDS, Source
from apps.tabs.latent.studio import LONGEST_PROMPT, SEEDS, studio
from apps.tabs.latent.studio import check as checked
from tutorial.data.pixels import to_arrays
from tutorial.diffusion import latent
from tutorial.diffusion.editing import Settings
from tutorial.diffusion.inversion import lerp, slerp

STRENGTH, INPAINT, VARIATIONS, PROMPTS = "strength", "inpaint", "variations", "prompts"
KINDS = {
    "Redraw a part": INPAINT,
    "Change all of it": STRENGTH,
    "From one noise to another": VARIATIONS,
    "From one prompt to another": PROMPTS,
}
PICTURES = 4
"""Pictures at each strength."""
MOST_STEPS, MOST_ROUNDS = 50, 5
MASKS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "upper half: hat and ears": lambda across, down: down < 0.5,
    "lower half: body": lambda across, down: down > 0.5,
    "left half": lambda across, down: across < 0.5,
    "right half": lambda across, down: across > 0.5,
    "the middle": lambda across, down: (abs(across - 0.5) < 0.3) & (abs(down - 0.5) < 0.3),
    "all but the middle: background": lambda across, down: (abs(across - 0.5) > 0.3) | (abs(down - 0.5) > 0.4),
    "nothing": lambda across, down: across < 0,
    "everything": lambda across, down: across > 0,
}
"""Ready masks, of the middles of cells, from (0, 0), the upper left corner of the picture, to (1, 1)."""
FIRST_MASK = next(iter(MASKS))


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked."""

    kind: str
    source: Source
    prompt: str
    other: str
    mask: np.ndarray
    """(side, side) of booleans: True where the latent is drawn anew."""
    strength: float
    rounds: int
    seed: int
    other_seed: int
    settings: Settings

    @property
    def x(self) -> Tensor:
        """The source as networks see it, (1, 3, H, W) in [−1, 1]."""
        return self.source.picture

    @property
    def pixels(self) -> np.ndarray:
        """The same as the page shows it, (H, W, 3) uint8."""
        return to_arrays(self.x)[0]


def check(
    kind: Any,
    source: Any,
    description: Any,
    critter: Any,
    prompt: Any,
    other: Any,
    mask: Any,
    strength: Any,
    rounds: Any,
    seed: Any,
    other_seed: Any,
    steps: Any,
    guidance: Any,
    sampler: Any,
    eta: Any,
    picture: Any = None,
) -> Wish:
    """Raises gr.Error for the first value that is not as it should be; `picture` is the path of a file."""
    base = checked(prompt, "", steps, guidance, sampler, eta, seed, PICTURES)
    limits.whole("Steps", base.steps, 1, MOST_STEPS)
    return Wish(
        kind=limits.choice("What to do", kind, list(KINDS.values())),
        source=autoencode_source.check(source, critter, description, picture),
        prompt=base.prompt,
        other=limits.text("The other prompt", other, LONGEST_PROMPT),
        mask=cells(mask),
        strength=limits.number("The strength", strength, 0, 1),
        rounds=limits.whole("Rounds", rounds, 1, MOST_ROUNDS),
        seed=base.seed,
        other_seed=limits.whole("The other seed", other_seed, 0, SEEDS),
        settings=Settings("", base.steps, base.guidance, base.sampler, base.eta),
    )


def latent_side() -> int:
    """Cells of a latent's side."""
    return studio().model.side


# --- masks, which travel as hexadecimal digits: a bit for each cell, row by row from the upper left ---
def cells(text: Any) -> np.ndarray:
    """(side, side) of booleans, of None the first ready one. Raises gr.Error for what is no such mask."""
    side = latent_side()
    text = ready(FIRST_MASK) if text is None else text
    digits = side * side // 4
    hexadecimal = limits.text("The mask", text, 4 * digits).strip().lower()
    if len(hexadecimal) != digits or not set(hexadecimal) <= set("0123456789abcdef"):
        raise limits.refuse(f"The mask must have {digits} digits from 0 to f, a bit for each of {side}×{side} cells.")
    bits = [int(bit) for digit in hexadecimal for bit in f"{int(digit, 16):04b}"]
    return np.array(bits, bool).reshape(side, side)


def written(mask: np.ndarray) -> str:
    """A mask as its digits."""
    bits = mask.ravel().astype(int).reshape(-1, 4)
    return "".join(f"{int(''.join(map(str, four)), 2):x}" for four in bits)


def ready(name: Any) -> str:
    """A ready mask as its digits. Raises gr.Error for a name that there is not."""
    middles = (np.arange(latent_side()) + 0.5) / latent_side()
    across, down = np.meshgrid(middles, middles)
    return written(MASKS[limits.choice("The ready mask", name, list(MASKS))](across, down))


def stroke(mask: Any, points: Any) -> str:
    """A mask after a stroke, points from (0, 0), upper left, to (1, 1): its cells are drawn anew or, if it begins in
    one that already is, kept. Raises gr.Error for what is no stroke."""
    if not isinstance(points, list) or not 1 <= len(points) <= player.STROKE:
        raise limits.refuse(f"A stroke must be a list of 1 to {player.STROKE} points.")
    before, way = cells(mask), [_point(pair) for pair in points]
    touched = np.zeros_like(before)
    side = len(before)
    for (x, y), (to_x, to_y) in itertools.pairwise([*way, way[-1]]):
        at = np.linspace(0, 1, 1 + 4 * side)
        column, row = ((a + (b - a) * at).clip(0, 1 - 1e-9) * side for a, b in ((x, to_x), (y, to_y)))
        touched[row.astype(int), column.astype(int)] = True
    first = before[min(int(way[0][1] * side), side - 1), min(int(way[0][0] * side), side - 1)]
    return written(before & ~touched if first else before | touched)


def _point(pair: Any) -> tuple[float, float]:
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        raise limits.refuse("Each point must be a pair of numbers.")
    x, y = (limits.number("A point’s coordinate", value, 0, 1) for value in pair)
    return x, y


# --- ways ---
def shares(value: Any, name: str) -> list[float]:
    """Numbers from 0 to 1, at most eleven: strengths, or shares of a way; in tenths for None."""
    if value is None:
        return [k / 10 for k in range(11)]
    if not isinstance(value, list) or not 1 <= len(value) <= 11:
        raise limits.refuse(f"{name} must be a list of 1 to 11 numbers from 0 to 1.")
    return [limits.number(f"Each of {name.lower()}", one, 0, 1) for one in value]


WAYS: dict[str, Callable[[Tensor, Tensor, float], Tensor]] = {"arc": slerp, "line": lerp}
DEFAULTS: dict[str, Any] = {
    "kind": INPAINT,
    "source": WORDS,
    "description": "a smiling yellow critter with long ears and red cheeks in a meadow",
    "critter": 3,
    "prompt": "a smiling yellow critter with red cheeks and a crown in a meadow",
    "other": "a sad blue critter with antennae at night",
    "mask": None,
    "strength": 1.0,
    "rounds": 1,
    "seed": 1,
    "other_seed": 2,
    "steps": latent.STEPS,
    "guidance": latent.GUIDANCE,
    "sampler": latent.SAMPLER,
    "eta": 0.0,
}


def labels(points: Sequence[float]) -> list[str]:
    """Strengths or shares as they are written below a film."""
    return [f"{point:.2f}".rstrip("0").rstrip(".") for point in points]
