"""The lab "guidance in the plane": ε̂ without a label, with it and guided as arrows, learned beside exact."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
import copy
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import gradio as gr
import torch

from apps import limits, links, player, wiring, worlds
from apps.player import promises
from apps.tabs.latent.guidance import plane_pictures as pictures
from apps.tabs.latent.guidance.plane_pictures import Way
from apps.wiring import QUIET
from tutorial import weights
from tutorial.data.toy2d import REACH
from tutorial.diffusion import guidance_plane as plane
from tutorial.diffusion.guidance_plane import LABELS, LabelDenoiser, LabelTraining
from tutorial.diffusion.points import SCHEDULE
from tutorial.diffusion.samplers import Denoiser
from tutorial.metrics.coverage import NEAR, coverage
from tutorial.training.guidance_curve import COMMAND

CHOICES = LABELS[:2]
UPDATES = 2500
SAMPLES, STEPS = 150, 30
FRAME = 0.8
"""Seconds between two pictures of a training; each is of the whole way from noise to data."""
DEFAULTS: dict[str, Any] = {"label": "upper", "scale": 4, "dropout": 0.1, "x": 0.3, "y": 0.2, "seed": 0}
EXACT = "exact"


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked."""

    label: int
    scale: float
    dropout: float
    x: float
    y: float
    seed: int


def check(label: Any, scale: Any, dropout: Any, x: Any, y: Any, seed: Any) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    return Wish(
        CHOICES.index(limits.choice("The label", label, CHOICES)),
        limits.number("The scale", scale, 0, 15),
        limits.number("The share of labels dropped", dropout, 0, 0.9),
        limits.number("x", x, -REACH, REACH),
        limits.number("y", y, -REACH, REACH),
        limits.whole("The seed", seed, 0, 2**31 - 1),
    )


@dataclass(frozen=True)
class Pair:
    """Two trained networks, the shares of labels that their training dropped, and how long that was."""

    networks: LabelDenoiser
    dropouts: tuple[float, ...]
    steps: int
    shipped: bool = False

    @property
    def models(self) -> list[tuple[str, Denoiser]]:
        """Each network with what it is called."""
        return [(_called(share), plane.learned(self.networks, k)) for k, share in enumerate(self.dropouts)]


def _called(dropout: float) -> str:
    return f"learned, {dropout:.0%} of labels dropped" if dropout else "learned, no label ever dropped"


@cache
def shipped() -> Pair:
    """The pair that was trained ahead. Raises weights.WeightsError if a file is missing or damaged."""
    networks, card = plane.load()
    return Pair(networks, tuple(card["dropouts"]), card["steps"], shipped=True)


def way(wish: Wish, title: str, denoise: Denoiser) -> Way:
    """Where a model takes the points, and what it answers at the visitor's place, at each step."""
    x_T = torch.randn(SAMPLES, 2, generator=torch.Generator().manual_seed(0))
    steps = list(plane.walk(denoise, x_T, wish.label, wish.scale, STEPS))
    place = torch.tensor([[wish.x, wish.y]])
    asked = [step.t for step in steps] + [max(1, steps[-1].t // 2)]
    arrows = torch.stack([plane.three(denoise, place, t, wish.label, wish.scale) for t in asked])
    x = torch.stack([step.x for step in steps] + [steps[-1].x_next])
    found = coverage(plane.of_label(plane.world(), wish.label), x[-1].nan_to_num(1e6))
    return Way(title, asked, worlds.drawable(x), arrows.numpy(), found)


def ways(wish: Wish, pair: Pair) -> Generator[list[Way] | None, None, None]:
    """None after each model, and in the end the ways of all: the exact one is the last."""
    found = []
    for title, denoise in [*pair.models, (EXACT, plane.exact(plane.world()))]:
        found.append(way(wish, title, denoise))
        yield None
    yield found


def film(wish: Wish, found: list[Way], note: str) -> str:
    """The ways, drawn over where points with this label are at each time."""
    return pictures.film(found, (wish.x, wish.y), wish.label, wish.scale, note)


def note(pair: Pair) -> str:
    """The line under the film."""
    made = f"trained ahead, by {COMMAND}" if pair.shipped else "trained just now"
    return f"Both networks: {pair.steps:,} updates, {made}. Click a place to see the arrows there."


def told(wish: Wish, found: list[Way]) -> str:
    """Where the points end."""
    modes = plane.MODES // 2
    head = f"| guided to “{LABELS[wish.label]}”, scale {wish.scale:g} | within {NEAR:g}σ of one of its modes | "
    rows = [head + f"modes reached, of {modes} | in the rarest |", "|---|---|---|---|"]
    for one in found:
        good = one.found
        rows.append(f"| {one.title} | {good.high_quality:.0%} | {good.modes} | {good.rarest:.0%} |")
    return "\n".join(rows)


def work(wish: Wish) -> Generator[tuple[str, Any, Any] | None, None, None]:
    """Trains both networks; now and then, and at the end, a line, the film and the pair."""
    training = LabelTraining((wish.dropout, 0.0), wish.seed)
    begun = shown = time.monotonic()
    for losses in training.run(UPDATES):
        over = training.step == UPDATES
        if not over and time.monotonic() - shown < FRAME:
            yield None
            continue
        pair = Pair(copy.deepcopy(training.average), (wish.dropout, 0.0), training.step)
        found: list[Way] = []
        for part in ways(wish, pair):
            found = part or found
            yield None
        shown = time.monotonic()
        line = f"{training.step:,} of {UPDATES:,} updates · loss {losses[0]:.3f} and {losses[1]:.3f}"
        said = f"{told(wish, found)}\n\n{shown - begun:.1f} s for {UPDATES:,} updates of both." if over else line
        yield said, film(wish, found, note(pair)), pair


def brought(wish: Wish) -> Generator[tuple[str, Any, Any] | None, None, None]:
    """What a link brings back: the shipped pair, or one that is trained now if another training is asked for."""
    if (wish.dropout, wish.seed) != (DEFAULTS["dropout"], DEFAULTS["seed"]):
        yield from work(wish)
        return
    for found in ways(wish, shipped()):
        yield (told(wish, found), film(wish, found, note(shipped())), None) if found else None


def shown(request: gr.Request, *chosen: Any) -> Iterator[tuple[str, str]]:
    """The film and the table for the settings as they stand, of the visitor's own pair if there is one."""
    *values, pair = chosen
    wish, own = check(*values), pair or shipped()
    for found in limits.run(request, ways(wish, own), "plane"):
        yield told(wish, found), film(wish, found, note(own))


def guidance_plane(
    request: gr.Request,
    label: str = DEFAULTS["label"],
    scale: float = DEFAULTS["scale"],
    x: float = DEFAULTS["x"],
    y: float = DEFAULTS["y"],
    t: int = 500,
):
    """ε̂ at a point and a time without the label, with it, and guided, by the shipped pair and the closed form.

    label upper or lower, scale 0–15, x and y −3 to 3, t 1–1000. Yields, for each model, none, label, guided, and
    landed, the share of 150 samples near a mode of that label.
    """
    wish = check(label, scale, DEFAULTS["dropout"], x, y, DEFAULTS["seed"])
    t = limits.whole("t", t, 1, SCHEDULE.T)
    try:
        pair = shipped()
    except weights.WeightsError as error:
        raise limits.refuse(str(error)) from error

    def asked() -> Generator[dict[str, dict[str, list[float]]] | None, None, None]:
        said = {}
        for title, denoise in [*pair.models, (EXACT, plane.exact(plane.world()))]:
            rows = plane.three(denoise, torch.tensor([[wish.x, wish.y]]), t, wish.label, wish.scale).tolist()
            landed = [way(wish, title, denoise).found.high_quality]
            said[title] = dict(zip(("none", "label", "guided"), rows, strict=True)) | {"landed": landed}
            yield None
        yield said

    yield from limits.run(request, asked())


guidance_plane.__annotations__["return"] = dict[str, dict[str, list[float]]]


def lab(page: gr.Blocks) -> None:
    """The lab's film and controls; without the shipped pair, a sentence that says how to get it back."""
    gr.api(guidance_plane, api_name="guidance_plane")
    try:
        shipped()
    except weights.WeightsError as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    picture = player.player(promises.Opening(lambda: brought(check(**DEFAULTS))).part(1, 0), elem_id="plane")
    said = gr.Markdown(elem_id="plane-said")
    player.tells(picture, said)
    settings, buttons = controls()
    own, again = gr.State(None), gr.Button("Show again", visible="hidden", elem_id="plane-again")
    write, values = links.write("plane", settings), list(settings.values())
    train, bring = (wiring.as_it_goes(made, check, "plane", pictures=2) for made in (work, brought))
    buttons["run"].click(train, values, [said, picture, own], js=write, trigger_mode="once", **QUIET)
    buttons["stop"].click(limits.stopper("plane"), queue=False, api_visibility="private")
    again.click(bring, values, [said, picture, own], **QUIET)
    wiring.link(page, "plane", settings, buttons | {"run": again}, check)
    values, outputs = [*values, own], [said, picture]
    latest: dict[str, Any] = QUIET | {"trigger_mode": "always_last", "js": write}
    gr.on([wiring.moved(settings[name]) for name in ("label", "scale")], shown, values, outputs, **latest)

    def placed(event: gr.EventData) -> tuple[float, float]:
        x, y, _ = worlds.place(event, STEPS + 1)
        return x, y

    clicked = picture.click(placed, None, [settings["x"], settings["y"]], **QUIET)
    clicked.success(shown, values, outputs, **latest)


def controls() -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings in the order in which `check` takes them, and the buttons."""
    with gr.Row():
        label = gr.Radio(list(CHOICES), value=DEFAULTS["label"], label="Label", elem_id="plane-label", min_width=150)
        scale = gr.Slider(0, 15, DEFAULTS["scale"], step=0.5, label="Scale", elem_id="plane-scale", min_width=180)
        dropout = gr.Slider(
            *(0, 0.9, DEFAULTS["dropout"]),
            step=0.05,
            label="Labels dropped in training",
            elem_id="plane-dropout",
            min_width=180,
        )
    buttons = wiring.button_row("plane", "Train both again", "train")
    with gr.Accordion("More: place of the arrows, seed", open=False), gr.Row():
        x = gr.Number(DEFAULTS["x"], label="x", elem_id="plane-x", min_width=100)
        y = gr.Number(DEFAULTS["y"], label="y", elem_id="plane-y", min_width=100)
        seed = gr.Number(DEFAULTS["seed"], label="Seed of the training", precision=0, elem_id="plane-seed")
    return {"label": label, "scale": scale, "dropout": dropout, "x": x, "y": y, "seed": seed}, buttons
