"""What a visitor may wish for in the lab "draw a critter", how it travels in a picture, and where prompts come from."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from apps import limits
from apps.pictures import read_settings
from apps.tabs.latent import studio
from apps.tabs.latent.studio import SEEDS, Request, Studio
from tutorial import weights
from tutorial.data.critter_words import EXAMPLES, caption, describe
from tutorial.data.critters import ATTRIBUTES, EVALUATION_SEED, any_critter
from tutorial.diffusion import latent

SAMPLER_NAMES = {
    "dpm_solver_pp_2m": "DPM-Solver++(2M)",
    "ddim": "DDIM",
    "ddpm": "DDPM",
    "euler": "Euler",
    "heun": "Heun (two evaluations a step)",
}
LARGER = tuple(side for side in (128,) if weights.tensors_file(weights.sized("unet", side)).exists())
SIDES = {str(side): side for side in (weights.SIDE, *LARGER)}
"""Height and width of pictures, in pixels, for which a model is shipped, by what the page sends for them."""
SIDE = str(weights.SIDE)
SETTINGS = (*(field.name for field in fields(Request)), "side")
FIRST_SEED = 1
ANYTHING = "anything"


@dataclass(frozen=True)
class Wish:
    """A drawing that was asked for, every value checked, and the model that is to make it."""

    request: Request
    side: str

    @property
    def settings(self) -> dict[str, Any]:
        """The values of `SETTINGS`."""
        return vars(self.request) | {"side": self.side}

    @property
    def shop(self) -> Studio:
        """The models of its side. Raises gr.Error if a file of theirs is missing or damaged."""
        try:
            return studio.studio_of(SIDES[self.side])
        except weights.WeightsError as error:
            raise limits.refuse(str(error)) from error


def check(
    prompt: Any,
    negative: Any,
    steps: Any,
    guidance: Any,
    sampler: Any,
    eta: Any,
    seed: Any,
    n: Any,
    side: Any,
) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    request = studio.check(prompt, negative, steps, guidance, sampler, eta, seed, n)
    return Wish(request, limits.choice("The size in pixels", str(side), SIDES))


def first() -> Wish:
    """The example that the lab shows at first."""
    return check(EXAMPLES[0], "", latent.STEPS, latent.GUIDANCE, latent.SAMPLER, 0.0, FIRST_SEED, 1, SIDE)


def alone(wish: Wish, k: int) -> dict[str, Any]:
    """The settings that draw picture k of a wish by itself; a saved picture carries them."""
    return wish.settings | {"seed": wish.request.seed + k, "n": 1}


def bring_back(path: str) -> list[Any]:
    """The settings of a picture that was saved here. Raises gr.Error for any other file, and for settings amiss."""
    saved = {"side": weights.SIDE} | read_settings(path)  # for long there was but one size
    return list(check(**{name: saved.get(name) for name in SETTINGS}).settings.values())


def surprise() -> str:
    """A prompt for a critter that nobody has seen before."""
    rng = np.random.default_rng()
    return caption(any_critter(int(rng.integers(EVALUATION_SEED, SEEDS))), rng, at_least=4).text


def picked(*values: Any) -> str:
    """The prompt that asks for what the pickers show. Raises gr.Error for a value that a picker does not have."""
    chosen = {}
    for (name, options), value in zip(ATTRIBUTES.items(), values, strict=True):
        if limits.choice(name, value, [ANYTHING, *options]) != ANYTHING:
            chosen[name] = value
    return describe(chosen)
