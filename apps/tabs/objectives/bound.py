"""The lab "the bound, term by term": what each step of the chain costs in nats, and what the objectives make of it."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np
import torch
from torch import Tensor

from apps import limits, links, models, player, wiring
from apps.player import promises
from apps.tabs.objectives.shown import COLOURS, NAMES
from apps.wiring import QUIET
from tutorial import weights
from tutorial.data.toy2d import GaussianMixture, ring
from tutorial.diffusion.elbo import VARIANCES, Bound, Chain, Variance, bound, chain, eps_errors, negative_log_density
from tutorial.diffusion.exact import exact_denoiser
from tutorial.diffusion.objective import KINDS
from tutorial.diffusion.points import IN_THREE_WAYS, SCHEDULE
from tutorial.diffusion.samplers import Denoiser
from tutorial.diffusion.views import magnification

BATCH = 16
"""Points that go through a chain together; after each batch the picture is drawn anew."""
ROWS = 2048
"""Rows that a network gets at once; a few hundredths of a second."""
STEPS = [1000, 250, 100, 50, 20, 10]
VARIANCE_NAMES = [("the posterior's β̃", "posterior"), ("β", "beta")]
AT_START = 32
"""Points that the lab opens with: few, so that the page is served soon."""

DEFAULTS: dict[str, Any] = {
    "variance": "posterior",
    "steps": 1000,
    "points": 128,
    "modes": 8,
    "spread": 0.1,
    "seed": 0,
}


@dataclass(frozen=True)
class Wish:
    """What to measure, every value checked: the bound over so many points of a ring of Gaussians."""

    variance: Variance
    steps: int
    points: int
    modes: int
    spread: float
    seed: int


def check(variance: Any, steps: Any, points: Any, modes: Any, spread: Any, seed: Any) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    return Wish(
        variance=limits.choice("The reverse variance", variance, VARIANCES),  # type: ignore[arg-type]
        steps=limits.whole("The number of steps", steps, 2, SCHEDULE.T),
        points=limits.whole("The number of points", points, BATCH, 512),
        modes=limits.whole("The number of Gaussians", modes, 1, 12),
        spread=limits.number("The spread", spread, 0.02, 1.0),
        seed=limits.whole("The seed", seed, 0, 2**31 - 1),
    )


def offered(**wanted: Any) -> Wish:
    """The same for the page, whose list offers some numbers of steps only."""
    wish = check(**wanted)
    if wish.steps not in STEPS:
        raise limits.refuse(f"The number of steps must be one of: {', '.join(map(str, STEPS))}.")
    return wish


def denoisers(wish: Wish, mixture: GaussianMixture) -> dict[str, Denoiser]:
    """The mixture's exact denoiser and, for the mixture that it has learned, the shipped network."""
    found = {"exact": exact_denoiser(mixture, SCHEDULE)}
    known = wish.modes == DEFAULTS["modes"] and math.isclose(wish.spread, DEFAULTS["spread"])
    return found | {"network": models.point_model(IN_THREE_WAYS).denoise} if known else found


@dataclass(frozen=True)
class Measured:
    """Bounds of B points so far, for each denoiser, on the same noise; with their squared errors of ε̂, (n, B)."""

    chain: Chain
    truth: Tensor
    """−log p(x_0) in nats: (B,)."""
    bounds: dict[str, Bound]
    errors: dict[str, Tensor]


def measure(wish: Wish) -> Generator[Measured | None, None, None]:
    """Yields what is known after each batch of points, and None wherever else it can pause."""
    mixture, steps = ring(wish.modes, spread=wish.spread), chain(SCHEDULE, wish.steps, wish.variance)
    asked, generator = denoisers(wish, mixture), torch.Generator().manual_seed(wish.seed)
    x0 = mixture.sample(wish.points, generator)
    seen: dict[str, list[Tensor]] = {who: [] for who in asked}
    for k, points in enumerate(x0.split(BATCH)):
        for who, denoise in asked.items():
            noise = torch.Generator().manual_seed(wish.seed + 1 + k)  # the same for both
            parts = []
            for times in steps.t.split(ROWS // BATCH):
                parts.append(eps_errors(denoise, SCHEDULE, points, times, generator=noise))
                yield None
            seen[who].append(torch.cat(parts))
        done = x0[: BATCH * k + len(points)]
        errors = {who: torch.cat(batches, dim=1).double() for who, batches in seen.items()}
        bounds = {who: bound(SCHEDULE, steps, done, each) for who, each in errors.items()}
        yield Measured(steps, negative_log_density(mixture, done), bounds, errors)


def terms(now: Measured) -> str:
    """What each step costs, and how the costs add up to the bound."""
    t, truth = now.chain.t.numpy(), float(now.truth.mean())
    costs = {who: each.steps[:-1].mean(1).numpy() for who, each in now.bounds.items()}
    sums = {who: (each.prior.mean() + each.steps.mean(1).cumsum(0)).numpy() for who, each in now.bounds.items()}
    low, high = min(truth, *(line.min() for line in sums.values())), max(line.max() for line in sums.values())
    room = 0.08 * (high - low)
    data = player.curve(t[[-1, 0]], np.full(2, truth), "real", "−log p of the data")
    y = (low - room, high + room, "nats")
    return player.clip(
        [
            _panel(
                "what a step costs: Lₜ₋₁",
                t[:-1],
                _by_denoiser(t[:-1], costs),
                (*player.decades(*costs.values()), "nats", "log"),
            ),
            _panel("the bound adding up, from the right to the left", t, [data, *_by_denoiser(t, sums)], y),
        ]
    )


def effort(now: Measured) -> str:
    """What each objective makes of an error of ε̂, and so at which times its loss lies."""
    t, who = now.chain.t.numpy(), list(now.bounds)[-1]
    weights_of = {NAMES[kind]: magnification(kind, SCHEDULE)[now.chain.t].square() for kind in KINDS}
    weights_of["the bound"] = now.chain.weight_of("eps", SCHEDULE)
    colours = {NAMES[kind]: COLOURS[kind] for kind in KINDS} | {"the bound": "generated"}
    relative = {name: (weight / weight.mean()).numpy() for name, weight in weights_of.items()}
    losses = {name: weight * now.errors[who].mean(1) for name, weight in weights_of.items()}
    below = {name: (100 * loss.flip(0).cumsum(0).flip(0) / loss.sum()).numpy() for name, loss in losses.items()}
    halves = {name: int(t[share >= 50].min()) for name, share in below.items()}
    legend = {name: name if name == "the bound" else f"simple loss, {name}" for name in weights_of}

    def lines(curves: dict[str, np.ndarray]) -> list[player.Layer]:
        return [player.curve(t, values, colours[name], legend[name]) for name, values in curves.items()]

    half = "; ".join(f"{legend[name]}: t ≤ {time:,}" for name, time in halves.items())
    return player.clip(
        [
            _panel(
                "weight of an error of ε̂, its mean set to 1",
                t,
                lines(relative),
                (*player.decades(*relative.values()), "", "log"),
            ),
            _panel("share of the loss at t or below", t, lines(below), (0, 100, "%")),
        ],
        note=f"Where half of the loss lies. {half}.",
    )


def _by_denoiser(t: np.ndarray, curves: dict[str, np.ndarray]) -> list[player.Layer]:
    """The network's curve below, the exact denoiser's dashed above it."""
    looks = {"network": ("generated", "network"), "exact": ("exact", "exact denoiser")}
    return [player.curve(t, curves[who], *look, dashed=who == "exact") for who, look in looks.items() if who in curves]


def _panel(title: str, t: np.ndarray, layers: list[player.Layer], y: player.Axis) -> player.Panel:
    return player.panel(layers, title=title, x=(float(t[-1]), float(t[0]), "t", "log"), y=y, aspect=0.62)


def numbers(now: Measured) -> dict[str, dict[str, float]]:
    """The parts of each denoiser's bound in nats, and how far above −log p it is, with its standard error."""
    found = {}
    for who, each in now.bounds.items():
        gap = each.total - now.truth
        found[who] = {
            "prior": each.prior.mean().item(),
            "steps": each.steps[:-1].sum(0).mean().item(),
            "last": each.steps[-1].mean().item(),
            "bound": each.total.mean().item(),
            "truth": now.truth.mean().item(),
            "gap": gap.mean().item(),
            "error": gap.std().item() / len(gap) ** 0.5,
        }
    return found


def told(now: Measured) -> str:
    """The same as a table in Markdown."""
    rows = {
        "L at T, the prior": "{prior:.5f}",
        "Σ Lₜ₋₁, the steps": "{steps:.3f}",
        "L₀, the last step": "{last:.3f}",
        "**their sum, the bound**": "**{bound:.3f}**",
        "−log p of the same points": "{truth:.3f}",
        "**bound too high by**": "**{gap:.3f} ± {error:.3f}**",
    }
    found = numbers(now)
    lines = [f"| nats a point, {len(now.truth)} points | " + " | ".join(found) + " |", "|---" * (len(found) + 1) + "|"]
    for name, form in rows.items():
        lines.append(f"| {name} | " + " | ".join(form.format(**each) for each in found.values()) + " |")
    return "\n".join(lines).replace("-", "−").replace("|−−−", "|---")


def opening() -> tuple[str, str, str]:
    """What the lab shows at first: the default settings, on few points."""
    wish = check(**DEFAULTS | {"points": AT_START})
    *_, last = (now for now in measure(wish) if now is not None)
    return shown(last)


def shown(now: Measured) -> tuple[str, str, str]:
    """The two pictures and the table."""
    return terms(now), effort(now), told(now)


def objectives(
    request: gr.Request,
    variance: str = DEFAULTS["variance"],
    steps: int = DEFAULTS["steps"],
    points: int = DEFAULTS["points"],
    modes: int = DEFAULTS["modes"],
    spread: float = DEFAULTS["spread"],
    seed: int = DEFAULTS["seed"],
):
    """Measures the bound of a diffusion model on −log p, for a ring of Gaussians; yields as points come in.

    variance posterior or beta, steps 2–1000, points 16–512, modes 1–12, spread 0.02–1. For the exact denoiser and,
    with 8 modes of spread 0.1, for the trained network, in nats: prior (L_T), steps (the sum of L_{t−1}), last (L_0),
    bound (their sum), truth (−log p), gap (bound − truth) and error, the standard error of the gap.
    """
    wish = check(variance, steps, points, modes, spread, seed)
    for now in limits.run(request, measure(wish)):
        yield numbers(now)


objectives.__annotations__["return"] = dict[str, dict[str, float]]


def lab(page: gr.Blocks) -> None:
    """The lab's pictures and controls; without the shipped denoiser, a sentence that says how to get it back."""
    gr.api(objectives, api_name="objectives")
    try:
        models.point_model(IN_THREE_WAYS)
    except weights.WeightsError as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    first = promises.Opening(lambda: limits.once(opening))
    film = player.player(first.part(0, 2), elem_id="bound")
    with gr.Row():
        with gr.Column(scale=1, min_width=260):
            settings, buttons = controls()
        with gr.Column(scale=1, min_width=300):
            said = gr.Markdown(elem_id="bound-numbers")
            player.tells(film, said)
    spent = player.player(first.part(1), elem_id="effort")
    values, outputs = list(settings.values()), [film, spent, said]

    def run(request: gr.Request, *chosen: Any) -> Iterator[tuple[str, str, str]]:
        limits.stop(request, "bound")  # a change of mind ends the run before it
        for now in limits.run(request, measure(check(*chosen)), "bound"):
            yield shown(now)

    gr.on(
        [buttons["run"].click, *(wiring.moved(settings[name]) for name in ("variance", "steps"))],
        run,
        values,
        outputs,
        js=links.write("bound", settings),
        trigger_mode="multiple",
        **QUIET,
    )
    buttons["stop"].click(limits.stopper("bound"), queue=False, api_visibility="private")
    wiring.link(page, "bound", settings, buttons, offered)


def controls() -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings in the order in which `check` takes them, and the buttons."""
    variance = gr.Radio(
        VARIANCE_NAMES, value=DEFAULTS["variance"], label="Variance of a reverse step", elem_id="bound-variance"
    )
    steps = gr.Dropdown(STEPS, value=DEFAULTS["steps"], label="Steps of the chain", elem_id="bound-steps")
    with gr.Row():
        buttons = {
            "run": gr.Button("Measure", variant="primary", elem_id="measure-bound", min_width=120),
            "stop": gr.Button("Stop", elem_id="stop-bound", min_width=80),
        }
    with gr.Accordion("More", open=False):
        points = gr.Slider(BATCH, 512, DEFAULTS["points"], step=16, label="Points", elem_id="bound-points")
        modes = gr.Slider(1, 12, DEFAULTS["modes"], step=1, label="Gaussians on the ring", elem_id="bound-modes")
        spread = gr.Slider(0.02, 1.0, DEFAULTS["spread"], step=0.02, label="Spread of each", elem_id="bound-spread")
        seed = gr.Number(DEFAULTS["seed"], label="Seed: points and noise", precision=0, elem_id="bound-seed")
        buttons["copy"] = gr.Button("Copy link", elem_id="copy-bound", size="sm")
    settings = {
        "variance": variance,
        "steps": steps,
        "points": points,
        "modes": modes,
        "spread": spread,
        "seed": seed,
    }
    return settings, buttons
