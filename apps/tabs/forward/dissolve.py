"""The lab "dissolve": data on its way to noise, every moment of it sent once, to be scrubbed in the browser."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np
import torch
from gradio.data_classes import FileData
from torch import Tensor

from apps import limits, pictures, player, worlds
from apps.tabs.forward import subjects
from apps.tabs.forward.subjects import CRITTERS, DIGITS
from apps.tabs.forward.wiring import connect, small_buttons
from apps.wiring import QUIET
from tutorial.data.critter_art import render
from tutorial.data.critters import EVALUATION_SEED, any_critter
from tutorial.data.pixels import from_image, to_signed
from tutorial.data.toy2d import GaussianMixture
from tutorial.diffusion.marginals import decibels, marginal
from tutorial.diffusion.process import gaussian, q_sample
from tutorial.metrics.divergence import gaussian_kl_to_normal, kl_to_normal

OWN = "your own picture"
NAMES = (*subjects.NAMES, OWN)
FRAMES = 48
"""Moments after the first that are sent; the schedule's times are spread over them."""
POINTS = 500
SIDE = 64
"""Pixels of a picture's side that is shown alone; a digit has 28."""
EDGE, BINS = 4.0, 64
"""The histogram goes from −EDGE to EDGE in so many bins."""
LEAST = 1e-8
"""Nats below which a divergence is not told apart from zero."""
SMALL = 0.75
"""Height of the small panels by their width."""
LOUDEST = 50.0
"""Decibels at which the axis of the signal-to-noise ratio ends."""

PRESS = """() => { document.querySelector("#run-dissolve").click(); }"""

DEFAULTS: dict[str, Any] = {
    "data": CRITTERS,
    "schedule": "scaled linear (Stable Diffusion)",
    "steps": 1000,
    "seed": 4,
}


@dataclass(frozen=True)
class Wish:
    """What to dissolve and how, every value checked; `picture` is a visitor's own, (64, 64, 3) uint8."""

    data: str
    schedule: str
    steps: int
    seed: int
    drawn: worlds.Points
    picture: np.ndarray | None


def check(data: Any, schedule: Any, steps: Any, seed: Any, picture: Any = None, drawn: Any = ()) -> Wish:
    """Raises gr.Error for the first value that is not as it should be; `picture` is the path of a file."""
    name = limits.choice("The data", data, NAMES)
    if name == OWN and not picture:
        raise limits.refuse("Choose a picture of yours first, under More.")
    return Wish(
        data=name,
        schedule=subjects.schedule_name(schedule),
        steps=subjects.length(steps),
        seed=subjects.seed(seed),
        drawn=worlds.drawn(name, drawn),
        picture=pictures.read_picture(picture, SIDE) if name == OWN else None,
    )


class Dissolving:
    """Some data, and one noise ε that it keeps for all t, so that x_t moves smoothly."""

    def __init__(self, wish: Wish) -> None:
        generator = torch.Generator().manual_seed(wish.seed)
        self.schedule = subjects.SCHEDULES[wish.schedule](wish.steps)
        self.x0 = first(wish, generator)  # points (N, 2), or one picture (1, C, H, W)
        self.eps = gaussian(self.x0, generator)
        self.mixture: GaussianMixture | None = None
        self.how = "closed form"
        if self.x0.ndim == 2:
            self.mixture, exact = subjects.mixture(wish.data, wish.drawn, generator)
            self.how = "quadrature" if exact else "estimate"

    def at(self, t: int) -> Tensor:
        """x_t, shaped like x_0."""
        return q_sample(self.schedule, self.x0, t, self.eps)

    def divergence(self, t: int) -> float:
        """KL(q(x_t) ‖ N(0, I)) in nats, or for a picture KL(q(x_t | x_0) ‖ N(0, I)) in nats for each of its numbers.

        The latter has no bound as t → 0; it is told from t = 1.
        """
        if self.mixture is not None:
            return kl_to_normal(marginal(self.mixture, self.schedule, t))
        abar = self.schedule.abar[max(t, 1)].item()
        return gaussian_kl_to_normal(math.sqrt(abar) * self.x0, 1 - abar).item() / self.x0.numel()

    def level(self, t: int) -> float:
        """The signal-to-noise ratio in decibels; at t = 0, where it is infinite, that of t = 1."""
        return decibels(self.schedule)[max(t, 1)].item()

    @property
    def source(self) -> str:
        """How the divergence is known, for who wants to know more."""
        return {
            "closed form": "in closed form, for this picture",
            "quadrature": "by quadrature of its known density",
            "estimate": f"estimated: {subjects.STAND_IN:,} points, each blurred by 0.1, stand for the density",
        }[self.how]

    @property
    def unit(self) -> str:
        return "nats" if self.mixture is not None else "nats a number"


def first(wish: Wish, generator: torch.Generator) -> Tensor:
    """The data itself, x_0: points (N, 2), or one picture (1, C, H, W) in [−1, 1]."""
    if wish.data == CRITTERS:
        return to_signed(from_image(render(any_critter(EVALUATION_SEED + wish.seed), SIDE)))[None]
    if wish.data == DIGITS:
        shown = subjects.handwriting()
        return to_signed(shown[wish.seed % len(shown)])[None]
    if wish.picture is not None:
        return to_signed(torch.from_numpy(wish.picture).permute(2, 0, 1))[None]
    return worlds.sample(wish.data, wish.drawn, POINTS, generator)


def film(wish: Wish, play: bool = False) -> Generator[str | None, None, None]:
    """Yields None while it computes, and in the end the whole trajectory, as the player takes it."""
    work = Dissolving(wish)
    schedule, T = work.schedule, work.schedule.T
    times = subjects.moments(schedule, FRAMES)
    x = torch.stack([work.at(t) for t in times])
    heights = np.stack([histogram(frame) for frame in x])
    yield None
    kl = []
    for t in times:
        kl.append(max(work.divergence(t), LEAST / 10))
        yield None
    db = [work.level(t) for t in times]
    ends = (0.0, float(T), "t")
    labels = [f"t = {t} · SNR {written(level)}" for t, level in zip(times, db, strict=True)]
    yield player.clip(
        [
            subjects.panel(
                x,
                "real",
                "x_t",
                title="x_t: draw here to make data of your own" if x.ndim == 3 else "x_t",
                label=f"x_t: {wish.data}, dissolving as t grows",
            ),
            values(heights),
            player.panel(
                [curve(times, schedule.abar[times].numpy())],
                title="signal's share ᾱ",
                x=ends,
                y=(0.0, 1.0, ""),
                aspect=SMALL,
            ),
            player.panel(
                [curve(times, db)],
                title="signal to noise",
                x=ends,
                y=(min(-30.0, 10 * math.floor(min(db) / 10)), LOUDEST, "dB"),
                aspect=SMALL,
            ),
            player.panel(
                [curve(times, kl)],
                title=f"KL to N(0, I): {work.how}",
                x=ends,
                y=(LEAST, 10.0, work.unit, "log"),
                aspect=SMALL,
            ),
        ],
        frames=len(times),
        labels=labels,
        rate=16,
        play=play,
        note=told(work, kl[-1]),
    )


def curve(times: list[int], y: Any) -> player.Layer:
    """A quantity over the frames' times, with a marker where one is."""
    return player.curve(np.array(times), np.array(y), "exact", marker=range(len(times)))


def histogram(x: Tensor) -> np.ndarray:
    """The density of all numbers of x, (BINS, 2): where each bin is, and how high."""
    counts, edges = np.histogram(x.numpy(), BINS, (-EDGE, EDGE))
    return np.stack([(edges[1:] + edges[:-1]) / 2, counts / x.numel() / (edges[1] - edges[0])], axis=1)


def values(heights: np.ndarray) -> player.Panel:
    """The histogram's panel: what there is as dots (T, BINS, 2), and where they belong in the end as a dashed curve."""
    x = np.linspace(-EDGE, EDGE, 81)
    normal = np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
    return player.panel(
        [
            player.curve(x, normal, "exact", "N(0, 1)", dashed=True),
            player.points(heights, "real", "all numbers of x_t", size=3, alpha=0.9),
        ],
        title="histogram of its values",
        x=(-EDGE, EDGE, ""),
        y=(0.0, 0.8, "density"),
    )


def written(level: float) -> str:
    """Decibels in few characters."""
    return f"{level:+.0f} dB".replace("-", "−")


def told(work: Dissolving, last: float) -> str:
    """What is left at the end, in a sentence."""
    schedule = work.schedule
    left = f"{schedule.abar[-1].item():.2g}"
    divergence = f"{last:.2g}" if last >= LEAST else f"less than {LEAST:.0e}"
    return (
        f"At t = T = {schedule.T} a share of {left} of the variance is still signal "
        f"({written(work.level(schedule.T))}), and KL to N(0, I) is {divergence} {work.unit} ({work.source}). "
        "Each number keeps its noise ε for all t."
    )


def forward(
    request: gr.Request,
    data: str = DEFAULTS["data"],
    schedule: str = DEFAULTS["schedule"],
    T: int = DEFAULTS["steps"],
    t: int = 500,
    seed: int = DEFAULTS["seed"],
    points: list[list[float]] | None = None,
    picture: FileData | None = None,
) -> tuple[dict[str, float], str, list[list[float]], list[FileData]]:
    """Noises data in one jump. Gives (numbers, how kl is known, points, PNG files): 500 points, or one picture.

    data one of eight Gaussians, two moons, spiral, checkerboard, pinwheel, draw your own (then points, 2–2000 pairs
    of numbers from −3 to 3), digits, critters, your own picture (then picture, a PNG, JPEG, WebP or GIF file);
    schedule one of linear, scaled linear (Stable Diffusion), cosine, sigmoid; T 10–1000, t 0–T, seed 0–2147483647.
    numbers: abar, snr_db (at t = 0 that of t = 1), kl (nats; for a picture per number), mean and std of x_t.
    """
    wish = check(data, schedule, T, seed, pictures.uploaded(picture), worlds.sent(data, points))
    t = limits.whole("The time t", t, 0, wish.steps)
    answered = list(limits.run(request, answer(wish, t)))
    if not answered:
        raise limits.refuse("This run was stopped before it had ended.")
    return answered[0]


def answer(wish: Wish, t: int) -> Generator[tuple[dict[str, float], str, list, list], None, None]:
    """What `forward` gives, as work that takes its turn."""
    work = Dissolving(wish)
    x = work.at(t)
    numbers = {
        "abar": work.schedule.abar[t].item(),
        "snr_db": work.level(t),
        "kl": work.divergence(t),
        "mean": x.mean().item(),
        "std": x.std().item(),
    }
    if x.ndim == 2:
        yield numbers, work.how, x.tolist(), []
        return
    path = pictures.served(pictures.png_bytes(subjects.tiled(x)), f"x-{t}.png")
    yield numbers, work.how, [], [FileData(path=path).model_dump()]


def lab(page: gr.Blocks) -> None:
    """The lab's picture, and its controls beside it."""
    gr.api(forward, api_name="forward")
    with gr.Row():
        with gr.Column(scale=13, min_width=320):
            shown = player.player(lambda: film(check(**DEFAULTS), play=True), elem_id="dissolve")
        with gr.Column(scale=7, min_width=260):
            settings, buttons, picture = controls()

    def show(*chosen: Any) -> Generator[str | None, None, None]:
        return film(check(*chosen))

    def play(*chosen: Any) -> Generator[str | None, None, None]:
        return film(check(*chosen), play=True)

    connect(page, "dissolve", shown, settings, buttons, check, show, pressed=play, more=[picture])
    picture.upload(lambda: OWN, None, settings["data"], queue=False, **QUIET).success(
        None, None, None, js=PRESS, **QUIET
    )


def controls() -> tuple[dict[str, Any], dict[str, gr.Button], gr.File]:
    """The settings in the order in which `check` takes them, the buttons, and where a picture is dropped."""
    names = list(subjects.SCHEDULES)
    data = gr.Dropdown(list(NAMES), value=DEFAULTS["data"], label="Data", elem_id="dissolve-data")
    schedule = gr.Radio(names, value=DEFAULTS["schedule"], label="Schedule", elem_id="dissolve-schedule")
    run = gr.Button("Dissolve", variant="primary", elem_id="run-dissolve")
    with gr.Accordion("More: your own picture, T, seed", open=False):
        picture = gr.File(label="A picture of yours", file_types=["image"], height=110, elem_id="own-picture")
        steps = gr.Slider(
            subjects.SHORTEST, subjects.LONGEST, DEFAULTS["steps"], step=1, label="Steps T", elem_id="dissolve-steps"
        )
        seed = gr.Number(
            DEFAULTS["seed"], label="Seed: the noise, and which picture", precision=0, elem_id="dissolve-seed"
        )
        buttons = {"run": run} | small_buttons("dissolve")
    return {"data": data, "schedule": schedule, "steps": steps, "seed": seed}, buttons, picture
