"""The lab "race": one click, and all six families draw 64 digits at the same time, in fair turns."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import gradio as gr
import torch
from torch import Tensor

from apps import limits, models, pictures, player, wiring
from apps.tabs.closing import contenders, race_work, tables
from apps.tabs.closing.contenders import NAMES
from apps.tabs.closing.race_pictures import film, present, recorded_film, table
from apps.tabs.closing.race_work import Race, Runner
from tutorial import measurements, weights
from tutorial.data.digits import CLASSES, DataError
from tutorial.training.contest_recorded import board

ALL = "0 to 9 in turn"
DIGITS = (ALL, *map(str, range(CLASSES)))
MANY, COLUMNS = 64, 8
DEFAULTS: dict[str, Any] = {"digit": ALL, "seed": 0}
REFUSED = (weights.WeightsError, measurements.MeasurementsError, DataError)


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked."""

    digit: str
    seed: int

    def classes(self, n: int = MANY) -> Tensor:
        """What each of n pictures is to be: (n,)."""
        return torch.arange(n) % CLASSES if self.digit == ALL else torch.full((n,), int(self.digit))


def check(digit: Any, seed: Any) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    return Wish(limits.choice("The digit", digit, DIGITS), limits.whole("The seed", seed, 0, 2**31 - 1 - MANY))


def work(wish: Wish) -> Generator[tuple[str, str, str] | None, None, None]:
    """Races, and yields what is told, the sheets as they are and the table, every `wiring.FRAME` seconds and at the
    end; None in between."""
    race = race_work.start(wish.classes(), wish.seed)
    shown = 0.0
    for _ in race_work.run(race):
        if time.monotonic() - shown < wiring.FRAME:
            yield None
            continue
        yield told(race), present(race, COLUMNS), table(race)
        shown = time.monotonic()
    accuracy = yield from read(race)
    for clip in film(race, COLUMNS):
        yield None if clip is None else (told(race), clip, table(race, accuracy))


def told(race: Race) -> str:
    """How far all are, in a line."""
    there = [one for one in race.runners if one.over]
    if race.over:
        first, last = (pick(race.runners, key=_seconds) for pick in (min, max))
        return (
            f"All are there, after {race.seconds:.1f} s of computing. The {first.model.label} needed "
            f"{first.seconds:.3f} s, the {last.model.label} {last.seconds / first.seconds:,.0f} times as long. The "
            "film goes through the seconds of each family’s own."
        )
    return f"{len(there)} of {len(race.runners)} are there; {race.seconds:.1f} s of computing, in fair turns"


def _seconds(one: Runner) -> float:
    return one.seconds


def read(race: Race) -> Generator[None, None, dict[str, float]]:
    """Returns the share of each family's digits that the classifier reads as asked; None at places to pause."""
    found = {}
    for one in race.runners:
        found[one.name] = models.digit_judge().accuracy(one.picture, race.classes)
        yield None
    return found


def race(
    request: gr.Request,
    digit: str = DEFAULTS["digit"],
    seed: int = DEFAULTS["seed"],
    n: int = MANY,
    families: list[str] | None = None,
):
    """Has the families (vae, flow, pixel_cnn, gan, pixel_diffusion, latent_diffusion; all six if none are named) draw n
    digits, 1–64, in fair turns.

    digit 0–9 as a text, or "0 to 9 in turn". Yields (progress, rows), a row for each family: parameters, evaluations of
    its network that a picture takes, seconds of processor time so far, done; in the last also accuracy, the share that
    the digit classifier reads as asked, and sheet, the digits side by side as a PNG data URL.
    """
    wish, count = check(digit, seed), limits.whole("The number of digits", n, 1, MANY)
    if families is not None and not isinstance(families, list):
        raise limits.refuse("The families must be a list of names.")
    chosen = tuple(dict.fromkeys(limits.choice("A family", one, NAMES) for one in families or NAMES))

    def whole() -> Generator[tuple[str, list[dict[str, Any]]] | None, None, None]:
        there = race_work.start(wish.classes(count), wish.seed, chosen)
        shown = 0.0
        for _ in race_work.run(there):
            if time.monotonic() - shown < 5 * wiring.FRAME:
                yield None
                continue
            yield told(there), [race_work.numbers(one) for one in there.runners]
            shown = time.monotonic()
        accuracy = yield from read(there)
        rows = [
            race_work.numbers(one) | {"accuracy": accuracy[one.name], "sheet": pictures.png_url(one.sheet(count)[0])}
            for one in there.runners
        ]
        yield told(there), rows

    yield from limits.run(request, whole())


race.__annotations__["return"] = tuple[str, list[dict[str, Any]]]


def lab(page: gr.Blocks) -> None:
    """The lab's sheets, table and controls; without weights and record, a sentence that says how to get them back."""
    gr.api(race, api_name="race")
    try:
        contenders.all_there()
        models.digit_judge()
        first, beneath = recorded_film(board())
    except REFUSED as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    shown = player.player(first, elem_id="contest-race")
    settings, buttons = controls()
    said = gr.Markdown("One click, and all six draw 64 digits each.", elem_id="contest-race-said")
    numbers = tables.table(beneath, "contest-race-table", "The race in numbers")
    draw = wiring.as_it_goes(work, check, "contest-race", pictures=2)
    wiring.connect(page, "contest-race", draw, settings, [said, shown, numbers], buttons, check)


def controls() -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings in the order in which `check` takes them, and the buttons."""
    buttons = wiring.button_row("contest-race", f"Draw {MANY} each")
    with gr.Row():
        digit = gr.Dropdown(list(DIGITS), value=DEFAULTS["digit"], label="Which digit", elem_id="contest-race-digit")
        seed = gr.Number(DEFAULTS["seed"], label="Seed", precision=0, elem_id="contest-race-seed", min_width=100)
    return {"digit": digit, "seed": seed}, buttons
