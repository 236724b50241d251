"""The lab "mode collapse": a game that collapses, a guess how often that happens, and what helps, over thirty seeds."""

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from apps import limits, player, wiring
from apps.tabs.gan import collapse_pictures, published
from apps.wiring import QUIET
from tutorial import measurements
from tutorial.gans.rates import Frame
from tutorial.gans.remedies import NONE, REMEDIES, TWO_SCALES, remedied
from tutorial.gans.worlds import MODES
from tutorial.training.gan_collapse import (
    COMMAND,
    HOPS_FRAMES,
    HOPS_SEED,
    RULES,
    SETUP,
    TURNS,
    WORLD,
    Row,
    crowd,
    hops,
    rate,
    rows,
)

NINE = 9
FRESH = 1000
"""First of the seeds of a row that is played here: none of those recorded."""
DEFAULTS: dict[str, Any] = {"remedy": NONE, "seed": HOPS_SEED}
Fresh = dict[tuple[str, str], Row]
"""What a visitor had played, by world and remedy."""


@dataclass(frozen=True)
class Wish:
    """A game to watch, every value checked."""

    remedy: str
    seed: int


@dataclass(frozen=True)
class RowWish:
    """A row of the table to play, every value checked."""

    world: str
    remedy: str
    seed: int


def check(remedy: Any, seed: Any) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    return Wish(
        limits.choice("The remedy", remedy, tuple(REMEDIES)),
        limits.whole("The seed", seed, 0, 2**31 - 1),
    )


def check_row(world: Any, remedy: Any, seed: Any) -> RowWish:
    """The same for a row of the table."""
    return RowWish(
        limits.choice("The data", world, tuple(MODES)),
        limits.choice("The remedy", remedy, tuple(REMEDIES)),
        limits.whole("The first seed", seed, 0, 2**31 - NINE),
    )


def played(wish: Wish) -> Generator[list[Frame] | None, None, None]:
    """Yields the frames so far, now and then and at the end, and None between."""
    frames: list[Frame] = []
    shown = time.monotonic()
    for frame in crowd(WORLD, wish.remedy, [wish.seed]).play(collapse_pictures.TURNS, HOPS_FRAMES):
        if frame is not None:
            frames.append(frame)
            if not frame.sound.all():
                raise limits.refuse(
                    "The numbers have run out of bounds. Choose another seed or remedy, and play again."
                )
        due = frame is not None and (len(frames) > HOPS_FRAMES or time.monotonic() - shown >= wiring.FRAME)
        yield frames if due else None
        if due:
            shown = time.monotonic()


def work(wish: Wish) -> Generator[tuple[list[Frame], str] | None, None, None]:
    """The frames so far and the picture of the last, now and then."""
    for frames in played(wish):
        yield None if frames is None else (frames, collapse_pictures.film(frames, whole=False))


def told(wish: Wish, frames: list[Frame]) -> str:
    """What the game came to."""
    last = frames[-1]
    most = max(int(frame.modes[0]) for frame in frames)
    return (
        f"Seed {wish.seed}, remedy: {wish.remedy}. After {last.turns:,} turns the fakes cover {int(last.modes[0])} of "
        f"{len(MODES[WORLD].means)} modes, {last.high_quality[0]:.0%} of them within 3σ of one; at no look more than "
        f"{most}."
    )


def fresh(wish: RowWish) -> Generator[int | Row | None, None, None]:
    """Plays a row from nine seeds: yields the turns played, now and then, and the row at the end."""
    shown = time.monotonic()
    for part in rate(wish.world, wish.remedy, range(wish.seed, wish.seed + NINE)):
        due = isinstance(part, Row) or time.monotonic() - shown >= wiring.FRAME
        yield part if due else None
        if due:
            shown = time.monotonic()


def answer(guess: Any, recorded: list[Row]) -> str:
    """What is said to a visitor's guess of how many seeds cover all modes."""
    row = next(row for row in recorded if (row.world, row.remedy) == (WORLD, NONE))
    n, k = len(row.modes), len(MODES[WORLD].means)
    number = limits.whole("Your guess", guess, 0, n)
    return (
        f"You said {number}. **{row.all_covered} of {n}** seeds cover all {k} modes after {TURNS:,} turns; recorded by "
        f"{COMMAND}, G’s learning rate {RULES.rate_g:g}, D’s {RULES.rate_d:g}."
    )


def opening() -> tuple[str, str]:
    """What the lab shows at first. Raises measurements.MeasurementsError if the film is missing or damaged."""
    frames = hops()
    note = f"{told(check(**DEFAULTS), frames)} A recorded game, made by {COMMAND}; “Play it” plays one of yours."
    return note, collapse_pictures.film(frames, whole=True)


def lab(page: gr.Blocks) -> None:
    """The lab's pictures and controls; without the record, a sentence that says how to get it back."""
    try:
        (note, first), recorded = opening(), rows()
    except measurements.MeasurementsError as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    film = player.player(first, elem_id="collapse")
    said = gr.Markdown(note, elem_id="collapse-said")
    settings, buttons = controls()

    play = wiring.growing(
        work,
        lambda frames: f"{frames[-1].turns:,} of {collapse_pictures.TURNS:,} turns",
        lambda wish, frames: (told(wish, frames), collapse_pictures.film(frames, whole=True)),
        check,
        "collapse",
    )
    wiring.connect(page, "collapse", play, settings, [said, film], buttons, check)
    question(recorded)
    published.show()


def controls() -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings of the film in the order in which `check` takes them, and its buttons."""
    with gr.Row():
        remedy = gr.Dropdown(list(REMEDIES), value=DEFAULTS["remedy"], label="Remedy", elem_id="collapse-remedy")
        seed = gr.Number(DEFAULTS["seed"], label="Seed", precision=0, elem_id="collapse-seed", min_width=100)
    return {"remedy": remedy, "seed": seed}, wiring.button_row("collapse", "Play it", "play")


def question(recorded: list[Row]) -> None:
    """A guess, and after it the recorded table, of which a row can be played from fresh seeds."""
    n = len(recorded[0].modes)
    gr.Markdown(f"**First a guess.** The same game from {n} seeds: how many cover all eight modes in the end?")
    guess = gr.Slider(0, n, n // 2, step=1, label="Seeds that cover all eight", elem_id="collapse-guess")
    reveal = gr.Button("Show what happened", variant="primary", elem_id="collapse-reveal", min_width=160)
    with gr.Column(visible=False) as hidden:
        answered = gr.Markdown(elem_id="collapse-answer")
        first = next(row for row in recorded if (row.world, row.remedy) == (WORLD, NONE))
        player.player(collapse_pictures.histogram(first), elem_id="collapse-histogram")
        table(recorded)

    def tell(value: Any) -> tuple[str, Any]:
        return answer(value, recorded), gr.Column(visible=True)

    reveal.click(tell, guess, [answered, hidden], **QUIET)


def table(recorded: list[Row]) -> None:
    """The recorded rows of one world, and a row played here beside them."""
    mine = gr.State({})
    world = gr.Radio(list(MODES), value=WORLD, label="Data", elem_id="rates-world")
    shown = gr.Markdown(collapse_pictures.table(WORLD, recorded, {}), elem_id="rates-table")
    gr.Markdown(
        f"Recorded by {COMMAND}: {len(recorded[0].modes)} seeds a row, {TURNS:,} turns, mean ± standard deviation over "
        f"the seeds; {NINE} fresh seeds are played on this machine.\n\n{collapse_pictures.explained()}\n\n{haste()}"
    )
    with gr.Row():
        remedy = gr.Dropdown(list(REMEDIES), value=NONE, label="Row", elem_id="rates-remedy", min_width=140)
        seed = gr.Number(FRESH, label="First of nine seeds", precision=0, elem_id="rates-seed", min_width=120)
        run = gr.Button("Play nine fresh seeds", variant="primary", elem_id="rates-play", min_width=150)
        stop = gr.Button("Stop", elem_id="rates-stop", min_width=80)
    said = gr.Markdown(elem_id="rates-said")

    def play(request: gr.Request, before: Fresh, world: Any, remedy: Any, seed: Any) -> Iterator[tuple[str, Any, Any]]:
        wish, part = check_row(world, remedy, seed), None
        yield "Playing …", gr.skip(), gr.skip()
        for part in limits.run(request, fresh(wish), "rates"):
            if isinstance(part, int):
                yield f"{part:,} of {TURNS:,} turns", gr.skip(), gr.skip()
        if not isinstance(part, Row):
            yield f"Stopped after {part or 0:,} turns.", gr.skip(), gr.skip()
            return
        after = before | {(wish.world, wish.remedy): part}
        text = (
            f"Seeds {wish.seed} to {wish.seed + NINE - 1}, {wish.world}, remedy: {wish.remedy}. Modes: {_listed(part)}."
        )
        yield text, collapse_pictures.table(wish.world, recorded, after), after

    def turn_to(world: Any, before: Fresh) -> str:
        return collapse_pictures.table(limits.choice("The data", world, tuple(MODES)), recorded, before)

    run.click(play, [mine, world, remedy, seed], [said, shown, mine], trigger_mode="once", **QUIET)
    stop.click(limits.stopper("rates"), queue=False, api_visibility="private")
    world.input(turn_to, [world, mine], shown, **QUIET)


def haste() -> str:
    """What two time scales do to the very haste that makes these games collapse."""
    _, slowed, _ = remedied(TWO_SCALES, SETUP, RULES)
    return (
        f"Here G’s learning rate is {RULES.rate_g / RULES.rate_d:g} times D’s, and that is why the games collapse. "
        f"With two time scales it is {slowed.rate_g / slowed.rate_d:g} times D’s: they take back the haste that is the "
        "cause. The row does not say what they do for a game that fails for another reason."
    )


def _listed(row: Row) -> str:
    return ", ".join(map(str, row.modes))
