"""The lab "draw a letter": what models of 0 and 1 say of whatever a visitor writes, and how strange they find it."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import gradio as gr
import numpy as np
import torch
from torch import Tensor

from apps import limits, links, player, quantities, wiring
from apps.tabs.two_kinds import missing, shown
from apps.wiring import QUIET
from tutorial.data.digits import CLASSES, DataError, digits
from tutorial.data.handwriting import written
from tutorial.two_kinds import kinds, novelty
from tutorial.two_kinds.novelty import CLASSIFIERS, LOST, Watch

SPACE = 50
"""Components in which the models look at what was written."""
DRAWN = links.OWN[0]
SUBJECTS = (DRAWN, *(f"a test digit {k}" for k in range(CLASSES)))
STROKES, POINTS = 40, 4000
"""Strokes, and points of all strokes together, that a visitor may draw."""
DOTS = 3000
"""Dots, about, that the longest drawing is shown with."""
STRANGE = 1000
"""Test digits from 2 to 9 that a histogram is of."""
BINS = 40
EDGE = 160
"""Grey of the paper's edge: white on a white page would not be seen."""
Strokes = tuple[tuple[tuple[float, float], ...], ...]
LATEST: dict[str, Any] = QUIET | {"trigger_mode": "always_last"}
DEFAULTS: dict[str, Any] = {"subject": "a test digit 8", "which": 0}


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked."""

    subject: str
    which: int
    strokes: Strokes


def check(subject: Any, which: Any, strokes: Any = ()) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    name = limits.choice("What is shown", subject, SUBJECTS)
    number = limits.whole("Which one", which, 0, 800)
    return Wish(name, number, checked(strokes) if name == DRAWN else ())


def checked(strokes: Any) -> Strokes:
    """Strokes as lists of pairs of numbers from 0 to 1. Raises gr.Error for anything else, and for too many."""
    if not isinstance(strokes, list | tuple) or not all(isinstance(stroke, list | tuple) for stroke in strokes):
        raise limits.refuse("The strokes must be a list of lists of points.")
    if len(strokes) > STROKES or sum(map(len, strokes)) > POINTS:
        raise limits.refuse(f"There may be at most {STROKES} strokes of {POINTS:,} points together. Press Clear.")
    return tuple(tuple(_point(pair) for pair in stroke) for stroke in strokes)


def _point(pair: Any) -> tuple[float, float]:
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        raise limits.refuse("Each point must be a pair of numbers.")
    x, y = (limits.number("A point's coordinate", value, 0, 1) for value in pair)
    return x, y


@cache
def watched() -> tuple[Watch, dict[str, tuple[Tensor, Tensor]]]:
    """The scores, and their values on all familiar and on `STRANGE` strange test digits.

    Raises DataError if a file is missing or damaged.
    """
    pictures, labels = digits("test")
    watch, familiar, strange = novelty.watch(SPACE), pictures[labels < 2], pictures[labels > 1][:STRANGE]
    return watch, {name: (watch.score(name, familiar), watch.score(name, strange)) for name in (kinds.MIXTURE, LOST)}


def subject(wish: Wish) -> Tensor | None:
    """What is to be looked at, (1, 1, 28, 28) uint8; nothing if nothing has been drawn yet."""
    if wish.subject == DRAWN:
        return written(wish.strokes) if any(wish.strokes) else None
    pictures, labels = digits("test")
    rows = (labels == SUBJECTS.index(wish.subject) - 1).nonzero().flatten()
    return pictures[rows[wish.which % len(rows)]][None]


@dataclass(frozen=True)
class Answer:
    """What is known of one picture."""

    one: dict[str, float]
    """p(y = 1 | x) by each of `CLASSIFIERS`."""
    log_odds: dict[str, float]
    """Of a one, by each of them, in nats; near the ends they say more than p can."""
    log_density: float
    """log p(x) of the mixtures, in nats."""
    lost: float
    """Ink² that the components cannot show."""
    stranger: dict[str, float]
    """Share of real zeros and ones that are less strange, by density and by what is lost."""


def ask(picture: Tensor) -> Answer:
    """What the models say of a picture (1, 1, 28, 28) uint8."""
    watch, known = watched()
    x = watch.components.project(picture)
    one = {name: kinds.discriminative(name, SPACE).probability(x).item() for name in CLASSIFIERS}
    log_odds = {name: kinds.discriminative(name, SPACE).decision(x).item() for name in CLASSIFIERS}
    density = kinds.generative(kinds.MIXTURE, SPACE).log_density(x).item()
    outside = novelty.lost(watch.components, picture).item()
    above = {kinds.MIXTURE: -density, LOST: outside}
    stranger = {name: (known[name][0] < value).double().mean().item() for name, value in above.items()}
    return Answer(one, log_odds, density, outside, stranger)


def told(answer: Answer) -> str:
    """The answer as a Markdown table."""
    rows = ["| who | says |", "|---|---|"]
    for name, log_odds in answer.log_odds.items():
        digit = int(log_odds > 0)
        rows.append(f"| {name} | {digit}, with p({digit} given x) = {quantities.chance(abs(log_odds))} |")
    density, lost = answer.stranger[kinds.MIXTURE], answer.stranger[LOST]
    likely = f"{answer.log_density:.0f}".replace("-", "−")
    rows.append(f"| {kinds.MIXTURE} | log p(x) = {likely} nats: stranger than {density:.1%} of real zeros and ones |")
    rows.append(f"| {LOST} | {answer.lost:.0f}: stranger than {lost:.1%} of them |")
    return "\n".join(rows)


def picture(wish: Wish) -> tuple[str, str]:
    """The paper, what the models see of it and how strange that is; and the answer as a table."""
    seen = subject(wish)
    panels = [paper(wish)]
    if seen is None:
        note = "Draw a letter, a face, a 0: with the pointer, or with arrow keys and Enter."
        return player.clip(panels, note=note), ""
    watch, known = watched()
    kept = watch.components.picture(watch.components.project(seen))
    answer, (familiar, strange) = ask(seen), known[kinds.MIXTURE]
    panels += [
        shown.digit(seen.float() / 255, "as MNIST has it"),
        shown.digit(kept, f"what {SPACE} components say of it"),
        histogram(-familiar, -strange, answer.log_density, "log p(x), nats"),
        histogram(*known[LOST], answer.lost, "lost by the components"),
    ]
    note = "Clear, and draw a letter." if wish.subject != DRAWN else "Go on drawing, or press Clear."
    return player.clip(panels, note=f"Log p(x) by a {kinds.MIXTURE}. {note}"), told(answer)


def paper(wish: Wish) -> player.Panel:
    """What one can draw on, with what was drawn."""
    sheet = np.full((1, 96, 96, 3), 255, np.uint8)
    sheet[:, [0, -1]] = sheet[:, :, [0, -1]] = EDGE
    layers = [player.image(sheet), player.points(ink(wish.strokes), "real", size=4, alpha=1)]
    return player.panel(layers, title="draw here", label="Paper to draw on", takes="points")


def ink(strokes: Strokes) -> np.ndarray:
    """Dots close together along the strokes: (1, N, 2)."""
    lengths = [np.hypot(*np.diff(stroke, axis=0).T) for stroke in strokes if len(stroke)]
    apart = max(0.01, sum(map(np.sum, lengths)) / DOTS)
    dots = [np.zeros((0, 2))]
    for stroke, steps in zip(filter(len, strokes), lengths, strict=True):
        along = np.concatenate([[0], steps.cumsum()])
        at = np.linspace(0, along[-1], 1 + math.ceil(along[-1] / apart))
        dots.append(np.stack([np.interp(at, along, axis) for axis in np.array(stroke).T], axis=1))
    return np.concatenate(dots)[None]


def histogram(familiar: Tensor, strange: Tensor, here: float, name: str) -> player.Panel:
    """How a score is spread over real digits, and where the picture is."""
    both = torch.cat([familiar, strange])
    low, high = (both.quantile(end).item() for end in (0.005, 0.995))
    low, high = min(low, here), max(high, here)
    room = 0.03 * (high - low)
    edges = np.linspace(low - room, high + room, BINS + 1)
    parts = (part.numpy().clip(edges[0], edges[-1]) for part in (familiar, strange))
    shares = [np.histogram(part, edges)[0] / len(part) for part in parts]
    top = 1.1 * max(share.max() for share in shares)
    layers = [
        player.curve(*_steps(edges, share), colour, label)
        for share, colour, label in zip(shares, ("real", "noise"), ("test 0 and 1", "test 2–9"), strict=True)
    ]
    layers.append(player.curve(np.full(2, here), np.array([0, top]), "generated", "this picture"))
    x: player.Axis = (edges[0], edges[-1], name)
    return player.panel(layers, title=f"{name}: share of digits", x=x, y=(0, top, ""), aspect=0.45)


def _steps(edges: np.ndarray, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The outline of a histogram."""
    return edges.repeat(2)[1:-1], shares.repeat(2)


def learned() -> Generator[None, None, None]:
    """Has what `ask` needs learned, with places to pause."""
    for name in CLASSIFIERS:
        kinds.discriminative(name, SPACE)
        yield None
    kinds.generative(kinds.MIXTURE, SPACE)
    yield None
    watched()
    yield None


def work(wish: Wish) -> Generator[tuple[str, str] | None, None, None]:
    """Picture and table, with places to pause while the models learn."""
    yield from learned()
    yield picture(wish)


def answered(seen: Tensor) -> Generator[dict[str, Any] | None, None, None]:
    """What `/score_drawing` answers of a picture (1, 1, 28, 28) uint8."""
    yield from learned()
    answer = ask(seen)
    yield {name: getattr(answer, name) for name in ("one", "log_density", "lost", "stranger")}


def score_drawing(request: gr.Request, strokes: list[list[list[float]]]):
    """What models of MNIST's 0 and 1 say of a drawing: strokes, each a list of points (x, y) from 0 to 1, y down.

    Yields one (p(y = 1 | x) by each classifier), log_density (nats), lost (what 50 principal components cannot show),
    and stranger: the share of real zeros and ones that are less strange by each of the last two.
    """
    wish = check(DRAWN, 0, strokes)
    seen = subject(wish)
    if seen is None:
        raise limits.refuse("Draw something first: a stroke of at least one point.")
    yield from limits.run(request, missing.told(answered(seen)))


score_drawing.__annotations__["return"] = dict[str, Any]


def stroke(strokes: list, event: gr.EventData) -> tuple[list, str]:
    """The handler of a stroke on the paper: all strokes so far. Raises gr.Error for bad ones, and for too many."""
    new = event._data.get("points") if isinstance(event._data, dict) else None
    both = [*strokes, new]
    return [[list(point) for point in one] for one in checked(both)], DRAWN


def lab(page: gr.Blocks) -> None:
    """The lab's pictures and controls; without its files, a sentence that says how to get them back."""
    gr.api(score_drawing, api_name="score_drawing")
    try:
        missing.checked()
    except DataError as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    film = player.player(lambda: work(check(**DEFAULTS)), elem_id="letter")
    with gr.Row():
        what = gr.Dropdown(
            list(SUBJECTS), value=DEFAULTS["subject"], label="Look at", elem_id="letter-subject", min_width=200
        )
        which = gr.Number(DEFAULTS["which"], label="Which one", precision=0, elem_id="letter-which", min_width=110)
    with gr.Row():
        again = gr.Button("Look", elem_id="letter-look", size="sm", min_width=80)
        clear = gr.Button("Clear", elem_id="clear-letter", size="sm", min_width=80)
        copy = gr.Button("Copy link", elem_id="copy-letter", size="sm", min_width=110)
    table = gr.Markdown(elem_id="letter-said")
    player.tells(film, table)
    settings, drawn = {"subject": what, "which": which}, gr.State([])

    def show(request: gr.Request, *chosen: Any) -> Iterator[tuple[str, str]]:
        yield from limits.run(request, missing.told(work(check(*chosen))), "letter")

    values: list[Any] = [*settings.values(), drawn]
    outputs, latest = [film, table], LATEST
    write = links.write("letter", settings)
    gr.on([wiring.moved(what), wiring.moved(which), again.click], show, values, outputs, js=write, **latest)
    film.input(stroke, drawn, [drawn, what], **QUIET).success(show, values, outputs, **latest)
    clear.click(lambda: ([], DRAWN), None, [drawn, what], **QUIET).success(show, values, outputs, **latest)
    wiring.link(page, "letter", settings, {"run": again, "copy": copy}, check)
