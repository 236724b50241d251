"""The lab "vanishing gradients": G is held, D learns on, and what each loss would teach G is measured."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from apps import limits, player, questions, wiring
from apps.quantities import size
from apps.tabs.gan import data, vanishing_pictures
from tutorial import measurements
from tutorial.gans.game import Setup
from tutorial.gans.gradients import GONE, Look, gone, watched
from tutorial.gans.losses import LOSSES
from tutorial.gans.worlds import WORLDS
from tutorial.training.gan_collapse import COMMAND, gradients

SEEDS = 5
TURNS = (0, 100, 1000, 3000)
WIDTHS = (8, 16, 32, 64)
STEPS = (300, 1000, 2000)
DEFAULTS: dict[str, Any] = {"world": "eight Gaussians", "turns": 0, "width": 16, "steps": 1000, "seed": 0}
QUESTION = "D learns on against a held G. Whose gradient is gone first?"
HINT = f"Say whose, and all four are drawn. Gone is what stays below {GONE:.0%} of its largest."


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked."""

    world: str
    turns: int
    width: int
    steps: int
    seed: int


def check(world: Any, turns: Any, width: Any, steps: Any, seed: Any) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    return Wish(
        limits.choice("The data", world, tuple(WORLDS)),
        limits.whole("The number of turns that G played", turns, 0, max(TURNS)),
        limits.whole("D’s width", width, 2, max(WIDTHS)),
        limits.whole("The number of D’s updates", steps, 10, max(STEPS)),
        limits.whole("The first seed", seed, 0, 2**31 - SEEDS),
    )


def measured(wish: Wish) -> Generator[tuple[list[Look], float] | None, None, None]:
    """Plays, holds G, and yields the looks so far and the seconds of computing; None between them."""
    draw, begun, seconds = data.draw(wish.world), time.monotonic(), 0.0
    setup = Setup(discriminator=(wish.width, wish.width))
    looks: list[Look] = []
    for look in watched(draw, setup, range(wish.seed, wish.seed + SEEDS), wish.turns, wish.steps):
        seconds += time.monotonic() - begun
        if look is not None:
            looks.append(look)
        yield None if look is None else (looks, seconds)
        begun = time.monotonic()


def work(wish: Wish) -> Generator[tuple[str, str] | None, None, None]:
    """A line on how far it is and the picture so far, after each look."""
    for found in measured(wish):
        if found is None:
            yield None
            continue
        looks, seconds = found
        over = looks[-1].step == wish.steps
        yield (
            (f"{told(wish, looks)} {seconds:.1f} s of computing." if over else _so_far(wish, looks)),
            vanishing_pictures.film(looks, wish.steps),
        )


def _so_far(wish: Wish, looks: Sequence[Look]) -> str:
    return f"{looks[-1].step:,} of {wish.steps:,} updates of D"


def told(wish: Wish, looks: Sequence[Look]) -> str:
    """What came out."""
    first, last = vanishing_pictures.perfect(looks), looks[-1]
    best = max(look.accuracy.median().item() for look in looks)
    moment = (
        f"After {first.step:,} updates D is right on {first.accuracy.median():.2%} of unseen points"
        if first is not None
        else f"D is never right on more than {best:.2%} of unseen points"
    )
    norms = ", ".join(f"{loss} {size(last.norms[loss].median().item())}" for loss in LOSSES)
    held = f"{wish.world}, G held after {wish.turns:,} turns"
    return f"{held}. {moment}. {faded(looks)} ‖∇G‖ after {last.step:,}, median of {SEEDS} seeds: {norms}."


def faded(looks: Sequence[Look]) -> str:
    """Which gradients were gone, and when."""
    ends = {loss: step for loss in LOSSES if (step := gone(looks, loss)) is not None}
    fallen = [f"{loss} from update {step:,} on" for loss, step in sorted(ends.items(), key=lambda end: end[1])]
    if len(fallen) < len(LOSSES):
        fallen.append(f"{'no other' if fallen else 'none'} within {looks[-1].step:,}")
    return f"Gradients below {GONE:.0%} of their largest: {', '.join(fallen)}."


def verdict(answer: str, wish: Wish, looks: Sequence[Look]) -> str:
    """What is said to a visitor's answer, and what can be tried then."""
    return f"You said: {answer}. What came out of the recorded run: {told(wish, looks)}\n\n{remedies(looks)}"


def remedies(looks: Sequence[Look]) -> str:
    """What helps, here."""
    last = looks[-1]
    small, large = (last.norms[loss].median().item() for loss in ("minimax", "non-saturating"))
    return (
        f"*Two remedies.* Another loss: against the same D, after {last.step:,} updates, the non-saturating gradient "
        f"is {size(large)} where the minimax one is {size(small)}; see its curve. Or a D that cannot be sure: set "
        f"“Turns that G played” to {TURNS[2]} or more, so that G’s fakes lie among the data, and press “Train D”."
    )


def opening() -> tuple[str, Wish, list[Look]]:
    """What the lab shows at first, and what was recorded. Raises measurements.MeasurementsError if the record is
    missing or damaged."""
    wish, looks = check(**DEFAULTS), gradients()
    return vanishing_pictures.film(looks, wish.steps, whole=False, note=recorded(wish)), wish, looks


def recorded(wish: Wish) -> str:
    """The note under what was recorded."""
    return f"{wish.world}, G held after {wish.turns:,} turns: a recorded run, made by {COMMAND}."


def gan_gradients(
    request: gr.Request,
    world: str = DEFAULTS["world"],
    turns: int = DEFAULTS["turns"],
    width: int = DEFAULTS["width"],
    steps: int = DEFAULTS["steps"],
    seed: int = DEFAULTS["seed"],
):
    """Holds a generator and trains discriminators on. Yields (progress, looks so far).

    world as in /gan_wall, turns that G played before 0–3000, width of D's two layers 2–64, steps of D 10–2000. A look
    has step, accuracy of D and, for each loss, the norm of G's gradient and the noise of a batch's, of five seeds.
    """
    wish = check(world, turns, width, steps, seed)
    for looks, _ in limits.run(request, measured(wish)):
        yield _so_far(wish, looks), [row(look) for look in looks]


gan_gradients.__annotations__["return"] = tuple[str, list[dict[str, Any]]]


def row(look: Look) -> dict[str, Any]:
    """A look for programs."""
    norms = {loss: norm.tolist() for loss, norm in look.norms.items()}
    noise = {loss: spread.tolist() for loss, spread in look.noise.items()}
    return {"step": look.step, "accuracy": look.accuracy.tolist(), "norms": norms, "noise": noise}


def lab(page: gr.Blocks) -> None:
    """The lab's picture and controls; without the record, a sentence that says how to get it back."""
    gr.api(gan_gradients, api_name="gan_gradients")
    try:
        first, wish, looks = opening()
    except measurements.MeasurementsError as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    chart = player.player(first, elem_id="vanishing")
    answer, said = questions.pose("vanishing", QUESTION, LOSSES, HINT)
    settings, buttons = controls()

    def show(chosen: str) -> tuple[str, str]:
        return verdict(chosen, wish, looks), vanishing_pictures.film(looks, wish.steps, note=recorded(wish))

    questions.reveal(answer, LOSSES, show, [said, chart])
    train = wiring.as_it_goes(work, check, "vanishing")
    wiring.connect(page, "vanishing", train, settings, [said, chart], buttons, check)


def controls() -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings in the order in which `check` takes them, and the buttons."""
    with gr.Row():
        world = gr.Dropdown(
            list(WORLDS), value=DEFAULTS["world"], label="Data", elem_id="vanishing-world", min_width=150
        )
        turns = gr.Dropdown(
            list(TURNS), value=DEFAULTS["turns"], label="Turns that G played", elem_id="vanishing-turns", min_width=150
        )
        width = gr.Dropdown(
            list(WIDTHS), value=DEFAULTS["width"], label="Width of D", elem_id="vanishing-width", min_width=120
        )
        steps = gr.Dropdown(
            list(STEPS), value=DEFAULTS["steps"], label="Updates of D", elem_id="vanishing-steps", min_width=120
        )
    buttons = wiring.button_row("vanishing", "Train D", "train")
    with gr.Accordion("More: seed", open=False), gr.Row():
        seed = gr.Number(DEFAULTS["seed"], label="First of five seeds", precision=0, elem_id="vanishing-seed")
    return {"world": world, "turns": turns, "width": width, "steps": steps, "seed": seed}, buttons
