"""The lab "who learns faster?": accuracy against examples, with labels and without, for both kinds of models."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import gradio as gr
import numpy as np

from apps import limits, player
from apps.tabs.two_kinds import missing, recorded
from tutorial import measurements
from tutorial.data.digits import DataError
from tutorial.two_kinds import learning_curves
from tutorial.two_kinds.learning_curves import (
    AMOUNTS,
    CONTENDERS,
    FEW,
    LOGISTIC,
    MIXTURE,
    NAIVE,
    OWN,
    REPEATS,
    SIZES,
    Band,
    Result,
    bands,
    leads,
)

PAIRS = {f"{first} and {second}": (first, second) for first, second in learning_curves.PAIRS}
COLOURS = {NAIVE: "generated", OWN: "noise", MIXTURE: "generated", LOGISTIC: "field"}
FRAME = 0.25
"""Seconds between two pictures of a measurement."""
NONE_AT = 10
"""Where "no example without a label" stands on a logarithmic axis."""
Bands = Mapping[str, Sequence[Band]]
DEFAULTS: dict[str, Any] = {"pair": "0 and 1", "repeats": REPEATS, "seed": 0}


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked."""

    pair: str
    repeats: int
    seed: int


def check(pair: Any, repeats: Any, seed: Any) -> Wish:
    """Raises gr.Error for the first value that is not as it should be."""
    return Wish(
        limits.choice("The pair", pair, tuple(PAIRS)),
        limits.whole("The repeats", repeats, 2, REPEATS),
        limits.whole("The seed", seed, 0, 2**31 - 1),
    )


@dataclass(frozen=True)
class Found:
    """What was measured: accuracy with labels, the lead of the generative side there, and accuracy without labels."""

    labelled: Bands
    lead: Sequence[Band]
    unlabelled: Bands


def work(wish: Wish) -> Generator[tuple[str, Found] | None, None, None]:
    """Measures repeat after repeat: (how far, what was found so far), now and then and at the end."""
    data = learning_curves.pair(*PAIRS[wish.pair])
    yield None
    labelled: list[Result] = []
    more: list[Result] = []
    shown = time.monotonic()
    for repeat in range(wish.repeats):
        for result in learning_curves.with_labels(data, repeats=[repeat], seed=wish.seed):
            labelled.append(result)
            yield None
        for result in learning_curves.without_labels(data, repeats=[repeat], seed=wish.seed):
            if result is not None:
                more.append(result)
            yield None
        if time.monotonic() - shown > FRAME and repeat + 1 < wish.repeats:
            yield f"{wish.pair}: {repeat + 1} of {wish.repeats} repeats done", found(labelled, more)
            shown = time.monotonic()
    yield f"{wish.pair}: {wish.repeats} repeats, measured just now", found(labelled, more)


def found(labelled: Sequence[Result], more: Sequence[Result]) -> Found:
    """The bands over the repeats so far."""
    return Found(
        {name: bands(labelled, name) for name in CONTENDERS},
        leads(labelled, NAIVE, LOGISTIC),
        {name: bands(more, name) for name in (MIXTURE, LOGISTIC)},
    )


def recordings() -> dict[str, str]:
    """The picture of what was measured ahead for each pair. Raises MeasurementsError if it is missing or damaged."""
    content = measurements.load("two_kinds", needs=("learning", "repeats"))
    try:
        return {
            pair: picture(
                Found(
                    {name: _bands(rows) for name, rows in content["learning"][pair]["labelled"].items()},
                    _bands(content["learning"][pair]["lead"]),
                    {name: _bands(rows) for name, rows in content["learning"][pair]["unlabelled"].items()},
                ),
                f"{pair}: {content['repeats']} repeats, recorded by {content['command']}. “Measure again” does it.",
            )
            for pair in PAIRS
        }
    except (KeyError, TypeError) as error:
        raise measurements.MeasurementsError(
            f"The measurement of who learns faster is damaged. Make it again: `{content['command']}`"
        ) from error


def _bands(rows: Sequence[Mapping[str, Any]]) -> list[Band]:
    return [Band(**row) for row in rows]


def picture(what: Found, note: str) -> str:
    """Accuracy with labels, the lead, and accuracy without labels, as the player takes them."""
    sizes: player.Axis = (SIZES[0] / 1.2, SIZES[-1] * 1.2, "labelled examples", "log")
    amounts: player.Axis = (NONE_AT / 1.2, AMOUNTS[-1] * 1.2, "examples without a label; leftmost, none", "log")
    lowest = min(band.low for rows in (*what.labelled.values(), *what.unlabelled.values()) for band in rows)
    accuracy: player.Axis = (min(lowest, 0.5) - 0.02, 1.01, "")
    apart = max(abs(end) for band in what.lead for end in (band.low, band.high))
    panels = [
        player.panel(_curves(what.labelled), title="share of test digits told right", x=sizes, y=accuracy),
        player.panel(
            [
                player.curve(np.array(sizes[:2]), np.zeros(2), "exact", "neither is ahead", dashed=True),
                *band_layers(what.lead, "boundary", f"lead of {NAIVE}"),
            ],
            title="on the same examples, who is ahead",
            x=sizes,
            y=(-1.1 * apart, 1.1 * apart, ""),
        ),
        player.panel(
            _curves(what.unlabelled), title=f"{FEW} labelled, and more without a label", x=amounts, y=accuracy
        ),
    ]
    return player.clip(panels, note=f"{note} Lines are medians; dashed, the middle 80 % of the repeats.")


def _curves(of: Bands) -> list[player.Layer]:
    return [layer for name, rows in of.items() for layer in band_layers(rows, COLOURS[name], name)]


def band_layers(rows: Sequence[Band], colour: str, name: str) -> list[player.Layer]:
    """The ends of a band, dashed, and its median, all under one name."""
    x = np.array([max(band.examples, NONE_AT if band.examples == 0 else 0) for band in rows], dtype=float)
    low, median, high = (np.array([getattr(band, end) for band in rows]) for end in ("low", "median", "high"))
    ends = [player.curve(x, values, colour, name, dashed=True) for values in (low, high)]
    return [*ends, player.curve(x, median, colour, name)]


def who_learns_faster(
    request: gr.Request,
    pair: str = DEFAULTS["pair"],
    repeats: int = 5,
    seed: int = DEFAULTS["seed"],
):
    """Accuracy of naive Bayes (variances shared by the classes, or per class) and of logistic regression (next to no
    penalty) against labelled examples, and of a Gaussian per class (by EM) against examples without a label. Yields
    (progress, numbers so far).

    pair one of 0 and 1, 3 and 5, 4 and 9; repeats 2–30. numbers: labelled and unlabelled by model, and lead, each a
    list of {examples, low, median, high}, where low to high is the middle 80 % of the repeats.
    """
    for text, what in limits.run(request, missing.told(work(check(pair, repeats, seed)))):
        yield text, asdict(what)


who_learns_faster.__annotations__["return"] = tuple[str, dict[str, Any]]


def lab(page: gr.Blocks) -> None:
    """The lab's pictures and controls; it opens with what was recorded, and shows that of each pair that is chosen."""
    gr.api(who_learns_faster, api_name="who_learns_faster")
    try:
        films = recordings()
    except (measurements.MeasurementsError, DataError) as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    film = player.player(films[DEFAULTS["pair"]], elem_id="learners")
    settings, buttons = controls()

    def measured(request: gr.Request, *chosen: Any) -> Generator[Any, None, None]:
        text, what = "", None
        for text, what in limits.run(request, missing.told(work(check(*chosen))), "learners"):
            yield picture(what, f"{text}.")
        if what is not None and text.endswith("done"):
            yield picture(what, f"{text}, then stopped.")

    recorded.connect(page, "learners", measured, films, settings, [film], buttons, check)


def controls() -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings in the order in which `check` takes them, and the buttons."""
    with gr.Row():
        pair = gr.Radio(list(PAIRS), value=DEFAULTS["pair"], label="Tell apart", elem_id="learners-pair", min_width=260)
    buttons = recorded.buttons("learners")
    with gr.Accordion("More", open=False), gr.Row():
        repeats = gr.Slider(2, REPEATS, DEFAULTS["repeats"], step=1, label="Repeats", elem_id="learners-repeats")
        seed = gr.Number(DEFAULTS["seed"], label="Seed: which examples", precision=0, elem_id="learners-seed")
    return {"pair": pair, "repeats": repeats, "seed": seed}, buttons
