"""The lab "ask how likely a point is": a flow answers, and a generator's codes have to be searched for."""

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import gradio as gr
import torch
from torch import Tensor

from apps import limits, links, models, player, wiring, worlds
from apps.quantities import plain, scientific, size
from apps.tabs.gan import ask_pictures
from apps.wiring import QUIET
from tutorial import measurements, weights
from tutorial.data.toy2d import REACH, drawn
from tutorial.gans.inversion import FOUND, STARTS, Search, beyond, density_of, distinct, search, starts
from tutorial.gans.optimum import BLUR, log_density
from tutorial.gans.worlds import DENSITIES
from tutorial.training.gan_race import COMMAND, GENERATORS, Trained, generators

DEFAULTS: dict[str, Any] = {"which": next(iter(GENERATORS)), "x": -2.0, "y": 0.0, "seed": 0}
"""A point on a mode, of which a code is found: the question, of one in a gap, is left open at
first."""
MANY = 10_000
"""Fakes from which a density is estimated."""
RARE = 0.01
"""A code is out of the way if less of the noise than this lies as far out; a point is in a gap if the data’s density
there is less than so much of what it is in the middle of a mode."""
QUESTION = "A point in the gap between two modes, where there is no data: is there a code that makes it?"
ORDINARY, FAR, NOT = ANSWERS = (
    "yes, an ordinary one",
    f"yes, but one so far out that less than {RARE:.0%} of the noise is",
    "no, the nearest fake stays away from it",
)


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked."""

    trained: Trained
    x: float
    y: float
    seed: int


@dataclass(frozen=True)
class Found:
    """What flow and generator say to a point."""

    flow_log_p: float
    true_log_p: float
    flow_z: tuple[float, float]
    back: float
    """How far the point is from itself after the flow has taken it to its code and back."""
    way: Search
    blurred: float
    """log q of the fakes, blurred."""
    bound: float
    """Density that the codes found add up to."""
    codes: int
    gap: bool
    """Whether hardly any data is there."""


@cache
def known() -> dict[str, Trained]:
    """The generators, by name. Raises measurements.MeasurementsError if their record is missing or damaged."""
    return generators()


def check(which: Any, x: Any, y: Any, seed: Any) -> Wish:
    """Raises gr.Error for the first value that is not as it should be, and measurements.MeasurementsError."""
    return Wish(
        known()[limits.choice("The generator", which, tuple(GENERATORS))],
        limits.number("x₁", x, -REACH, REACH),
        limits.number("x₂", y, -REACH, REACH),
        limits.whole("The seed", seed, 0, 2**31 - 1),
    )


def asked(wish: Wish) -> Generator[Found | None, None, None]:
    """Yields None while it searches, and in the end what was found."""
    trained, x = wish.trained, torch.tensor([[wish.x, wish.y]])
    z = starts(STARTS, wish.seed)
    for way in search(trained.generate, x.expand(len(z), -1), z):
        if way is not None:
            yield _found(trained, x, way)
        yield None


@torch.no_grad()
def _answers(trained: Trained, x: Tensor) -> tuple[float, float, Tensor, float]:
    flow = models.flow(trained.world, "spline")
    z, _ = flow(x)
    back = (flow.inverse(z)[0] - x).norm().item()
    return flow.log_prob(x).item(), log_density(DENSITIES[trained.world], x).item(), z[0], back


def _found(trained: Trained, x: Tensor, way: Search) -> Found:
    log_p, true, z, back = _answers(trained, x)
    with torch.no_grad():
        fakes = trained.generate(torch.randn(MANY, 2, generator=torch.Generator().manual_seed(0)))
    codes = distinct(way)
    blurred = log_density(drawn(fakes, BLUR), x).item()
    bound = density_of(trained.generate, codes)
    first, second = z.tolist()
    return Found(log_p, true, (first, second), back, way, blurred, bound, len(codes), _gap(trained, true))


def _gap(trained: Trained, log_p: float) -> bool:
    density = DENSITIES[trained.world]
    return log_p < log_density(density, density.means).max().item() + math.log(RARE)


def work(wish: Wish) -> Generator[tuple[str, str] | None, None, None]:
    """The film and the table, at the end; nothing that answers the question is revealed."""
    for found in asked(wish):
        yield None if found is None else (film(wish, found, revealed=False), table(wish, found))


def film(wish: Wish, found: Found, *, revealed: bool) -> str:
    """The searches; `revealed`, also where codes were found all over the plane."""
    told = note(wish.trained)
    return ask_pictures.film(wish.trained, (wish.x, wish.y), found.way, found.flow_z, told, revealed=revealed)


def note(trained: Trained) -> str:
    """Which generator this is, and how much of the noise it folds."""
    modes = f", {trained.modes} modes covered" if trained.modes is not None else ""
    return (
        f"A generator {trained.name}, seed {trained.seed}: energy distance {trained.energy:.3f}{modes}. At "
        f"{trained.folded:.0%} of the noise its determinant has the other sign: there it folds. It and the map of how "
        f"near a code was found were recorded by {COMMAND} generators."
    )


def table(wish: Wish, found: Found) -> str:
    """What both answer, as Markdown."""
    k = found.way.best
    off, z = found.way.off[-1, k].item(), found.way.z[-1, k]
    rows = [
        f"At ({plain(wish.x)}, {plain(wish.y)})",
        "",
        "| | flow | GAN |",
        "|---|---|---|",
        f"| log p, in nats | **{plain(found.flow_log_p)}**; of the data itself {plain(found.true_log_p)} | no answer |",
        f"| code of the point | in one pass, {size(found.back)} off after the way back | {_searched(found, off)} |",
        f"| ‖z‖; noise that is as far out | {_out(torch.tensor(found.flow_z))} | {_out(z)} |",
        f"| what could stand in | | {_stand_in(found)} |",
    ]
    return "\n".join(rows)


def _searched(found: Found, off: float) -> str:
    arrived = int((found.way.off[-1] <= FOUND).sum())
    return (
        f"{STARTS} searches of {len(found.way.off) - 1} steps: {arrived} found one; the nearest fake is {size(off)} off"
    )


def _out(z: Tensor) -> str:
    share = beyond(z).item()
    return (
        f"{plain(z.norm().item())}; {share:.1%}"
        if share >= 1e-3
        else f"{plain(z.norm().item())}; {scientific(-z.square().sum().item() / 2)}"
    )


def _stand_in(found: Found) -> str:
    kernel = f"{MANY:,} fakes blurred by {BLUR:g}: {plain(found.blurred)}"
    if not found.codes:
        return f"{kernel}; no code found, so no change of variables"
    many = "code" if found.codes == 1 else "different codes"
    return f"{kernel}; the {found.codes} {many} found: at least {plain(math.log(found.bound))}"


def verdict(answer: Any, found: Found) -> str:
    """What is said to a visitor's answer, once there is one."""
    if answer is None:
        return ""
    chosen = limits.choice("Your answer", answer, ANSWERS)
    if not found.gap:
        return f"You said: {chosen}. The point that is marked is among the data: click one in a gap."
    return f"You said: {chosen}. Of the point that is marked: {kind(found)}."


def kind(found: Found) -> str:
    """Which of the answers is the right one."""
    k = found.way.best
    if found.way.off[-1, k].item() > FOUND:
        return NOT
    near = found.way.z[-1][found.way.off[-1] <= FOUND]  # an ordinary code may be among them
    return FAR if beyond(near).max().item() < RARE else ORDINARY


def lab(page: gr.Blocks) -> None:
    """The question, the pictures and the controls; without the record, a sentence that says how to get it back."""
    try:
        first = check(**DEFAULTS)
        models.flow(first.trained.world, "spline")
    except (measurements.MeasurementsError, weights.WeightsError) as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    answer = gr.Radio(list(ANSWERS), label=QUESTION, elem_id="ask-answer")
    said = gr.Markdown("Say so, and click such a point.", elem_id="ask-said")
    pictures = player.player(lambda: work(first), elem_id="ask")
    table_shown = gr.Markdown(elem_id="ask-table")
    player.tells(pictures, table_shown)
    settings, buttons = controls()
    values = list(settings.values())

    def show(request: gr.Request, *chosen: Any) -> Iterator[tuple[str, str, Any]]:
        *settled, guess = chosen
        wish = check(*settled)
        for found in limits.run(request, asked(wish), "ask"):
            clip = film(wish, found, revealed=guess is not None)
            yield clip, table(wish, found), verdict(guess, found) or gr.skip()

    def pick(event: gr.EventData) -> tuple[float, float]:
        x, y, _ = worlds.place(event, ask_pictures.FRAMES)
        return round(x, 2), round(y, 2)

    outputs, write = [pictures, table_shown, said], links.write("ask", settings)
    latest: dict[str, Any] = QUIET | {"trigger_mode": "always_last"}
    inputs = [*values, answer]
    gr.on([wiring.moved(settings["which"]), buttons["run"].click], show, inputs, outputs, js=write, **latest)
    pictures.click(pick, None, [settings["x"], settings["y"]], **latest).success(show, inputs, outputs, **latest)
    wiring.link(page, "ask", settings, buttons, check)


def controls() -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings in the order in which `check` takes them, and the buttons."""
    with gr.Row():
        which = gr.Dropdown(
            list(GENERATORS), value=DEFAULTS["which"], label="Generator", elem_id="ask-which", min_width=240
        )
        x = gr.Number(DEFAULTS["x"], label="x₁", step=0.1, elem_id="ask-x", min_width=80)
        y = gr.Number(DEFAULTS["y"], label="x₂", step=0.1, elem_id="ask-y", min_width=80)
        seed = gr.Number(DEFAULTS["seed"], label="Seed of the starts", precision=0, elem_id="ask-seed", min_width=80)
    with gr.Row():
        run = gr.Button("Ask, and search", variant="primary", elem_id="ask-run", min_width=140)
        copy = gr.Button("Copy link", elem_id="copy-ask", min_width=100)
    return {"which": which, "x": x, "y": y, "seed": seed}, {"run": run, "copy": copy}
