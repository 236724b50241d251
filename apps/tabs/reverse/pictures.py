"""The lab "digits and critters walk back": what a network sees, what it guesses and what it calls noise, at each step;
the way up, from a picture to its noise; and what lies between two noises."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np
import torch
from torch import Tensor

from apps import limits, player, wiring
from apps.pictures import channels
from apps.player import promises
from apps.tabs.reverse import subjects
from apps.tabs.reverse.subjects import Subject
from apps.wiring import now_and_then
from tutorial import weights
from tutorial.data.digits import DataError
from tutorial.diffusion.inversion import lerp, slerp
from tutorial.diffusion.samplers import SAMPLERS, Step, evaluations
from tutorial.metrics.similarity import psnr

WALK, ROUND, BETWEEN = "walk back", "to its noise and back", "between two noises"
SHOWS = (WALK, ROUND, BETWEEN)
SHARES = [k / 8 for k in range(9)]
"""How far from the first noise to the second the pictures between them are."""
LOOKS = 40
"""Steps of a walk that are sent, at most."""
SPREAD = 3.0
"""Noise is drawn in colours from −3 to 3: three of its standard deviations."""


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked."""

    shows: str
    subject: str
    sampler: str
    steps: int
    guidance: float
    eta: float
    seed: int


def check(shows: Any, subject: Any, sampler: Any, steps: Any, guidance: Any, eta: Any, seed: Any) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    return Wish(
        limits.choice("What is shown", shows, SHOWS),
        limits.choice("The subject", subject, subjects.NAMES),
        limits.choice("The sampler", sampler, list(SAMPLERS)),
        limits.whole("Steps", steps, 2, 200),
        limits.number("Guidance", guidance, 0, 8),
        limits.number("η", eta, 0, 1),
        limits.whole("The seed", seed, 0, 2**31 - 1),
    )


Part = tuple[str, str | None]
"""How far it is, and at the end the clip."""


def work(wish: Wish) -> Generator[Part | None, None, None]:
    """All that a click computes, with a place to pause after each step."""
    show = {WALK: walk_back, ROUND: round_trip, BETWEEN: between}[wish.shows]
    for part in now_and_then(show(wish, subjects.subject(wish.subject))):
        yield (f"step {part.i + 1} of {part.n}", None) if isinstance(part, Step) else part


def walk_back(wish: Wish, of: Subject) -> Iterator[Step | Part | None]:
    """x_t, x̂₀ and ε̂ of each step of one walk."""
    generator = torch.Generator().manual_seed(wish.seed)
    x_T = torch.randn(1, *of.shape, generator=generator)
    seconds, begun, steps = 0.0, time.monotonic(), []
    for step in of.walk(x_T, wish.sampler, wish.steps, wish.guidance, eta=wish.eta, generator=generator):
        steps.append(step)
        seconds += time.monotonic() - begun
        yield step
        begun = time.monotonic()
    looked = [steps[k] for k in _spread(len(steps))]
    last = looked[-1].x_next
    noisy = yield from _decoded(of, torch.cat([step.x for step in looked] + [last]))
    guesses = yield from _decoded(of, torch.cat([step.x0_hat for step in looked] + [last]))
    noise = torch.cat([step.eps for step in looked] + [looked[-1].eps])
    panels = [
        player.panel([player.image(noisy, smooth=of.smooth)], title="xₜ, what the network sees"),
        player.panel([player.image(guesses, smooth=of.smooth)], title="x̂₀, what it guesses"),
        player.panel([noise_layer(noise)], title="ε̂, what it calls noise"),
    ]
    labels = [f"step {step.i + 1}: t = {step.t}" for step in looked] + ["t = 0: done"]
    calls = evaluations(wish.sampler, steps[0].n) * (1 if wish.guidance in (0, 1) else 2)
    note = f"{wish.subject}: {calls} network evaluations in {seconds:.2f} s, with the model that ships."
    yield "", player.clip(panels, frames=len(labels), labels=labels, rate=10, note=note)


def round_trip(wish: Wish, of: Subject) -> Iterator[Step | Part | None]:
    """A real picture up to its noise by DDIM, and down again: what comes back, and how well."""
    picture, x0 = subjects.original(wish.subject, wish.seed)
    way: list[Step] = []
    for step in of.invert(x0, wish.steps):
        way.append(step)
        yield step
    noise = step.x_next
    for step in of.walk(noise, "ddim", wish.steps, 1.0):
        way.append(step)
        yield step
    looked = [way[k] for k in _spread(len(way))]
    pictures = yield from _decoded(of, torch.cat([*(one.x for one in looked), step.x_next]))
    back = torch.cat(list(of.pixels(step.x_next)))
    asked = torch.cat(list(of.pixels(x0)))  # what the autoencoder loses is not the inversion's fault
    labels = [f"t = {one.t}" for one in looked]
    panels = [
        player.panel([player.image(subjects.rgb(picture), smooth=of.smooth)], title="a real one, never seen"),
        player.panel([player.image(pictures, smooth=of.smooth)], title="up to its noise, and back"),
        player.panel(
            [player.heat((back - asked).abs().mean(1).numpy(), "error", low=0, high=0.5)],
            title="what did not come back",
        ),
    ]
    note = (
        f"{wish.subject}, {wish.steps} steps up and {wish.steps} down: PSNR {psnr(asked, back):.1f} dB. "
        f"Its noise has mean {noise.mean():.2f} and standard deviation {noise.std():.2f}."
    )
    yield "", player.clip(panels, frames=len(pictures), labels=[*labels, "back at t = 0"], rate=12, note=note)


def between(wish: Wish, of: Subject) -> Iterator[Step | Part | None]:
    """Two noises, and what is drawn on an arc and on a straight line from one to the other."""
    first, second = (torch.randn(1, *of.shape, generator=torch.Generator().manual_seed(wish.seed + k)) for k in (0, 1))
    arms = [torch.cat([way(first, second, share) for share in SHARES]) for way in (slerp, lerp)]
    for step in of.walk(torch.cat(arms), "ddim", wish.steps, wish.guidance):
        yield step
    panels, half_way = [], []
    for title, x_T, x in zip(("along an arc", "along a straight line"), arms, step.x_next.chunk(2), strict=True):
        drawn = yield from _decoded(of, x)
        length = x_T.flatten(1).norm(dim=1) / x_T[0].numel() ** 0.5
        half_way.append(length[len(SHARES) // 2])
        lengths = player.curve(np.array(SHARES), length.numpy(), "noise", "‖x_T‖ / √D", marker=range(len(SHARES)))
        panels.append(player.panel([player.image(drawn, smooth=of.smooth)], title=title))
        panels.append(
            player.panel([lengths], title="how loud its noise is", x=(0, 1, "share of the second"), y=(0.6, 1.1, ""))
        )
    labels = [f"{share:.0%} of the second" for share in SHARES]
    note = (
        f"Half-way, the noise on the arc has {half_way[0]:.2f} of the usual length, and on the straight line "
        f"{half_way[1]:.2f}: noise that quiet the network has never seen at T."
    )
    yield "", player.clip(panels, frames=len(SHARES), labels=labels, rate=4, note=note)


def noise_layer(x: Tensor) -> player.Layer:
    """Noise (T, C, H, W) in colours, its channels side by side."""
    return player.heat(channels(x.numpy()), "ε̂", low=-SPREAD, high=SPREAD, map="diverging")


def _decoded(of: Subject, x: Tensor) -> Generator[None, None, np.ndarray]:
    """States as RGB pictures (N, H, W, 3), with a place to pause after every few."""
    rows = []
    for pictures in of.pixels(x):
        rows.append(subjects.rgb(pictures))
        yield None
    return np.concatenate(rows)


def _spread(n: int) -> np.ndarray:
    """At most `LOOKS` of the numbers below n, evenly, from the first to the last."""
    return np.unique(np.linspace(0, n - 1, min(n, LOOKS)).round().astype(int))


DEFAULTS: dict[str, Any] = {
    "shows": WALK,
    "subject": subjects.NAMES[0],
    "sampler": "ddim",
    "steps": 30,
    "guidance": 2.0,
    "eta": 0.0,
    "seed": 1,
}


def lab(page: gr.Blocks) -> None:
    """The lab's controls and pictures; without its weights, a sentence that says how to get them back."""
    try:
        for name in (subjects.NAMES[0], subjects.ANY):  # a critter and a digit: what both need is there
            subjects.original(name, seed=0)
            subjects.subject(name)
    except (weights.WeightsError, DataError) as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    line = gr.Markdown(elem_id="pictures-status")
    film = player.player(promises.Opening(lambda: work(check(**DEFAULTS))).part(1), elem_id="pictures")
    settings, buttons = controls()
    handler = wiring.told_and_shown(work, check, "pictures")
    wiring.connect(page, "pictures", handler, settings, [line, film], buttons, check)


def controls() -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings in the order in which `check` takes them, and the buttons."""
    with gr.Row():
        shows = gr.Radio(SHOWS, value=DEFAULTS["shows"], label="Show", elem_id="pictures-shows", min_width=300)
        subject = gr.Dropdown(
            subjects.NAMES, value=DEFAULTS["subject"], label="Of", elem_id="pictures-subject", min_width=200
        )
    with gr.Row():
        buttons = {
            "run": gr.Button("Go", variant="primary", elem_id="pictures-go", min_width=120),
            "stop": gr.Button("Stop", elem_id="pictures-stop", min_width=80),
        }
    with gr.Accordion("More", open=False):
        with gr.Row():
            samplers = [(name, name) for name in SAMPLERS]
            sampler = gr.Dropdown(
                samplers,
                value=DEFAULTS["sampler"],
                label="Sampler",
                info="For the walk back",
                elem_id="pictures-sampler",
            )
            steps = gr.Slider(2, 200, DEFAULTS["steps"], step=1, label="Steps", elem_id="pictures-steps")
            guidance = gr.Slider(0, 8, DEFAULTS["guidance"], step=0.1, label="Guidance", elem_id="pictures-guidance")
        with gr.Row():
            eta = gr.Slider(
                0,
                1,
                DEFAULTS["eta"],
                step=0.05,
                label="η",
                info="New noise in each step of DDIM",
                elem_id="pictures-eta",
            )
            seed = gr.Number(DEFAULTS["seed"], label="Seed", precision=0, elem_id="pictures-seed")
            buttons["copy"] = gr.Button("Copy link", elem_id="copy-pictures", size="sm", min_width=110)
    settings = {
        "shows": shows,
        "subject": subject,
        "sampler": sampler,
        "steps": steps,
        "guidance": guidance,
        "eta": eta,
        "seed": seed,
    }
    return settings, buttons
