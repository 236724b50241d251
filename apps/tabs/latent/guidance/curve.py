"""The lab "what guidance buys and costs": fidelity and diversity over the scale, recorded and measured again live."""

# No `from __future__ import annotations` here: gr.api reads the endpoint's types at run time.
import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from apps import limits, player, questions, wiring
from apps.tabs.latent.guidance import curve_pictures as pictures
from apps.tabs.latent.guidance.curve_words import arms_of, recorded, table, verdict
from apps.tabs.latent.guidance.strip import interval_controls
from apps.tabs.latent.guidance.strip_looks import T, check_interval
from apps.tabs.latent.studio import studio
from tutorial import measurements, weights
from tutorial.diffusion import latent
from tutorial.diffusion.guidance_measured import measured, of_drawings, topics
from tutorial.diffusion.guidance_study import Interval, evaluations, everywhere, times
from tutorial.training import guidance_curve
from tutorial.training.guidance_curve import Curve, Row

DEFAULTS: dict[str, Any] = {
    "scales": "0, 1, 2, 4, 8",
    "first": T,
    "last": 0,
    "prompts": 3,
    "each": 4,
    "steps": latent.STEPS,
}
MOST_SCALES, MOST_PICTURES = 16, 200
LONGEST = 200
"""Characters of a list of scales."""
QUESTION = "As the scale grows from 1 on, the pictures of one prompt become …"
ALIKE, UNLIKE, NEITHER = ANSWERS = ("more alike", "less alike", "neither")
HINT = "Say which, and the rest of what was measured is drawn."


@dataclass(frozen=True)
class Wish:
    """A visitor's settings, every value checked."""

    scales: tuple[float, ...]
    interval: Interval
    prompts: int
    each: int
    steps: int

    @property
    def arms(self) -> list[Interval]:
        """All steps and, if the interval is a smaller one, that too."""
        whole = everywhere(studio().model)
        return [whole] if self.interval == whole else [whole, self.interval]

    @property
    def points(self) -> list[tuple[Interval, float]]:
        """What is to be measured. At 0 and 1 nothing is exaggerated, but at 0 an interval leaves the words outside."""
        return [(arm, scale) for scale in self.scales for arm in self.arms if scale != 1 or arm == self.arms[0]]


def check(scales: Any, first: Any, last: Any, prompts: Any, each: Any, steps: Any) -> Wish:
    """Raises gr.Error for the first value that is not as it should be, and for more pictures than fit in a run."""
    wish = Wish(
        check_scales(scales),
        check_interval(first, last),
        limits.whole("The number of prompts", prompts, 2, 12),
        limits.whole("Pictures of each prompt", each, 2, 8),
        limits.whole("Steps", steps, 1, 50),
    )
    pictures_asked = wish.prompts * wish.each * len(wish.points)
    if pictures_asked * wish.steps > MOST_PICTURES * latent.STEPS:
        raise limits.refuse(
            f"That would be {pictures_asked} pictures of {wish.steps} steps; {MOST_PICTURES} of {latent.STEPS} are the "
            "most. Please choose fewer scales, prompts, pictures or steps."
        )
    return wish


def check_scales(text: Any) -> tuple[float, ...]:
    """Scales as one writes them, 0, 1, 2.5, in rising order without repeats; or a list of numbers."""
    parts = text if isinstance(text, list) else limits.text("The scales", text, LONGEST).split(",")
    if not 2 <= len(parts) <= MOST_SCALES:
        raise limits.refuse(f"Please give 2 to {MOST_SCALES} scales, with commas between them.")
    found = {limits.number("Each scale", _typed(part), 0, 15) for part in parts}
    if len(found) < 2:
        raise limits.refuse("Please give at least two different scales.")
    return tuple(sorted(found))


def _typed(part: Any) -> Any:
    if not isinstance(part, str):
        return part
    try:
        return float(part)
    except ValueError:
        return part  # to be refused


def rows(wish: Wish) -> Generator[Row | None, None, None]:
    """Each point when it is measured; None between."""
    shop, subjects = studio(), topics(wish.prompts)
    asked = times(shop.model, wish.steps)
    for interval, scale in wish.points:
        pieces = measured(shop.model, shop.reader, subjects, wish.each, scale, interval=interval, steps=wish.steps)
        for found in pieces:
            spent = evaluations(asked, scale, interval)
            yield None if found is None else Row(interval, scale, found, spent)


def work(wish: Wish) -> Generator[tuple[str, str] | None, None, None]:
    """A line on how far it is and the curves so far, after each point."""
    begun, found = time.monotonic(), []
    drawings = of_drawings(studio().reader, topics(wish.prompts), wish.each)
    yield None
    for row in rows(wish):
        if row is None:
            yield None
            continue
        found.append(row)
        curve = Curve(tuple(found), drawings, wish.each)
        over = len(found) == len(wish.points)
        line = f"{len(found)} of {len(wish.points)} points measured"
        note = f"{wish.prompts} prompts, {wish.each} pictures each: measured just now."
        said = f"{table(curve)}\n\n{time.monotonic() - begun:.1f} s." if over else line
        yield said, pictures.film(curve, wish.arms, note=note)


def opening(curve: Curve, *, whole: bool = False) -> str:
    """The recorded curve; before the answer, its fidelity only."""
    return pictures.film(curve, arms_of(curve), whole=whole, note=recorded(curve))


def curve_endpoint(
    request: gr.Request,
    scales: list[float],
    from_t: int = T,
    to_t: int = 0,
    prompts: int = DEFAULTS["prompts"],
    each: int = DEFAULTS["each"],
    steps: int = DEFAULTS["steps"],
):
    """Measures prompt fidelity and diversity at 2–16 scales, each 0–15. Yields (progress, points so far).

    Guided at to_t < t ≤ from_t and, if that is not everywhere, at all times too; prompts 2–12, each 2–8 pictures, steps
    1–50, together at most 4,000 steps of a picture. A point has from_t, to_t, scale, evaluations of the network a
    picture, and of every prompt fidelity (share of its attributes seen) and spread (mean distance of two pictures in
    the reader's features).
    """
    wish = check(scales, from_t, to_t, prompts, each, steps)
    try:
        studio()
    except weights.WeightsError as error:
        raise limits.refuse(str(error)) from error
    found = []
    for row in limits.run(request, rows(wish)):
        found.append(plain(row))
        yield f"{len(found)} of {len(wish.points)}", found


curve_endpoint.__annotations__["return"] = tuple[str, list[dict[str, Any]]]


def plain(row: Row) -> dict[str, Any]:
    """A point for programs."""
    numbers = {"fidelity": row.judged.fidelity.tolist(), "spread": row.judged.spread.tolist()}
    where = {"from_t": row.interval.first, "to_t": row.interval.last}
    return where | {"scale": row.scale, "evaluations": row.evaluations} | numbers


def lab(page: gr.Blocks) -> None:
    """The lab's curves and controls; without what it needs, a sentence that says how to get it back."""
    gr.api(curve_endpoint, api_name="guidance_curve")
    try:
        studio()
        curve = guidance_curve.curve()
    except (weights.WeightsError, measurements.MeasurementsError) as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    film = player.player(opening(curve), elem_id="tradeoff")
    answer, said = questions.pose("tradeoff", QUESTION, ANSWERS, HINT)
    settings, buttons = controls()

    def show(chosen: str) -> tuple[str, str]:
        return verdict(chosen, curve), opening(curve, whole=True)

    questions.reveal(answer, ANSWERS, show, [said, film])
    wiring.connect(page, "tradeoff", wiring.as_it_goes(work, check, "tradeoff"), settings, [said, film], buttons, check)


def controls() -> tuple[dict[str, Any], dict[str, gr.Button]]:
    """The settings in the order in which `check` takes them, and the buttons."""
    with gr.Row():
        scales = gr.Textbox(DEFAULTS["scales"], label="Scales", max_lines=1, elem_id="tradeoff-scales", min_width=150)
        first, last = interval_controls("tradeoff")
    buttons = wiring.button_row("tradeoff", "Measure", "measure")
    with gr.Accordion("More: prompts, pictures, steps", open=False), gr.Row():
        prompts = gr.Slider(2, 12, DEFAULTS["prompts"], step=1, label="Prompts", elem_id="tradeoff-prompts")
        each = gr.Slider(2, 8, DEFAULTS["each"], step=1, label="Pictures of each", elem_id="tradeoff-each")
        steps = gr.Slider(1, 50, DEFAULTS["steps"], step=1, label="Steps", elem_id="tradeoff-steps")
    asked = {"scales": scales, "first": first, "last": last, "prompts": prompts, "each": each, "steps": steps}
    return asked, buttons
