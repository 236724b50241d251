"""Drawing that does not begin from pure noise: pictures changed, pictures mended, and ways between noises and prompts.

img2img     a picture's latent is noised up to an intermediate time and walked down from there: SDEdit (Meng et al.
            2022, algorithm 1), in latents as Rombach et al. 2022 do it.
inpainting  after each step, what is to be kept is put back, noised to the level of that step: blended latent diffusion
            (Avrahami et al. 2023, algorithm 1); with more than one round a step, RePaint (Lugmayr et al. 2022,
            algorithm 1), which goes back up and down again so that old and new come to fit.
strips      the same walk from noises on an arc between two, or under word vectors on a line between two prompts.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from tutorial.diffusion.guidance import guided
from tutorial.diffusion.latent import GUIDANCE, SAMPLER, STEPS, LatentDiffusion
from tutorial.diffusion.process import gaussian, q_sample
from tutorial.diffusion.samplers import SIGMA_MAX, WHOLE_SCHEDULE, Noise, Step
from tutorial.diffusion.schedule import Schedule


@dataclass(frozen=True)
class Settings:
    """How to walk; the fields are those of `LatentDiffusion.sample`."""

    negative: str = ""
    steps: int = STEPS
    guidance: float = GUIDANCE
    sampler: str = SAMPLER
    eta: float = 0.0


@torch.no_grad()
def latent_of(model: LatentDiffusion, x: Tensor) -> Tensor:
    """Pictures (B, 3, H, W) in [−1, 1] → their latents as the U-Net sees them: the posterior's mean, rescaled.

    Raises ValueError if height or width is not a multiple of the autoencoder's f.
    """
    return model.autoencoder.encode(x)[0] * model.autoencoder.config.scaling_factor


def times_of(model: LatentDiffusion, settings: Settings) -> list[int]:
    """The falling times that `LatentDiffusion.sample` takes with these settings, steps + 1 of them."""
    if model.spacing is not None:
        return model.spacing(settings.steps)
    return model.schedule.timesteps(settings.steps, math.inf if settings.sampler in WHOLE_SCHEDULE else SIGMA_MAX)


def last_part(times: Sequence[int], strength: float) -> list[int]:
    """The times that are walked at a strength: the last ⌊steps · strength⌋ steps, as diffusers counts them.

    At strength 0 only the last time, with no step to it. Raises ValueError for a strength outside of [0, 1].
    """
    if not 0 <= strength <= 1:
        raise ValueError(f"The strength must be between 0 and 1; got {strength}.")
    steps = len(times) - 1
    return list(times[steps - math.floor(steps * strength + 1e-9) :])  # 20 · 0.7 is a little less than 14


def walk(
    model: LatentDiffusion,
    x: Tensor,
    words: Tensor,
    settings: Settings,
    times: Sequence[int] | None = None,
    generator: Noise = None,
) -> Iterator[Step]:
    """Walks x (B, latent, side, side) down under word vectors (B, length, width), at all times or at these.

    From `model.noise` at all times it is `LatentDiffusion.sample`.
    """
    denoise = guided(model.denoiser, model.words([settings.negative]), settings.guidance)
    steps = settings.steps if times is None else times
    return model.walk(denoise, x, words, steps=steps, sampler=settings.sampler, eta=settings.eta, generator=generator)


def img2img(
    model: LatentDiffusion, z0: Tensor, prompt: str, settings: Settings, *, strength: float, seed: int = 0, n: int = 1
) -> Iterator[Step]:
    """Draws n pictures that begin from the latent z0 (1, latent, side, side), noised by seeds seed, seed + 1, …

    At strength 0 there is no step: z0 is the answer. At strength 1 it begins from √ᾱ z0 + √(1 − ᾱ) ε at the sampler's
    first time, where plain sampling begins from ε: the same but for √ᾱ, which is small there.
    """
    times = last_part(times_of(model, settings), strength)
    if len(times) < 2:
        return
    eps, generators = model.noise(range(seed, seed + n))
    x = q_sample(model.schedule, z0.expand_as(eps), times[0], eps)
    yield from walk(model, x, model.words([prompt] * n), settings, times, generators)


def inpaint(
    model: LatentDiffusion,
    z0: Tensor,
    mask: Tensor,
    prompt: str,
    settings: Settings,
    *,
    strength: float = 1.0,
    rounds: int = 1,
    seed: int = 0,
    n: int = 1,
) -> Iterator[Step]:
    """Draws anew where the mask (side, side) of booleans is True, and keeps the latent z0 exactly where it is not.

    Each step is one of DDIM with `settings.eta`, whatever `settings.sampler` is: samplers that remember their last step
    would remember what was replaced. `rounds` as in `repaint`. Yields every round's step, its `x_next` blended.
    """
    own = replace(settings, sampler="ddim")
    times = last_part(times_of(model, own), strength)
    if len(times) < 2:
        return
    eps, generators = model.noise(range(seed, seed + n))
    kept, words = z0.expand_as(eps), model.words([prompt] * n)
    denoise = guided(model.denoiser, model.words([own.negative]), own.guidance)
    x = q_sample(model.schedule, kept, times[0], eps)

    def one(x: Tensor, t: int, s: int) -> Step:
        return next(model.walk(denoise, x, words, steps=[t, s], sampler="ddim", eta=own.eta, generator=generators))

    yield from repaint(one, model.schedule, x, kept, mask, times, rounds=rounds, generator=generators)


@torch.no_grad()
def repaint(
    one: Callable[[Tensor, int, int], Step],
    schedule: Schedule,
    x: Tensor,
    kept: Tensor,
    mask: Tensor,
    times: Sequence[int],
    *,
    rounds: int,
    generator: Noise,
) -> Iterator[Step]:
    """Walks x (B, …) down `times` by `one(x, t, s)`, a sampler's single step, keeping `kept` where `mask` is False.

    After each step x_s is blended: new where the mask is True, √ᾱ_s kept + √(1 − ᾱ_s) ε with fresh ε where it is not.
    With more rounds than one it is then noised up again, x_t = √(ᾱ_t/ᾱ_s) x_s + √(1 − ᾱ_t/ᾱ_s) ε, and the step
    repeated: the new part sees what it must fit (Lugmayr et al. 2022, algorithm 1, with U = rounds). Raises ValueError
    for less than one round.
    """
    if rounds < 1:
        raise ValueError(f"There must be at least one round a step; got {rounds}.")
    for i, (t, s) in enumerate(itertools.pairwise(times)):
        for left in reversed(range(rounds)):
            step = one(x, t, s)
            known = q_sample(schedule, kept, s, gaussian(kept, generator))  # at s = 0 that is `kept` itself
            x = torch.where(mask, step.x_next, known)
            yield replace(step, i=i, n=len(times) - 1, x_next=x)
            if left:
                share = schedule.abar[t] / schedule.abar[s]
                x = share.sqrt().to(x) * x + (1 - share).sqrt().to(x) * gaussian(x, generator)


def composite(new: Tensor, source: Tensor, mask: Tensor) -> Tensor:
    """The source's own pixels where the mask of latent cells is False, the new ones where it is True: all (…, H, W).

    The decoder looks beyond cells, so kept cells alone do not keep pixels.
    """
    down, across = new.shape[-2] // mask.shape[-2], new.shape[-1] // mask.shape[-1]
    wide = mask.repeat_interleave(down, -2).repeat_interleave(across, -1)
    return torch.where(wide, new, source)


def loudness(x: Tensor) -> Tensor:
    """‖x‖ / √d of each row, (B, …) → (B,): about 1 for the noise that samplers are made for."""
    return x.flatten(1).norm(dim=1) / math.sqrt(x[0].numel())
