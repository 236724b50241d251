"""The lab "one jump or a thousand steps": the chain and its closed form side by side, and a mistake to predict."""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np
import torch
from torch import Tensor

from apps import limits, player, worlds
from apps.tabs.forward import subjects
from apps.tabs.forward.wiring import connect, small_buttons
from apps.wiring import QUIET
from tutorial.diffusion.process import gaussian, q_sample, q_step
from tutorial.diffusion.schedule import Schedule
from tutorial.diffusion.walk import Kernel, paired_floor, step_without_root, walk
from tutorial.metrics.energy import energy_distance

STEPS: dict[str, Kernel] = {"√β": q_step, "β": step_without_root}
"""By what the noise of each step is multiplied with."""
FRAMES = 40
TRIES = 20
"""Pairs of jumps that show how far two samples of one thing may be apart at t = T."""
POINTS, PICTURES, SHOWN = 300, 16, 4
"""Points, or pictures, in each arm; pictures of it that are shown."""

DEFAULTS: dict[str, Any] = {
    "data": "eight Gaussians",
    "schedule": "linear",
    "steps": 1000,
    "factor": "√β",
    "seed": 0,
}
QUESTION = "Someone writes β where √β belongs, and adds β ε at each step. What will the chain end as?"
COLLAPSE, SAME, SLOWER, BURST = (
    "a small clump at the origin",
    "N(0, I) all the same",
    "something between the data and N(0, I)",
    "a cloud that grows without end",
)
SAID = {
    COLLAPSE: "You were right.",
    SAME: "You said N(0, I): the standard deviation beside it tells otherwise.",
    SLOWER: "You said something in between: the data is gone, but noise did not take its place.",
    BURST: "You said that it grows: β is smaller than √β, so there is less noise than there should be.",
}
WHY = (
    "Each step takes the share β of the variance away and has to bring β back: so 1 stays 1. Without the root it "
    "brings only β². The cloud shrinks until the two balance, at a variance of about β."
)
HINT = "Say so, and β can be chosen above."
UNLOCK = """() => ({ __type__: "update", interactive: true })"""
REVEAL = f"""(answer, factor) => {{
  if (factor !== "β") return answer ? "" : {json.dumps(HINT)};
  const said = {json.dumps(SAID)}[answer] ?? "";
  return said + " " + {json.dumps(WHY)};
}}"""


@dataclass(frozen=True)
class Wish:
    """What to walk and how, every value checked."""

    data: str
    schedule: str
    steps: int
    factor: str
    seed: int
    drawn: worlds.Points


def check(data: Any, schedule: Any, steps: Any, factor: Any, seed: Any, drawn: Any = ()) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    name = limits.choice("The data", data, subjects.NAMES)
    return Wish(
        data=name,
        schedule=subjects.schedule_name(schedule),
        steps=subjects.length(steps),
        factor=limits.choice("The noise's factor", factor, tuple(STEPS)),
        seed=subjects.seed(seed),
        drawn=worlds.drawn(name, drawn),
    )


def film(wish: Wish) -> Generator[str | None, None, None]:
    """Walks, and jumps to the same times. Yields None at each step, and in the end the clip."""
    generator = torch.Generator().manual_seed(wish.seed)
    schedule = subjects.SCHEDULES[wish.schedule](wish.steps)
    times = subjects.moments(schedule, FRAMES)
    n = PICTURES if wish.data in (subjects.DIGITS, subjects.CRITTERS) else POINTS
    x0 = subjects.sample(wish.data, wish.drawn, n, generator)
    eps = gaussian(x0, generator)
    wanted, walked = set(times), []
    for t, x in enumerate(walk(schedule, x0, STEPS[wish.factor], generator)):
        if t in wanted:
            walked.append(x)
        yield None
    jumped = [q_sample(schedule, x0, t, eps) for t in times]
    apart = []
    for one, other in zip(walked, jumped, strict=True):
        apart.append(energy_distance(one.flatten(1), other.flatten(1)))
        yield None
    furthest = yield from by_chance(schedule, x0, generator)
    floor = paired_floor(schedule, n, x0[0].numel())[times].numpy()
    spread = np.array([x.std().item() for x in walked])
    abar = schedule.abar[times].numpy()
    expected = np.sqrt(abar * x0.var().item() + 1 - abar)
    arms = [
        (torch.stack(walked), "generated", "the chain", f"{schedule.T:,} steps of √(1 − β) x + {wish.factor} ε"),
        (torch.stack(jumped), "real", "one jump", "one jump: √ᾱ x₀ + √(1 − ᾱ) ε"),
    ]
    yield player.clip(
        [
            *(
                subjects.panel(arm[:, :SHOWN] if arm.ndim > 3 else arm, colour, name, title=title, label=title)
                for arm, colour, name, title in arms
            ),
            over_time(
                "energy distance between the two", times, np.array(apart), "chain to jump", floor, "by chance alone"
            ),
            over_time("standard deviation of all numbers", times, spread, "of the chain", expected, "√(ᾱ v₀ + 1 − ᾱ)"),
        ],
        frames=len(times),
        labels=[f"t = {t}" for t in times],
        rate=12,
        note=told(apart[-1], floor[-1], furthest, spread[-1]),
    )


def by_chance(schedule: Schedule, x0: Tensor, generator: torch.Generator) -> Generator[None, None, float]:
    """How far two jumps from the same x0 (N, …) to T are apart, at most in `TRIES` tries. Yields at each."""
    furthest = 0.0
    for _ in range(TRIES):
        two = (q_sample(schedule, x0, schedule.T, gaussian(x0, generator)).flatten(1) for _ in range(2))
        furthest = max(furthest, energy_distance(*two))
        yield None
    return furthest


def over_time(
    title: str, times: list[int], measured: np.ndarray, name: str, expected: np.ndarray, what: str
) -> player.Panel:
    """A quantity at each of the times, with a marker where one is, and dashed what is to be expected of it."""
    x = np.array(times)
    return player.panel(
        [
            player.curve(x, expected, "exact", what, dashed=True),
            player.curve(x, measured, "generated", name, marker=range(len(times))),
        ],
        title=title,
        x=(0.0, float(times[-1]), "t"),
        y=(0.0, 1.15 * max(measured.max(), expected.max()), ""),
        aspect=0.55,
    )


def told(apart: float, floor: float, furthest: float, spread: float) -> str:
    """What came out at t = T, in two sentences."""
    verdict = "not the same distribution" if apart > furthest else "two samples of one thing"
    return (
        f"At t = T the energy distance is {apart:.2g}; that of two jumps is {floor:.2g} by chance alone, and was at "
        f"most {furthest:.2g} in {TRIES} tries: {verdict}. The chain's standard deviation is {spread:.3f}."
    )


def lab(page: gr.Blocks) -> None:
    """The lab's picture, its controls beside it, and the question."""
    with gr.Row():
        with gr.Column(scale=13, min_width=320):
            shown = player.player(lambda: film(check(**DEFAULTS)), elem_id="jump")
        with gr.Column(scale=7, min_width=260):
            settings, buttons = controls()
            answer = gr.Radio(list(SAID), label=QUESTION, elem_id="predict")
            verdict = gr.Markdown(HINT, elem_id="verdict")

    def show(*chosen: Any) -> Generator[str | None, None, None]:
        return film(check(*chosen))

    walked = connect(page, "jump", shown, settings, buttons, check, show)
    # What was predicted stays in the browser: neither of these has a function on the server.
    answer.input(None, None, settings["factor"], js=UNLOCK, queue=False, **QUIET)
    walked.success(None, [answer, settings["factor"]], verdict, js=REVEAL, queue=False, **QUIET)


def controls() -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings in the order in which `check` takes them, and the buttons."""
    data = gr.Dropdown(list(subjects.NAMES), value=DEFAULTS["data"], label="Data", elem_id="jump-data")
    factor = gr.Radio(
        [(f"{name} ε", name) for name in STEPS],
        value=DEFAULTS["factor"],
        label="Each step adds",
        interactive=False,
        elem_id="factor",
    )
    run = gr.Button("Walk and jump", variant="primary", elem_id="run-jump")
    with gr.Accordion("More: schedule, T, seed", open=False):
        names = list(subjects.SCHEDULES)
        schedule = gr.Dropdown(names, value=DEFAULTS["schedule"], label="Schedule", elem_id="jump-schedule")
        steps = gr.Slider(
            subjects.SHORTEST, subjects.LONGEST, DEFAULTS["steps"], step=1, label="Steps T", elem_id="jump-steps"
        )
        seed = gr.Number(DEFAULTS["seed"], label="Seed: data and noise", precision=0, elem_id="jump-seed")
        buttons = {"run": run} | small_buttons("jump")
    settings = {"data": data, "schedule": schedule, "steps": steps, "factor": factor, "seed": seed}
    return settings, buttons
