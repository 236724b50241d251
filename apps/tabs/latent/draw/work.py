"""What a click on Draw computes, piece by piece: previews, the pictures, and then what happened at each step."""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from typing import Any

import gradio as gr
import numpy as np
import torch
from torch import Tensor

from apps import player
from apps.pictures import channels, png_url, rgb_base64
from apps.tabs.latent.draw import pipeline
from apps.tabs.latent.draw.wish import Wish, alone, first
from apps.tabs.latent.studio import Studio, cost, remarks
from tutorial.data.critter_art import render
from tutorial.data.critters import ATTRIBUTES, training_critter
from tutorial.data.pixels import to_arrays
from tutorial.diffusion.preview import preview
from tutorial.diffusion.samplers import Step

FRAME = 1 / 15
"""Seconds between previews: faster than the browser can draw, they would pile up."""
SPREAD = 3.0
"""Latents are drawn in colours from −3 to 3: three of their standard deviations."""

Shown = tuple[Any, Any, Any]
"""New values for gallery, player and pipeline; `gr.skip()` where nothing changes."""


def previews(latents: Tensor, shop: Studio) -> dict[str, Any]:
    """Rough pictures as the gallery takes them."""
    rough = to_arrays(preview(latents, shop.preview_map))
    return {"side": rough.shape[1], "previews": [rgb_base64(one) for one in rough]}


@torch.no_grad()
def finished(wish: Wish, x: Tensor, status: str, notes: list[str]) -> str:
    """The gallery's last value: the pictures, what the reader sees in them, and the closest training critters."""
    shop, seed = wish.shop, wish.request.seed
    read = shop.reader.read(x)
    seeds, distances = shop.training.nearest(shop.reader.features(x))
    shown = []
    for k, row in enumerate(to_arrays(x)):
        sees = ", ".join(f"{name} {values[int(read[name][k])]}" for name, values in ATTRIBUTES.items())
        twin = int(seeds[k])
        shown.append(
            {
                "png": png_url(row, alone(wish, k)),
                "alt": f"A drawn critter: {sees}",
                "seed": seed + k,
                "name": f"critter-{seed + k}.png",
                "sees": sees,
                "closest": png_url(np.array(render(training_critter(twin), len(row)))),
                "closest_seed": twin,
                "closest_text": f"The closest of the {len(shop.training.features):,} training critters is at distance "
                f"{distances[k]:.1f} in the reader's features. For a critter that no network drew, "
                f"the usual distance is {shop.usual_distance:.1f}.",
            }
        )
    return json.dumps({"status": status, "progress": 1, "notes": notes, "pictures": shown})


def work(wish: Wish) -> Generator[Shown | None, None, None]:
    """All that a click computes, in small pieces: previews, the pictures, then the film and the pipeline.

    None where there is nothing to show yet, and others can have their turn.
    """
    shop, request, begun = wish.shop, wish.request, time.monotonic()
    notes, shown, steps, step = remarks(request), 0.0, [], None
    for step in shop.model.sample(**vars(request)):
        steps.append(first_picture(step))
        now = time.monotonic()
        if now - shown >= FRAME and step.i + 1 < step.n:
            shown = now
            state = {"status": f"step {step.i + 1} of {step.n}", "progress": (step.i + 1) / (step.n + 1)}
            state |= {"notes": notes, "seed": request.seed} | previews(step.x0_hat, shop)
            yield json.dumps(state), gr.skip(), gr.skip()
        else:
            yield None
    assert step is not None  # at least one step was asked for
    x = shop.model.decode(step.x_next)
    yield finished(wish, x, f"{time.monotonic() - begun:.2f} s · {cost(request, shop)}", notes), gr.skip(), gr.skip()
    frames = []
    for frame in decoded(shop, steps):
        frames.append(frame)
        yield None
    yield (
        gr.skip(),
        film(wish, steps, np.concatenate(frames)),
        pipeline.parts(request, shop, steps, to_arrays(x[:1])[0]),
    )


def first_picture(step: Step) -> Step:
    """A step as the first picture took it: only its film is made, so nothing else of the run is kept."""
    return replace(step, **{name: getattr(step, name)[:1].clone() for name in ("x", "eps", "x0_hat", "x_next")})


def opening() -> Generator[tuple[str, str, str] | None, None, None]:
    """What gallery, player and pipeline show at first: an example, drawn since the app started."""
    wish = first()
    shop, steps, frames = wish.shop, [], []
    for step in shop.model.sample(**vars(wish.request)):
        steps.append(step)
        yield None
    x = shop.model.decode(steps[-1].x_next)
    for frame in decoded(shop, steps):
        frames.append(frame)
        yield None
    status = f"drawn since the app started · {cost(wish.request, shop)}"
    shown = finished(wish, x, status, [])
    yield None
    way = film(wish, steps, np.concatenate(frames))
    yield None
    yield shown, way, pipeline.parts(wish.request, shop, steps, to_arrays(x)[0])


def decoded(shop: Studio, steps: Sequence[Step]) -> Iterator[np.ndarray]:
    """The first picture as it would be if a run stopped at each of its steps, and as it is: (·, H, W, 3) uint8."""
    guesses = torch.cat([step.x0_hat for step in steps] + [steps[-1].x_next])
    for rows in guesses.split(4):
        yield to_arrays(shop.model.decode(rows))


def film(wish: Wish, steps: Sequence[Step], pictures: np.ndarray) -> str:
    """The first picture's way, step by step, as the player takes it."""
    schedule = wish.shop.model.schedule
    noisy = torch.cat([step.x for step in steps] + [steps[-1].x_next])
    noise = torch.cat([step.eps for step in steps] + [steps[-1].eps])
    times = [step.t for step in steps] + [steps[-1].t_next]
    labels = [f"step {step.i + 1}: t = {step.t}" for step in steps] + ["t = 0: done"]
    t, abar = np.arange(schedule.T + 1), schedule.abar.numpy()
    signal = player.curve(t, abar, "field", "ᾱ", marker=times)
    time_axis, share_axis = (0, schedule.T, "time t"), (0, 1, "")
    return player.clip(
        [
            player.panel([player.image(pictures, smooth=True, quality=90)], title="ẑ₀, decoded"),
            player.panel([_channels(noisy, "z")], title="z, the latent"),
            player.panel([_channels(noise, "ε̂")], title="ε̂, the noise seen in it"),
            player.panel([signal], title="ᾱ, the share of signal", x=time_axis, y=share_axis),
        ],
        frames=len(times),
        labels=labels,
        rate=min(15, max(6, len(times) / 4)),
        note=f"Seed {wish.request.seed}. At each step the network sees noise ε̂ in the latent z, whose four channels "
        "are drawn here; what would be left without it, ẑ₀, is decoded. All of it is in your browser now: drag the "
        "slider.",
    )


def _channels(latents: Tensor, name: str) -> player.Layer:
    """The four channels of (T, 4, h, w) in colours, two by two."""
    return player.heat(channels(latents.numpy()), name, low=-SPREAD, high=SPREAD, map="diverging")
